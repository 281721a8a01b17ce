"""A log of events, and the indexes that make counting in it quick.

Rules:
1. A log is only ever appended to, by one thread. Any thread may ask; an answer depends on nothing
   that stands behind the `end` that it is given.
2. The writer only appends. Whoever asks keeps the indexes up, once per combination of filters;
   after that an answer takes O(log n).
3. What was pruned is gone from the log, and never from a list that somebody looks at.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from fillwright.history.events import FILTERS, Deed, Event
from fillwright.types import ZERO

#: Before everything.
EVER = datetime.min.replace(tzinfo=UTC)
#: From so many events on, a log is looked through for old ones.
PRUNE_FROM = 4096

#: What the events of one series share: the kind, then the values of the filters.
Key = tuple[object, ...]
#: A question: the kinds, since when, and the filters; None as a filter's value asks for nothing.
Asked = tuple[tuple[Deed, ...], datetime, Mapping[str, object]]
#: What can be summed up.
_AMOUNTS: Mapping[str, Callable[[Event], Decimal]] = {
    "quantity": lambda event: event.quantity or ZERO,
    "notional": lambda event: event.notional or ZERO,
}


class _Series:
    """The places of alike events in a log, with their times and running sums."""

    __slots__ = ("places", "sums", "times", "unpriced")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.times: list[datetime] = []
        #: Those of the places whose events have no known value; few, as a rule.
        self.unpriced: list[int] = []
        #: By amount; entry n is the sum of the first n, as far as anybody asked.
        self.sums: dict[str, list[Decimal]] = {}

    def add(self, place: int, event: Event) -> None:
        times, at = self.times, event.at
        # A clock that was set back must not make an event older than those before it.
        times.append(times[-1] if times and times[-1] > at else at)
        self.places.append(place)
        if event.notional is None:
            self.unpriced.append(place)

    def unpriced_in(self, low: int, high: int) -> int:
        """How many of a slice, which is not empty, have no known value."""
        first, last = self.places[low], self.places[high - 1]
        return bisect_right(self.unpriced, last) - bisect_left(self.unpriced, first)

    def forget(self, first: int) -> None:
        """Let go of the places before `first`."""
        gone = bisect_left(self.places, first)
        del self.places[:gone], self.times[:gone]
        del self.unpriced[: bisect_left(self.unpriced, first)]
        for amount, sums in self.sums.items():
            self.sums[amount] = sums[gone:] or [ZERO]


class _Index:
    """The series of one combination of filters, and how far they are kept up."""

    __slots__ = ("code", "done", "first", "series", "values")

    def __init__(self, by: tuple[str, ...]) -> None:
        strange = set(by) - set(FILTERS)
        if strange:
            names = ", ".join(sorted(strange))
            raise TypeError(f"history has no filter {names}; it has {', '.join(FILTERS)}")
        #: Where the code stands in a key, of which an event has several; 0 where none is asked for.
        self.code = by.index("code") + 1 if "code" in by else 0
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
                known.add(first + place, event)
        self.done = first + stop

    def _keys(self, event: Event) -> Iterable[Key]:
        key: Key = self.values(event) if self.values else (event.kind,)
        if not self.code:
            return (key,)
        before, behind = key[: self.code], key[self.code :]
        return [(*before, code, *behind) for code in dict.fromkeys(event.codes)]


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

    def count(self, asked: Asked, end: int) -> int:
        """How many events there are."""
        found = 0
        with self._lock:
            for _, low, high in self._spans(asked, end):
                found += high - low
        return found

    def sum(self, amount: str, asked: Asked, end: int) -> Decimal:
        """What they amount to."""
        found = ZERO
        with self._lock:
            for series, low, high in self._spans(asked, end):
                sums = self._summed(series, amount)
                found += sums[high] - sums[low]
        return found

    def unpriced(self, asked: Asked, end: int) -> int:
        """How many of them have no known value."""
        with self._lock:
            return sum(one.unpriced_in(low, high) for one, low, high in self._spans(asked, end))

    def value(self, asked: Asked, end: int) -> Decimal | None:
        """What they are worth; None when one of them has no known value."""
        found = ZERO
        with self._lock:
            for series, low, high in self._spans(asked, end):
                if series.unpriced and series.unpriced_in(low, high):
                    return None
                worth = self._summed(series, "notional")
                found += worth[high] - worth[low]
        return found

    def find(self, asked: Asked, end: int, most: int | None) -> Sequence[Event]:
        """The events themselves, oldest first of each kind; the newest when there are too many."""
        found: list[Event] = []
        with self._lock:
            first, events = self._kept
            for series, low, high in self._spans(asked, end):
                newest = low if most is None else max(low, high - most)
                places = series.places[newest:high]
                found += [events[place - first] for place in places if place >= first]
        return found

    def _spans(self, asked: Asked, end: int) -> Sequence[tuple[_Series, int, int]]:
        """Where the events stand that are asked for: series, and parts that are not empty."""
        kinds, since, only = asked
        if None in only.values():
            only = {name: value for name, value in only.items() if value is not None}
        tail, by = tuple(only.values()), tuple(only)
        index = self._indexes.get(by)
        if index is None:
            index = self._indexes[by] = _Index(by)
        if index.done < end:
            index.catch_up(*self._kept)
        found = []
        for kind in kinds:
            series = index.series.get((kind, *tail))
            if series is not None:
                places = series.places
                # Whoever asks about now asks about all of them.
                high = len(places) if places[-1] < end else bisect_left(places, end)
                low = bisect_left(series.times, since, 0, high)
                if low < high:
                    found.append((series, low, high))
        return found

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
