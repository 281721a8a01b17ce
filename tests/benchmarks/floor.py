"""The floor: what the idea costs at least, without a desk around it.

A validated value, five hook calls, a state update, and a group-committed, fsynced record.
"""

import asyncio
import json
import sqlite3
import threading
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

import pluggy

from fillwright.orders import Order

spec = pluggy.HookspecMarker("floor")
impl = pluggy.HookimplMarker("floor")


class Specs:
    @spec
    def check(self, order):
        """Say yes."""


class Yes:
    @impl
    def check(self, order):
        return True


@dataclass(frozen=True)
class State:
    status: str
    filled: Decimal


class Committer:
    """One writer thread, group commit."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._work: SimpleQueue = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, row: tuple) -> asyncio.Future:
        future = self._loop.create_future()
        self._work.put((row, future))
        return future

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        if self._path:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, body TEXT, hash TEXT)")
        while (item := self._work.get()) is not None:
            batch = [item]
            while not self._work.empty() and batch[-1] is not None:
                batch.append(self._work.get())
            last = batch[-1] is None
            rows = [one for one in batch if one is not None]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO log (body, hash) VALUES (?, ?)", [r for r, _ in rows])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_wake, [f for _, f in rows])
            if last:
                break
        connection.close()


def _wake(futures: list) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


class Floor:
    def __init__(self, path: Path | None) -> None:
        self._manager = pluggy.PluginManager("floor")
        self._manager.add_hookspecs(Specs)
        for _ in range(5):
            self._manager.register(Yes())
        self._committer = Committer(path)
        self._states: dict[str, State] = {}
        self._hash = ""

    async def order(self, number: int) -> None:
        order = Order(symbol="AAPL", side="BUY", quantity="1", intent_id=f"i{number}")
        if not all(self._manager.hook.check(order=order)):
            raise AssertionError
        key = str(number)
        state = self._states[key] = State("NEW", Decimal(0))
        body = json.dumps({"id": key, "symbol": order.symbol, "quantity": str(order.quantity)})
        self._hash = sha256(f"{self._hash}{body}".encode()).hexdigest()
        await self._committer.append((body, self._hash))
        self._states[key] = replace(state, status="FILLED", filled=order.quantity)
        del self._states[key]

    def close(self) -> None:
        self._committer.close()
