"""Answers that nobody expects: from the wrong account, on the wrong side, of nothing, or late."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from desk.kit import Check, D, open_order, resting
from fillwright.desk import market
from fillwright.desk.broker_data import BrokerClock
from fillwright.desk.guard import Guard
from fillwright.errors import (
    BrokerUnavailable,
    DuplicateClientOrderId,
    GuardError,
    NotManual,
    UnknownOrder,
    UnknownSymbol,
)
from fillwright.inputs import Input, SessionState
from fillwright.reports import Evidence, ExecutionReport, Source
from fillwright.types import AssetClass, ClientOrderId, ExecType, Mode, OrdStatus, Side
from fillwright.verdicts import ALLOW, Resize

NOBODY = ClientOrderId("fw-nobody")


# ---------------------------------------------------------------------- whose account


@pytest.mark.parametrize(
    ("mode", "expected", "said"),
    [
        (Mode.LIVE, None, "live mode needs expected_account_id"),
        (Mode.LIVE, "A-2", "this is account A-1, expected_account_id is A-2"),
        (Mode.PAPER, "A-2", "this is account A-1, expected_account_id is A-2"),
    ],
)
def test_an_account_that_was_not_meant_gets_no_order(mode, expected, said) -> None:
    """The keys of another account, and its owner's money."""
    guard = Guard(mode, SimpleNamespace(endpoint=mode), "A-1", expected)

    for cancel in (False, True):
        with pytest.raises(GuardError, match=said):
            guard.check(cancel=cancel)


async def test_the_balance_of_another_account_is_no_answer(world):
    """Keys that were changed under a running desk: what it sizes by is somebody else's money."""
    await world.ready()
    ask = world.parts.adapter.executor.account

    async def account():
        return replace(await ask(), account_id="FAKE-2", cash=D(0))

    world.parts.adapter.executor.account = account

    with pytest.raises(BrokerUnavailable, match="it named FAKE-2, and this desk is that of FAKE-1"):
        await world.wait(world.desk.fresh_account())
    assert world.parts.market.account.cash == 1_000_000


# ---------------------------------------------------------------------- symbols and rules


async def test_a_symbol_that_nobody_knows_is_asked_for_once(world):
    """Asked for with every order, a typing error uses up the broker's rate."""
    await world.ready()
    asked = []
    ask = world.parts.adapter.executor.instrument

    async def instrument(symbol):
        asked.append(symbol)
        return await ask(symbol)

    world.parts.adapter.executor.instrument = instrument
    handles = [await world.submit(symbol="NONE", quantity=number) for number in "12"]
    await world.run(1)

    assert asked == ["NONE"]
    assert all(handle.state.ended for handle in handles)


async def test_a_symbol_that_the_broker_took_off_its_list_has_no_rules(world, monkeypatch):
    """Yesterday's rules for what is not traded any more."""
    monkeypatch.setattr(market, "RULES_FOR", timedelta(seconds=60))
    await world.ready()
    known = await world.wait(world.desk.instrument("AAPL"))
    speaks = world.parts.adapter.executor.instrument

    async def gone(symbol):
        raise UnknownSymbol(symbol)

    async def silent(symbol):
        raise BrokerUnavailable("the rules", "no answer")

    await world.run(61)
    world.parts.adapter.executor.instrument = silent
    kept = await world.wait(world.desk.instrument("AAPL"))
    world.parts.adapter.executor.instrument = gone
    with pytest.raises(UnknownSymbol):
        await world.wait(world.desk.instrument("AAPL"))

    assert kept == known
    assert "AAPL" not in world.parts.market.instruments
    world.parts.adapter.executor.instrument = speaks


async def test_crypto_trades_whatever_the_clock_of_the_exchange_says(world):
    """At the weekend every order in crypto would be refused."""
    await world.ready()
    world.venue.control.close_session()
    instrument = await world.wait(world.desk.instrument("AAPL"))
    coin = replace(instrument, symbol="BTC/USD", asset_class=AssetClass.CRYPTO)
    world.parts.market.instruments["BTC/USD"] = coin
    told = BrokerClock(world.broker, world.parts.market, world.clock)

    states = [
        (await world.wait(told.fetch(Input.SESSION, symbol))).value.state
        for symbol in ("BTC/USD", "AAPL")
    ]

    assert states == [SessionState.OPEN, SessionState.CLOSED]


async def test_a_question_for_the_clock_is_given_up_when_the_desk_closes(world):
    """A question that hangs keeps the process from ending."""
    await world.ready()

    class Silent:
        async def session(self):
            await asyncio.Event().wait()

    told = BrokerClock(Silent(), world.parts.market, world.clock)
    asking = asyncio.create_task(told.fetch(Input.SESSION, "AAPL"))
    await world.run(0.1)
    await told.close()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await told.close()


# ---------------------------------------------------------------------- orders


async def test_the_brokers_word_for_the_side_is_told_and_booked(world, caplog):
    """A buy that the broker shows as a sell is the last thing to be silent about."""
    await world.ready()
    handle = await open_order(world)
    state = handle.state
    report = ExecutionReport(
        ExecType.SUSPENDED,
        "AAPL",
        Side.SELL,
        Evidence(Source.QUERY, "q"),
        world.clock.now(),
        state.client_order_id,
        state.broker_order_id,
    )
    world.parts.books.take(report)

    assert any("side_differs" in record.message for record in caplog.records)
    assert (handle.state.side, handle.state.status) == (Side.BUY, OrdStatus.SUSPENDED)


async def test_a_duplicate_that_the_stream_told_of_already_is_no_doubt(world):
    """The order works, and its symbol is blocked over a question that is answered."""
    await world.ready()
    sending = world.parts.carrier._executor.submit

    async def submit(approved):
        await sending(approved)
        await world.clock.sleep(1)
        raise DuplicateClientOrderId(approved.client_order_id, "x", "it is there already")

    world.parts.carrier._executor.submit = submit
    handle = await world.submit(**resting())
    await world.run(2)

    assert (handle.state.status, handle.state.in_doubt) == (OrdStatus.NEW, False)
    await world.settled()


async def test_what_is_sent_again_is_what_was_sent(world):
    """The check made it smaller; sent again as it was asked for, it is five times as large."""
    world.checks = (Check("small", _shrink),)
    world.allow_resize = True
    await world.ready()
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting(quantity="5"))
    await world.run(120)

    assert world.requests["submit", handle.client_order_id] == 2
    (there,) = world.at_venue(handle.client_order_id)
    assert (there.quantity, handle.state.quantity) == (1, 1)
    await world.settled()


def _shrink(asked, _book):
    if asked.quantity == 1:
        return ALLOW
    return Resize("S", quantity=D(1), measured=asked.quantity, limit=1)


async def test_a_kill_in_the_moment_of_the_second_sending_keeps_it_here(world, caplog):
    """The first may have arrived: proven unsent, the order would be free to go once more."""
    await world.ready()
    renew = world.parts.approvals.renew

    def killed(state):
        approval = renew(state)
        world.desk.kill(by="jane")
        return approval

    world.parts.approvals.renew = killed
    world.fault("submit", "drop_request")
    handle = await world.submit(**resting())
    await world.run(40)

    assert world.requests["submit", handle.client_order_id] == 1
    assert any("sent before, not again: the kill" in record.message for record in caplog.records)
    await world.settled(200)
    assert handle.state.status is OrdStatus.ABANDONED


async def test_an_order_without_a_deadline_is_not_sent_again(world):
    """Nobody knows how old the decision is."""
    await world.ready()
    handle = await open_order(world)

    assert world.parts.carrier.expired(handle.state.but(deadline=None))
    assert not world.parts.carrier.expired(handle.state)


async def test_orders_that_nobody_knows_or_that_wait_for_nobody(world):
    """A typing error in an id must not close an order that works."""
    await world.ready()
    handle = await open_order(world)
    told = {"reason": "looked", "by": "jane"}

    with pytest.raises(UnknownOrder):
        await world.desk.settle(NOBODY, **told)
    with pytest.raises(UnknownOrder):
        await world.parts.changes.cancel(NOBODY)
    with pytest.raises(NotManual):
        await world.desk.settle(handle.client_order_id, **told)
    assert handle.state.status is OrdStatus.NEW


async def test_a_handle_is_the_order_wherever_it_came_from(world):
    """Two handles of one order counted as two orders."""
    await world.ready()
    handle = await open_order(world)
    again = world.desk.order(handle.client_order_id)

    assert len({handle, again}) == 1
    assert repr(handle) == f"<Handle {handle.client_order_id} NEW>"


async def test_an_order_that_was_let_go_twice_leaves_its_exposure_once(world):
    """Taken off twice, it makes room for an order that there is no room for."""
    await world.ready()
    handle = await open_order(world)
    held = world.parts.keeper.exposures.snapshot()["AAPL"]
    world.parts.keeper.forget(NOBODY)
    world.parts.keeper.ledger.forget(handle.client_order_id)

    back = world.parts.keeper.state(handle.client_order_id)

    assert back == handle.state
    assert back in world.desk.working()
    assert world.parts.keeper.exposures.snapshot()["AAPL"] == held


async def test_before_the_account_is_known_nothing_new_leaves(world):
    """Sized by an account of nobody's."""
    await world.ready()
    world.parts.market.account = None
    world.parts.health.block("books", "being compared")
    handle = await world.submit(**resting())
    await world.run(world.limits.ready_within + 1)

    assert handle.state.status is OrdStatus.REFUSED
    assert "the broker has not told the account yet" in str(handle.state.reasons)
