"""What the desk did is counted once, survives a restart, and is seen by the next order."""

import asyncio
from datetime import timedelta

import pytest

from desk.kit import Check, D, open_order, order, resting
from fillwright.book import Exposure
from fillwright.desk.historian import Historian
from fillwright.history import Deed
from fillwright.inputs import Window
from fillwright.orders import OrderChange
from fillwright.risk import deeds
from fillwright.testing.books import NOW, a_deed
from fillwright.types import ClientOrderId, OrdStatus, Side
from fillwright.verdicts import ALLOW, Reject, Resize


def past(world):
    return world.parts.keeper.historian.view(world.clock.now())


def counts(world):
    return {kind: n for kind in Deed if (n := past(world).count(kind))}


async def test_an_order_that_fills_is_one_sent_and_one_filled(world):
    """A rate that counts acknowledgements counts every order twice."""
    await world.ready()
    await world.submit(quantity="3", strategy="alpha")
    await world.run(1)

    assert counts(world) == {Deed.SENT: 1, Deed.FILLED: 1}
    assert past(world).quantity(Deed.FILLED, symbol="AAPL", strategy="alpha") == 3
    assert past(world).total(Deed.FILLED) == D("300.03")
    assert past(world).total(Deed.SENT) == D("100.01") * D("1.05") * 3


def test_what_waits_for_an_answer_is_made_once_for_all_views():
    """With a hundred orders under way, each next one would make a hundred events anew."""
    historian, made = Historian(), []

    def make():
        made.append(1)
        return a_deed(ago=timedelta(0))

    for number in range(3):
        historian.reserve(ClientOrderId(f"fw-{number}"), make, change=False)
        assert historian.view(NOW).count(Deed.SENT) == number + 1

    assert len(made) == 3


async def test_refusals_count_by_their_codes(world):
    """Anti-slicing looks for what was just refused for its size."""
    world.checks = (Check("no", lambda o, b: Reject("C01", measured=o.quantity, limit=1)),)
    await world.ready()
    await world.submit(quantity="5")
    await world.run(0)

    assert counts(world) == {Deed.REFUSED: 1}
    assert past(world).quantity(Deed.REFUSED, code="C01") == 5
    assert past(world).count(Deed.REFUSED, code="C02") == 0


async def test_what_the_broker_rejects_was_sent_and_rejected(world):
    """Three rejects in a row are a sign of something that more orders make worse."""
    await world.ready()
    world.fault("submit", "reject")
    handle = await world.submit()
    await world.run(1)

    assert handle.state.status is OrdStatus.REJECTED
    assert counts(world) == {Deed.SENT: 1, Deed.REJECTED: 1}


async def test_what_provably_never_left_is_no_event_and_counts_once_when_it_goes(world):
    """A broker that refuses connections must not use up the day's limit."""
    await world.ready()
    world.fault("submit", "not_sent", times=3)
    handle = await world.submit()
    await world.run(15)

    assert handle.state.status is OrdStatus.FILLED
    assert counts(world) == {Deed.SENT: 1, Deed.FILLED: 1}


async def test_a_cancel_and_a_doubt_are_counted(world):
    """Cancels are messages, too, and doubts are errors."""
    await world.ready()
    handle = await open_order(world)
    await world.wait(world.desk.cancel(handle.client_order_id))
    world.fault("submit", "drop_request")
    await world.submit(symbol="KO")
    await world.run(30)

    assert past(world).count(Deed.CANCEL_SENT) == 1
    assert past(world).count(Deed.IN_DOUBT, symbol="KO") == 1
    assert past(world).count(Deed.SENT, symbol="KO") == 1


async def test_a_replace_counts_what_it_adds(world):
    """Capital that is used by changing orders is used all the same."""
    await world.ready()
    handle = await open_order(world, quantity="2")
    change = OrderChange(quantity=D(5), limit_price=D(91))
    await world.wait(world.desk.replace(handle.client_order_id, change))
    await world.run(1)

    assert past(world).quantity(Deed.REPLACED) == 3
    assert past(world).total(Deed.REPLACED) == 5 * 91 - 2 * 90
    change = OrderChange(quantity=D(1))
    await world.wait(world.desk.replace(handle.client_order_id, change))
    await world.run(1)

    assert past(world).count(Deed.REPLACED) == 2
    assert past(world).total(Deed.REPLACED) == 5 * 91 - 2 * 90


async def test_orders_that_reduce_are_told_apart(world):
    """A day's capital is what was opened, not what was closed."""
    await world.ready()
    await world.submit(side="SELL", quantity="5")
    await world.submit(quantity="1")
    await world.run(1)

    assert past(world).count(Deed.SENT, opening=False, side=Side.SELL) == 1
    assert past(world).count(Deed.SENT, opening=True) == 1


async def test_an_order_without_any_price_is_worth_the_last_that_was_seen(world):
    """A total that leaves the order out lets the next one in."""
    await world.ready()
    await world.submit()
    world.venue.set_quote("AAPL", None)
    book = world.parts.approvals.view()
    asked = order(side="SELL", quantity="4")
    event = deeds.approved(asked, "fw-1", book, Exposure(unpriced=1), change=False)

    assert event.notional == 4 * D("100.01")


async def test_a_restart_forgets_nothing(world):
    """A limit that a restart resets is a limit per restart."""
    await world.ready()
    await world.submit(quantity="2", strategy="alpha")
    handle = await open_order(world, symbol="KO", limit_price="18")
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity=D(3))))
    await world.wait(world.desk.cancel(handle.client_order_id))
    await world.run(1)
    live = [past(world).events(kind) for kind in Deed]
    await world.crash()
    await world.ready()

    assert [past(world).events(kind) for kind in Deed] == live
    assert counts(world)[Deed.SENT] == 2


def remembered(seen):
    """A check that notes which orders of the last moments ask for the same."""

    def look(_order, book):
        seen.append([one.intent_id for one in book.recent])
        return ALLOW

    return Check("look", look)


async def test_a_restart_remembers_what_left_a_moment_ago(world):
    """A slip of the finger across a restart buys twice."""
    seen = []
    world.checks = (remembered(seen),)
    await world.ready()
    await world.submit(quantity="2", intent_id="i-1")
    await world.run(1)
    await world.crash()
    await world.ready()
    await world.submit(quantity="2", intent_id="i-2")
    await world.submit(quantity="3", intent_id="i-3")
    await world.run(1)

    assert seen == [[], ["i-1"], []]


async def test_a_restart_remembers_an_order_before_and_behind_its_change(world):
    """What it was changed from is what a slip of the finger repeats, and so is what it became."""
    seen = []
    world.checks = (remembered(seen),)
    await world.ready()
    handle = await world.submit(**resting(quantity="2", intent_id="i-1"))
    await world.run(1)
    await world.wait(world.desk.replace(handle.client_order_id, OrderChange(quantity=D(3))))
    await world.run(1)
    await world.crash()
    await world.ready()
    seen.clear()
    for number in (2, 3):
        await world.submit(**resting(quantity=str(number), intent_id=f"i-{number}"))
    await world.run(1)

    assert seen == [["i-1"], ["i-1"]]


async def test_the_same_order_is_remembered_as_it_was_asked_for(world):
    """A slip of the finger is the same order twice, however small a check made the first one."""
    seen = []
    one = Resize("C01", quantity=D(1), measured=9, limit=1)
    small = Check("small", lambda o, _: ALLOW if o.quantity == 1 else one)
    world.checks, world.allow_resize = (remembered(seen), small), True
    await world.ready()
    for number in (1, 2):
        await world.submit(quantity="9", intent_id=f"i-{number}")
        await world.run(1)

    # Each is asked about as it is, and once more as it became.
    assert seen == [[], [], ["i-1"], ["i-1"]]


async def test_the_same_change_is_remembered_as_it_was_asked_for(world):
    """Two orders that are changed to the same are a slip, however small a check made the first."""
    seen = []
    three = Resize("C01", quantity=D(3), measured=9, limit=3)
    small = Check("small", lambda o, _: ALLOW if o.quantity <= 3 else three)
    world.checks, world.allow_resize = (remembered(seen), small), True
    await world.ready()
    orders = [
        await world.submit(**resting(quantity="2", limit_price=price, intent_id=f"i-{price}"))
        for price in ("90", "91")
    ]
    await world.run(1)
    seen.clear()
    for handle in orders:
        change = OrderChange(quantity="9", limit_price="92")
        await world.wait(world.desk.replace(handle.client_order_id, change))

    assert [handle.state.quantity for handle in orders] == [3, 3]
    # Each is asked about as it is, and once more as it became.
    assert seen == [[], [], ["i-90"], ["i-90"]]


async def test_an_order_under_way_at_the_crash_still_counts(world):
    """What may have reached the broker has used the limit."""
    world.latency = 2.0
    world.__post_init__()
    await world.ready()
    await world.desk.submit(order())
    await world.run(5)
    assert world.requests.total() == 1
    assert past(world).count(Deed.SENT) == 1
    await world.crash()
    await world.open()

    assert past(world).count(Deed.SENT) == 1


class AtMost:
    """A rate limit as its author writes it: five lines."""

    name = "at_most"

    def __init__(self, limit):
        self.limit = limit

    def call(self, order, book):
        sent = book.history.count(Deed.SENT, since=book.now - timedelta(seconds=60))
        if sent < self.limit:
            return ALLOW
        return Reject("RATE", measured=sent + 1, limit=self.limit)


@pytest.mark.parametrize("latency", [0.0, 1.0])
async def test_orders_of_the_same_moment_never_pass_a_limit_together(world, latency):
    """Ten orders in one millisecond that each see none before them are ten orders too many."""
    world.latency = latency
    world.checks = (AtMost(3),)
    world.__post_init__()
    await world.ready()
    handles = await asyncio.gather(
        *(world.desk.submit(order(**resting(quantity=str(n + 1)))) for n in range(10))
    )
    await world.run(10)
    late = await world.submit(**resting(quantity="20"))
    await world.run(5)

    statuses = [handle.state.status for handle in handles]
    assert statuses.count(OrdStatus.NEW) == 3
    assert statuses.count(OrdStatus.REFUSED) == 7
    assert late.state.status is OrdStatus.REFUSED
    assert sum(n for (what, _), n in world.requests.items() if what == "submit") == 3


async def test_refusals_of_the_same_moment_are_seen(world):
    """An order that comes in parts right behind its refusal is the same order."""

    def once(asked, book):
        if book.history.count(Deed.REFUSED, code="BIG"):
            return Reject("PART", measured=1, limit=0)
        if asked.quantity > 5:
            return Reject("BIG", measured=asked.quantity, limit=5)
        return ALLOW

    world.checks = (Check("once", once),)
    await world.ready()
    big, part = (
        await world.desk.submit(order(quantity="9")),
        await world.desk.submit(order(quantity="4")),
    )
    await world.run(1)

    assert big.state.status is OrdStatus.REFUSED
    assert [reason.code for reason in part.state.reasons] == ["PART"]


async def test_the_longest_window_that_a_check_declared_is_kept(world):
    """A week's limit needs a week's memory."""

    class Weekly:
        name = "weekly"
        needs = (Window(timedelta(days=7)),)

        def call(self, asked, book):
            book.history.count(Deed.SENT, since=book.now - timedelta(days=7))
            return ALLOW

    world.checks = (Weekly(),)
    await world.ready()
    kept = await world.submit()
    assert kept.state.status is OrdStatus.FILLED

    class Undeclared(Weekly):
        needs = ()

    await world.crash()
    world.checks = (Undeclared(),)
    await world.ready()
    refused = await world.submit(quantity="2")

    assert refused.state.status is OrdStatus.REFUSED
    assert "HistoryTooShort" in str(refused.state.reasons[0])


async def test_the_trading_day_begins_at_midnight_in_new_york(world):
    """Totals of a day that begins at midnight in Greenwich are split at seven in the evening."""
    await world.ready()

    assert world.parts.approvals.view().today.isoformat() == "2026-03-02T05:00:00+00:00"
