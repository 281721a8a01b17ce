"""A desk on the real adapter whose every byte goes through the fault proxy."""

import asyncio
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from alpacakit.trial import Trial
from alpacakit.world import _of_server
from fillwright.testing.paper_server import On
from machines.proxy import FaultProxy


class ProxiedTrial(Trial):
    """The proxy is part of the network: it outlives every desk, as the server does."""

    #: In seconds of real time; mute connections are part of these trials.
    give_up = 0.6

    async def begin(self, **more: Any) -> None:
        await super().begin(**more)
        parts = urlsplit(self.server.url)
        assert parts.hostname
        assert parts.port
        self.proxy = await FaultProxy(parts.hostname, parts.port).__aenter__()

    def places(self) -> dict[str, str]:
        place = self.proxy.place
        return {
            "url": f"http://{place}",
            "data_url": f"http://{place}",
            "stream_url": f"ws://{place}/stream",
        }

    async def end(self) -> None:
        await super().end()
        await self.proxy.__aexit__()

    async def _abandon_tasks(self, *, everything: bool = False) -> None:  # as its parent has it
        mine = asyncio.current_task()
        others = asyncio.all_tasks() - {mine}
        tasks = [t for t in others if not (_of_server(t) or self.proxy.owns(t))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def counted(self) -> None:
        """One request for each attempt, and one order for each intent, as the server saw it."""
        attempts = sum(n for (kind, _), n in self.requests.items() if kind == "submit")
        assert self.proxy.requests["POST /v2/orders"] <= attempts
        seen = Counter(entry.client_order_id for entry in self.server.requests.of(On.SUBMIT))
        del seen[""]  # cut before the id came
        for key, count in seen.items():
            assert count <= self.requests["submit", key], key
        orders = Counter(one.client_order_id for one in self.venue.orders())
        assert [key for key, count in orders.items() if count > 1] == []
