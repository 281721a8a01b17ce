"""Say what a plan would send and what the gate would answer; nothing is sent or recorded."""

from dataclasses import replace
from types import MappingProxyType

from fillwright.accounts import Account
from fillwright.desk.planning.book_cleaning import stale
from fillwright.desk.planning.facts import rules_of, snapshot_of
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.settings import PlanSettings
from fillwright.orders import Order
from fillwright.plans import Plan, Residual, Why, item_count
from fillwright.plans.funds import Price, available, fit, proceeds
from fillwright.plans.sizing import SizedLine, size
from fillwright.plans.wishes import Snapshot
from fillwright.risk.merge import Decision
from fillwright.types import Amount, NonNegative, Side, Value


class PreviewLine(Value):
    """One line of the plan, what it would send, and what the gate would say to that."""

    symbol: str
    side: Side | None
    asked: NonNegative | None
    asked_value: NonNegative | None = None
    order: Order | None = None
    #: ALLOW, RESIZE, REJECT or HALT; absent when there is no order to judge.
    verdict: str | None = None
    #: What the gate would let pass, where it would make the order smaller.
    resized_to: NonNegative | None = None
    reasons: tuple[str, ...] = ()
    residuals: tuple[Residual, ...] = ()


class PlanPreview(Value):
    """What running the plan now would do, as far as anybody can know beforehand."""

    plan_id: str
    item_count: int
    #: "finished" and "started" plans would not be sized anew; otherwise "new".
    known: str
    #: Orders that would be canceled first.
    cancels: tuple[str, ...] = ()
    #: What buys may cost: what is available now, and what the sells would bring at the bid.
    available: Amount
    proceeds: Amount
    lines: tuple[PreviewLine, ...] = ()


async def preview_of(
    plan: Plan, desk: PlanDesk, settings: PlanSettings, *, known: str
) -> PlanPreview:
    """Size the plan on the facts of this moment and ask the gate about every order."""
    rules = await rules_of(plan, desk, settings)
    cancels = tuple(
        s.client_order_id for s in stale(settings.stale_orders_of(plan), desk.working())
    )
    snapshot = await snapshot_of(
        plan, desk, settings, rules=rules, unsettled={}, without=frozenset(cancels)
    )
    if cancels:
        snapshot = replace(snapshot, account=_unheld(snapshot.account))
    sized = size(plan, snapshot)
    orders = _affordable(sized, snapshot, settings)
    turns = sorted(orders, key=lambda n: (sized[n].side is Side.BUY, sized[n].rank))
    income = proceeds(sized, snapshot)
    judged = await desk.preview([orders[n] for n in turns], proceeds=income)
    decisions = dict(zip(turns, judged, strict=True))
    return PlanPreview(
        plan_id=plan.plan_id,
        item_count=item_count(plan),
        known=known,
        cancels=cancels,
        available=available(snapshot.account, margin=settings.margin),
        proceeds=income,
        lines=tuple(_line(n, orders.get(n.index), decisions.get(n.index), snapshot) for n in sized),
    )


def _affordable(
    sized: tuple[SizedLine, ...], snapshot: Snapshot, settings: PlanSettings
) -> dict[int, Order]:
    prices = {
        symbol: Price(snapshot.quotes.get(symbol), rules, settings.collar)
        for symbol, rules in snapshot.instruments.items()
    }
    funds = available(snapshot.account, margin=settings.margin) + proceeds(sized, snapshot)
    sells = {n.index: n.order for n in sized if n.side is Side.SELL and n.order is not None}
    return sells | fit(sized, prices, funds)


def _unheld(account: Account) -> Account:
    positions = {s: replace(p, available=None) for s, p in account.positions.items()}
    return replace(account, positions=MappingProxyType(positions))


def _line(
    line: SizedLine, order: Order | None, decision: Decision | None, snapshot: Snapshot
) -> PreviewLine:
    shrunk = decision is not None and order is not None and decision.quantity != order.quantity
    return PreviewLine(
        symbol=line.symbol,
        side=line.side,
        asked=line.asked,
        asked_value=line.asked_value,
        order=order,
        verdict=decision.outcome.value if decision else None,
        resized_to=decision.quantity if decision and decision.may_leave and shrunk else None,
        reasons=tuple(map(str, decision.reasons)) if decision else (),
        residuals=(*line.residuals, *_unpaid(line, order, snapshot)),
    )


def _unpaid(line: SizedLine, order: Order | None, snapshot: Snapshot) -> tuple[Residual, ...]:
    if line.order is None or order == line.order:
        return ()
    unpriced = line.order.limit_price is None and line.order.notional is None
    if order is None and unpriced and snapshot.price(line.symbol, Side.BUY) is None:
        text = snapshot.unquoted.get(line.symbol, f"{line.symbol} has no usable quote")
        return (Residual(why=Why.NO_QUOTE, quantity=line.order.quantity, text=text),)
    if order is None or order.quantity is None or line.order.quantity is None:
        return (Residual(why=Why.NO_FUNDS, quantity=line.order.quantity),)
    return (Residual(why=Why.NO_FUNDS, quantity=line.order.quantity - order.quantity),)
