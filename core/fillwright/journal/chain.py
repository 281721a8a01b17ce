"""The chain of records: how one is encoded, numbered, timed and sealed. Pure.

Rules:
1. `seq` is dense from 1; `epoch` and `at` (microseconds since 1970, UTC) never fall.
2. A body is encoded once, when it is appended: sorted keys, ASCII, no floats.
3. `hash` is SHA-256 in hex over these lines: the hash before (64 zeros for the first record),
   seq, epoch, at, then the lengths of kind and key, then kind, key and body without a gap. The
   lengths make it impossible to move text from one field to another.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json import encoder

from fillwright.protocols import Binding, Json, Record
from fillwright.types import Mode

#: seq, epoch, at, kind, key, body as JSON text, hash: a record as it is stored.
Row = tuple[int, int, int, str, str, str, str]

#: The kind of the record that each writer begins with.
OPENED = "journal.opened"
GENESIS = "0" * 64

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


#: `json.loads` finds out for every text what it is first.
_body = json.JSONDecoder().decode


def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} has no place in a journal; write it as text")


def _refuse_floats(value: object) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            if not isinstance(inner, str):
                _refuse_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            if not isinstance(inner, str):
                _refuse_floats(inner)
    elif isinstance(value, float):
        _refuse(value)


_slow = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), check_circular=False, default=_refuse
)
# `JSONEncoder.encode` builds this for every call, which costs more than the encoding itself;
# an interpreter without the C encoder takes the slow one.
_make = getattr(encoder, "c_make_encoder", None)
_parts = (
    _make(None, _refuse, encoder.encode_basestring_ascii, None, ":", ",", True, False, False)
    if _make
    else None
)


def encode(body: Mapping[str, Json]) -> str:
    """Write a body as canonical JSON; raises TypeError for floats and what JSON has no word for."""
    plain = body if isinstance(body, dict) else dict(body)
    _refuse_floats(plain)
    return "".join(_parts(plain, 0)) if _parts else _slow.encode(plain)


def seal(previous: str, row: Row) -> str:
    """The hash that belongs to a row behind the hash `previous`; the row's own is not read."""
    seq, epoch, at, kind, key, text, _ = row
    lines = f"{previous}\n{seq}\n{epoch}\n{at}\n{len(kind)} {len(key)}\n{kind}{key}{text}"
    return sha256(lines.encode()).hexdigest()


def fits(previous: str, row: Row) -> bool:
    """Whether a stored row carries the hash that belongs to it."""
    try:
        return seal(previous, row) == row[6]
    except (TypeError, UnicodeEncodeError):  # a damaged file may hold any type in any column
        return False


def record_of(row: Row) -> Record:
    """Read a stored row."""
    seq, epoch, at, kind, key, text, digest = row
    moment = _START + timedelta(microseconds=at)
    return Record(seq, epoch, moment, kind, key, _body(text), digest)


def line_of(row: Row) -> str:
    """One line of JSON; its body is the stored text, so that the hash can be computed again."""
    seq, epoch, at, kind, key, text, digest = row
    moment = (_START + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    head = encode({"at": moment, "epoch": epoch, "kind": kind, "key": key, "seq": seq})
    return f'{head[:-1]},"body":{text},"hash":"{digest}"}}'


def opening(binding: Binding, *, takeover: bool) -> dict[str, Json]:
    """The body of an `OPENED` record."""
    return {
        "mode": binding.mode.value,
        "broker": binding.broker,
        "account": binding.account,
        "takeover": takeover,
    }


def binding_of(body: Mapping[str, Json]) -> Binding:
    """Whose journal it is, from the body of its first record."""
    return Binding(Mode(str(body["mode"])), str(body["broker"]), str(body["account"]))


class Chain:
    """The end of a chain: links the next record to it, or checks that a stored one follows."""

    __slots__ = ("at", "epoch", "hash", "seq")

    def __init__(self, seq: int = 0, epoch: int = 0, at: int = 0, digest: str = GENESIS) -> None:
        self.seq = seq
        self.epoch = epoch
        self.at = at
        self.hash = digest

    def link(self, kind: str, key: str, body: Mapping[str, Json], now: datetime) -> Row:
        """Make the next record; when it raises, nothing has changed."""
        at = max((now - _START) // _MICROSECOND, self.at)
        seq = self.seq + 1
        text = encode(body)
        digest = seal(self.hash, (seq, self.epoch, at, kind, key, text, ""))
        self.seq, self.at, self.hash = seq, at, digest
        return (seq, self.epoch, at, kind, key, text, digest)

    def open_epoch(self, binding: Binding, now: datetime, *, takeover: bool = False) -> Row:
        """Begin the next epoch with its `OPENED` record."""
        self.epoch += 1
        return self.link(OPENED, "", opening(binding, takeover=takeover), now)

    def follow(self, row: Row) -> str:
        """Take a stored row as the next one; the answer says what is wrong, empty if nothing."""
        seq, epoch, at = row[:3]
        if seq != self.seq + 1:
            return f"record {self.seq + 1} is missing"
        if not fits(self.hash, row):
            return "its content does not match its hash"
        if epoch < self.epoch:
            return f"its epoch {epoch} is below {self.epoch} of the record before"
        if at < self.at:
            return "it is older than the record before"
        self.seq, self.epoch, self.at, self.hash = seq, epoch, at, row[6]
        return ""
