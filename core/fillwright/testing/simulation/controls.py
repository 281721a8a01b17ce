"""The standard controls in a scenario: loaded by name as a desk loads them, with limits that bind.

Rules:
1. Their settings are drawn from the seed alone, so every process of a scenario has the same.
2. Each process builds its own controls: nothing but the journal may carry a limit over a restart.
3. The data that they need comes from here: it is simple and never wrong, and it fails where the
   broker's own answers do.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from fillwright.book import BookView
from fillwright.desk.supply import Source
from fillwright.inputs import DataProvider, Datum, Input, Locate, Session, SessionState
from fillwright.orders import Order
from fillwright.plugins import NamedHook, Registry
from fillwright.plugins.verify import SPECS
from fillwright.protocols import Clock
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.knobs import Knobs

#: The name under which desk.toml finds them.
PLUGIN: Final = "risk"
#: What anybody traded of each symbol today, and on an average day.
VOLUME: Final = Decimal(200)
#: What a control is set to where it is tight; by default it is off, or far away.
TIGHT: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "max_order_quantity": ({"limit_shares": "6"}, {"limit_shares": "10"}),
    "max_order_notional": ({"limit_usd": "300"}, {"limit_usd": "600"}),
    "price_collar": ({"max_away_pct": "5"},),
    "price_drift": (
        {"max_drift_pct": "3", "window_seconds": 5},
        {"max_drift_pct": "3", "halt": True},
    ),
    "average_volume": ({"max_pct": "5"}, {"max_pct": "8", "warn_pct": "2"}),
    "participation": ({"max_pct": "6"}, {"max_pct": "12"}),
    "max_long_position": (
        {"limit_shares": "26"},
        {"limit_shares": "28"},
        {"limit_usd": "1500"},
        {"limit_usd": "3000"},
    ),
    "max_short_position": ({"limit_shares": "0"}, {"limit_shares": "3"}),
    "gross_exposure": ({"limit_usd": "4000"}, {"limit_usd": "5500"}),
    "net_exposure": ({"limit_usd": "4000"}, {"limit_usd": "5500"}),
    "concentration": ({"max_pct": "40"},),
    "sector_exposure": ({"limit_usd": "3800"}, {"max_pct": "50"}),
    "daily_capital": (
        {"limit_usd": "800"},
        {"limit_usd": "2000"},
        {"limit_usd": "1500", "halt": True},
    ),
    "basket_notional": ({"plan_usd": "1500"}, {"parent_usd": "250"}),
    "order_rate": (
        {"symbol_per_second": 1},
        {"symbol_per_minute": 3},
        {"strategy_per_minute": 3},
        {"account_per_minute": 5},
        {"account_per_second": 2, "halt_refusals_per_minute": 2},
    ),
    "message_rate": (
        {"changes_per_second": 1},
        {"changes_per_minute": 2},
        {"max_messages_per_fill": "2", "least_messages": 3},
    ),
    "repeated_execution": ({"max_orders": 1}, {"max_orders": 2}),
    "duplicate_order": ({"window_seconds": 30},),
    "anti_slicing": ({"window_seconds": 20},),
    "open_orders": (
        {"side_orders": 1},
        {"side_orders": 2},
        {"symbol_orders": 2},
        {"account_orders": 3},
    ),
    "restricted": (
        {"symbols": ["KO"]},
        {"allow_only": ["AAPL", "MSFT"], "sides": ["BUY"]},
    ),
    "permission": ({"symbols": ["AAPL", "KO"]}, {"strategies": ["alpha"]}),
    "quote_quality": ({"max_age_seconds": 3.0},),
    "short_sale": ({},),
    "margin_excess": ({"floor_usd": "7500"},),
    "settled_cash": ({"floor_usd": "5000"},),
    "daily_loss": ({"max_loss_usd": "20"}, {"max_drawdown_usd": "30"}),
    "error_rate": (
        {"max_rejects": 1, "max_rejects_in_a_row": 1},
        {"max_doubts": 1, "window_seconds": 10},
    ),
    "clock_skew": ({"max_seconds": "2"},),
}
#: What is said where it is not tight: there is no default, or a strict one.
_WIDE: Final[Mapping[str, Mapping[str, Any]]] = {
    "max_order_notional": {"limit_usd": "50000"},
    "max_short_position": {"limit_shares": "30"},
    "price_collar": {"max_away_pct": "25"},
}
#: What adds up over orders, processes and time is tight more often.
_OFTEN: Final = frozenset(
    {
        *("daily_capital", "basket_notional", "order_rate", "repeated_execution"),
        *("max_order_quantity", "max_long_position", "price_drift", "average_volume"),
        "max_short_position",
    }
)
#: What refuses so much that nothing else is tried is tight less often.
_SELDOM: Final = frozenset(
    {
        *("permission", "restricted", "settled_cash", "margin_excess", "clock_skew"),
        *("quote_quality", "max_order_notional"),
    }
)
_HOOKS: Final = ("check_order", "check_execution", "check_books")
_SECTORS: Final = {"AAPL": "technology", "MSFT": "technology", "KO": "food"}
#: Told what a control said: its name, the order, and its answer.
Tell = Callable[[str, Order, object], None]


def drawn(knobs: Knobs, chances: Chances) -> dict[str, dict[str, Any]]:
    """The tables of `[risk]` of one scenario; empty when it has no controls."""
    if not knobs.controls:
        return {}
    chance = chances.of("controls")
    tables = {name: dict(table) for name, table in _WIDE.items()}
    for name, choices in TIGHT.items():
        percent = knobs.controls * (2 if name in _OFTEN else 1)
        tight, table = chance.random() * 100 < percent, chance.choice(choices)
        if name in _SELDOM:
            tight = tight and chance.random() < 0.25  # noqa: PLR2004
        if tight:
            tables[name] = dict(table)
    return tables


def resizes(knobs: Knobs, seed: int) -> bool:
    """Whether a control may make an order smaller: in every other scenario with controls."""
    return bool(knobs.controls) and seed % 2 == 0


@cache
def _loaded() -> Registry:
    """The plugin with every control turned on, found by its name and looked at once."""
    every = {name: dict(choices[0]) for name, choices in TIGHT.items()}
    registry = Registry.load([PLUGIN], folder=Path(), settings={PLUGIN: every})
    registry.freeze()
    return registry


def _built(settings: Mapping[str, Any]) -> Iterator[NamedHook]:
    """Controls of these settings, built anew, each asked as the registry would have it asked."""
    registry = _loaded()
    [maker] = registry.hooks("provide_checks")
    known = {(one.name, one.hook): one for hook in _HOOKS for one in registry.hooks(hook)}
    for control in maker.call(settings):
        for hook in _HOOKS:
            one = known.get((f"{PLUGIN}.{control.name}", hook))
            if one is not None:
                yield replace(one, call=_as_asked(getattr(control, hook), one))


def _as_asked(method: Callable[..., object], hook: NamedHook) -> Callable[..., object]:
    """The method, given those of the hook's arguments that it takes."""
    names = SPECS[hook.hook]
    if tuple(hook.arguments) == tuple(names):
        return method
    places = tuple(names.index(name) for name in hook.arguments)
    return lambda *given: method(*(given[place] for place in places))


@dataclass(frozen=True)
class Controls:
    """What one process asks: before an order leaves, behind a fill, and about the books."""

    checks: tuple[NamedHook, ...] = ()
    executions: tuple[NamedHook, ...] = ()
    books: tuple[NamedHook, ...] = ()
    sources: tuple[Source, ...] = ()
    #: Told of every change of an order.
    observers: tuple[NamedHook, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, data: DataProvider, tell: Tell) -> "Controls":
        """Those of a new process."""
        if not settings:
            return cls()
        built = list(_built(settings))
        orders, executions, books = ([o for o in built if o.hook == hook] for hook in _HOOKS)
        return cls(
            tuple(_in_view(one, tell) for one in orders),
            tuple(executions),
            tuple(books),
            (Source("simulated", data),),
        )


def _in_view(hook: NamedHook, tell: Tell) -> NamedHook:
    def asked(order: Order, book: BookView) -> object:
        answer = hook.call(order, book)
        tell(hook.name, order, answer)
        return answer

    return replace(hook, call=asked)


class Data:
    """Implement `DataProvider`: the same volumes and sectors for ever, and the right time."""

    supplies = frozenset(
        {Input.ADV, Input.VOLUME, Input.SECTOR, Input.LOCATE, Input.SESSION, Input.SKEW}
    )

    def __init__(self, clock: Clock, right: Clock, fails: Callable[[], bool]) -> None:
        self._clock = clock
        #: The broker's.
        self._right = right
        self._fails = fails

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        """One input. Raises OSError where it fails."""
        if self._fails():
            raise ConnectionResetError("connection reset by peer")
        now = self._clock.now()
        ahead = Decimal(str(round((self._right.now() - now).total_seconds(), 3)))
        values: Mapping[str, object] = {
            Input.ADV: VOLUME,
            Input.VOLUME: VOLUME,
            Input.SECTOR: _SECTORS.get(symbol, "others"),
            Input.LOCATE: Locate(easy=True),
            Input.SESSION: Session(SessionState.OPEN),
            Input.SKEW: ahead,
        }
        return Datum(name, symbol, values[name], now, "simulated")

    async def close(self) -> None:
        """There is nothing to let go of."""
