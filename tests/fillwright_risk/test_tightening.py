"""Every limit, on many orders, books and pasts: a tighter one never allows more.

What a replace may do is tried alike: half of the books are those of an order that is changed.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.book import BookView
from fillwright.limits import Scoped
from fillwright.orders import Order
from fillwright.risk import Outcome, merge
from fillwright.risk.answers import ask
from fillwright.testing import strategies
from fillwright.types import ZERO
from fillwright.verdicts import ALLOW
from fillwright_risk.build import CONTROLS
from risk.gatekit import D


class Setting(NamedTuple):
    """One setting, two of whose values are tried: a number as text, or a count."""

    table: str
    name: str
    #: Whether the larger value is the tighter one.
    floor: bool = False
    count: bool = False
    #: What else must stand in the table.
    beside: tuple[tuple[str, Any], ...] = ()


SETTINGS = [
    Setting("max_order_quantity", "limit_shares"),
    Setting("max_order_notional", "limit_usd"),
    Setting("max_order_notional", "collar_pct", floor=True, beside=(("limit_usd", "500"),)),
    Setting("price_collar", "max_away_pct"),
    Setting("price_drift", "max_drift_pct"),
    Setting("price_drift", "window_seconds", True, True, (("max_drift_pct", "5"),)),
    Setting("average_volume", "max_pct"),
    Setting("participation", "max_pct"),
    Setting("max_long_position", "limit_shares"),
    Setting("max_long_position", "limit_usd"),
    Setting("max_short_position", "limit_shares"),
    Setting("gross_exposure", "limit_usd"),
    Setting("net_exposure", "limit_usd"),
    Setting("concentration", "max_pct"),
    Setting("sector_exposure", "limit_usd"),
    Setting("daily_capital", "limit_usd"),
    Setting("basket_notional", "plan_usd"),
    Setting("basket_notional", "parent_usd"),
    Setting("order_rate", "symbol_per_second", count=True),
    Setting("order_rate", "strategy_per_minute", count=True),
    Setting("order_rate", "halt_refusals_per_minute", count=True),
    Setting("message_rate", "changes_per_minute", count=True),
    Setting("message_rate", "max_messages_per_fill", beside=(("least_messages", 1),)),
    Setting("repeated_execution", "max_orders", count=True),
    Setting("anti_slicing", "window_seconds", floor=True, count=True),
    Setting("duplicate_order", "window_seconds", floor=True, count=True),
    Setting("open_orders", "side_orders", count=True),
    Setting("open_orders", "symbol_orders", count=True),
    Setting("open_orders", "account_orders", count=True),
    Setting("quote_quality", "max_spread_pct"),
    Setting("quote_quality", "max_age_seconds", count=True),
    Setting("margin_excess", "floor_usd", floor=True),
    Setting("margin_excess", "long_pct", floor=True, beside=(("floor_usd", "0"),)),
    Setting("margin_excess", "short_pct", floor=True, beside=(("floor_usd", "0"),)),
    Setting("settled_cash", "floor_usd", floor=True),
    Setting("daily_loss", "max_loss_usd"),
    Setting("daily_loss", "max_drawdown_usd"),
    Setting("error_rate", "max_rejects", count=True),
    Setting("error_rate", "max_doubts", count=True),
    Setting("clock_skew", "max_seconds"),
]
#: They have lists, truths or nothing to set.
WITHOUT = {
    "no_limit_configured",
    "buying_power",
    "parent_quantity",
    "restricted",
    "permission",
    "instrument_rules",
    "market_session",
    "short_sale",
    "self_trade",
}
KINDS = {control.name: control for control in CONTROLS}


def allowed(setting: Setting, value: int, asked: Order, book: BookView) -> Any:
    """How much of the order one control lets through, with resizing allowed."""
    given_value: object = value if setting.count else str(value)
    table = {setting.name: given_value, **dict(setting.beside)}
    kind = KINDS[setting.table]
    control: Any = kind(Scoped(kind.table, table, f"risk.{setting.table}"))
    verdict = ask(control.check_order, asked, book)
    decision = merge(
        [(setting.table, verdict)],
        quantity=asked.quantity,
        floor=book.already_filled,
        allow_resize=True,
    )
    if verdict is ALLOW or decision.outcome is Outcome.ALLOW:
        return asked.quantity or asked.notional
    return decision.quantity if decision.outcome is Outcome.RESIZE else ZERO


def test_every_control_with_a_limit_is_tried() -> None:
    """A limit that is left out here may be loosened by tightening it."""
    assert {one.table for one in SETTINGS} | WITHOUT == {control.name for control in CONTROLS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.table}.{one.name}")
def test_tightening_never_allows_more(setting: Setting) -> None:
    """A user who lowers a limit must never find that more gets through."""
    kind = KINDS[setting.table]

    @settings(max_examples=40, deadline=None)
    @given(
        strategies.orders(),
        strategies.books((*kind.needs, *kind.wants)),
        st.integers(1, 60),
        st.integers(1, 60),
        st.sampled_from([1, 100]),
        st.booleans(),
    )
    def holds(
        asked: Order, book: BookView, one: int, other: int, scale: int, changed: bool
    ) -> None:
        if setting.name.endswith(("_usd", "_shares")):
            one, other = one * scale, other * scale
        loose, tight = sorted((one, other), reverse=not setting.floor)
        if changed and asked.quantity is not None:
            half = asked.quantity / 2
            book = replace(book, standing=half, standing_value=half * D(50))

        assert allowed(setting, tight, asked, book) <= allowed(setting, loose, asked, book)

    holds()
