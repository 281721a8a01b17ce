"""`fillwright halt`, `resume`, `settle`, `cancel`, `reconcile`: the verbs that take the journal."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType

from fillwright.cli.aftermath import left_told
from fillwright.cli.answers import Answer, Exit
from fillwright.cli.calls import Call
from fillwright.cli.documents import halt_document, orders_document
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.progress import Watcher, shown
from fillwright.cli.reading import is_uncertain, view_of
from fillwright.cli.stopping import Hold, run_stoppable
from fillwright.cli.tables import orders_table
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.desk import Desk
from fillwright.desk.halts import checked_halt
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import FillwrightError, NotManual, UnknownOrder
from fillwright.journal import JournalReader, SqliteJournal
from fillwright.ledger import Abandoned, Fact, Halted, Resumed, encode
from fillwright.protocols import Binding
from fillwright.reports import Evidence, Source
from fillwright.states import OrderState, Owner
from fillwright.types import ClientOrderId, OrdStatus
from fillwright.verdicts import Scope

Symbol = Annotated[str | None, typer.Option(help="Only this symbol.")]
Strategy = Annotated[str | None, typer.Option(help="Only this strategy.")]
Everything = Annotated[bool, typer.Option("--all", help="The whole desk.")]
By = Annotated[str, typer.Option(help="The person who answers for it.")]
Wait = Annotated[
    float, typer.Option(min=0, max=86_400, help="How long to wait for the end, in seconds.")
]
#: How often to look whether something has been settled, in seconds.
_LOOK = 0.1


def halt(  # each is an option of its own
    call: Call,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is shown with every refusal.")],
    by: By,
    symbol: Symbol = None,
    strategy: Strategy = None,
    everything: Everything = False,
) -> Answer:
    """Take no new risk from now on, until `resume`; cancels and reducing orders stay possible.

    It is written into the journal, so the desk that has the journal open must be stopped first.
    Exit codes: 0 halted, 2 bad input, or the journal is in use; nothing changed.
    """
    scope, name = _scope(symbol, strategy, everything=everything)
    said = _said(reason, "--reason"), _said(by, "--by")
    fact = checked_halt(Halted(SystemClock().now(), scope, name, *said))
    config = call.loaded()
    if config.journal_path.exists():
        asyncio.run(_record(config, [fact]))
    else:
        run_stoppable(lambda: _halt_new(config, fact))
    whom = f"{scope} {name}".strip()
    told = one_line(f"Halted {whom}: {reason}. `fillwright resume` lifts it.")
    return Answer({"halted": halt_document(fact)}, [told])


def resume(
    call: Call,
    *,
    by: By,
    symbol: Symbol = None,
    strategy: Strategy = None,
    everything: Annotated[bool, typer.Option("--all", help="Every halt that stands.")] = False,
) -> Answer:
    """Lift halts; the named person answers for it.

    Exit codes: 0 lifted, 2 bad input, no such halt, or the journal is in use; nothing changed.
    """
    scope, name = _scope(symbol, strategy, everything=everything)
    who, config = _said(by, "--by"), call.loaded()
    standing = list(view_of(config.journal_path).ledger.halts.values())
    lifted = [h for h in standing if everything or (h.scope, h.name) == (scope, name)]
    if not lifted:
        there = ", ".join(f"{h.scope} {h.name}".strip() for h in standing) or "none"
        raise UsageFault(f"no such halt stands; standing are: {there}")
    now = SystemClock().now()
    asyncio.run(_record(config, [Resumed(now, h.scope, h.name, who) for h in lifted]))
    document = {"resumed": [halt_document(h) for h in lifted], "by": who, "at": now}
    lines = [one_line(f"Resumed {h.scope} {h.name}".strip() + f", {h.reason}.") for h in lifted]
    return Answer(document, lines)


def settle(
    call: Call,
    client_order_id: Annotated[str, typer.Argument(help="The order, or how its id begins.")],
    *,
    reason: Annotated[str, typer.Option(help="What was looked at, and what it showed.")],
    by: By,
) -> Answer:
    """Close an order that waits for a person: you looked at the broker, and it never arrived.

    New risk on its symbol is possible again. Should it show up later it is booked and canceled.
    Exit codes: 0 settled, 2 bad input, no such order, it is not MANUAL, or the journal is in use.
    """
    who, why, config = _said(by, "--by"), _said(reason, "--reason"), call.loaded()
    (key,) = _meant(config, client_order_id)
    orders = view_of(config.journal_path, everything=True).orders
    state = next(s for s in orders if s.client_order_id == key)
    if not state.manual:
        raise NotManual(key, str(state.status))
    evidence = Evidence(Source.PERSON, f"{who}: {why}")
    asyncio.run(_record(config, [Abandoned(key, SystemClock().now(), evidence)]))
    return Answer({"settled": key, "by": who}, [one_line(f"Settled {key}: {why}.")])


async def _record(config: DeskConfig, facts: Sequence[Fact]) -> None:
    """Write into a journal without asking the broker, which may be the reason for the halt."""
    path = config.journal_path
    with JournalReader.open(path) as reader:
        bound = reader.binding
    # The configuration's own word on whose journal it is, as far as it has one.
    account = config.expected_account_id or bound.account
    binding = Binding(config.mode, bound.broker, account)
    journal = SqliteJournal.open(path, binding, clock=SystemClock())
    try:
        for fact in facts:
            seq = journal.append(*encode(fact))
        await journal.durable(seq)
    finally:
        await journal.aclose()


async def _halt_new(config: DeskConfig, fact: Halted) -> None:
    """Whose a new journal is, only the broker can tell."""
    async with open_desk(config) as desk:
        await desk.halt(fact.scope, fact.name, reason=fact.reason, by=fact.by)


def cancel(
    call: Call,
    client_order_id: Annotated[
        str | None,
        typer.Argument(help="The order, or the beginning of its id if only one begins so."),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every open order of this desk, and its legs.")
    ] = False,
    wait: Wait = 10.0,
) -> Answer:
    """Ask the broker to cancel orders, and wait until it says what became of them.

    Exit codes: 0 canceled, 1 none was canceled (filled first, or the broker refused), 2 bad
    input or the journal is in use; 3 some were canceled, 4 the outcome of something is not known.
    """
    if everything is (client_order_id is not None):
        raise UsageFault("name one order, or give --all; see `fillwright orders`")
    config, hold, watcher = call.loaded(), Hold(), Watcher()
    keys = _meant(config, client_order_id)
    if not keys:
        return Answer({"orders": []}, ["No order is open."])
    overrides = Overrides(journal=hold.opener(config), plugins=watcher.plugins())
    with left_told(config, hold), shown("cancel", watcher, quiet=call.json):
        states = run_stoppable(lambda: _cancel(config, overrides, keys, wait), hold)
    canceled = sum(state.status is OrdStatus.CANCELED for state in states)
    unknown = [state for state in states if not state.ended]
    code = Exit.PARTIAL_SUCCESS if canceled else Exit.FAILURE
    code = Exit.SUCCESS if canceled == len(states) else code
    code = Exit.IN_DOUBT if unknown else code
    lines: list[RenderableType] = [orders_table(states), ""]
    lines.append(f"{canceled} of {len(states)} orders canceled (exit {int(code)}).")
    if unknown:
        lines.append(f"{len(unknown)} not confirmed yet: see `fillwright orders`, or cancel again.")
    return Answer({"orders": orders_document(states)}, lines, code)


def _meant(config: DeskConfig, wanted: str | None) -> list[ClientOrderId]:
    """The orders that are meant. Raises UnknownOrder, and UsageFault where two begin alike."""
    view = view_of(config.journal_path, everything=wanted is not None)
    if wanted is None:
        ours = (s for s in view.orders if s.owner is not Owner.FOREIGN and not s.ended)
        return [state.client_order_id for state in ours]
    found = [s.client_order_id for s in view.orders if s.client_order_id.startswith(wanted)]
    if wanted in found:
        return [ClientOrderId(wanted)]
    if not wanted or not found:
        raise UnknownOrder(one_line(wanted))
    if len(found) > 1:
        raise UsageFault(f"{len(found)} orders begin with {one_line(wanted)}; give more of the id")
    return found


async def _cancel(
    config: DeskConfig, overrides: Overrides, keys: Sequence[ClientOrderId], wait: float
) -> list[OrderState]:
    async with open_desk(config, overrides=overrides) as desk:

        async def one(key: ClientOrderId) -> OrderState:
            await desk.cancel(key)
            try:
                async with asyncio.timeout(wait):
                    return await desk.order(key).done()
            except TimeoutError:
                return desk.order(key).state

        # One that cannot be canceled any more says so; the others are asked all the same.
        answers = await asyncio.gather(*map(one, keys), return_exceptions=True)
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        for fault in faults:
            if len(keys) == 1 or not isinstance(fault, FillwrightError):
                raise fault
        return [desk.order(key).state for key in keys]


def reconcile(call: Call, *, wait: Wait = 60.0) -> Answer:
    """Compare the journal with the broker's books, book the difference, and settle doubts.

    Exit codes: 0 they agree and nothing is in doubt, 2 bad input, or the broker did not answer;
    4 something is still in doubt.
    """
    config, hold, watcher = call.loaded(), Hold(), Watcher()
    overrides = Overrides(journal=hold.opener(config), plugins=watcher.plugins())
    with left_told(config, hold), shown("reconcile", watcher, quiet=call.json):
        left = run_stoppable(lambda: _reconcile(config, overrides, wait), hold)
    changed = list(watcher.states.values())
    doubtful = [state for state in left if is_uncertain(state)]
    code = Exit.IN_DOUBT if doubtful else Exit.SUCCESS
    document = {
        "changed": orders_document(changed),
        "anomalies": [
            {"kind": a.kind, "subject": a.subject, "text": a.text} for a in watcher.anomalies
        ],
        "open_orders": orders_document(left),
        "in_doubt": len(doubtful),
    }
    lines: list[RenderableType] = [orders_table(changed), ""] if changed else []
    lines += [one_line(f"{a.kind} {a.subject}: {a.text}") for a in watcher.anomalies]
    lines.append(
        f"{len(changed)} orders changed, {len(left)} open, {len(doubtful)} in doubt "
        f"(exit {int(code)})."
    )
    if doubtful:
        lines += [orders_table(doubtful), "Ask again later, or look at the broker's own pages."]
    return Answer(document, lines, code)


async def _reconcile(config: DeskConfig, overrides: Overrides, wait: float) -> list[OrderState]:
    async with open_desk(config, overrides=overrides) as desk:
        await desk.reconcile()
        try:
            async with asyncio.timeout(wait):
                while _unsettled(desk):
                    await desk.clock.sleep(_LOOK)
        except TimeoutError:
            pass
        return list(desk.working())


def _unsettled(desk: Desk) -> bool:
    """Whether waiting may still settle something: what needs a person does not settle itself."""
    return bool(desk.obstacles) or any(is_uncertain(s) and not s.manual for s in desk.working())


def _scope(symbol: str | None, strategy: str | None, *, everything: bool) -> tuple[Scope, str]:
    if (symbol is not None) + (strategy is not None) + everything != 1:
        raise UsageFault("give exactly one of --symbol, --strategy and --all")
    if symbol is not None:
        return Scope.SYMBOL, _said(symbol, "--symbol")
    if strategy is not None:
        return Scope.STRATEGY, strategy
    return Scope.DESK, ""


def _said(text: str, option: str) -> str:
    if not text.strip():
        raise UsageFault(f"{option} is empty; it is kept in the journal for whoever asks later")
    return text.strip()
