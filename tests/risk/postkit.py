"""Ask one of the post-execution controls about one fill or finding, as the desk would."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fillwright.accounts import Account, Position, Quote
from fillwright.book import BookView, Exposure, FillFacts
from fillwright.findings import Finding
from fillwright.orders import Order
from fillwright.reports import Anomaly, Execution
from fillwright.risk.answers import sound
from fillwright.states import OrderState, Owner
from fillwright.types import ClientOrderId, ExecutionId, OrdStatus, Side
from fillwright.verdicts import ALLOW, Halt, Reject, Verdict, Warn
from fillwright_risk.build import build_post_checks

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
NAN = D("NaN")


def quote(
    bid: str | None = "99", ask: str | None = "101", *, age: float = 0, symbol: str = "AAPL"
) -> Quote:
    sides = [None if one is None else D(one) for one in (bid, ask)]
    return Quote(symbol, sides[0], sides[1], D(5), D(5), NOW - timedelta(seconds=age))


def state(**fields: Any) -> OrderState:
    """Ten shares of AAPL that were bought at the market, filled at 100."""
    wanted = fields.pop("order", {})
    side = fields.get("side", Side.BUY)
    content = {"symbol": "AAPL", "side": side, "quantity": "10", **wanted}
    order = None if wanted is None else Order.model_validate(content)
    given: dict[str, Any] = {
        "client_order_id": ClientOrderId("fw-1"),
        "symbol": "AAPL",
        "side": side,
        "status": OrdStatus.FILLED,
        "base": OrdStatus.FILLED,
        "quantity": D(10),
        "updated_at": NOW,
        "order": order,
        "filled": D(10),
        "value": D(1000),
        "arrival": quote("99", "100"),
    }
    return OrderState(**(given | fields))


def foreign(**fields: Any) -> OrderState:
    """The same, by somebody else."""
    return replace(
        state(**fields), order=None, owner=Owner.FOREIGN, client_order_id=ClientOrderId("foreign-9")
    )


def execution(price: str = "100", quantity: str = "10", corrects: str | None = None) -> Execution:
    taken = ExecutionId(corrects) if corrects else None
    return Execution(ExecutionId("e-1"), D(quantity), D(price), NOW, corrects=taken)


def book(
    *anomalies: Anomaly,
    at_fill: Quote | None = quote("99", "100"),  # noqa: B008  # it is frozen
    held: dict[str, str] | None = None,
    quotes: tuple[Quote, ...] = (),
    prices: dict[str, str] | None = None,
    account: str = "FAKE-1",
) -> BookView:
    """The book behind one fill."""
    positions = {
        symbol: Position(symbol, D(1), market_price=D(price))
        for symbol, price in (prices or {}).items()
    }
    owner = Account(account, "USD", D(0), D(0), D(0), NOW, positions)
    exposures = {symbol: Exposure(D(quantity)) for symbol, quantity in (held or {}).items()}
    facts = FillFacts(NOW, at_fill, anomalies)
    return BookView(NOW, owner, exposures, {q.symbol: q for q in quotes}, {}, fill=facts)


def control(code: str, **table: Any) -> Any:
    """One control by its id, set up by its table or its example."""
    kinds = {one.code: one for one in build_post_checks(every())}
    name = kinds[code].name
    given = table or kinds[code].fallback
    (made,) = (
        c
        for c in build_post_checks({name: kinds[code].example if given is None else given})
        if c.code == code
    )
    return made


def every() -> dict[str, Any]:
    """The example of every control: all of them are on."""
    from fillwright_risk.post import POST_CONTROLS

    return {one.name: one.example for one in POST_CONTROLS}


def of_fill(code: str, order: OrderState, fill: Execution, view: BookView, **table: Any) -> Verdict:
    """What a control says of a fill."""
    check = control(code, **table).check_execution
    names = check.__code__.co_varnames[1 : check.__code__.co_argcount]
    given = {"order": order, "execution": fill, "book": view}

    return sound(check(**{name: given[name] for name in names}))


def of_finding(code: str, finding: Finding, view: BookView | None = None, **table: Any) -> Verdict:
    """What a control says of a finding."""
    return sound(control(code, **table).check_books(finding, view or book()))


def kind(verdict: Verdict) -> str:
    """What kind of answer it is, with the scope of a halt."""
    if verdict is ALLOW:
        return "allow"
    if isinstance(verdict, Halt):
        return f"halt {verdict.scope}"
    return {Warn: "warn", Reject: "alert"}[type(verdict)]  # type: ignore[index]
