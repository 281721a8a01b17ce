"""What no control lets through as an order it does not let through as a change, either."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import Beside, BookView, Exposure
from fillwright.history import Deed
from fillwright.inputs import Locate, ProfitAndLoss, Session, SessionState, Ssr
from fillwright.orders import Order, OrderChange
from fillwright.risk.judge import Batch, Judge, Question
from fillwright.risk.recent import recent_order
from fillwright.types import OrdType, Side
from fillwright_risk.build import CONTROLS, build_checks
from risk.gatekit import CALM, NOW, D, account, limit_order, order, proposal, quote, view
from risk.pastkit import after, event, sent, supplied

Case = tuple[dict[str, Any], Order, BookView]
BUY = limit_order("100")
SHORT = limit_order("100", Side.SELL)


def spent(**fields: Any) -> BookView:
    return after(event(notional="950", quantity="9", **fields))


def many(kind: Deed, count: int, **fields: Any) -> BookView:
    return after(*sent(count, kind=kind, **fields))


#: By table: its settings, an order of ten at 100, and a book on which it is refused.
CASES: dict[str, Callable[[], Case]] = {
    "max_order_quantity": lambda: ({"limit_shares": "9"}, BUY, view()),
    "max_order_notional": lambda: ({"limit_usd": "999"}, BUY, view()),
    "no_limit_configured": lambda: ({}, BUY, view()),
    "price_collar": lambda: ({"max_away_pct": "1"}, limit_order("80"), view()),
    "price_drift": lambda: (
        {"max_drift_pct": "1"},
        BUY,
        after(event(quantity="1", price="90")),
    ),
    "average_volume": lambda: ({"max_pct": "5"}, BUY, supplied(view(), adv=D(100))),
    "participation": lambda: ({"max_pct": "5"}, BUY, supplied(after(), volume=D(100))),
    "max_long_position": lambda: ({"limit_shares": "9"}, BUY, view()),
    "max_short_position": lambda: ({"limit_shares": "9"}, SHORT, view()),
    "gross_exposure": lambda: ({"limit_usd": "999"}, BUY, view()),
    "net_exposure": lambda: ({"limit_usd": "999"}, BUY, view()),
    "concentration": lambda: ({"max_pct": "0.09"}, BUY, view()),
    "sector_exposure": lambda: ({"limit_usd": "999"}, BUY, supplied(view(), sector="food")),
    "buying_power": lambda: ({}, BUY, view(account=account("900"))),
    "daily_capital": lambda: ({"limit_usd": "1000"}, BUY, spent()),
    "basket_notional": lambda: (
        {"plan_usd": "1000"},
        limit_order("100", plan_id="p"),
        spent(plan="p"),
    ),
    "parent_quantity": lambda: (
        {},
        limit_order("100", parent_id="p", parent_quantity="12"),
        after(event(Deed.FILLED, quantity="9", parent="p", parent_quantity=D(12))),
    ),
    "order_rate": lambda: ({"symbol_per_second": 3}, BUY, many(Deed.SENT, 3)),
    "message_rate": lambda: ({"changes_per_second": 3}, BUY, many(Deed.CANCEL_SENT, 4)),
    "repeated_execution": lambda: ({"max_orders": 3}, BUY, many(Deed.FILLED, 3)),
    "duplicate_order": lambda: (
        {},
        BUY,
        view(recent=(recent_order(limit_order("100", intent_id="i-0"), "fw-0", NOW),)),
    ),
    "anti_slicing": lambda: (
        {},
        BUY,
        after(event(Deed.REFUSED, quantity="5", codes=("C01",))),
    ),
    "open_orders": lambda: (
        {"side_orders": 3},
        BUY,
        view(held=Exposure(orders=3, buy_orders=3)),
    ),
    "restricted": lambda: ({"symbols": ["AAPL"]}, BUY, view()),
    "permission": lambda: ({"strategies": ["alpha"]}, BUY, view()),
    "instrument_rules": lambda: ({}, limit_order("100.001"), view()),
    "market_session": lambda: ({}, BUY, supplied(view(), session=Session(SessionState.HALTED))),
    "quote_quality": lambda: ({}, BUY, view(price=quote(None))),
    "short_sale": lambda: (
        {},
        limit_order("99", Side.SELL),
        supplied(view(), locate=Locate(easy=True), ssr=Ssr.ACTIVE),
    ),
    "self_trade": lambda: ({}, BUY, view(beside=Beside(lowest_sell=D(100)))),
    "margin_excess": lambda: ({"floor_usd": "999999"}, BUY, view()),
    "settled_cash": lambda: ({"floor_usd": "999999"}, BUY, after()),
    "daily_loss": lambda: (
        {"max_loss_usd": "10"},
        BUY,
        supplied(view(), pnl=ProfitAndLoss(D(90), D(100), D(100))),
    ),
    "error_rate": lambda: ({"max_rejects": 2}, BUY, many(Deed.REJECTED, 3)),
    "clock_skew": lambda: ({"max_seconds": "1"}, BUY, supplied(view(), skew=D(2))),
}


def codes(name: str, case: Case, *, change: OrderChange | None = None) -> set[str]:
    """The codes of the refusal when one control alone is asked as the gate asks it."""
    table, asked, book = case
    control = next(one for one in build_checks({name: table}) if one.name == name)
    control.call = control.check_order  # type: ignore[attr-defined]  # as the registry hands it over
    batch = Batch([Question(proposal(asked, change=change), book, {})], CALM)
    Judge([control]).run(batch)  # type: ignore[list-item]  # the same
    decision = batch.judged[0].decision
    assert decision.may_leave == (not decision.reasons)
    return {reason.code for reason in decision.reasons}


def changing(book: BookView) -> BookView:
    """The same book when one share at a dollar stands, and is to become the order."""
    return replace(book, standing=D(1), standing_value=D(1))


def test_every_control_has_its_case() -> None:
    """A control that is left out here may have a way around it."""
    assert list(CASES) == [control.name for control in CONTROLS]


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_as_an_order_is_refused_as_a_change(name: str) -> None:
    """A small order that is changed into a forbidden one is a forbidden one."""
    code = next(control.code for control in CONTROLS if control.name == name)
    table, asked, book = CASES[name]()
    change = OrderChange(quantity="10", limit_price=asked.limit_price)

    assert codes(name, (table, asked, book)) == {code}
    assert codes(name, (table, asked, changing(book)), change=change) == {code}


@pytest.mark.parametrize(
    "name",
    [
        "max_order_quantity",
        "max_order_notional",
        "max_long_position",
        "gross_exposure",
        "net_exposure",
        "concentration",
        "buying_power",
        "daily_capital",
        "basket_notional",
        "margin_excess",
        "settled_cash",
        "quote_quality",
    ],
)
@pytest.mark.parametrize("price", ["absent", "old", "NaN", "crossed"])
def test_a_price_that_is_none_refuses_orders_and_changes(name: str, price: str) -> None:
    """However wide the limit: what cannot be valued is not within it."""
    wide = {"limit_usd": "900000", "plan_usd": "900000", "max_pct": "90", "floor_usd": "0"}
    table, _, _ = CASES[name]()
    table = {key: wide.get(key, value) for key, value in table.items()}
    asked = order(quantity=None, notional="500", plan_id="p")
    if name not in {"max_order_quantity", "max_long_position"}:
        asked = order(plan_id="p", type=OrdType.MARKET)
    book = {
        "absent": after(no_quote=True),
        "old": after(price=quote(age=60)),
        "NaN": after(price=quote("NaN", "NaN")),
        "crossed": after(price=quote("102", "101")),
    }[price]
    book = replace(book, instruments={"AAPL": Instrument("AAPL")})

    assert codes(name, (table, asked, book))
    if asked.quantity is not None:
        change = OrderChange(quantity="10")
        assert codes(name, (table, asked, changing(book)), change=change)
