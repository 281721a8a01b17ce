"""The small scenes say what they were told to say: a check's test stands on them."""

from datetime import timedelta
from decimal import Decimal

from fillwright.history import Deed
from fillwright.inputs import Input, ProfitAndLoss
from fillwright.orders import Order
from fillwright.testing.books import NOW, a_book, a_deed, a_fill
from fillwright.types import OrdStatus, Side


def order(side: Side, quantity: str = "10") -> Order:
    return Order.model_validate({"symbol": "AAPL", "side": side, "quantity": quantity})


def test_a_book_has_a_price_and_a_position() -> None:
    """A test that passes on an empty book says nothing about a full one."""
    book = a_book(price="50", position="10", cash="1000")

    assert book.worst_cost(order(Side.BUY, "2")) == Decimal("105.00")
    assert book.reduces(order(Side.SELL))
    assert not book.reduces(order(Side.SELL, "11"))
    assert book.account.equity == 1500


def test_a_book_without_a_price_has_no_quote() -> None:
    """The unknown is what most checks forget; it must be easy to draw."""
    book = a_book(price=None)

    assert book.quote("AAPL") is None
    assert book.worst_cost(order(Side.BUY)) is None


def test_what_was_done_is_in_the_history_at_its_time() -> None:
    """A limit over a window is tried on deeds outside of it."""
    long_ago = a_deed(quantity="3", ago=timedelta(days=1))
    book = a_book(done=[a_deed(quantity="2", price="10"), long_ago])

    assert book.history.value(Deed.SENT, since=book.today) == 20
    assert book.history.quantity(Deed.SENT) == 5
    assert book.history.last(Deed.SENT) == a_deed(quantity="2", price="10")


def test_data_is_there_for_the_symbol_or_the_account() -> None:
    """A check that declared its data is tried without it, and refuses for that reason."""
    profit = ProfitAndLoss(Decimal(9), Decimal(10), Decimal(11))
    book = a_book(data={"adv": Decimal(5), Input.PNL: profit, "score": Decimal(1)})

    assert book.adv("AAPL") == 5
    assert book.pnl.today == -1
    assert book.number("score", "AAPL") == 1


def test_a_fill_filled_its_order() -> None:
    """A check of fills is tried on an order that never was."""
    state, execution = a_fill("KO", side=Side.SELL, quantity="3", price="60.5")

    assert (state.status, state.side, state.filled) == (OrdStatus.FILLED, Side.SELL, 3)
    assert state.average_price == Decimal("60.5")
    assert (execution.quantity, execution.price, execution.transact_time) == (
        3,
        Decimal("60.5"),
        NOW,
    )
