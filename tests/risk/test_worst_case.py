"""The worst case of one order and of a symbol, number by number."""

from typing import Any

import pytest

from fillwright.book import FLAT, Exposure
from fillwright.orders import OrderChange
from fillwright.risk import ExposureBook, Terms, worst_leaves, worst_price, worst_value
from fillwright.risk.exposure import NO_TERMS
from fillwright.states import Action, OrderState, Pending
from fillwright.types import ClientOrderId, OrdStatus, Side
from risk.gatekit import NOW, D, limit_order, order, quote, view

BUY, SELL = Side.BUY, Side.SELL


def state(status: OrdStatus = OrdStatus.NEW, **fields: Any) -> OrderState:
    given: dict[str, Any] = {"quantity": D(10), "side": BUY, "key": "c-1"} | fields
    key, side, quantity = given.pop("key"), given.pop("side"), given.pop("quantity")
    symbol = given.pop("symbol", "AAPL")
    return OrderState(ClientOrderId(key), symbol, side, status, status, quantity, NOW, **given)


def changing(quantity: str | None = None, price: str | None = None) -> Pending:
    change = OrderChange(quantity=quantity, limit_price=price)
    return Pending(Action.REPLACE, "", change, D(quantity) if quantity else None)


def test_terms_are_the_worst_price_and_for_notional_the_most_that_it_buys() -> None:
    """A quantity fixed where none is needed would hide what the order may really trade."""
    seen = view(price=quote("99", "100"))

    assert Terms.of(limit_order("90"), seen) == Terms(D(90), None)
    assert Terms.of(order(), seen) == Terms(seen.worst_price(order()), None)
    asked = order(quantity=None, notional="95")
    assert Terms.of(asked, seen) == Terms(seen.worst_price(asked), seen.worst_quantity(asked))


@pytest.mark.parametrize(
    ("one", "other", "harder"),
    [
        (Terms(D(1), D(9)), Terms(D(2), D(8)), Terms(D(2), D(9))),
        (Terms(D(2), D(8)), Terms(D(1), D(9)), Terms(D(2), D(9))),
        (Terms(D(2)), Terms(None, D(9)), Terms(D(2), D(9))),
        (Terms(None, D(9)), Terms(D(2)), Terms(D(2), D(9))),
        (NO_TERMS, NO_TERMS, NO_TERMS),
    ],
)
def test_the_harder_of_two_terms_is_the_worse_of_each(
    one: Terms, other: Terms, harder: Terms
) -> None:
    """What is known on one side and lost on the other counts as nothing."""
    assert one.harder(other) == harder


@pytest.mark.parametrize(
    ("fields", "terms", "leaves"),
    [
        ({}, NO_TERMS, "10"),
        ({"filled": D(4)}, NO_TERMS, "6"),
        ({"filled": D(4), "claimed": D(12)}, NO_TERMS, "8"),
        ({"filled": D(12)}, NO_TERMS, "0"),
        ({"quantity": None}, NO_TERMS, "0"),
        ({"quantity": None}, Terms(None, D(7)), "7"),
        ({"quantity": None, "filled": D(3)}, Terms(None, D(7)), "4"),
        ({}, Terms(None, D(99)), "10"),
        ({"pending": (changing("30"), Pending(Action.CANCEL))}, NO_TERMS, "30"),
        ({"pending": (Pending(Action.CANCEL), changing("30", "5"))}, NO_TERMS, "30"),
        ({"pending": (changing(None, "5"),)}, NO_TERMS, "10"),
    ],
)
def test_what_may_still_trade(fields: dict[str, Any], terms: Terms, leaves: str) -> None:
    """Counted too low, the next order passes a limit that this one already uses."""
    assert worst_leaves(state(**fields), terms) == D(leaves)


@pytest.mark.parametrize(
    ("fields", "terms", "price"),
    [
        ({}, NO_TERMS, None),
        ({}, Terms(D(12)), "12"),
        ({"order": limit_order("10")}, NO_TERMS, "10"),
        ({"order": limit_order("10")}, Terms(D(12)), "12"),
        ({"order": order()}, NO_TERMS, None),
        ({"pending": (changing(None, "11"),)}, NO_TERMS, "11"),
        ({"pending": (changing(None, "11"),)}, Terms(D(12)), "12"),
        ({"pending": (changing(None, "13"), Pending(Action.CANCEL))}, Terms(D(12)), "13"),
        ({"pending": (changing("5"),)}, Terms(D(12)), "12"),
    ],
)
def test_the_worst_price(fields: dict[str, Any], terms: Terms, price: str | None) -> None:
    """A price that may still be paid and is not counted breaks the limit on value."""
    assert worst_price(state(**fields), terms) == (D(price) if price else None)


@pytest.mark.parametrize(
    ("fields", "terms", "value"),
    [
        ({}, Terms(D(12)), "120"),
        ({}, NO_TERMS, None),
        ({"filled": D(10)}, NO_TERMS, "0"),
        ({"quantity": None}, Terms(D(12)), None),
        ({"quantity": None}, Terms(D(12), D(5)), "60"),
        ({"quantity": None}, Terms(None, D(5)), None),
        ({"quantity": None, "filled": D(5)}, Terms(D(12), D(5)), "0"),
        ({"quantity": None, "status": OrdStatus.CANCELED}, NO_TERMS, "0"),
        ({"quantity": None, "status": OrdStatus.CANCELED, "claimed": D(2)}, Terms(D(3)), "6"),
    ],
)
def test_the_worst_value(fields: dict[str, Any], terms: Terms, value: str | None) -> None:
    """An order by notional without its terms counts as unknown, never as nothing."""
    given = dict(fields)
    status = given.pop("status", OrdStatus.NEW)

    assert worst_value(state(status, **given), terms) == (D(value) if value else None)


def test_each_side_adds_up_on_its_own() -> None:
    """Buys that are counted as sells offset a risk that they double."""
    book = ExposureBook()
    book.set_position("AAPL", D(3))
    book.update(None, state(key="a"), Terms(D(12)))
    book.update(None, state(key="b", quantity=D(4)))
    book.update(None, state(key="c", side=SELL, quantity=D(5)), Terms(D(11)))
    book.update(None, state(key="d", symbol="MSFT", quantity=D(1)), Terms(D(1)))

    assert book.snapshot() == {
        "AAPL": Exposure(
            D(3),
            open_buys=D(14),
            open_sells=D(5),
            open_buy_value=D(120),
            open_sell_value=D(55),
            orders=3,
            unpriced=1,
            buy_orders=2,
        ),
        "MSFT": Exposure(D(0), open_buys=D(1), open_buy_value=D(1), orders=1, buy_orders=1),
    }


def test_an_order_by_notional_counts_what_it_may_buy() -> None:
    """Counted as nothing until its first fill, it buys past every limit on quantity."""
    book = ExposureBook()
    assert book.snapshot() == {}

    book.update(None, state(quantity=None), Terms(D(12), D(5)))

    assert book.snapshot() == {
        "AAPL": Exposure(D(0), open_buys=D(5), open_buy_value=D(60), orders=1, buy_orders=1)
    }


def test_what_goes_takes_exactly_its_own_part_away() -> None:
    """A remainder that stays reserves money for nothing; one too many lets an order pass."""
    book = ExposureBook()
    book.set_position("AAPL", D(3))
    buy, sell = state(key="a"), state(key="c", side=SELL, quantity=D(5))
    book.update(None, buy, Terms(D(12)))
    only_buy = book.snapshot()
    book.update(None, sell)

    without = book.without("c")
    book.update(sell, None)

    assert without == only_buy == book.snapshot()
    assert book.without("nobody") == book.snapshot()
    book.update(buy, None)
    assert book.snapshot() == {"AAPL": Exposure(D(3))}
    book.set_position("AAPL", D(0))
    assert book.snapshot() == {}
    book.set_position("AAPL", D(0))
    assert book.snapshot() == {}


def test_an_approval_counts_for_its_own_life_only() -> None:
    """Terms of an order that ended would count for the next one under its name."""
    book = ExposureBook()
    book.update(None, state(), Terms(D(12)))
    book.update(state(), state(OrdStatus.CANCELED))
    book.update(None, state())
    assert book.snapshot()["AAPL"].open_buy_value == 0
    assert book.snapshot()["AAPL"].unpriced == 1

    book.update(state(), None)
    book.update(None, state(OrdStatus.STAGED), Terms(D(12)))
    book.release("c-1")
    assert book.snapshot() == {}
    book.update(None, state(OrdStatus.STAGED))

    assert book.snapshot() == {}
    book.release("nobody")
    book.update(None, None)
    assert book.snapshot() == {}


def test_an_ended_order_counts_its_claim_until_it_is_booked() -> None:
    """A fill that was only claimed still moves the position, at the price that was fixed."""
    book = ExposureBook()
    book.update(None, state(), Terms(D(12)))
    claimed = state(OrdStatus.CANCELED, filled=D(1), claimed=D(3))

    book.update(state(), claimed)

    assert book.snapshot()["AAPL"] == Exposure(
        D(0), open_buys=D(2), open_buy_value=D(24), orders=1, buy_orders=1
    )
    more = claimed.but(claimed=D(4))
    book.update(claimed, more)
    assert book.snapshot()["AAPL"].open_buy_value == 36
    book.update(more, more.but(filled=D(4)))
    assert book.snapshot() == {}


@pytest.mark.parametrize(
    ("old", "new", "buys"),
    [
        ({}, {"filled": D(4)}, "6"),
        ({}, {"quantity": D(4)}, "4"),
        ({}, {"claimed": D(14)}, "14"),
        ({}, {"pending": (changing("30"),)}, "30"),
        ({"pending": (changing("30"),)}, {}, "10"),
        ({}, {"status": OrdStatus.CANCELED}, None),
        ({"status": OrdStatus.CANCELED, "claimed": D(4)}, {"claimed": D(4)}, "10"),
        ({}, {"status": OrdStatus.PENDING_CANCEL}, "10"),
        ({"status": OrdStatus.STAGED}, {"status": OrdStatus.PENDING_NEW}, "10"),
        ({"status": OrdStatus.PENDING_NEW}, {"status": OrdStatus.STAGED}, None),
    ],
)
def test_every_change_that_counts_is_followed(
    old: dict[str, Any], new: dict[str, Any], buys: str | None
) -> None:
    """A change that is skipped to save time leaves a limit open, or closed."""
    book = ExposureBook()
    same = state()  # what does not change stays the same object, as it does in a desk
    before, after = same.but(**old), same.but(**new)
    book.update(None, before)

    book.update(before, after)

    held = book.snapshot().get("AAPL", FLAT)
    assert held.open_buys == (D(buys) if buys else D(0))
    assert held.orders == (1 if buys else 0)


def test_a_price_that_changes_is_followed() -> None:
    """A replace that stands has another price; a stale one is a wrong reserve."""
    book = ExposureBook()
    first = state(order=limit_order("10"))
    higher = first.but(order=limit_order("20"))
    book.update(None, first)
    book.update(first, higher)
    assert book.snapshot()["AAPL"].open_buy_value == 200

    book.update(higher, higher.but(pending=(changing(None, "30"),)))

    assert book.snapshot()["AAPL"].open_buy_value == 300


@pytest.mark.parametrize(
    ("held", "orders", "cost"),
    [
        ("0", {"a": (BUY, "10", "12")}, "120"),
        ("5", {"a": (SELL, "5", "12")}, "0"),
        ("4", {"a": (SELL, "5", "12")}, "60"),
        ("9", {"a": (SELL, "5", "12"), "b": (SELL, "5", "12")}, "60"),
        ("10", {"a": (SELL, "5", "12"), "b": (SELL, "5", "12")}, "0"),
        ("9", {"a": (BUY, "5", "12")}, "60"),
        ("0", {"a": (BUY, "10", None)}, "0"),
        ("0", {}, "0"),
    ],
)
def test_what_an_order_takes_out_of_the_buying_power(
    held: str, orders: dict[str, Any], cost: str
) -> None:
    """A sale that opens a short needs money; one that only reduces must not wait for it."""
    book = ExposureBook()
    book.set_position("AAPL", D(held))
    for key, (side, quantity, price) in orders.items():
        terms = Terms(D(price) if price else None)
        book.update(None, state(key=key, side=side, quantity=D(quantity)), terms)

    assert book.cost_of("a") == D(cost)


def test_a_snapshot_is_made_anew_only_when_something_changed() -> None:
    """A view that is built for every question makes the gate slow; a stale one makes it blind."""
    book = ExposureBook()
    book.update(None, state(), Terms(D(12)))
    first = book.snapshot()

    book.update(state(), state(OrdStatus.PENDING_CANCEL))
    book.set_position("AAPL", D(0))
    assert book.snapshot() is first
    book.set_position("AAPL", D(1))

    assert book.snapshot() is not first
    with pytest.raises(TypeError):
        first["AAPL"] = FLAT  # type: ignore[index]  # that is what is tried
    with pytest.raises(TypeError):
        book.without("c-1")["AAPL"] = FLAT  # type: ignore[index]  # that is what is tried
