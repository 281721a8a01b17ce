"""A plan's progress in the journal: what is written, and how it is read back.

Rules:
1. What was decided is durable before anything leaves on account of it.
2. What was decided is never decided again: a resumed plan sends the recorded orders or none.
3. A plan is finished only when nothing about it is in doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from pydantic import TypeAdapter

from fillwright.desk.planning.ports import PlanDesk
from fillwright.errors import IntentConflict
from fillwright.orders import Order
from fillwright.plans import ExecutionResult, Plan, Residual
from fillwright.plans.sizing import SizedLine
from fillwright.plans.wishes import Snapshot
from fillwright.protocols import Json, Record
from fillwright.types import ZERO, text_of

_LINES = TypeAdapter(tuple[SizedLine, ...])
_NOTES = TypeAdapter(dict[int, Residual])


class Kind(StrEnum):
    """The records of a plan, in the order of its life."""

    STARTED = "plan_started"
    SIZED = "plan_sized"
    RELEASED = "plan_released"
    CLOSED = "plan_closed"
    FINISHED = "plan_finished"


@dataclass(frozen=True, slots=True)
class Release:
    """A buy whose turn came, with what it may cost at worst."""

    order: Order
    cost: Decimal


@dataclass(slots=True)
class Progress:
    """How far a plan has come."""

    lines: tuple[SizedLine, ...] | None = None
    sized_at: datetime | None = None
    #: What buys could cost when the plan was sized.
    funds: Decimal = ZERO
    canceled: tuple[str, ...] = ()
    released: dict[int, Release] = field(default_factory=dict)
    #: Set once no more orders may leave; why each line without an order has none.
    closed: dict[int, Residual] | None = None
    result: ExecutionResult | None = None


class Diary:
    """One plan's records."""

    def __init__(self, desk: PlanDesk, plan: Plan) -> None:
        self._desk = desk
        self._plan = plan
        self._hash = sha256(plan.content()).hexdigest()
        self._started = False

    def read(self) -> Progress:
        """How far the plan has come. Raises `IntentConflict` when the id has other content."""
        progress = Progress()
        for record in self._desk.recorded(self._plan.plan_id):
            if record.kind == Kind.STARTED:
                self._check(str(record.body["content_hash"]))
                self._started = True
            elif record.kind in _READ:
                _READ[Kind(record.kind)](progress, record)
        return progress

    def _check(self, known: str) -> None:
        if known != self._hash:
            raise IntentConflict(self._plan.plan_id, known, self._hash)

    async def started(self) -> None:
        """Keep the plan itself, once."""
        if self._started:
            return
        plan = self._plan.content().decode()
        await self._write(Kind.STARTED, {"content_hash": self._hash, "plan": plan})
        self._started = True

    async def sized(
        self,
        lines: tuple[SizedLine, ...],
        snapshot: Snapshot,
        funds: Decimal,
        canceled: Sequence[str],
    ) -> None:
        """Keep every line as it was decided, and the facts that it was decided on."""
        body: dict[str, Json] = {
            "lines": _LINES.dump_python(lines, mode="json", exclude_defaults=True),
            "funds": text_of(funds),
            "canceled": list(canceled),
            "facts": _facts(lines, snapshot),
        }
        await self._write(Kind.SIZED, body)

    async def released(self, releases: Mapping[int, Release]) -> None:
        """Keep what buys are about to be sent."""
        seq = 0
        for index, release in releases.items():
            body: dict[str, Json] = {
                "line": index,
                "order": release.order.content().decode(),
                "cost": text_of(release.cost),
            }
            seq = self._desk.record(Kind.RELEASED, self._plan.plan_id, body)
        await self._desk.durable(seq)

    async def closed(self, notes: Mapping[int, Residual]) -> None:
        """Keep that no more orders will leave, and why lines without one have none."""
        body = _NOTES.dump_python(dict(notes), mode="json", exclude_defaults=True)
        await self._write(Kind.CLOSED, {"notes": {str(k): v for k, v in body.items()}})

    async def finished(self, result: ExecutionResult) -> None:
        """Keep the result: from now on it is the answer to this plan id."""
        await self._write(Kind.FINISHED, {"result": result.model_dump_json()})

    async def _write(self, kind: Kind, body: Mapping[str, Json]) -> None:
        await self._desk.durable(self._desk.record(kind, self._plan.plan_id, body))


def _read_sized(progress: Progress, record: Record) -> None:
    progress.lines = _LINES.validate_python(record.body["lines"])
    progress.sized_at = record.at
    progress.funds = Decimal(str(record.body["funds"]))
    canceled = record.body["canceled"]
    progress.canceled = tuple(map(str, canceled)) if isinstance(canceled, list) else ()


def _read_released(progress: Progress, record: Record) -> None:
    order = Order.model_validate_json(str(record.body["order"]))
    release = Release(order, Decimal(str(record.body["cost"])))
    progress.released[int(str(record.body["line"]))] = release


def _read_closed(progress: Progress, record: Record) -> None:
    progress.closed = _NOTES.validate_python(record.body["notes"])


def _read_finished(progress: Progress, record: Record) -> None:
    progress.result = ExecutionResult.model_validate_json(str(record.body["result"]))


_READ = {
    Kind.SIZED: _read_sized,
    Kind.RELEASED: _read_released,
    Kind.CLOSED: _read_closed,
    Kind.FINISHED: _read_finished,
}


def _facts(lines: Sequence[SizedLine], snapshot: Snapshot) -> dict[str, Json]:
    account = snapshot.account
    symbols = sorted({line.symbol for line in lines})
    quotes: dict[str, Json] = {
        symbol: [_shown(quote.bid), _shown(quote.ask)]
        for symbol in symbols
        if (quote := snapshot.quotes.get(symbol)) is not None
    }
    positions: dict[str, Json] = {s: text_of(account.quantity(s)) for s in symbols}
    return {
        "as_of": account.as_of.isoformat(),
        "equity": text_of(account.equity),
        "cash": text_of(account.cash),
        "buying_power": text_of(account.buying_power),
        "positions": positions,
        "quotes": quotes,
    }


def _shown(price: Decimal | None) -> str | None:
    return None if price is None else text_of(price)
