"""An app that embeds the desk: one order in, what really happened out."""

import asyncio

from fillwright import Order, Side, open_desk


async def main() -> None:
    async with open_desk("desk.toml") as desk:
        order = Order(symbol="AAPL", side=Side.BUY, quantity="2", intent_id="first-order")
        handle = await desk.submit(order)
        end = await handle.done()
        print(end.status, end.filled, end.average_price, *end.reasons)


asyncio.run(main())
