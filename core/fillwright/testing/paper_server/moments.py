"""Moments as the API writes and reads them: UTC, with nine digits after the second.

A clock here has six digits. The last three are the serial number of the order or execution that a
moment belongs to, so that what happened in one microsecond still has an order.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DIGITS = 9
#: Letters of a time to the microsecond, before its offset.
_CLOCK = 26
_WRITTEN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"([Tt ](?P<time>\d\d:\d\d:\d\d)([.,](?P<fraction>\d{1,9})\d*)?"
    r"([Zz]|(?P<offset>[+-]\d\d:\d\d))?)?",
    re.ASCII,
)


def nanoseconds(moment: datetime, serial: int = 0) -> int:
    """Nanoseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND * 1000 + serial % 1000


def written(moment: datetime, serial: int = 0, *, digits: str = "") -> str:
    """The moment in RFC 3339; in UTC it ends with Z. `digits` stand for the serial number."""
    text = moment.isoformat(timespec="microseconds")
    clock, offset = text[:_CLOCK], text[_CLOCK:]
    tail = digits or f"{serial % 1000:03d}"
    return f"{clock}{tail}{'Z' if offset == '+00:00' else offset}"


def read_moment(text: str) -> int:
    """Nanoseconds since 1970; a date alone is its midnight in UTC, as is a time without offset.

    Raises ValueError.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a time")
    clock = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00:00'}")
    moment = clock.replace(tzinfo=_zone(found["offset"]))
    fraction = (found["fraction"] or "").ljust(_DIGITS, "0")
    try:
        return nanoseconds(moment) + int(fraction)
    except OverflowError as fault:
        raise ValueError(f"{text[:40]!r} is out of range") from fault


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)
