"""Data for checks: asked for in the background, kept with its time, and never waited for long.

Rules:
1. Only inputs that a check declared are asked for. One that nothing supplies stops the start.
2. A source that raises, hangs or answers nonsense has no datum; it is told once, and asked again.
3. An order waits for data at most once, for a bounded time, when there is none that is fresh; while
   it ages it is renewed in the background.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fillwright.desk.tasks import NoAnswer, answered_within, end
from fillwright.errors import ConfigError, fault_text
from fillwright.inputs import ACCOUNT_WIDE, DataProvider, Datum, Input, Supplied, flaw
from fillwright.logs import get_logger
from fillwright.protocols import Clock

_log = get_logger(__name__)

#: How long one source may take for one datum, in seconds.
FETCH_WITHIN = 2.0
#: How long it may take to close, in seconds.
CLOSED_WITHIN = 10.0
#: An order does not wait again for what could not be had this many seconds ago.
AGAIN_AFTER = 5.0
#: A symbol that nobody asked about for so long is no longer kept fresh.
WATCHED_FOR = timedelta(minutes=15)
#: How many questions are under way at once in the background.
AT_ONCE = 16

#: Quotes and rules are the market's, and come with every order.
_IN_THE_BOOK = frozenset({Input.QUOTE, Input.INSTRUMENT})

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """A provider, and what the configuration calls it."""

    name: str
    provider: DataProvider


def wanted_of(checks: Iterable[object]) -> frozenset[str]:
    """The inputs that these checks declared and that are asked for by name, apart from the book."""
    asked = list(checks)
    declared = [one for check in asked for one in getattr(check, "wants", ())]
    declared += [one for check in asked for one in getattr(check, "needs", ())]
    return frozenset(str(one) for one in declared if isinstance(one, str)) - _IN_THE_BOOK


def check_supplied(checks: Iterable[object], supplied: Collection[str]) -> None:
    """Raise ConfigError for a check that could never be asked: nothing supplies what it needs."""
    for check in checks:
        wants = frozenset(map(str, getattr(check, "wants", ())))
        for name in sorted(wanted_of([check]) - wants):
            if name not in supplied:
                raise ConfigError(
                    f"check {getattr(check, 'name', '')}",
                    f"needs {name}, and nothing supplies it",
                    'Name a provider, like [data] providers = ["csv"], or turn the check off',
                )


class Supply:
    """What the desk holds for checks besides quotes, rules and account."""

    def __init__(
        self,
        sources: Sequence[Source],
        wanted: Iterable[str],
        *,
        max_age: Mapping[str, timedelta],
        clock: Clock,
        instruments_at: Mapping[str, datetime],
        held: Callable[[], Iterable[str]],
    ) -> None:
        self._sources = tuple(sources)
        offered = frozenset(name for source in sources for name in source.provider.supplies)
        # What is only wanted need not have a source, and cannot be asked for then.
        self._wanted = tuple(sorted(offered.intersection(wanted)))
        self._empty = Supplied(max_age=max_age, instruments_at=instruments_at, offered=offered)
        self._clock = clock
        self._held = held
        self._data: dict[Key, Datum] = {}
        self._view: Supplied | None = None
        self._watched: dict[str, datetime] = {}
        self._tried: dict[Key, float] = {}
        self._told: set[Key] = set()
        self._asked: dict[Key, asyncio.Task[None]] = {}

    def view(self) -> Supplied:
        """All of it as it is now, frozen; one copy until something changes."""
        if self._view is None:
            empty = self._empty
            self._view = Supplied(
                self._data.copy(), empty.max_age, empty.instruments_at, empty.offered
            )
        return self._view

    def put(self, datum: Datum) -> None:
        """Keep one datum."""
        self._data[datum.name, datum.symbol] = datum
        self._view = None

    def drop(self, name: str, symbol: str = "") -> None:
        """Let go of a datum that holds no more."""
        if self._data.pop((name, symbol), None) is not None:
            self._view = None

    # ------------------------------------------------------------------ on an order's way

    def has(self, symbol: str) -> bool:
        """Whether nothing about this symbol is worth waiting for."""
        if not self._wanted:
            return True
        now = self._clock.now()
        self._watched[symbol] = now
        return not any(
            self._age(key, now) > 1 and not self._tried_lately(key)
            for key in (_key(name, symbol) for name in self._wanted)
        )

    async def prepare(self, symbol: str) -> None:
        """Get what is missing or too old; several callers share one question."""
        now = self._clock.now()
        keys = [_key(name, symbol) for name in self._wanted]
        await self._ask_all(key for key in keys if self._age(key, now) > 1)

    # ------------------------------------------------------------------ in the background

    async def run(self) -> None:
        """Keep what is watched and what is held fresh, until cancelled."""
        ages = [self._empty.age_of(name).total_seconds() for name in self._wanted]
        period = min(max(min(ages) / 4, 0.5), 15.0)
        while True:
            await self._renew()
            await self._clock.sleep(period)

    @property
    def active(self) -> bool:
        """Whether there is anything to keep fresh."""
        return bool(self._wanted)

    async def close(self) -> None:
        """Give up the questions that are open, and let go of the providers."""
        await end(*self._asked.values())
        for source in self._sources:
            await self._let_go(source)

    async def _let_go(self, source: Source) -> None:
        try:
            await answered_within(source.provider.close(), CLOSED_WITHIN, self._clock)
        except NoAnswer as fault:
            _log.error("provider_left_open", provider=source.name, reason=str(fault))
        except Exception as fault:  # noqa: BLE001  # a stranger's source may raise anything
            _log.error("provider_left_open", provider=source.name, reason=fault_text(fault))

    async def _renew(self) -> None:
        now = self._clock.now()
        self._watched = {s: at for s, at in self._watched.items() if now - at < WATCHED_FOR}
        symbols = {*self._watched, *self._held()}
        keys = {_key(name, symbol) for name in self._wanted for symbol in symbols}
        due = [key for key in sorted(keys) if self._age(key, now) > 1 / 2]
        for start in range(0, len(due), AT_ONCE):
            await self._ask_all(due[start : start + AT_ONCE])

    async def _ask_all(self, keys: Iterable[Key]) -> None:
        await asyncio.gather(*(self._shared(key) for key in keys))

    async def _shared(self, key: Key) -> None:
        task = self._asked.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(key))
            self._asked[key] = task
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        await asyncio.shield(task)

    async def _fetch(self, key: Key) -> None:
        """Ask one source after another until one has a datum that is fresh."""
        self._tried[key] = self._clock.monotonic()
        reasons = []
        for source in self._sources:
            if key[0] not in source.provider.supplies:
                continue
            reason = await self._ask(source, key)
            if not reason:
                self._told.discard(key)
                return
            reasons.append(f"{source.name}: {reason}")
        if key not in self._told:
            self._told.add(key)
            name, symbol = key
            _log.warning("data_missing", input=name, symbol=symbol, reason="; ".join(reasons))

    async def _ask(self, source: Source, key: Key) -> str:
        """Put one question; why there is no fresh datum, or nothing when there is one."""
        try:
            fetched = source.provider.fetch(*key)
            datum = await answered_within(fetched, FETCH_WITHIN, self._clock)
        except NoAnswer as fault:
            return str(fault)
        except Exception as fault:  # noqa: BLE001  # a stranger's source may raise anything
            return fault_text(fault)
        wrong = _wrong(datum, key)
        if wrong or datum is None:
            return wrong
        self._keep(datum, source.name)
        old = self._age(key, self._clock.now()) > 1
        return f"its datum is from {datum.at:%Y-%m-%d %H:%M:%S}Z" if old else ""

    def _keep(self, datum: Datum, source: str) -> None:
        """Keep the newest, whoever has it."""
        known = self._data.get((datum.name, datum.symbol))
        if known is None or datum.at >= known.at:
            self.put(Datum(datum.name, datum.symbol, datum.value, datum.at, source))

    def _age(self, key: Key, now: datetime) -> float:
        """The datum's age as a share of what is allowed; above 1 it counts as absent."""
        datum = self._data.get(key)
        if datum is None:
            return float("inf")
        return abs(now - datum.at) / self._empty.age_of(key[0])

    def _tried_lately(self, key: Key) -> bool:
        tried = self._tried.get(key)
        return tried is not None and self._clock.monotonic() - tried < AGAIN_AFTER


def _key(name: str, symbol: str) -> Key:
    return name, "" if name in ACCOUNT_WIDE else symbol


def _wrong(datum: object, key: Key) -> str:
    """What is wrong with an answer; empty for a sound datum."""
    if datum is None:
        return "it has none"
    if not isinstance(datum, Datum):
        return f"it answered {type(datum).__name__}, not a Datum"
    if (datum.name, datum.symbol) != key:
        return f"it answered {datum.name} of {datum.symbol or 'the account'}"
    if datum.at.tzinfo is None:
        return "its time has no offset"
    wrong = flaw(datum.name, datum.value)
    return f"its value {wrong}" if wrong else ""
