"""A log of events, and the indexes that make counting in it quick.

Rules:
1. A log is only ever appended to, by one thread. Any thread may ask; an answer depends on nothing
   that stands behind the `end` that it is given.
2. The writer only appends. Whoever asks keeps the indexes up, once per combination of filters;
   after that an answer takes O(log n).
3. What was pruned is gone from the log, and never from a list that somebody looks at.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from fillwright.history.events import Event
from fillwright.types import ZERO

#: Before everything.
EVER = datetime.min.replace(tzinfo=UTC)
#: From so many events on, a log is looked through for old ones.
PRUNE_FROM = 4096

#: What the events of one series share: the kind, then the values of the filters.
Key = tuple[object, ...]
#: What can be summed up.
_AMOUNTS: Mapping[str, Callable[[Event], Decimal]] = {
    "quantity": lambda event: event.quantity or ZERO,
    "notional": lambda event: event.notional or ZERO,
    "unpriced": lambda event: Decimal(event.notional is None),
}


class _Series:
    """The places of alike events in a log, with their times and running sums."""

    __slots__ = ("places", "sums", "times")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.times: list[datetime] = []
        #: By amount; entry n is the sum of the first n, as far as anybody asked.
        self.sums: dict[str, list[Decimal]] = {}

    def add(self, place: int, at: datetime) -> None:
        # A clock that was set back must not make an event older than those before it.
        self.times.append(max(at, self.times[-1]) if self.times else at)
        self.places.append(place)

    def span(self, end: int, since: datetime) -> tuple[int, int]:
        high = bisect_left(self.places, end)
        return bisect_left(self.times, since, 0, high), high

    def forget(self, first: int) -> None:
        """Let go of the places before `first`."""
        gone = bisect_left(self.places, first)
        del self.places[:gone], self.times[:gone]
        for amount, sums in self.sums.items():
            self.sums[amount] = sums[gone:] or [ZERO]


_NONE = _Series()


class _Index:
    """The series of one combination of filters, and how far they are kept up."""

    __slots__ = ("by", "done", "first", "series", "values")

    def __init__(self, by: tuple[str, ...]) -> None:
        self.by = by
        plain = tuple(name for name in by if name != "code")
        self.values = attrgetter("kind", *plain) if plain else None
        self.first = self.done = 0
        self.series: dict[Key, _Series] = {}

    def catch_up(self, first: int, events: list[Event]) -> None:
        """Take in every event that is new, and let go of those that were pruned."""
        stop = len(events)
        if first > self.first:
            for series in self.series.values():
                series.forget(first)
            self.series = {key: one for key, one in self.series.items() if one.places}
            self.first = first
        for place in range(max(self.done - first, 0), stop):
            event = events[place]
            for key in self._keys(event):
                known = self.series.get(key)
                if known is None:
                    known = self.series[key] = _Series()
                known.add(first + place, event.at)
        self.done = first + stop

    def _keys(self, event: Event) -> Iterable[Key]:
        key: Key = self.values(event) if self.values else (event.kind,)
        if "code" not in self.by:
            return (key,)
        return [(*key, code) for code in dict.fromkeys(event.codes)]


class Log:
    """Events in the order in which they came."""

    __slots__ = ("_indexes", "_kept", "_lock", "_looked_at", "kept_from")

    def __init__(self, events: Iterable[Event] = ()) -> None:
        #: How many were pruned, and the events from there on; exchanged as one.
        self._kept: tuple[int, list[Event]] = (0, list(events))
        #: Nothing from before is certain to be here any more.
        self.kept_from = EVER
        self._lock = threading.Lock()
        self._indexes: dict[tuple[str, ...], _Index] = {}
        self._looked_at = PRUNE_FROM

    @property
    def end(self) -> int:
        """How many events there ever were."""
        first, events = self._kept
        return first + len(events)

    def append(self, event: Event) -> None:
        """Take one more."""
        self._kept[1].append(event)

    def prune(self, retention: timedelta) -> None:
        """Let go of events older than `retention`, each time that the log doubled."""
        first, events = self._kept
        if len(events) < self._looked_at:
            return
        before = events[-1].at - retention
        gone = next(n for n, event in enumerate(events) if event.at >= before)
        if gone:
            self.kept_from = max(self.kept_from, before)
            self._kept = (first + gone, events[gone:])
        self._looked_at = max(PRUNE_FROM, 2 * (len(events) - gone))

    def count(self, key: Key, by: tuple[str, ...], end: int, since: datetime) -> int:
        """How many events there are."""
        with self._lock:
            low, high = self._series(key, by, end).span(end, since)
            return high - low

    def sum(self, amount: str, key: Key, by: tuple[str, ...], end: int, since: datetime) -> Decimal:
        """What they amount to."""
        with self._lock:
            series = self._series(key, by, end)
            low, high = series.span(end, since)
            if low == high:
                return ZERO
            sums = self._summed(series, amount)
            return sums[high] - sums[low]

    def value(self, key: Key, by: tuple[str, ...], end: int, since: datetime) -> Decimal | None:
        """What they are worth; None when one of them has no known value."""
        with self._lock:
            series = self._series(key, by, end)
            low, high = series.span(end, since)
            if low == high:
                return ZERO
            unpriced = self._summed(series, "unpriced")
            if unpriced[high] != unpriced[low]:
                return None
            worth = self._summed(series, "notional")
            return worth[high] - worth[low]

    def find(
        self, key: Key, by: tuple[str, ...], end: int, since: datetime, most: int | None
    ) -> Sequence[Event]:
        """The events themselves, oldest first; the newest of them when there are too many."""
        with self._lock:
            series = self._series(key, by, end)
            low, high = series.span(end, since)
            first, events = self._kept
            low = low if most is None else max(low, high - most)
            return [events[place - first] for place in series.places[low:high] if place >= first]

    def _series(self, key: Key, by: tuple[str, ...], end: int) -> _Series:
        index = self._indexes.get(by)
        if index is None:
            index = self._indexes[by] = _Index(by)
        if index.done < end:
            index.catch_up(*self._kept)
        return index.series.get(key, _NONE)

    def _summed(self, series: _Series, amount: str) -> list[Decimal]:
        sums = series.sums.get(amount)
        if sums is None:
            sums = series.sums[amount] = [ZERO]
        if len(sums) > len(series.places):
            return sums
        first, events = self._kept
        worth = _AMOUNTS[amount]
        for place in series.places[len(sums) - 1 :]:
            # What was pruned before anybody summed it lies before every question.
            sums.append(sums[-1] + (worth(events[place - first]) if place >= first else ZERO))
        return sums
