"""What the tests of the adapter share: a desk's side of the protocols, in a few lines."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from fillwright.hooks import AdapterRequest
from fillwright.orders import Order, OrderChange, WorkingOrder, content_hash
from fillwright.reports import Ack, Connected, Disconnected, ExecutionReport, Gap, StreamItem
from fillwright.testing import FakeBroker, ManualClock, SeededRng
from fillwright.testing.fake_broker import provide_adapter
from fillwright.types import ClientOrderId, Mode, Side
from fillwright.verdicts import ApprovedChange, ApprovedOrder


def approved(name: str, clock: ManualClock, **fields: Any) -> ApprovedOrder:
    order = Order.model_validate({"symbol": "AAPL", "side": "BUY", "quantity": "1"} | fields)
    now = clock.now()
    return ApprovedOrder(
        order, ClientOrderId(name), content_hash(order), now, now + timedelta(seconds=30)
    )


def working(name: str, ack: Ack | None = None) -> WorkingOrder:
    broker_order_id = ack.broker_order_id if ack else None
    return WorkingOrder(ClientOrderId(name), broker_order_id, "AAPL", Side.BUY, None, 0)


def changed(name: str, clock: ManualClock, **fields: Any) -> ApprovedChange:
    change = OrderChange.model_validate(fields)
    order = approved(name, clock).order
    now = clock.now()
    return ApprovedChange(change, order, ClientOrderId(name), now, now + timedelta(seconds=30))


def request(folder: Path, clock: ManualClock, mode: Mode = Mode.PAPER, **table: Any):
    return AdapterRequest("fake", mode, table, folder, clock, SeededRng(99))


class DeskSide:
    """A fake broker with a reader of its stream."""

    def __init__(self, folder: Path, **table: Any) -> None:
        self.clock = ManualClock()
        adapter = provide_adapter(request(folder, self.clock, **table))
        assert isinstance(adapter, FakeBroker)
        self.adapter = adapter
        self.items: list[StreamItem] = []
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self):
        self._reader = asyncio.create_task(self._read())
        await self.clock.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.adapter.close()
        await asyncio.wait_for(self._reader, 5)

    async def submit(self, name: str, **fields: Any) -> Ack:
        return await self.adapter.executor.submit(approved(name, self.clock, **fields))

    @property
    def reports(self) -> list[ExecutionReport]:
        return [item for item in self.items if isinstance(item, ExecutionReport)]

    @property
    def told(self) -> list[str]:
        """`name kind` of each report, and the ups and downs of the stream."""
        return [_short(item) for item in self.items]

    async def _read(self) -> None:
        async for item in self.adapter.stream.reports():
            self.items.append(item)


def _short(item: StreamItem) -> str:
    if isinstance(item, ExecutionReport):
        return f"{item.client_order_id} {item.exec_type}"
    if isinstance(item, Connected):
        return "up"
    if isinstance(item, Disconnected):
        return "down"
    return "gap" if isinstance(item, Gap) else "alive"
