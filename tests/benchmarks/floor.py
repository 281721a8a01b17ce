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

_spec = pluggy.HookspecMarker("floor")
_impl = pluggy.HookimplMarker("floor")
_INSERT = "INSERT INTO log (body, hash) VALUES (?, ?)"

Row = tuple[str, str]


class Specs:
    @_spec
    def check(self, order: Order) -> bool:
        """Say yes."""
        raise NotImplementedError


class Yes:
    @_impl
    def check(self, order: Order) -> bool:
        return True


@dataclass(frozen=True)
class State:
    status: str
    filled: Decimal


class Committer:
    """One writer thread, group commit."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._work: SimpleQueue[tuple[Row, asyncio.Future[None]] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, row: Row) -> asyncio.Future[None]:
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
            # What came meanwhile; the closing None is only put once everybody was answered.
            batch += [one for _ in range(self._work.qsize()) if (one := self._work.get())]
            connection.execute("BEGIN")
            connection.executemany(_INSERT, [row for row, _ in batch])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_wake, [future for _, future in batch])
        connection.close()


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
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
        fields = {"symbol": "KO", "side": "BUY", "quantity": "1", "intent_id": f"i{number}"}
        order = Order.model_validate(fields)
        if not all(self._manager.hook.check(order=order)):
            raise AssertionError(number)
        key = str(number)
        state = self._states[key] = State("NEW", Decimal(0))
        body = json.dumps({"id": key, "symbol": order.symbol, "quantity": str(order.quantity)})
        self._hash = sha256(f"{self._hash}{body}".encode()).hexdigest()
        await self._committer.append((body, self._hash))
        self._states[key] = replace(state, status="FILLED", filled=order.quantity or Decimal(0))
        del self._states[key]

    def close(self) -> None:
        self._committer.close()
