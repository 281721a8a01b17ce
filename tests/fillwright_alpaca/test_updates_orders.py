"""Orders that follow others, and orders that hang together."""

import pytest

from alpacakit.telling import kinds, reports, told
from alpacakit.updates import AlpacaOrder, D, order_id
from fillwright.types import ExecType
from fillwright_alpaca.messages import execution_id
from fillwright_alpaca.updates import Updates

# ---------------------------------------------------------------------- replaces


def _replacement(old: AlpacaOrder, **fields) -> AlpacaOrder:
    return AlpacaOrder(2, "fw-1-r1", "12", replaces=old.fields["id"], **fields)


def test_replaced_with_the_old_order_inside():
    """A replace whose new id is not learned makes every later fill a stranger's."""
    order = AlpacaOrder()
    sent = order.event("replaced", replaced_by=None)
    sent["order"]["replaced_by"] = order_id(2)

    (said,) = reports(Updates(), sent)

    assert said.exec_type is ExecType.REPLACED
    assert (said.broker_order_id, said.replaced_by) == (order_id(), order_id(2))


def test_replaced_with_the_new_order_inside():
    """Which order the event carries is not documented, so both must do."""
    order = AlpacaOrder()
    sent = _replacement(order).event("replaced", "new")

    happened, stands = reports(Updates(), sent)

    assert happened.exec_type is ExecType.REPLACED
    assert (happened.broker_order_id, happened.replaced_by) == (order_id(), order_id(2))
    assert (stands.exec_type, stands.quantity) == (ExecType.ORDER_STATUS, D(12))


def test_a_lost_replaced_event_is_made_up_for_by_the_next():
    """The desk would ask for the old order, and take it for vanished."""
    order = AlpacaOrder()
    updates = Updates()

    first = reports(updates, _replacement(order).event("new"))
    second = reports(updates, _replacement(order).event("pending_cancel"))

    assert kinds(first) == ["REPLACED", "NEW"]
    assert kinds(second) == ["PENDING_CANCEL"]


def test_replaced_without_a_word_of_which():
    """A replace that names no order must not end the one that it came on."""
    gap, said = told(Updates(), AlpacaOrder().event("replaced"))

    assert "replaced" in gap.reason
    assert said.exec_type is ExecType.ORDER_STATUS


def test_a_refused_replacement_does_not_bury_the_order_that_stands():
    """`rejected` on the new order means that the old one lives: it must stay in the exposure."""
    old = AlpacaOrder()
    new = _replacement(old)
    updates = Updates()
    reports(updates, old.event("new"), old.event("pending_replace"))

    (said,) = reports(updates, new.event("pending_new"), new.event("rejected"))

    assert said.exec_type is ExecType.REPLACE_REJECTED
    assert (said.broker_order_id, said.client_order_id) == (order_id(), "fw-1")


def test_a_replacement_that_lived_can_be_rejected():
    """Once the old order is gone, the end of the new one is the end."""
    old = AlpacaOrder()
    new = _replacement(old)

    said = reports(Updates(), new.event("new"), new.event("rejected"))

    assert kinds(said) == ["REPLACED", "NEW", "REJECTED"]


@pytest.mark.parametrize("heard_of", [True, False])
@pytest.mark.parametrize("carried", ["0", "3"])
def test_fills_of_a_replacement(carried, heard_of):
    """Whether the new order begins at zero is not documented: neither may cost a fill."""
    old = AlpacaOrder()
    updates = Updates()
    reports(updates, old.event("new"), old.fill("3", "99"))
    new = _replacement(old, filled_qty=carried, filled_avg_price="99" if carried != "0" else None)
    new._value = D(carried) * 99

    acknowledged, fill = new.event("new"), new.fill("2", "98")
    said = reports(updates, *([acknowledged] if heard_of else []), fill)

    assert kinds(said) == ["REPLACED", *(["NEW"] if heard_of else []), "TRADE"]
    assert said[-1].execution.quantity == D(2)
    assert said[-1].execution.execution_id == execution_id(order_id(2), D(carried) + 2)


# ---------------------------------------------------------------------- legs


def _leg(number: int, **fields) -> AlpacaOrder:
    return AlpacaOrder(number, f"server-{number}", side="sell", status="held", **fields)


def test_legs_are_told_with_their_entry():
    """A leg that is taken for a stranger's order is never counted with its entry."""
    entry = AlpacaOrder(order_class="bracket")
    profit, loss = _leg(2), _leg(3, type="stop", stop_price="90", limit_price=None)
    entry.fields["legs"] = [profit.fields, loss.fields]
    updates = Updates()

    opened = reports(updates, entry.event("new"))
    again = reports(updates, entry.event("pending_cancel"))
    own = reports(updates, profit.event("new"), profit.fill("10", "120"))

    assert [one.broker_order_id for one in opened] == [order_id(n) for n in (1, 2, 3)]
    assert [one.parent for one in opened] == [None, "fw-1", "fw-1"]
    assert kinds(again) == ["PENDING_CANCEL"], "legs that did not move are not told again"
    assert [(str(one.exec_type), one.parent) for one in own] == [("NEW", "fw-1"), ("TRADE", "fw-1")]


def test_a_leg_that_cannot_be_read_does_not_hide_its_entry():
    """One strange leg must not cost the fill of the order that carries it."""
    entry = AlpacaOrder(order_class="bracket", legs=[{"id": "?"}])

    found = told(Updates(), entry.fill("10", "99"))

    assert kinds(found) == ["GAP", "TRADE"]


def test_an_order_that_stands_for_its_legs_alone():
    """Fills of such an order by another program are found in the books, not guessed."""
    legs = [_leg(2).fields, _leg(3).fields]
    entry = AlpacaOrder(order_class="mleg", symbol="", side="", legs=legs)

    found = told(Updates(), entry.fill("10", "1.5"))

    assert kinds(found) == ["GAP", "ORDER_STATUS", "ORDER_STATUS"]
    assert [one.broker_order_id for one in found[1:]] == [order_id(2), order_id(3)]
