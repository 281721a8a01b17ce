"""The venue's state file: SQLite, written at every change, locked by the one process that runs it.

With `synchronous=OFF` a committed change is with the operating system: it survives a `kill -9` of
this process, not a power cut. A fake broker needs no more.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from fillwright.errors import ConfigError, FillwrightError
from fillwright.reports import Execution, Fill
from fillwright.testing.venue.books import Books, Holding, Mark
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.session import Phase
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    ExecType,
    ExecutionId,
    OrderClass,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS executions (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS holdings (
    symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL, cost TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION = 2
_encode = json.JSONEncoder(default=str).encode
_ORDER_FIELDS = tuple(field.name for field in fields(VenueOrder))
#: What a stored field becomes again; what is not here is text, a number or a truth value.
_READ: dict[str, Callable[[Any], Any]] = {
    "side": Side,
    "type": OrdType,
    "time_in_force": TimeInForce,
    "status": OrdStatus,
    "legs": tuple,
    "order_class": OrderClass,
    **dict.fromkeys(
        ("submitted_at", "updated_at", "expire_time", "ended_at"), datetime.fromisoformat
    ),
    **dict.fromkeys(
        (
            *("quantity", "notional", "lot", "limit_price", "stop_price", "trail_price"),
            *("trail_percent", "filled", "value", "hold_price", "held", "claim", "watermark"),
        ),
        Decimal,
    ),
}


class StateFailed(FillwrightError):
    """The state file could not be written; the venue takes nothing more."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"the fake broker's state {path} cannot be written: {reason}")


class Store:
    """One open state file; raises ConfigError when it cannot be had for oneself."""

    def __init__(self, path: Path, account_id: str) -> None:
        self._path = path
        self._failed = ""
        self._fills_saved = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            self._database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as fault:
            raise ConfigError(f"state {path}", f"cannot be opened: {fault}") from fault
        try:
            self._prepare(account_id)
        except sqlite3.Error as fault:
            self._database.close()
            if "locked" in str(fault):
                hint = "Stop that process; a second desk needs a state and a journal of its own"
                raise ConfigError(f"state {path}", "is in use by another process", hint) from fault
            raise ConfigError(f"state {path}", f"is no state file: {fault}") from fault
        except ConfigError:
            self._database.close()
            raise

    def _prepare(self, account_id: str) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=OFF")
        run("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            run(statement)
        # Whoever reads it for the first time claims it, by what it is and for whom.
        mark = json.dumps([_VERSION, account_id])
        run("INSERT OR IGNORE INTO facts VALUES ('venue', ?)", (mark,))
        (found,) = run("SELECT body FROM facts WHERE name = 'venue'").fetchone()
        run("COMMIT")
        if found != mark:
            text = f"belongs to version and account {found}, not to {mark}"
            raise ConfigError(f"state {self._path}", text)
        self._path.chmod(0o600)

    def load(self, multiplier: Decimal) -> Books | None:
        """Read the books; None when nothing was written yet."""
        run = self._database.execute
        row = run("SELECT body FROM facts WHERE name = 'account'").fetchone()
        if row is None:
            return None
        (opening,) = run("SELECT body FROM facts WHERE name = 'opening'").fetchone()
        books = _account_read(json.loads(row[0]), json.loads(opening), multiplier)
        for symbol, quantity, cost in run("SELECT * FROM holdings"):
            books.holdings[symbol] = Holding(Decimal(quantity), Decimal(cost))
            if books.holdings[symbol].quantity < 0:
                books.short[symbol] = None
        for (body,) in run("SELECT body FROM orders ORDER BY id"):
            order = _order_read(json.loads(body))
            books.orders[order.broker_order_id] = order
            # One that only waited to replace another never took over a shared id.
            waited = order.replaces and order.status in (OrdStatus.PENDING_NEW, OrdStatus.REJECTED)
            if not (waited and order.client_order_id in books.by_client):
                books.by_client[order.client_order_id] = order
        for (body,) in run("SELECT body FROM executions ORDER BY seq"):
            fill, mark = _fill_read(json.loads(body))
            books.fill_index[fill.execution.execution_id] = len(books.fills)
            books.fills.append(fill)
            books.marks.append(mark)
        self._fills_saved = len(books.fills)
        return books

    def save(self, books: Books) -> None:
        """Write what changed, in one transaction."""
        if self._failed:
            raise StateFailed(self._path, self._failed)
        try:
            self._write(books)
        except sqlite3.Error as fault:
            self._failed = str(fault)
            raise StateFailed(self._path, self._failed) from fault

    def _write(self, books: Books) -> None:
        run, many = self._database.execute, self._database.executemany
        run("BEGIN")
        orders = books.changed_orders.items()
        many("INSERT OR REPLACE INTO orders VALUES (?, ?)", _written(orders))
        first = self._fills_saved
        new = zip(books.fills[first:], books.marks[first:], strict=True)
        rows = [(n, _fill_text(fill, mark)) for n, (fill, mark) in enumerate(new, first + 1)]
        many("INSERT INTO executions VALUES (?, ?)", rows)
        for symbol in books.changed_symbols:
            holding = books.holdings.get(symbol)
            if holding is None:
                run("DELETE FROM holdings WHERE symbol = ?", (symbol,))
            else:
                row = (symbol, str(holding.quantity), str(holding.cost))
                run("INSERT OR REPLACE INTO holdings VALUES (?, ?, ?)", row)
        if not books.orders_made:
            opening = {s: [str(q), str(p)] for s, (q, p) in books.opening.items()}
            run("INSERT OR REPLACE INTO facts VALUES ('opening', ?)", (json.dumps(opening),))
        run("INSERT OR REPLACE INTO facts VALUES ('account', ?)", (_account_text(books),))
        run("COMMIT")
        self._fills_saved = len(books.fills)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _written(orders: Iterable[tuple[str, VenueOrder]]) -> list[tuple[str, str]]:
    rows = []
    for name, order in orders:
        values = ((field, getattr(order, field)) for field in _ORDER_FIELDS)
        rows.append((name, _encode({field: v for field, v in values if v is not None})))
    return rows


def _order_read(body: dict[str, Any]) -> VenueOrder:
    values = {name: _READ[name](v) if name in _READ else v for name, v in body.items()}
    return VenueOrder(**({"quantity": None, "notional": None} | values))


def _fill_text(fill: Fill, mark: Mark) -> str:
    execution = fill.execution
    row = (
        execution.execution_id,
        str(execution.quantity),
        str(execution.price),
        execution.transact_time.isoformat(),
        execution.corrects,
        fill.symbol,
        fill.side,
        fill.broker_order_id,
        fill.client_order_id,
        fill.exec_type,
        [str(mark.filled), str(mark.leaves), mark.status, str(mark.position)],
        fill.parent,
    )
    return json.dumps(row)


def _fill_read(row: list[Any]) -> tuple[Fill, Mark]:
    name, quantity, price, at, corrects, symbol, side, broker_id, client_id, kind, after, of = row
    filled, leaves, status, position = after
    mark = Mark(Decimal(filled), Decimal(leaves), OrdStatus(status), Decimal(position))
    execution = Execution(
        ExecutionId(name),
        Decimal(quantity),
        Decimal(price),
        datetime.fromisoformat(at),
        corrects=corrects,
    )
    fill = Fill(
        execution,
        symbol,
        Side(side),
        BrokerOrderId(broker_id),
        ClientOrderId(client_id),
        ExecType(kind),
        ClientOrderId(of) if of is not None else None,
    )
    return fill, mark


def _account_text(books: Books) -> str:
    return json.dumps(
        {
            "tag": books.tag,
            "began": books.began.isoformat(),
            "seen": books.seen.isoformat() if books.seen else None,
            "cash": str(books.cash),
            "blocked": books.blocked,
            "orders_made": books.orders_made,
            "events_made": books.events_made,
            "ranks_given": books.ranks_given,
            "step": books.step,
            "extra_steps": books.extra_steps,
            "phase": books.phase,
            "manual_session": books.manual_session,
            "halted": list(books.halted),
            "closing_equity": str(books.closing_equity),
            "closing_prices": {s: str(price) for s, price in books.closing_prices.items()},
            "notes": books.notes,
        }
    )


def _account_read(body: dict[str, Any], opening: dict[str, Any], multiplier: Decimal) -> Books:
    began = datetime.fromisoformat(body.pop("began"))
    books = Books(body.pop("tag"), began, Decimal(body.pop("cash")), multiplier)
    seen = body.pop("seen")
    books.seen = datetime.fromisoformat(seen) if seen else None
    books.phase = Phase(body.pop("phase"))
    books.halted = dict.fromkeys(body.pop("halted"))
    books.closing_equity = Decimal(body.pop("closing_equity"))
    books.closing_prices = {s: Decimal(p) for s, p in body.pop("closing_prices").items()}
    for name, value in body.items():
        setattr(books, name, value)
    books.opening = {s: (Decimal(q), Decimal(p)) for s, (q, p) in opening.items()}
    return books
