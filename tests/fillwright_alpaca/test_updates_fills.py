"""Fills, their names and prices, and executions that are taken back."""

import pytest

from alpacakit.telling import kinds, reports, told
from alpacakit.updates import AlpacaOrder, D, order_id
from fillwright.types import ExecType
from fillwright_alpaca.messages import execution_id
from fillwright_alpaca.tracking import Point, price_of
from fillwright_alpaca.updates import Updates

# ---------------------------------------------------------------------- executions


def test_fills_are_named_by_order_and_cumulative_quantity():
    """Named otherwise than in the account activities, every fill would be booked twice."""
    order = AlpacaOrder()
    said = reports(Updates(), order.event("new"), order.fill("3", "99"), order.fill("7", "100"))

    assert [str(one.exec_type) for one in said] == ["NEW", "TRADE", "TRADE"]
    assert [one.execution.execution_id for one in said[1:]] == [
        execution_id(order_id(), D(3)),
        execution_id(order_id(), D(10)),
    ]
    assert [one.execution.price for one in said[1:]] == [D(99), D(100)]
    assert [one.filled for one in said] == [D(0), D(3), D(10)]


def test_a_repeated_frame_tells_the_same():
    """A second name for the same execution is a second fill."""
    order = AlpacaOrder()
    first, second = order.fill("3", "99"), order.fill("2", "98")
    updates = Updates()
    once = reports(updates, first, second)

    again = reports(updates, first, second, second)

    assert [one.execution for one in again] == [
        once[0].execution,
        once[1].execution,
        once[1].execution,
    ]


def test_a_lost_fill_is_a_gap_and_nothing_is_booked():
    """A fill under another one's name hides that one for good."""
    order = AlpacaOrder()
    new, _lost, second = order.event("new"), order.fill("3", "99"), order.fill("3", "98")

    _, gap, said = told(Updates(), new, second)

    assert "does not follow 0" in gap.reason
    assert said.exec_type is ExecType.ORDER_STATUS
    assert said.execution is None
    assert said.filled == D(6), "the claim must stand, or nobody looks for the fills"


def test_without_an_average_price_the_quantities_alone_must_follow():
    """An average that is missing says nothing against a wrong name."""
    order = AlpacaOrder()
    new, _lost, second = order.event("new"), order.fill("3", "99"), order.fill("2", "99")
    second["order"]["filled_avg_price"] = None

    assert kinds(told(Updates(), new, second)) == ["NEW", "GAP", "ORDER_STATUS"]


def test_fills_go_on_behind_a_lost_one():
    """One lost frame must not blind the stream for the rest of the order."""
    order = AlpacaOrder()
    new, _lost = order.event("new"), order.fill("3", "99")
    second, third = order.fill("3", "98"), order.fill("4", "97")

    found = told(Updates(), new, second, third)

    assert kinds(found) == ["NEW", "GAP", "ORDER_STATUS", "TRADE"]
    assert found[-1].execution.execution_id == execution_id(order_id(), D(10))


def test_swapped_fills_are_not_booked_under_a_wrong_name():
    """A fill that overtook another looks like the sum of both."""
    order = AlpacaOrder()
    first, second = order.fill("3", "99"), order.fill("2", "98")

    found = told(Updates(), second, first)

    assert kinds(found) == ["GAP", "ORDER_STATUS", "TRADE"]
    assert found[-1].execution.execution_id == execution_id(order_id(), D(3))


def test_an_order_that_ran_ahead_in_the_frame_is_not_booked():
    """Where both frames carry the order as it stands last, both fills would share one name."""
    order = AlpacaOrder()
    new, first, second = order.event("new"), order.fill("3", "99"), order.fill("3", "98")
    first["order"] = second["order"]

    found = told(Updates(), new, first, second)

    assert kinds(found) == ["NEW", "GAP", "ORDER_STATUS", "GAP", "ORDER_STATUS"]


def test_behind_a_gap_the_price_must_fit_too():
    """Fills of one size and an order that runs ahead fit by chance, with another one's price."""
    order = AlpacaOrder()
    fills = [order.fill("1", "99"), order.fill("1", "98"), order.fill("1", "97")]
    fills[0]["order"] = fills[1]["order"]
    fills[1]["order"] = fills[2]["order"]

    found = told(Updates(), *fills)

    assert kinds(found) == ["GAP", "ORDER_STATUS"] * 3


def test_two_executions_never_share_a_name():
    """The second of two fills with the same cumulative quantity would vanish."""
    order = AlpacaOrder()
    first = order.fill("3", "99")
    other = first | {"execution_id": "another"}

    found = told(Updates(), first, other)

    assert kinds(found) == ["TRADE", "GAP", "ORDER_STATUS"]
    assert "another execution's" in found[1].reason


def test_an_end_with_unseen_fills_is_a_gap():
    """A canceled order whose last fill was lost leaves a position that nobody knows of."""
    order = AlpacaOrder()
    new, _lost, end = order.event("new"), order.fill("3", "99"), order.event("canceled")

    _, gap, said = told(Updates(), new, end)

    assert "from 0 to 3 unseen" in gap.reason
    assert said.exec_type is ExecType.CANCELED
    assert said.filled == D(3)


def test_an_older_frame_is_no_gap():
    """An acknowledgement that comes late says nothing new and must not hold trading."""
    order = AlpacaOrder()
    new, first = order.event("new"), order.fill("3", "99")

    assert kinds(told(Updates(), first, new)) == ["TRADE", "NEW"]


def test_a_fall_of_the_filled_quantity_is_a_gap():
    """A bust that was missed leaves a position that the broker took away."""
    order = AlpacaOrder()
    new, first = order.event("new"), order.fill("3", "99")
    order.bust(first)
    later, more = order.event("pending_cancel"), order.fill("4", "98")

    found = told(Updates(), new, first, later, more)

    assert kinds(found) == ["NEW", "TRADE", "GAP", "PENDING_CANCEL", "TRADE"]
    assert "fell from 3 to 0" in found[2].reason


@pytest.mark.parametrize("field", ["qty", "price"])
@pytest.mark.parametrize("value", [None, "0", "-1", "NaN", "", "1,5", "1e400", [], True])
def test_a_fill_without_usable_numbers_is_a_gap(field, value):
    """A guessed quantity or price is a wrong position or wrong cash."""
    found = told(Updates(), AlpacaOrder().fill("3", "99") | {field: value})

    assert kinds(found) == ["GAP", "ORDER_STATUS"]
    assert found[-1].filled == D(3)


# ---------------------------------------------------------------------- prices


def test_a_price_that_is_an_average_is_not_booked_as_the_fills():
    """An average price on a partial fill makes cash and profit wrong on every order."""
    order = AlpacaOrder()
    first, second = order.fill("5", "10"), order.fill("5", "11")
    second["price"] = second["order"]["filled_avg_price"]

    said = reports(Updates(), first, second)

    assert second["price"] == "10.5"
    assert said[-1].execution.price == D(11)


@pytest.mark.parametrize(
    ("told_price", "quantity", "before", "after", "expected"),
    [
        # The first fill: its average is its price.
        ("10.05", "3", (0, None), (3, "10.05"), "10.05"),
        # The averages are rounded to the cent: nothing can be said against the told price.
        ("10.01", "1", (100, "10"), (101, "10"), "10.01"),
        ("10.004", "1", (1, "10.01"), (2, "10.01"), "10.004"),
        # They show eight decimals: one share's price can be told among a hundred.
        ("10.00009901", "1", (100, "10"), (101, "10.00009901"), "10.01"),
        # No average, no judgement.
        ("10", "1", (100, None), (101, "12"), "10"),
        ("10", "1", (100, "12"), (101, None), "10"),
        # Nonsense is not booked.
        ("10", "1", (100, "12"), (101, "1"), None),
    ],
)
def test_the_rule_of_prices(told_price, quantity, before, after, expected):
    """A rule that trusts rounding noise spoils prices that were right."""
    points = [Point(D(f), D(a) if a else None) for f, a in (before, after)]

    found = price_of(D(told_price), D(quantity), *points)

    assert found == (D(expected) if expected else None)


# ---------------------------------------------------------------------- taken back


def test_a_bust_names_what_it_takes_back():
    """A bust that is not booked leaves shares that are not there."""
    order = AlpacaOrder()
    fill = order.fill("3", "99")
    bust = order.bust(fill)

    said = reports(Updates(), fill, bust, bust)

    assert kinds(said) == ["TRADE", "TRADE_CANCEL", "TRADE_CANCEL"]
    assert said[1].execution.corrects == execution_id(order_id(), D(3))
    assert said[1].execution == said[2].execution
    assert said[1].execution.execution_id != said[0].execution.execution_id


def test_a_correction_carries_the_new_numbers():
    """A corrected price that is not booked leaves the cash wrong."""
    order = AlpacaOrder()
    fill = order.fill("3", "99")
    first = order.correct(fill, "2", "98")
    second = order.correct(first, "2", "97.5")

    said = reports(Updates(), fill, first, first, second)

    assert kinds(said) == ["TRADE", *["TRADE_CORRECT"] * 3]
    assert (said[1].execution.quantity, said[1].execution.price) == (D(2), D(98))
    assert said[3].execution.corrects == said[1].execution.execution_id
    assert said[1].execution == said[2].execution


def test_a_bust_of_an_execution_that_was_not_seen_here():
    """Whose execution was taken back cannot be guessed: only the books can tell."""
    order = AlpacaOrder()
    fill = order.fill("3", "99")

    gap, said = told(Updates(), order.bust(fill))

    assert "previous_execution_id" in gap.reason
    assert said.exec_type is ExecType.RESTATED
    assert said.execution is None
    assert said.filled == D(0)


def test_fills_go_on_behind_a_bust():
    """An order that lives on after a bust goes on being filled."""
    order = AlpacaOrder()
    first = order.fill("3", "99")
    bust, more = order.bust(first), order.fill("4", "98")

    said = reports(Updates(), first, bust, more)

    assert kinds(said) == ["TRADE", "TRADE_CANCEL", "TRADE"]
    assert said[2].execution.execution_id == execution_id(order_id(), D(4))


def test_a_fill_under_the_name_of_a_busted_one_is_a_gap():
    """Booked under a name that is used up, it would be taken for a repetition and lost."""
    order = AlpacaOrder()
    first = order.fill("3", "99")
    bust, same = order.bust(first), order.fill("3", "98")

    assert kinds(told(Updates(), first, bust, same)) == [
        "TRADE",
        "TRADE_CANCEL",
        "GAP",
        "ORDER_STATUS",
    ]
