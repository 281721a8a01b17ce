"""What a check may ask about the desk's own past: counts, totals, and the events themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Unpack

from fillwright.errors import HistoryTooShort
from fillwright.history.events import Deed, Event, Only
from fillwright.history.log import EVER, Log
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

    def _made(self) -> tuple[Part, ...]:
        """All parts, made once."""
        made, later = self._held
        made = (*made, *(part for make in later for part in make()))
        self._held = (made, ())
        return made

    def count(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> int:
        """How many events of these kinds there were since then, that time included."""
        found, asked = 0, ((kind, *more), since or EVER, only)
        for log, end in self._within(since):
            found += log.count(asked, end)
        return found

    def total(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> Decimal:
        """What they were worth in account currency; `unpriced` says how many are left out."""
        return self._sum("notional", (kind, *more), since, only)

    def value(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> Decimal | None:
        """What they were worth; None when one of them has no known value."""
        found, asked = ZERO, ((kind, *more), since or EVER, only)
        for log, end in self._within(since):
            worth = log.value(asked, end)
            if worth is None:
                return None
            found += worth
        return found

    def quantity(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> Decimal:
        """How many shares or coins they were about."""
        return self._sum("quantity", (kind, *more), since, only)

    def unpriced(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> int:
        """How many of them have no known value, and so are not in `total`."""
        asked = ((kind, *more), since or EVER, only)
        return sum(log.unpriced(asked, end) for log, end in self._within(since))

    def last(
        self, kind: Deed, *more: Deed, since: datetime | None = None, **only: Unpack[Only]
    ) -> Event | None:
        """The newest of them."""
        found = self.events(kind, *more, since=since, most=1, **only)
        return found[-1] if found else None

    def events(
        self,
        kind: Deed,
        *more: Deed,
        since: datetime | None = None,
        most: int | None = None,
        **only: Unpack[Only],
    ) -> Sequence[Event]:
        """The events themselves, oldest first; with `most`, only the newest of them."""
        found: list[Event] = []
        asked = ((kind, *more), since or EVER, only)
        for log, end in self._within(since):
            found += log.find(asked, end, most)
        found.sort(key=_time)
        return found if most is None else found[max(len(found) - most, 0) :]

    def _sum(
        self, amount: str, kinds: tuple[Deed, ...], since: datetime | None, only: Only
    ) -> Decimal:
        found, asked = ZERO, (kinds, since or EVER, only)
        for log, end in self._within(since):
            found += log.sum(amount, asked, end)
        return found

    def _within(self, since: datetime | None) -> tuple[Part, ...]:
        """The parts to look in. A chain of checks comes here a dozen times for one order."""
        parts, later = self._held
        if later:
            parts = self._made()
        if since is not None:
            reach = self._reach
            for log, _ in parts:
                reach = max(reach, log.kept_from)
            if since < reach:
                raise HistoryTooShort(since, reach)
        return parts


def _time(event: Event) -> datetime:
    return event.at


#: Nothing was ever done. Its log is empty, and still refuses a filter that is none.
NO_HISTORY = History(((Log(), 0),))
