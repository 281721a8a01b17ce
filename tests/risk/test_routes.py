"""What is not declared is refused: whatever the order, whatever the broker's tables."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fillwright.accounts import Instrument
from fillwright.orders import Order, OrderChange
from fillwright.protocols import Capabilities, Routes, Table
from fillwright.risk import Conditions
from fillwright.risk.house import house_rules
from fillwright.types import AssetClass, OrderClass, OrdType, Side, TimeInForce
from fillwright.verdicts import Reject
from risk.gatekit import CALM, EVERYTHING, NOW, D, Desk, gate, order, proposal, view

TABLES = st.dictionaries(st.sampled_from(OrdType), st.frozensets(st.sampled_from(TimeInForce)))
ROUTES = st.builds(
    Routes,
    whole=st.dictionaries(st.sampled_from(OrderClass), TABLES),
    fractional=TABLES,
    notional=TABLES,
    extended_hours=TABLES,
    replace=st.booleans(),
    replace_fractional=st.booleans(),
)
BROKERS = st.dictionaries(st.sampled_from(AssetClass), ROUTES).map(Capabilities)
LOTS = st.sampled_from([D(1), D(100), D("0.5")])
QUANTITIES = st.sampled_from(["1", "100", "1.5", "0.25"])
PRICES: dict[OrdType, dict[str, Any]] = {
    OrdType.MARKET: {},
    OrdType.LIMIT: {"limit_price": "100"},
    OrdType.STOP: {"stop_price": "100"},
    OrdType.STOP_LIMIT: {"limit_price": "100", "stop_price": "100"},
    OrdType.TRAILING_STOP: {"trail_price": "1"},
}
BOTH = {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "90"}}
LEGS: dict[OrderClass, dict[str, Any]] = {
    OrderClass.SIMPLE: {},
    OrderClass.BRACKET: BOTH,
    OrderClass.OCO: BOTH,
    OrderClass.OTO: {"stop_loss": {"stop_price": "90"}},
}


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from(OrderClass))
    order_type = OrdType.LIMIT if kind is OrderClass.OCO else draw(st.sampled_from(OrdType))
    time_in_force = draw(st.sampled_from(TimeInForce))
    amount = draw(st.sampled_from(["quantity", "notional"]))
    fields = {
        "quantity": None,
        "type": order_type,
        "time_in_force": time_in_force,
        "expire_time": NOW if time_in_force is TimeInForce.GTD else None,
        "extended_hours": draw(st.booleans()),
        "order_class": kind,
        amount: draw(QUANTITIES),
    }
    return order(draw(st.sampled_from(Side)), **fields, **PRICES[order_type], **LEGS[kind])


def holds(table: Table, asked: Order) -> bool:
    return asked.type in table and asked.time_in_force in table[asked.type]


def taken(asked: Order, routes: Routes, lot: Any) -> bool:
    """The tables, read in the plainest way."""
    simple = asked.order_class is OrderClass.SIMPLE
    if asked.notional is not None:
        fits = simple and holds(routes.notional, asked)
    elif asked.quantity % lot:
        fits = simple and holds(routes.fractional, asked)
    else:
        fits = asked.order_class in routes.whole and holds(routes.whole[asked.order_class], asked)
    return fits and (not asked.extended_hours or (simple and holds(routes.extended_hours, asked)))


def objections(asked: Order, broker: Capabilities, **fields: Any) -> list[object]:
    change = fields.pop("change", False)
    said = house_rules(asked, view(**fields), Conditions(broker), change=change)
    return [verdict for _, verdict in said]


@given(orders(), BROKERS, st.sampled_from(AssetClass), LOTS)
def test_exactly_what_the_tables_hold_passes(
    asked: Order, broker: Capabilities, kind: AssetClass, lot: Any
) -> None:
    """One order too many is rejected by the broker, or taken for something else; one too few
    strands a plan that the broker would have carried out.
    """
    routes = broker.routes.get(kind)
    fits = routes is not None and taken(asked, routes, lot)
    rules = Instrument("AAPL", asset_class=kind, lot=lot)
    said = objections(asked, broker, instrument=rules)

    assert fits == (not said)
    assert all(isinstance(v, Reject) and v.measured and v.limit for v in said)


@given(orders(), BROKERS)
def test_an_unknown_instrument_is_judged_as_a_share(asked: Order, broker: Capabilities) -> None:
    """An order must not pass by tables that nobody named because its rules were not read."""
    routes = broker.routes.get(AssetClass.US_EQUITY)
    fits = routes is not None and taken(asked, routes, D(1))

    assert fits == (not objections(asked, broker, instrument=None))


@given(orders(), ROUTES, LOTS, QUANTITIES.map(D))
def test_exactly_what_may_be_replaced_is_replaced(
    asked: Order, routes: Routes, lot: Any, standing: Any
) -> None:
    """A replace that the broker does not know can leave two orders, or none."""
    before = None if asked.notional is not None else standing
    fraction = before is not None and bool(asked.quantity % lot or before % lot)
    fits = taken(asked, routes, lot) and routes.replace and asked.notional is None
    fits = fits and (routes.replace_fractional or not fraction)
    broker = Capabilities({AssetClass.US_EQUITY: routes})
    rules = Instrument("AAPL", lot=lot)
    said = objections(asked, broker, instrument=rules, standing=before, change=True)

    assert fits == (not said)


@given(orders(), BROKERS)
def test_the_gate_passes_an_order_as_it_is_or_not_at_all(
    asked: Order, broker: Capabilities
) -> None:
    """An order that is bent until the broker takes it is not the order that was decided."""
    before = asked.model_copy(deep=True)
    desk = Desk(view(), Conditions(broker, allow_resize=True))
    answer = asyncio.run(gate(EVERYTHING, desk=desk).ask(proposal(asked)))

    assert answer.order is None or answer.order.order == before
    assert asked == before


def test_a_change_is_judged_with_what_stood_before() -> None:
    """A fraction that becomes whole is still a replace of a fraction at the broker."""
    whole = {OrderClass.SIMPLE: {OrdType.MARKET: frozenset({TimeInForce.DAY})}}
    broker = Capabilities({AssetClass.US_EQUITY: Routes(whole, replace=True)})
    change = OrderChange(quantity="2")

    async def judged(standing: str) -> bool:
        desk = Desk(view(standing=D(standing)), Conditions(broker))
        answer = await gate(EVERYTHING, desk=desk).ask(proposal(order(quantity="2"), change=change))
        return answer.change is not None

    assert asyncio.run(judged("1.5")) is False
    assert asyncio.run(judged("1")) is True
    assert CALM.capabilities.routes[AssetClass.US_EQUITY].replace
