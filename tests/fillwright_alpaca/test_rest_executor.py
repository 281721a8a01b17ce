"""Submits, cancels and changes: the real SDK over an in-memory Alpaca."""

import pytest

from alpacakit.rest import (
    NAME,
    ORDER_ID,
    Asked,
    approved,
    changed,
    fault,
    order,
    over,
    routes,
    turns,
    working,
)
from fillwright.errors import (
    DuplicateClientOrderId,
    NotSent,
    OrderInDoubt,
    OrderRejected,
)
from fillwright.reports import Source
from fillwright.types import OrdStatus

FIND = "GET /v2/orders:by_client_order_id"
POST = "POST /v2/orders"
ONE = f"/v2/orders/{ORDER_ID}"
NOT_FOUND = (404, fault(40410000, "order not found"))
UNIQUE = (422, fault(40010001, "client_order_id must be unique"))
UNCLEAR = (422, fault(40010001, "request is not valid"))


# ---------------------------------------------------------------------- submit


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending_new", OrdStatus.PENDING_NEW),
        ("accepted", OrdStatus.NEW),
        ("new", OrdStatus.NEW),
        ("filled", OrdStatus.NEW),
        ("canceled", OrdStatus.NEW),
        ("quantum_superposed", OrdStatus.PENDING_NEW),
    ],
)
async def test_an_ack_says_that_it_was_taken_and_no_more(word: str, status: OrdStatus) -> None:
    """An ack that ended the order would end it before its fills are booked."""
    adapter, _ = over(routes(**{POST: (200, order(status=word), {"X-Request-ID": "r-1"})}))

    ack = await adapter.executor.submit(approved())

    assert (ack.broker_order_id, ack.status) == (ORDER_ID, status)
    assert ack.evidence.source is Source.RESPONSE
    assert str(ack.evidence) == "response:submit 200 request r-1"


async def test_a_duplicate_is_known_by_its_text_without_asking() -> None:
    """Read as a plain rejection, an order that works at the broker is given up."""
    adapter, alpaca = over(routes(**{POST: UNIQUE}))

    with pytest.raises(DuplicateClientOrderId) as raised:
        await adapter.executor.submit(approved())

    assert raised.value.evidence == "submit 422/40010001"
    assert len(alpaca.asked) == 1


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (order(), DuplicateClientOrderId),
        (NOT_FOUND, OrderRejected),
        ((502, b"<html>"), OrderInDoubt),
        ((404, b"<html>"), OrderInDoubt),
    ],
)
async def test_an_unclear_duplicate_is_looked_up(found: object, error: type) -> None:
    """One code stands for "you have that already" and for "I cannot read this"."""
    adapter, alpaca = over(routes(**{POST: UNCLEAR, FIND: found}))

    with pytest.raises(error) as raised:
        await adapter.executor.submit(approved())

    assert type(raised.value) is error
    assert [str(asked) for asked in alpaca.asked] == [POST, FIND]


async def test_an_answer_about_another_order_proves_nothing() -> None:
    """Answers that got mixed up on the way would give our order another one's id to cancel."""
    other = {"client_order_id": "fw-somebody-elses"}
    adapter, _ = over(routes(**{POST: (200, order(**other))}))

    with pytest.raises(OrderInDoubt, match="another order"):
        await adapter.executor.submit(approved())


async def test_an_order_that_alpaca_renamed_is_ours_all_the_same() -> None:
    """In doubt it would be sent again, under a name that Alpaca does not hold against it."""
    adapter, _ = over(routes(**{POST: (200, order(client_order_id="its-own-idea"))}))

    ack = await adapter.executor.submit(approved())

    assert ack.broker_order_id == ORDER_ID


@pytest.mark.parametrize("fields", [{"symbol": "MSFT"}, {"side": "sell"}])
async def test_unless_it_is_about_something_else(fields: dict) -> None:
    """Neither name nor symbol nor side: what is left to know it by?"""
    adapter, _ = over(routes(**{POST: (200, order(client_order_id="x", **fields))}))

    with pytest.raises(OrderInDoubt):
        await adapter.executor.submit(approved())


async def test_what_alpaca_has_no_word_for_is_not_sent() -> None:
    """It would go out as another order."""
    adapter, alpaca = over(routes())
    asked = approved(time_in_force="GTD", expire_time="2026-12-01T00:00:00Z")

    with pytest.raises(NotSent, match="GTD"):
        await adapter.executor.submit(asked)
    assert alpaca.asked == []


# ---------------------------------------------------------------------- cancel


async def test_a_cancel_is_acknowledged_and_not_yet_done() -> None:
    """A cancel that is taken for done loses the fill that crosses it."""
    adapter, alpaca = over(routes(**{f"DELETE {ONE}": (204, b"")}))

    ack = await adapter.executor.cancel(working())

    assert (ack.broker_order_id, ack.status) == (ORDER_ID, OrdStatus.PENDING_CANCEL)
    assert [str(asked) for asked in alpaca.asked] == [f"DELETE {ONE}"]


async def test_a_cancel_by_our_own_id_is_looked_up_first() -> None:
    """Alpaca cancels by its own id alone."""
    adapter, alpaca = over(routes(**{FIND: order(), f"DELETE {ONE}": (204, b"")}))

    await adapter.executor.cancel(working(order_id=None))

    assert [str(asked) for asked in alpaca.asked] == [FIND, f"DELETE {ONE}"]
    assert alpaca.asked[0].query["client_order_id"] == NAME


@pytest.mark.parametrize(("found", "error"), [(NOT_FOUND, OrderRejected), ((503, b""), NotSent)])
async def test_a_cancel_whose_id_is_not_found_did_not_leave(found: object, error: type) -> None:
    """In doubt about a request that was never made, the desk would wait for its outcome."""
    adapter, alpaca = over(routes(**{FIND: found}))

    with pytest.raises(error):
        await adapter.executor.cancel(working(order_id=None))
    assert len(alpaca.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [(422, fault(42210000, "order is not cancelable")), NOT_FOUND],
)
async def test_a_cancel_that_is_refused_is_told(answer: tuple) -> None:
    """The order filled already: whoever asked must look."""
    adapter, _ = over(routes(**{f"DELETE {ONE}": answer}))

    with pytest.raises(OrderRejected):
        await adapter.executor.cancel(working())


async def test_a_cancel_that_failed_inside_alpaca_is_in_doubt() -> None:
    """Documented as "failed to cancel", and documented by nobody as "nothing happened"."""
    adapter, _ = over(routes(**{f"DELETE {ONE}": (500, fault(50010000, "failed to cancel"))}))

    with pytest.raises(OrderInDoubt):
        await adapter.executor.cancel(working())


async def test_cancel_all_tells_what_came_of_each() -> None:
    """A kill switch that says "done" while one order could not be canceled."""
    said = [
        {"id": "a", "status": 200},
        {"id": "b", "status": 422, "body": fault(42210000, "order is not cancelable")},
        {"id": "c", "status": 500},
    ]
    adapter, _ = over(routes(**{"DELETE /v2/orders": (207, said)}))

    found = await adapter.cancel_all()

    assert [(one.broker_order_id, one.taken, one.text) for one in found] == [
        ("a", True, ""),
        ("b", False, "order is not cancelable"),
        ("c", False, ""),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((207, []), None),
        ((207, {"id": "a"}), OrderInDoubt),
        ((207, [{"id": "a"}]), OrderInDoubt),
        ((207, [{"status": 200}]), OrderInDoubt),
        ((500, fault(50010000, "failed")), OrderInDoubt),
        ((403, fault(None, "forbidden.")), OrderRejected),
    ],
)
async def test_cancel_all_without_a_clear_answer_is_not_done(answer: tuple, error: type) -> None:
    """As above."""
    adapter, _ = over(routes(**{"DELETE /v2/orders": answer}))

    if error is None:
        assert await adapter.cancel_all() == []
    else:
        with pytest.raises(error):
            await adapter.cancel_all()


# ---------------------------------------------------------------------- replace


async def test_a_change_is_taken_and_not_yet_done() -> None:
    """The old order may fill first, and then the new one is rejected."""
    new = order(id="new-id", client_order_id=f"{NAME}-r1", replaces=ORDER_ID, status="accepted")
    adapter, alpaca = over(routes(**{f"PATCH {ONE}": new}))

    ack = await adapter.executor.replace(working(), changed(quantity="5", limit_price="10.10"))

    assert (ack.broker_order_id, ack.status) == ("new-id", OrdStatus.PENDING_REPLACE)
    assert alpaca.asked[0].body == {
        "client_order_id": f"{NAME}-r1",
        "qty": "5",
        "limit_price": "10.1",
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((422, fault(42210000, "cannot replace order in accepted status")), OrderRejected),
        (UNIQUE, DuplicateClientOrderId),
        (UNCLEAR, OrderRejected),
        ((200, {"status": "new"}), OrderInDoubt),
        ((204, b""), OrderInDoubt),
        ((504, b""), OrderInDoubt),
        ((429, fault(42910000, "rate limit exceeded")), NotSent),
    ],
)
async def test_a_change_that_is_not_taken_is_told_apart(answer: tuple, error: type) -> None:
    """An unknown replace reserves the larger quantity; a refused one does not."""
    adapter, alpaca = over(routes(**{f"PATCH {ONE}": answer}))

    with pytest.raises(error) as raised:
        await adapter.executor.replace(working(), changed(quantity="5"))

    assert type(raised.value) is error
    assert len(alpaca.asked) == 1


async def test_a_change_by_our_own_id_is_looked_up_first() -> None:
    """Alpaca changes by its own id alone."""
    adapter, alpaca = over(routes(**{FIND: order(), f"PATCH {ONE}": order(id="new")}))

    await adapter.executor.replace(working(order_id=None), changed(quantity="5"))

    assert [str(asked) for asked in alpaca.asked] == [FIND, f"PATCH {ONE}"]


# ---------------------------------------------------------------------- find


async def test_an_order_is_found_by_its_name_with_its_entry() -> None:
    """A leg without its entry is taken for somebody else's order."""
    leg = order(id="leg-1", client_order_id="alpacas-own", status="held")
    entry = order(order_class="bracket", legs=[leg])
    adapter, _ = over(routes(**{FIND: turns(entry, leg | {"status": "canceled"})}))

    first = await adapter.executor.find(NAME)
    second = await adapter.executor.find("alpacas-own")

    assert (first.broker_order_id, first.parent) == (ORDER_ID, None)
    assert (second.broker_order_id, second.parent) == ("leg-1", NAME)
    assert second.status is OrdStatus.CANCELED


async def test_an_id_goes_out_encoded() -> None:
    """An id with a plus or an ampersand would be looked up as another one."""
    name = "a:b/c+d&e"

    def answer(asked: Asked) -> tuple:
        return 200, order(client_order_id=asked.query["client_order_id"])

    adapter, _ = over(answer)

    assert (await adapter.executor.find(name)).client_order_id == name


async def test_none_needs_alpacas_word() -> None:
    """See test_outcomes: a proxy's 404 would have the order sent again."""
    adapter, _ = over(routes(**{FIND: NOT_FOUND}))

    assert await adapter.executor.find(NAME) is None


async def test_an_order_that_lost_its_name_is_the_one_that_was_asked_for() -> None:
    """Alpaca found it by that name."""
    adapter, _ = over(routes(**{FIND: order(client_order_id=None)}))

    assert (await adapter.executor.find(NAME)).client_order_id == NAME
