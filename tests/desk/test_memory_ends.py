"""Memory has an end and the ledger has none; and a stream that ends is one that is down."""

import asyncio
from dataclasses import replace

from desk.kit import FIVE, D, open_order, resting
from fillwright.accounts import Quote
from fillwright.desk import books, dropcopy, fill_quotes
from fillwright.ledger import FillQuoted, decode
from fillwright.reports import Heartbeat
from fillwright.types import OrdStatus


def facts(world, kind):
    return [fact for fact in map(decode, world.journal.read()) if isinstance(fact, kind)]


async def test_what_was_booked_long_ago_is_not_booked_again(world, monkeypatch):
    """The memory has an end, and the ledger has none."""
    monkeypatch.setattr(books, "REMEMBERED", 2)
    monkeypatch.setattr(dropcopy, "REMEMBERED", 2)
    await world.ready()
    handle = await world.submit(**resting(quantity="5"))
    for _ in range(5):
        world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
    await world.run(40)

    assert handle.state.filled == 5
    assert len(world.parts.books._booked) <= 2
    await world.settled()


async def test_fills_without_a_quote_ask_for_a_few_and_record_no_wrong_one(world, monkeypatch):
    """A quote of no numbers beside a fill makes every figure of its costs wrong."""
    monkeypatch.setattr(fill_quotes, "MOST", 1)
    await world.ready()
    handle = await open_order(world, quantity="9")
    await world.run(60)
    told, answers = [], iter([D("NaN"), FIVE])
    ask = world.parts.market.fresh_quote

    async def quote(symbol):
        told.append(symbol)
        said: Quote = await ask(symbol)
        return replace(said, bid_size=next(answers))

    world.parts.market.fresh_quote = quote
    for _ in range(2):
        world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
        world.venue.control.fill(handle.state.broker_order_id, D(1), D(90))
        await world.run(0.5)
        await world.run(8)

    assert told == ["AAPL", "AAPL"]
    assert len(facts(world, FillQuoted)) == 1


# ---------------------------------------------------------------------- the stream


class Ending:
    """A stream that ends in good order a few times before it is one."""

    def __init__(self, world, inner):
        self._world, self._inner, self.opened = world, inner, 0

    async def reports(self):
        self.opened += 1
        yield Heartbeat(self._world.clock.now())
        if self.opened > 2:
            async for item in self._inner.reports():
                yield item

    async def close(self):
        await self._inner.close()


async def test_a_stream_that_only_ends_is_down_and_opened_again(world, caplog):
    """An iterator that ends without a fault: nothing more is heard, and nothing says so."""
    await world.open()
    stream = Ending(world, world.parts.supervisor._stream)
    following = asyncio.create_task(_follow(world, stream))
    await world.run(0.01)
    waits = await world.submit()
    early = waits.state.status
    await world.run(60)

    assert early is OrdStatus.STAGED
    assert stream.opened == 3
    assert any("the stream ended" in record.message for record in caplog.records)
    following.cancel()


async def _follow(world, stream):
    supervisor = world.parts.supervisor
    supervisor._stream = stream
    await supervisor._follow()
