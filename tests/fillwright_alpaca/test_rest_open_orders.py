"""The list of open orders: all of them, or none is given."""

from datetime import datetime, timedelta

import pytest

from alpacakit.rest import NAME, ORDER_ID, Asked, order, over
from fillwright.errors import BrokerUnavailable
from fillwright.types import OrdStatus, Side

START = datetime.fromisoformat("2026-11-23T15:00:00Z")


class Book:
    """Open orders as Alpaca lists them: by submission time, `after` excluded, 500 at a time."""

    def __init__(self, orders: list[dict]) -> None:
        self.orders = orders
        self.pages = 0

    def __call__(self, asked: Asked) -> tuple:
        query = asked.query
        assert (query["status"], query["direction"], query["limit"]) == ("open", "asc", "500")
        self.pages += 1
        after = datetime.fromisoformat(query.get("after", "2000-01-01T00:00:00Z"))
        shown = [
            one
            for one in sorted(self.orders, key=lambda one: one["submitted_at"])
            if datetime.fromisoformat(one["submitted_at"]) > after
        ]
        if query["nested"] == "false":
            return 200, [one | {"legs": None} for one in shown][:500]
        return 200, shown[:500]


def many(count: int, *, together: int = 1) -> list[dict]:
    """Orders of which always `together` were submitted at the same moment."""
    return [
        order(
            id=f"order-{number:05d}",
            client_order_id=f"c-{number}",
            submitted_at=(START + timedelta(seconds=number // together)).isoformat(),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1234])
async def test_every_page_is_read(count: int) -> None:
    """The 501st open order would be missing from the exposure, and asked for as vanished."""
    adapter, _ = over(Book(many(count)))

    found = await adapter.executor.open_orders()

    assert len({one.broker_order_id for one in found}) == len(found) == count


async def test_orders_of_one_moment_are_not_lost_between_pages() -> None:
    """`after` excludes the moment that it names, and a basket is submitted in one."""
    adapter, _ = over(Book(many(1400, together=70)))

    assert len(await adapter.executor.open_orders()) == 1400


async def test_pages_that_change_while_they_are_read_lose_nobody() -> None:
    """Orders end and come while the list is read; counted pages would shift over the others."""
    book = Book(many(1200))
    stay = {one["id"] for one in book.orders[100:]}

    def answer(asked: Asked) -> tuple:
        said = book(asked)
        if book.pages == 1:
            del book.orders[:100]
            book.orders += many(1201)[1200:]
        return said

    adapter, _ = over(answer)

    found = {one.broker_order_id for one in await adapter.executor.open_orders()}
    assert stay <= found


async def test_a_list_that_does_not_end_is_not_given() -> None:
    """Half a list is read as "the others are gone"."""
    adapter, _ = over(Book(many(501, together=501)))

    with pytest.raises(BrokerUnavailable, match="do not come to an end"):
        await adapter.executor.open_orders()


async def test_legs_come_flat_with_their_entry() -> None:
    """A leg that is not counted sells what another order sells too."""
    legs = [
        order(id="profit", client_order_id="p", side="sell", status="held"),
        order(id="stop", client_order_id="s", side="sell", status="held", stop_price="9"),
        order(id="gone", client_order_id="g", side="sell", status="canceled"),
    ]
    adapter, _ = over(Book([order(order_class="bracket", legs=legs)]))

    found = {one.broker_order_id: one for one in await adapter.executor.open_orders()}

    assert set(found) == {ORDER_ID, "profit", "stop"}
    assert found["profit"].parent == found["stop"].parent == NAME
    assert found["stop"].side is Side.SELL


async def test_a_leg_that_only_one_of_the_lists_shows_is_there() -> None:
    """How the open legs of a filled entry are listed is documented nowhere."""
    leg = order(id="leg", client_order_id="l", order_class="bracket", status="new")

    def answer(asked: Asked) -> tuple:
        return 200, [] if asked.query["nested"] == "true" else [leg]

    adapter, _ = over(answer)

    for _ in range(2):
        assert [one.broker_order_id for one in await adapter.executor.open_orders()] == ["leg"]


async def test_without_legs_one_list_is_enough() -> None:
    """Twice the requests would use up the account's rate."""
    adapter, alpaca = over(Book(many(3)))

    for _ in range(3):
        await adapter.executor.open_orders()

    assert [asked.query["nested"] for asked in alpaca.asked] == ["true", "false", "true", "true"]


async def test_an_order_of_an_unknown_status_is_still_there() -> None:
    """A new word of Alpaca's would make an order disappear."""
    adapter, _ = over(Book([order(status="quantum_superposed")]))

    assert [one.status for one in await adapter.executor.open_orders()] == [OrdStatus.NEW]


async def test_one_order_that_cannot_be_read_makes_the_list_unavailable() -> None:
    """Left out, it would be exposure that nobody counts."""
    adapter, _ = over(Book([order(), order(id="x", symbol=None)]))

    with pytest.raises(BrokerUnavailable, match="symbol"):
        await adapter.executor.open_orders()
