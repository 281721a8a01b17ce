"""History from journals that say less than today's: nothing is invented, and nothing stops."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fillwright.desk.historian import Historian
from fillwright.history import Deed
from fillwright.ledger import Asked, Change, ChangeRefused, OrderFact, Refused, Sent
from fillwright.orders import Order, OrderChange
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId, OrdStatus, Side

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KEY = ClientOrderId("fw-1")
LIMIT = Order.model_validate(
    {"symbol": "KO", "side": "BUY", "quantity": "10", "type": "LIMIT", "limit_price": "50"}
)
STATE = OrderState(KEY, "KO", Side.BUY, OrdStatus.NEW, OrdStatus.NEW, D(10), NOW, order=LIMIT)
MORE = OrderChange(quantity="15")


def noted(fact: OrderFact, before: OrderState) -> Historian:
    historian = Historian()
    historian.note(Change(fact, before, before))
    return historian


@pytest.mark.parametrize(
    "fact",
    [
        Sent(KEY, NOW, "", NOW, D(10), D(50)),
        Refused(KEY, NOW, ()),
        ChangeRefused(KEY, NOW, MORE, ()),
        Asked(KEY, NOW, Action.CANCEL),
        Asked(KEY, NOW, Action.REPLACE, MORE),
    ],
)
def test_an_order_whose_content_is_not_known_is_no_deed(fact: OrderFact) -> None:
    """A deed without size or side, counted all the same, fills a limit with nothing."""
    historian = noted(fact, replace(STATE, order=None))

    assert {kind: historian.view(NOW).count(kind) for kind in Deed} == dict.fromkeys(Deed, 0)


def test_a_replace_that_does_not_say_what_it_changes_is_no_deed() -> None:
    """A replay that stops at a record of an older desk is a desk that does not start."""
    historian = noted(Asked(KEY, NOW, Action.REPLACE), STATE)

    assert historian.view(NOW).count(Deed.REPLACED) == 0


def added(before: OrderState, change: OrderChange, **said: Decimal) -> tuple[object, object]:
    """What a change counts for, in quantity and in value."""
    historian = noted(Asked(KEY, NOW, Action.REPLACE, change, **said), before)
    (event,) = historian.view(NOW + timedelta(seconds=1)).events(Deed.REPLACED)
    return event.quantity, event.notional


MARKET = Order(symbol="KO", side=Side.BUY, quantity=D(10))
WORTH = Order(symbol="KO", side=Side.BUY, notional=D(100))
BY_NOTIONAL = replace(STATE, order=WORTH, quantity=None)


@pytest.mark.parametrize(
    ("before", "change", "said", "counted"),
    [
        # What the record says, where it says it.
        (STATE, MORE, {"value": D(7)}, (5, 7)),
        # More at the same price; the same at a higher one; less at a lower one.
        (STATE, MORE, {}, (5, 250)),
        (STATE, OrderChange(limit_price="60"), {}, (0, 100)),
        (STATE, OrderChange(quantity="4", limit_price="40"), {}, (0, 0)),
        # What has filled is not bought again.
        (replace(STATE, filled=D(6)), MORE, {}, (5, 250)),
        # Without a price of its own it counts at the worst one, or at none.
        (replace(STATE, order=MARKET), MORE, {"worst_price": D(20)}, (5, 100)),
        (replace(STATE, order=MARKET), MORE, {}, (5, None)),
        # By notional nobody knows how many.
        (
            replace(STATE, order=WORTH, quantity=None),
            OrderChange(limit_price="1"),
            {},
            (None, None),
        ),
    ],
)
def test_what_a_change_adds_is_worked_out_where_the_record_does_not_say_it(
    before: OrderState,
    change: OrderChange,
    said: dict[str, Decimal],
    counted: tuple[object, object],
) -> None:
    """Counted as nothing, a day's limit can be used up twice after a restart."""
    assert added(before, change, **said) == counted
