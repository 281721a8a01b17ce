"""Which fault strikes where: drawn from the seed, each knob with a chance of its own.

A knob that is turned off leaves the draws of all others as they were.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from fillwright.testing.fake_broker import Fault, FaultScript, Kind, On
from fillwright.testing.simulation.knobs import Knobs


class Chances:
    """Independent streams of chance, one for each name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[str, Random] = {}

    def of(self, name: str) -> Random:
        """The stream of this name."""
        stream = self._streams.get(name)
        if stream is None:
            # A test wants repeatable numbers, not secret ones.
            stream = self._streams[name] = Random(f"{self._seed}/{name}")  # noqa: S311
        return stream

    def hits(self, name: str, percent: int) -> bool:
        """Whether it happens this time."""
        return bool(percent) and self.of(name).random() * 100 < percent


@dataclass(frozen=True, slots=True)
class _Line:
    """A knob, what it does, and for how many seconds."""

    knob: str
    kinds: tuple[Kind, ...]
    seconds: tuple[float, ...] = (0.0,)


_REQUESTS: Final = (
    _Line("lost_requests", (Kind.DROP_REQUEST,), (0.0, 0.5, 3.0)),
    _Line("lost_answers", (Kind.ACCEPT_THEN_TIMEOUT, Kind.ACCEPT_THEN_RESET), (0.0, 0.5, 3.0)),
    # The longest breaks the promise that the broker gives with `t_inflight`.
    _Line("late_requests", (Kind.ACCEPT_LATE,), (0.2, 1.0, 1.8, 6.0)),
    _Line("slow_requests", (Kind.DELAY,), (0.2, 1.5, 6.0, 15.0)),
    _Line("not_sent", (Kind.NOT_SENT,)),
    _Line("rejects", (Kind.REJECT,)),
    _Line("rate_limited", (Kind.RATE_LIMITED,)),
)
_QUESTIONS: Final = (
    _Line("unanswered_reads", (Kind.UNAVAILABLE, Kind.DROP_REQUEST), (0.0, 1.0)),
    _Line("slow_reads", (Kind.DELAY,), (0.5, 2.0, 8.0)),
)
_LISTS: Final = (_Line("lagging_reads", (Kind.LAG,), (0.1, 2.0, 5.0, 5.0)), *_QUESTIONS)
_REPORTS: Final = (
    _Line("lost_reports", (Kind.DROP,)),
    _Line("doubled_reports", (Kind.DUPLICATE,)),
    _Line("late_reports", (Kind.DELAY,), (0.1, 1.0, 5.0, 12.0)),
    _Line("swapped_reports", (Kind.REORDER,), (0.0, 2.0)),
    _Line("gaps", (Kind.GAP,)),
    _Line("disconnects", (Kind.DISCONNECT,), (0.1, 1.0, 6.0)),
    _Line("silences", (Kind.SILENT,), (0.5, 3.0, 8.0)),
)
_PLACES: Final = {
    On.SUBMIT: _REQUESTS,
    On.CANCEL: _REQUESTS,
    On.REPLACE: _REQUESTS,
    On.FIND: _LISTS,
    On.OPEN_ORDERS: _LISTS,
    On.EXECUTIONS: (_Line("lagging_fills", (Kind.LAG,), (5.0, 15.0, 40.0)), *_LISTS),
    On.ACCOUNT: _QUESTIONS,
    On.INSTRUMENT: _QUESTIONS,
    On.QUOTE: _QUESTIONS,
    On.REPORT: _REPORTS,
    On.CONNECT: (_Line("disconnects", (Kind.DISCONNECT,), (0.1, 1.0, 6.0)),),
}


_LISTED: Final = frozenset({On.FIND, On.OPEN_ORDERS, On.EXECUTIONS})
#: How long a replica goes on lagging, in seconds.
_EPISODES: Final = (0.0, 3.0, 8.0)


class SeededScript(FaultScript):
    """The fake broker's script, written by the knobs as the scenario goes along.

    Any other transport asks it the same question and shows the fault in its own way.
    """

    def __init__(
        self,
        knobs: Knobs,
        chances: Chances,
        *,
        tell: Callable[[str, Fault], None],
        time: Callable[[], float],
    ) -> None:
        super().__init__((), chances.of("script"))
        self._chances = chances
        self._tell = tell
        self._time = time
        #: The broker's replica that lags does so in all its lists, for a while.
        self._behind: Fault | None = None
        self._behind_until = 0.0
        self._lines_on = {on: _turned_on(lines, knobs) for on, lines in _PLACES.items()}
        self.knobs = knobs
        self._over = False
        self._at_end: list[Callable[[], None]] = []
        #: Whether the first books are being opened by a clock that is off. Their list of executions
        #: is not late then: which of them are in the account is for a person to find out.
        self.opening_astray: Callable[[], bool] = lambda: False
        #: Tells the timeline something, in a word and the rest of a sentence.
        self.note: Callable[[str, str], None] = lambda _what, _text: None

    @property
    def may_lag(self) -> bool:
        """Whether a list may be asked for as it was."""
        return bool(self.knobs.lagging_reads or self.knobs.lagging_fills)

    def clear(self) -> None:
        """End all faults."""
        super().clear()
        self._lines_on.clear()
        self._behind = None
        self._over = True
        for mend in self._at_end:
            mend()

    # ------------------------------------------------------------------ for other transports

    def at_end(self, mend: Callable[[], None]) -> None:
        """Call it when all faults have ended."""
        self._at_end.append(mend)

    def chance(self, name: str) -> Random:
        """A stream of chance of the scenario's seed."""
        return self._chances.of(name)

    def hits(self, knob: str, name: str) -> bool:
        """Whether a knob that a backend shows by itself strikes now, by the chance of that name."""
        percent: int = getattr(self.knobs, knob)
        return not self._over and self._chances.hits(name, percent)

    def held_back(self, key: str, seconds: float) -> None:
        """Tell that a submit may still arrive within so many seconds."""
        late = Fault.model_construct(on=On.SUBMIT, fault=Kind.ACCEPT_LATE, seconds=seconds)
        self._tell(key, late)

    # ------------------------------------------------------------------ what strikes

    def strike(self, on: On, client_order_id: str = "") -> Fault | None:
        """The fault of the first knob that strikes at this event."""
        fault = self._struck(on)
        if fault is None:
            return None
        if fault.fault is Kind.LAG and on is On.EXECUTIONS and self.opening_astray():
            return None
        self._tell(client_order_id, fault)
        return fault

    def _struck(self, on: On) -> Fault | None:
        if self._behind is not None and on in _LISTED and self._time() < self._behind_until:
            return self._behind
        for line, percent in self._lines_on.get(on, ()):
            stream = self._chances.of(f"{line.knob}/{on}")
            if stream.random() * 100 < percent:
                fault = Fault.model_construct(
                    on=on,
                    fault=stream.choice(line.kinds),
                    seconds=stream.choice(line.seconds),
                    hold=stream.random() < 0.5,  # noqa: PLR2004  # a silence keeps or loses
                )
                if line.knob == "lagging_reads":
                    self._behind = fault
                    self._behind_until = self._time() + stream.choice(_EPISODES)
                return fault
        return None


def _turned_on(lines: Iterable[_Line], knobs: Knobs) -> tuple[tuple[_Line, int], ...]:
    return tuple((line, getattr(knobs, line.knob)) for line in lines if getattr(knobs, line.knob))
