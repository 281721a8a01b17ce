"""What a check may ask about the desk's own past: counts, totals, and the events themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Unpack

from fillwright.errors import HistoryTooShort
from fillwright.history.events import FILTERS, Deed, Event, Only
from fillwright.history.log import EVER, Key, Log
from fillwright.types import ZERO

#: A log, and how far it counts.
Part = tuple[Log, int]
#: Makes parts when they are first asked for: most views are never asked.
Later = Callable[[], Sequence[Part]]


class History:
    """What this desk did until the moment that the view was made.

    A question about a time before its reach raises: a check that looks further back than the
    trading day declares a `Window` in its `needs`. Without `since`, all that is kept counts.
    """

    __slots__ = ("_held", "_reach")

    def __init__(
        self, parts: Sequence[Part] = (), reach: datetime = EVER, *, later: Sequence[Later] = ()
    ) -> None:
        #: What is made, and what makes the rest; exchanged as one, for two threads may ask.
        self._held: tuple[tuple[Part, ...], tuple[Later, ...]] = (tuple(parts), tuple(later))
        self._reach = reach

    def plus(self, later: Later) -> "History":
        """The same, and what these parts hold."""
        made, rest = self._held
        return History(made, self._reach, later=(*rest, later))

    @property
    def _parts(self) -> tuple[Part, ...]:
        made, later = self._held
        if later:
            made = (*made, *(part for make in later for part in make()))
            self._held = (made, ())
        return made

    def count(self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]) -> int:
        """How many events of this kind there were since then, that time included."""
        parts, start, key, by = self._asked(kind, since, only)
        found = 0
        for log, end in parts:
            found += log.count(key, by, end, start)
        return found

    def total(self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]) -> Decimal:
        """What they were worth in account currency; `unpriced` says how many are left out."""
        return self._sum("notional", kind, since, only)

    def value(
        self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]
    ) -> Decimal | None:
        """What they were worth; None when one of them has no known value."""
        parts, start, key, by = self._asked(kind, since, only)
        found = ZERO
        for log, end in parts:
            worth = log.value(key, by, end, start)
            if worth is None:
                return None
            found += worth
        return found

    def quantity(
        self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]
    ) -> Decimal:
        """How many shares or coins they were about."""
        return self._sum("quantity", kind, since, only)

    def unpriced(self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]) -> int:
        """How many of them have no known value, and so are not in `total`."""
        return int(self._sum("unpriced", kind, since, only))

    def last(
        self, kind: Deed, *, since: datetime | None = None, **only: Unpack[Only]
    ) -> Event | None:
        """The newest of them."""
        found = self.events(kind, since=since, most=1, **only)
        return found[-1] if found else None

    def events(
        self,
        kind: Deed,
        *,
        since: datetime | None = None,
        most: int | None = None,
        **only: Unpack[Only],
    ) -> Sequence[Event]:
        """The events themselves, oldest first; with `most`, only the newest of them."""
        parts, start, key, by = self._asked(kind, since, only)
        found: list[Event] = []
        for log, end in parts:
            found += log.find(key, by, end, start, most)
        found.sort(key=_time)
        return found if most is None else found[max(len(found) - most, 0) :]

    def _sum(self, amount: str, kind: Deed, since: datetime | None, only: Only) -> Decimal:
        parts, start, key, by = self._asked(kind, since, only)
        return sum((log.sum(amount, key, by, end, start) for log, end in parts), ZERO)

    def _asked(
        self, kind: Deed, since: datetime | None, only: Only
    ) -> tuple[tuple[Part, ...], datetime, Key, tuple[str, ...]]:
        """The parts to look in, the time, and the key of the events that are asked for.

        A chain of checks comes here a dozen times for one order.
        """
        given: dict[str, object] = {**only}
        if None in given.values():
            given = {name: value for name, value in given.items() if value is not None}
        names = tuple(given)
        by = _ordered.get(names)
        if by is None:
            by = _ordered[names] = _in_order(names)
        key = (kind, *map(given.__getitem__, by))
        parts = self._parts
        if since is None:
            return parts, EVER, key, by
        reach = self._reach
        for log, _ in parts:
            reach = max(reach, log.kept_from)
        if since < reach:
            raise HistoryTooShort(since, reach)
        return parts, since, key, by


#: The filters as they were given, and in the order in which they stand in a key.
_ordered: dict[tuple[str, ...], tuple[str, ...]] = {}


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    strange = set(names) - set(FILTERS)
    if strange:
        raise TypeError(
            f"history has no filter {', '.join(sorted(strange))}; it has {', '.join(FILTERS)}"
        )
    return tuple(name for name in FILTERS if name in names)


def _time(event: Event) -> datetime:
    return event.at


#: Nothing was ever done.
NO_HISTORY = History()
