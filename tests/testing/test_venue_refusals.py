"""Every reason for which the venue says no."""

import pytest

from fillwright.errors import DuplicateClientOrderId, UnknownSymbol
from fillwright.testing import Refused, Touch, Why
from fillwright.types import ZERO
from testing.venue_tools import Bench, limit

_LEGS = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
_BRACKET = {"order_class": "BRACKET"} | _LEGS
_OCO = {"order_class": "OCO"} | _LEGS | limit("110")

_CASES = [
    ("BUY 1 NOSUCH", {}, Why.UNKNOWN_SYMBOL, 'asset "NOSUCH" not found'),
    ("BUY 1 DWAC", {}, Why.NOT_TRADABLE, 'asset "DWAC" is not tradable'),
    ("BUY 1.5 NVR", {}, Why.NOT_FRACTIONABLE, 'asset "NVR" is not fractionable'),
    ("BUY $500 NVR", {}, Why.NOT_FRACTIONABLE, 'asset "NVR" is not fractionable'),
    ("BUY 0.0000000001 AAPL", {}, Why.BAD_QUANTITY, "qty must be a multiple of 0.000000001"),
    ("BUY 1 AAPL", limit("99.995"), Why.BAD_PRICE, "invalid limit_price 99.995. sub-penny"),
    ("BUY 2 AAPL", limit("0.99995"), Why.BAD_PRICE, "sub-penny increment"),
    ("BUY 1 AAPL", {"type": "STOP", "stop_price": "101.001"}, Why.BAD_PRICE, "invalid stop_price"),
    ("BUY 0.001 AAPL", {}, Why.BELOW_MINIMUM, "minimal amount of order 1"),
    ("BUY $0.50 AAPL", {}, Why.BELOW_MINIMUM, "minimal amount of order 1"),
    ("BUY 1000 AAPL", {}, Why.INSUFFICIENT_FUNDS, "required: 105000.00, available: 100000.00"),
    ("BUY 1001 AAPL", limit("100"), Why.INSUFFICIENT_FUNDS, "required: 100100.00"),
    ("BUY $100001 AAPL", {}, Why.INSUFFICIENT_FUNDS, "required: 100001.00"),
    ("SELL 11 MSFT", {}, Why.INSUFFICIENT_QUANTITY, "(requested: 11, available: 10)"),
    ("SELL 1 BTC/USD", {}, Why.INSUFFICIENT_QUANTITY, "(requested: 1, available: 0)"),
    ("SELL 1 GME", {}, Why.NOT_SHORTABLE, 'asset "GME" cannot be sold short'),
    ("SELL 1.5 AAPL", {}, Why.NOT_SHORTABLE, "fractional orders cannot be sold short"),
    ("SELL $100 AAPL", {}, Why.NOT_SHORTABLE, "fractional orders cannot be sold short"),
    ("SELL 1001 AAPL", {}, Why.INSUFFICIENT_FUNDS, "insufficient buying power"),
    ("BUY 11 KO", {}, Why.INSUFFICIENT_QUANTITY, "(requested: 11, available: 10)"),
    ("BUY $100 KO", {}, Why.UNSUPPORTED, "covered by qty"),
    ("SELL 1 AAPL", {"reduce_only": True}, Why.OPPOSITE_SIDE, "reduce-only"),
    ("BUY 1 MSFT", {"reduce_only": True}, Why.OPPOSITE_SIDE, "reduce-only"),
    ("BUY 1 AAPL", {"extended_hours": True}, Why.UNSUPPORTED, "extended hours orders"),
    ("BUY 1.5 AAPL", _BRACKET, Why.UNSUPPORTED, "fractional orders must be simple"),
    ("BUY 1 AAPL", _BRACKET | {"time_in_force": "IOC"}, Why.UNSUPPORTED, "complex orders"),
    ("SELL 1 AAPL", _BRACKET, Why.BAD_LEGS, "must be below"),
    ("BUY 1 AAPL", _OCO, Why.BAD_LEGS, "must be below"),
    ("SELL 1 AAPL", _OCO, Why.BAD_LEGS, "oco orders must be exit orders"),
    ("SELL 1 MSFT", _OCO | limit("111"), Why.BAD_LEGS, "must equal take_profit"),
    (
        "BUY 1 AAPL",
        limit("90", time_in_force="GTD", expire_time="2026-03-02T14:59:59Z"),
        Why.UNSUPPORTED,
        "expire_time is not in the future",
    ),
    ("BUY 1 PG", {}, Why.NO_QUOTE, 'no quote for "PG"'),
]


def _bench(**settings) -> Bench:
    bench = Bench(positions={"MSFT": "10", "KO": "-10"}, **settings)
    for symbol in ("AAPL", "MSFT", "KO"):
        bench.quote(symbol, "99.99", "100")
    bench.venue.set_quote("PG", Touch(None, None, ZERO, ZERO))
    return bench


@pytest.mark.parametrize(("text", "fields", "why", "said"), _CASES)
def test_each_reason(text, fields, why, said):
    """A refusal that takes money, leaves an order or says nonsense misleads the desk."""
    bench = Bench(positions={"MSFT": "10"})
    if " KO" in text:
        bench = Bench(positions={"KO": "-10"})
    for symbol in ("AAPL", "MSFT", "KO"):
        bench.quote(symbol, "99.99", "100")
    bench.venue.set_quote("PG", Touch(None, None, ZERO, ZERO))
    before = bench.venue.account()
    with pytest.raises(Refused) as refused:
        bench.send(text, "mine", **fields)
    assert refused.value.why is why
    assert said in refused.value.text
    assert refused.value.evidence == f"response:{why}"
    assert bench.venue.find("mine") is None
    assert (bench.venue.account(), bench.said) == (before, [])


def test_a_client_order_id_is_used_once_for_ever():
    """A resend that makes a second order is the harm this whole project is about."""
    bench = _bench()
    bench.send("BUY 1 AAPL", "same")
    gone = bench.send("BUY 1 MSFT", "gone", **limit("50"))
    bench.venue.cancel(gone.broker_order_id)
    for name in ("same", "gone"):
        with pytest.raises(DuplicateClientOrderId, match="client_order_id must be unique"):
            bench.send("BUY 1 AAPL", name)
    assert len(bench.venue.orders()) == 2


def test_a_refused_id_may_come_again():
    """What was proven not taken may be sent again, or a small mistake would need a new intent."""
    bench = _bench()
    with pytest.raises(Refused):
        bench.send("BUY 9999 AAPL", "again")
    assert bench.send("BUY 1 AAPL", "again").filled == 1


@pytest.mark.parametrize(
    ("resting", "coming"),
    [
        (("SELL 5 MSFT", limit("101")), ("BUY 1 MSFT", {})),
        (("SELL 5 MSFT", limit("101")), ("BUY 1 MSFT", limit("101"))),
        (("SELL 5 MSFT", {"type": "STOP", "stop_price": "90"}), ("BUY 1 MSFT", limit("95"))),
        (("BUY 5 MSFT", limit("95")), ("SELL 1 MSFT", {})),
        (("BUY $50 MSFT", limit("95")), ("SELL 1 MSFT", limit("95"))),
    ],
)
def test_wash_trades_are_refused(resting, coming):
    """An account that can trade with itself breaks the law."""
    bench = _bench()
    bench.send(resting[0], "first", **resting[1])
    with pytest.raises(Refused, match="potential wash trade detected") as refused:
        bench.send(coming[0], **coming[1])
    assert refused.value.why is Why.WASH_TRADE
    assert "first" in refused.value.text


def test_opposite_sides_that_cannot_cross_are_taken():
    """A rule that is too eager would refuse an ordinary pair of limits."""
    bench = _bench()
    bench.send("SELL 5 MSFT", **limit("101"))
    assert bench.send("BUY 1 MSFT", **limit("100.99")).filled == 1


@pytest.mark.parametrize(("first", "second"), [("SELL", "BUY"), ("BUY", "SELL")])
def test_a_flat_account_opens_one_side_at_a_time(first, second):
    """Two openings against each other would end in a position that nobody asked for."""
    bench = _bench()
    prices = {"SELL": limit("110"), "BUY": limit("90")}
    bench.send(f"{first} 1 AAPL", **prices[first])
    with pytest.raises(Refused) as refused:
        bench.send(f"{second} 1 AAPL", **prices[second])
    assert refused.value.why is Why.OPPOSITE_SIDE


def test_blocked_account_and_halted_symbol():
    """A block that lets orders through is none."""
    bench = _bench()
    resting = bench.send("BUY 1 AAPL", **limit("99"))
    bench.venue.control.halt("AAPL")
    bench.quote("AAPL", "98", "98.01")
    assert resting.filled == 0
    with pytest.raises(Refused, match="halted"):
        bench.send("BUY 1 AAPL")
    bench.venue.control.unhalt("AAPL")
    assert resting.filled == 1
    bench.venue.control.block()
    with pytest.raises(Refused, match="account is blocked"):
        bench.send("BUY 1 AAPL")
    assert bench.venue.account().blocked
    bench.venue.control.block(blocked=False)
    assert bench.send("BUY 1 AAPL").filled == 1


def test_open_sells_tie_up_the_position():
    """Selling the same share twice ends in a short position."""
    bench = _bench()
    bench.send("SELL 6 MSFT", **limit("110"))
    with pytest.raises(Refused, match=r"requested: 5, available: 4"):
        bench.send("SELL 5 MSFT", **limit("110"))
    assert bench.venue.account().positions["MSFT"].available == 4


def test_buying_power_is_held_and_released():
    """A hold that is never released starves the account; none at all overdraws it."""
    bench = Bench()
    bench.quote("AAPL", "99.99", "100")
    order = bench.send("BUY 100 AAPL", **limit("90"))
    assert (bench.power, bench.cash) == (91_000, 100_000)
    bench.venue.cancel(order.broker_order_id)
    assert bench.power == 100_000
    bench.send("BUY 100 AAPL", **limit("101"))
    assert bench.power == bench.cash == 90_000


def test_shorting_and_covering():
    """The proceeds of a short sale are not money to spend."""
    bench = Bench()
    bench.quote("AAPL", "100", "100")
    bench.send("SELL 100 AAPL")
    assert (bench.held("AAPL"), bench.cash, bench.power) == (-100, 110_000, 90_000)
    bench.quote("AAPL", "90", "90")
    bench.send("BUY 100 AAPL")
    assert (bench.held("AAPL"), bench.cash, bench.power) == (0, 101_000, 101_000)


def test_shorting_can_be_off():
    """A cash account that goes short owes what it does not have."""
    bench = Bench(shorting=False)
    with pytest.raises(Refused, match="available: 0"):
        bench.send("SELL 1 AAPL")


def test_multiplier_gives_leverage():
    """A margin account that is counted as cash would refuse half of its plan."""
    bench = Bench(multiplier="2")
    bench.quote("AAPL", "100", "100")
    bench.send("BUY 1500 AAPL", **limit("100"))
    account = bench.venue.account()
    assert (account.cash, account.buying_power, account.equity) == (-50_000, 50_000, 100_000)


def test_unknown_symbols_and_orders():
    """A misspelt name must not look like an instrument without rules."""
    bench = Bench()
    for ask in (bench.venue.instrument, bench.venue.quote):
        with pytest.raises(UnknownSymbol):
            ask("NOSUCH")
    with pytest.raises(Refused, match="order not found"):
        bench.venue.cancel("nothing")
