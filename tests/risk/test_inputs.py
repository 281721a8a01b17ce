"""A check is asked only when what it declared is there; what reduces is not trapped by that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import BookView
from fillwright.errors import InputMissing
from fillwright.inputs import (
    Datum,
    Input,
    Locate,
    Need,
    ProfitAndLoss,
    Session,
    SessionState,
    Ssr,
    Supplied,
    Window,
)
from fillwright.orders import Order
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Reject, Warn
from risk.gatekit import EVERYTHING, NOW, Desk, gate, order, proposal, quote, view

GOOD: dict[str, object] = {
    Input.ADV: Decimal(1000),
    Input.VOLUME: Decimal(10),
    Input.SESSION: Session(SessionState.OPEN),
    Input.LOCATE: Locate(Decimal(5)),
    Input.SSR: Ssr.ACTIVE,
    Input.PNL: ProfitAndLoss(Decimal(90), Decimal(100), Decimal(120)),
    Input.SECTOR: "technology",
    Input.SKEW: Decimal(1),
    "mine": Decimal(7),
}


class Declared:
    """A check with a name, an id, and needs."""

    name = "declared"
    code = "D1"

    def __init__(self, *needs: Need, call: Callable[..., object] = lambda o, b: ALLOW) -> None:
        self.needs = needs
        self.call = call


def supplied(*, age: float = 1, **values: object) -> Supplied:
    data = {}
    for name, value in (GOOD | values).items():
        symbol = "" if name in (Input.PNL, Input.SKEW) else "AAPL"
        if value is not None:
            at = NOW - timedelta(seconds=age)
            data[name, symbol] = Datum(name, symbol, value, at)
    return Supplied(data)


async def ask(check: Declared, book: BookView, side: Side = Side.BUY) -> Any:
    return await gate(EVERYTHING, check, desk=Desk(book)).ask(proposal(order(side)))


def declared_book(asked: Order, book: BookView) -> object:
    """Use everything, as a check's body would."""
    symbol = asked.symbol
    used = (
        book.adv(symbol) + book.volume(symbol) + book.locate(symbol).shares + book.pnl.today,
        book.session(symbol).state,
        (book.sector(symbol).upper(), book.ssr(symbol)),
        book.number(Input.SKEW) + book.number("mine", symbol),
        book.needed_quote(symbol).at,
        book.needed_instrument(symbol).lot,
    )
    return ALLOW if used[0] == 1005 else Reject("USED", measured=used[0], limit=1005)


async def test_what_a_check_declared_is_there() -> None:
    """A body that must look for None at each step is a body in which one is forgotten."""
    check = Declared(*GOOD, Input.QUOTE, Input.INSTRUMENT, call=declared_book)  # type: ignore[arg-type]  # names
    answer = await ask(check, view(supplied=supplied()))

    assert answer.decision.reasons == ()
    assert answer.order is not None


@pytest.mark.parametrize("needed", GOOD)
@pytest.mark.parametrize("flaw", ["missing", "stale", "future", "nan", "wrong type"])
async def test_what_is_not_sound_refuses_under_the_checks_own_code(needed: str, flaw: str) -> None:
    """A share of an unknown volume is not small, and a NaN passes every comparison."""
    age = {"stale": 10**8, "future": -(10**8)}.get(flaw, 1)
    wrong: object = object() if flaw == "wrong type" else GOOD[needed]
    if flaw == "nan":
        nan = Decimal("NaN")
        wrong = {Input.LOCATE: Locate(nan), Input.PNL: ProfitAndLoss(nan, nan, nan)}.get(
            needed, nan
        )  # type: ignore[call-overload]  # by text
    held = supplied(age=age, **{needed: None if flaw == "missing" else wrong})
    asked = []
    check = Declared(needed, call=lambda o, b: asked.append(o) or ALLOW)

    answer = await ask(check, view(supplied=held))

    (reason,) = answer.decision.reasons
    assert answer.order is None
    assert (reason.code, reason.check) == ("D1", "declared")
    assert needed in reason.measured
    assert needed in reason.limit
    assert asked == []


async def test_a_check_without_an_id_refuses_under_its_name() -> None:
    """Whoever reads the refusal must find the check."""
    check = Declared(Input.ADV)
    check.code = ""

    answer = await ask(check, view())

    assert answer.decision.reasons[0].code == "declared"


@pytest.mark.parametrize("flaw", ["missing", "stale"])
async def test_an_order_that_only_reduces_passes_and_keeps_the_remark(flaw: str) -> None:
    """When a source of data fails, positions must not be trapped by a limit on opening them."""
    held = supplied(age=10**8 if flaw == "stale" else 1, adv=None if flaw == "missing" else GOOD)
    answer = await ask(Declared(Input.ADV), view("10", supplied=held), Side.SELL)

    assert answer.order is not None
    assert [(r.code, r.warning) for r in answer.order.remarks] == [("D1", True)]


async def test_a_check_with_all_it_needs_decides_about_reducing_orders_itself() -> None:
    """The exemption is for missing data alone."""
    check = Declared(Input.ADV, call=lambda o, b: Reject("D1", measured=1, limit=0))

    answer = await ask(check, view("10", supplied=supplied()), Side.SELL)

    assert answer.order is None


async def test_every_missing_input_is_named() -> None:
    """Whoever mends one source and is refused by the next loses an hour for each."""
    answer = await ask(Declared(Input.ADV, Input.SECTOR, Input.QUOTE), view(no_quote=True))

    measured = answer.decision.reasons[0].measured
    assert measured == "no adv of AAPL, no sector of AAPL, no fresh quote of AAPL"


@pytest.mark.parametrize(
    "price", [quote(None, None), quote(age=60), quote("102", "101"), quote("NaN", "NaN"), None]
)
async def test_a_quote_that_prices_nothing_is_no_quote(price: Any) -> None:
    """A collar around an empty, old, crossed or broken quote holds nothing."""
    book = view(price=price) if price else view(no_quote=True)

    assert (await ask(Declared(Input.QUOTE), book)).order is None
    assert (await ask(Declared(Input.QUOTE), view(price=quote("99", None)))).order is not None


async def test_rules_that_were_read_long_ago_are_absent() -> None:
    """Yesterday's lot size may be another today."""
    old = Supplied(instruments_at={"AAPL": NOW - timedelta(days=2)})

    assert (await ask(Declared(Input.INSTRUMENT), view(supplied=old))).order is None
    assert (await ask(Declared(Input.INSTRUMENT), view(instrument=None))).order is None
    assert (await ask(Declared(Input.INSTRUMENT), view())).order is not None


async def test_the_allowed_age_is_a_setting_per_input() -> None:
    """A day-old volume may be good for one desk and useless for another."""
    day = timedelta(days=1)
    old = replace(supplied(age=3600), max_age={Input.VOLUME: day, "mine": day})

    for name in (Input.VOLUME, "mine"):
        assert (await ask(Declared(name), view(supplied=old))).order is not None
        assert (await ask(Declared(name), view(supplied=supplied(age=3600)))).order is None


def test_who_did_not_declare_asks_and_may_get_none() -> None:
    """An input that is nice to have must not become one that stops every order."""
    book, bare = view(supplied=supplied()), view(instrument=None, no_quote=True)
    found = book.find(Input.ADV, "AAPL")

    assert found is not None
    assert found.value == 1000
    for name in (*GOOD, Input.QUOTE, Input.INSTRUMENT):
        assert bare.find(name, "AAPL") is None
    assert book.find(Input.PNL) is not None
    with pytest.raises(InputMissing, match="no fresh adv of KO; declare it"):
        book.adv("KO")
    with pytest.raises(InputMissing, match="no fresh pnl; declare it"):
        bare.pnl  # noqa: B018  # the property raises


def test_a_session_is_over_at_its_close() -> None:
    """What was told open a moment ago is closed a minute later."""
    closing = Session(SessionState.OPEN, next_close=NOW)
    later = Session(SessionState.OPEN, next_close=NOW + timedelta(seconds=1))

    assert view(supplied=supplied(session=closing)).session("AAPL").state is SessionState.CLOSED
    assert view(supplied=supplied(session=later)).session("AAPL").state is SessionState.OPEN


def test_profit_and_loss_has_today_and_the_drawdown() -> None:
    """A loss is below zero; a drawdown never is."""
    pnl = ProfitAndLoss(Decimal(90), Decimal(100), Decimal(120))

    assert (pnl.today, pnl.drawdown) == (-10, 30)


async def test_a_window_is_no_input() -> None:
    """How far back a check looks is not data that can be missing."""
    check = Declared(Window(timedelta(days=1)))

    assert (await ask(check, view())).order is not None


class TestWarnings:
    """A remark that stops nothing."""

    async def test_it_is_kept_with_the_order_and_never_stops_it(self) -> None:
        """711 warnings in one pop-up stopped nobody; so they are not what a limit is made of."""
        check = Declared(call=lambda o, b: Warn("W1", measured=2, limit=1, text="large"))
        answer = await ask(check, view())

        assert answer.order is not None
        (remark,) = answer.order.remarks
        assert (remark.code, remark.warning) == ("W1", True)
        assert str(remark) == "warning W1: measured 2, limit 1 (large)"

    async def test_beside_a_refusal_it_is_told_apart(self) -> None:
        """Whoever mends what was only remarked on is refused again."""
        warns = Declared(call=lambda o, b: Warn("W1", measured=2, limit=1))
        refuses = Declared(call=lambda o, b: Reject("R1", measured=2, limit=1))
        answer = await gate(warns, refuses, desk=Desk(view())).ask(proposal(order()))

        assert answer.order is None
        told = [(reason.code, reason.warning) for reason in answer.decision.reasons]
        assert told == [("W1", True), ("R1", False)]

    async def test_a_warning_without_a_code_is_no_verdict(self) -> None:
        """What cannot be looked up is a mistake in the check."""
        answer = await ask(Declared(call=lambda o, b: Warn("", measured=2, limit=1)), view())

        assert answer.decision.reasons[0].code == "CHECK_BAD_VERDICT"
        assert answer.order is None


def test_the_instrument_s_own_datum_has_the_time_it_was_read() -> None:
    """An age that is always zero is no age."""
    read = NOW - timedelta(hours=3)
    book = view(instrument=Instrument("AAPL"), supplied=Supplied(instruments_at={"AAPL": read}))
    datum = book.find(Input.INSTRUMENT, "AAPL")

    assert datum is not None
    assert datum.at == read
