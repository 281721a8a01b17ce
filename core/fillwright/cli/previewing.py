"""`fillwright run --dry-run`: what a plan would send and every verdict, with nothing sent.

Rules:
1. The desk works on copies of the journal, in memory, and of the inbox beside it, so it needs no
   lock, writes nothing, and what a person left for the real desk stays there.
2. Its adapter takes no request: whatever the desk's own procedures want to send stays here.
"""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from rich.console import RenderableType

from fillwright.accounts import Account, Instrument
from fillwright.cli.answers import Answer, Exit
from fillwright.cli.stopping import run_stoppable
from fillwright.cli.tables import preview_table, shown_price
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import DeskConfig
from fillwright.desk.desk import Desk
from fillwright.desk.opening import Overrides, adapter_of, load_plugins, open_desk
from fillwright.desk.planning import PlanPreview, PreviewLine
from fillwright.errors import JournalBound, NotSent
from fillwright.journal import OPENED, JournalReader, MemoryJournal
from fillwright.orders import WorkingOrder
from fillwright.plans import Plan
from fillwright.plans.results import HARMLESS
from fillwright.protocols import (
    Adapter,
    Binding,
    Clock,
    Executor,
    Journal,
    QuoteSource,
    TradingStream,
)
from fillwright.reports import Ack, BrokerOrder, Cursor, Fill, Page
from fillwright.risk import Asker
from fillwright.types import ClientOrderId
from fillwright.verdicts import ApprovedChange, ApprovedOrder

_PROOF = "this is a dry run"
#: How often to look whether the desk is ready to judge, in seconds.
_LOOK = 0.02


def preview_answer(plan: Plan, config: DeskConfig) -> Answer:
    """Ask a desk that cannot send."""
    preview = run_stoppable(lambda: previewed(plan, config))
    lines: list[RenderableType] = [preview_table(preview), "", *_sentences(preview)]
    if not config.journal_path.exists():
        told = f"A run would begin a new journal: {config.journal_path} is not there yet."
        lines.insert(-1, told)
    return Answer(preview.model_dump(mode="json"), lines, _code(preview))


async def previewed(
    plan: Plan,
    config: DeskConfig,
    *,
    asker: Asker | None = None,
    checks: Sequence[tuple[str, object]] = (),
) -> PlanPreview:
    """What a desk that cannot send says to the plan, with further checks by their names."""
    clock, rng = SystemClock(), SystemRng()
    adapter = _SilentAdapter(adapter_of(config, load_plugins(config), clock, rng))
    with TemporaryDirectory(prefix="fillwright-") as folder:
        overrides = Overrides(
            clock=clock,
            rng=rng,
            adapter=adapter,
            journal=lambda binding, clock: _copied(config, binding, clock),
            asker=asker,
            plugins=checks,
            inbox=_copied_inbox(config.inbox_path, Path(folder) / "inbox"),
        )
        async with open_desk(config, overrides=overrides) as desk:
            await _ready(desk, config.desk.ready_within_seconds)
            return await desk.dry_run(plan)


async def _ready(desk: Desk, within: float) -> None:
    """Wait until the desk may judge new risk; if it may not in time, its verdicts say so."""
    try:
        async with asyncio.timeout(within):
            while desk.obstacles:
                await desk.clock.sleep(_LOOK)
    except TimeoutError:
        return


def _copied(config: DeskConfig, binding: Binding, clock: Clock) -> Journal:
    """A journal in memory that says what the real one says."""
    copy = MemoryJournal(binding, clock=clock)
    path = config.journal_path
    if path.exists():
        _copy_into(copy, path)
    # What a journal finds at its opening is durable, and is replayed.
    return cast("Journal", copy.crash(keep=copy.seq))


def _copied_inbox(inbox: Path, copy: Path) -> Path:
    """A copy of what persons left for the desk; a file that went meanwhile was taken by it."""
    copy.mkdir(mode=0o700)
    for path in inbox.glob("*.json") if inbox.is_dir() and not inbox.is_symlink() else ():
        with suppress(FileNotFoundError):
            shutil.copy2(path, copy / path.name, follow_symlinks=False)
    return copy


def _copy_into(copy: MemoryJournal, path: Path) -> None:
    """Every record: what was traded before must be known, or the broker's word on it is news."""
    still = not path.with_name(f"{path.name}-wal").exists()
    with JournalReader.open(path, still=still) as reader:
        if reader.binding != copy.binding:
            raise JournalBound(str(path), str(reader.binding), str(copy.binding))
        for record in reader.read():
            if record.kind != OPENED:
                copy.append(record.kind, record.key, record.body)


class _SilentAdapter:
    """An adapter that asks its broker and never sends it anything."""

    def __init__(self, inner: Adapter) -> None:
        self.executor: Executor = _SilentExecutor(inner.executor)
        self.stream: TradingStream = inner.stream
        self.quotes: QuoteSource = inner.quotes
        self._inner = inner

    async def close(self) -> None:
        await self._inner.close()


class _SilentExecutor:
    """Questions pass; a request goes nowhere, and says so."""

    def __init__(self, inner: Executor) -> None:
        self.broker = inner.broker
        self.endpoint = inner.endpoint
        self.capabilities = inner.capabilities
        self._inner = inner

    async def submit(self, order: ApprovedOrder) -> Ack:
        raise NotSent(order.client_order_id, _PROOF)

    async def cancel(self, order: WorkingOrder) -> Ack:
        raise NotSent(order.client_order_id, _PROOF)

    async def replace(self, order: WorkingOrder, change: ApprovedChange) -> Ack:
        raise NotSent(order.client_order_id, f"{_PROOF}: {change.client_order_id}")

    async def find(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
        return await self._inner.find(client_order_id)

    async def open_orders(self) -> Sequence[BrokerOrder]:
        return await self._inner.open_orders()

    async def executions(self, since: Cursor | None) -> Page[Fill]:
        return await self._inner.executions(since)

    async def account(self) -> Account:
        return await self._inner.account()

    async def instrument(self, symbol: str) -> Instrument:
        return await self._inner.instrument(symbol)


def _code(preview: PlanPreview) -> int:
    staying = [line for line in preview.lines if not _leaves(line) and _asks(line)]
    if not staying:
        return Exit.SUCCESS
    return Exit.PARTIAL_SUCCESS if any(map(_leaves, preview.lines)) else Exit.FAILURE


def _leaves(line: PreviewLine) -> bool:
    return line.verdict in ("ALLOW", "RESIZE")


def _asks(line: PreviewLine) -> bool:
    """Whether it wants more than a hold, or dust."""
    harmless = line.order is None and {part.why for part in line.residuals} <= HARMLESS
    return line.side is not None and not harmless


def _sentences(preview: PlanPreview) -> list[str]:
    leaving = sum(map(_leaves, preview.lines))
    orders = sum(line.order is not None for line in preview.lines)
    funds = f"{shown_price(preview.available)} available"
    if preview.proceeds:
        funds += f", about {shown_price(preview.proceeds)} more from the sells"
    said = [f"Dry run of {preview.plan_id}: {leaving} of {orders} orders would leave; {funds}."]
    if preview.cancels:
        said.append(f"Canceled first: {', '.join(preview.cancels)}.")
    if preview.known == "finished":
        said.append("This plan is finished: a run would give its first result and send nothing.")
    elif preview.known == "started":
        said.append("This plan was begun: a run would go on with the orders that it decided then.")
    return [*said, "Nothing was sent."]
