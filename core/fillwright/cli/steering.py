"""`fillwright settle`, `cancel`, `reconcile`: the verbs about orders that take the journal."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType

from fillwright.cli.accepting import accepted
from fillwright.cli.aftermath import left_told
from fillwright.cli.answers import Answer, Exit
from fillwright.cli.calls import Call
from fillwright.cli.documents import orders_document
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.progress import Watcher, shown
from fillwright.cli.reading import is_uncertain, view_of
from fillwright.cli.recording import KEPT, record, said
from fillwright.cli.stopping import Hold, run_stoppable
from fillwright.cli.tables import orders_table
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.desk import Desk
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import FillwrightError, NotManual, UnknownOrder
from fillwright.ledger import Abandoned
from fillwright.reports import Evidence, Source
from fillwright.states import OrderState, Owner
from fillwright.types import ClientOrderId, OrdStatus

By = Annotated[str, typer.Option(help="The person who answers for it.")]
Wait = Annotated[
    float, typer.Option(min=0, max=86_400, help="How long to wait for the end, in seconds.")
]
#: How often to look whether something has been settled, in seconds.
_LOOK = 0.1


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
    who, why, config = said(by, "--by"), said(reason, "--reason"), call.loaded()
    (key,) = _meant(config, client_order_id)
    orders = view_of(config.journal_path, everything=True).orders
    state = next(s for s in orders if s.client_order_id == key)
    if not state.manual:
        raise NotManual(key, str(state.status))
    evidence = Evidence(Source.PERSON, f"{who}: {why}")
    asyncio.run(record(config, [Abandoned(key, SystemClock().now(), evidence)]))
    told = one_line(f"Settled {key}: {why}.")
    return Answer({"settled": key, "by": who}, [told], done=f"{told} {KEPT}")


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
    everyone: Annotated[
        bool,
        typer.Option("--everyone", help="With --all: what others placed in the account, too."),
    ] = False,
    wait: Wait = 10.0,
) -> Answer:
    """Ask the broker to cancel orders, and wait until it says what became of them.

    Exit codes: 0 canceled, 1 none was canceled (filled first, or the broker refused), 2 bad
    input or the journal is in use; 3 some were canceled, 4 the outcome of something is not known.
    """
    if everything is (client_order_id is not None):
        raise UsageFault("name one order, or give --all; see `fillwright orders`")
    if everyone and not everything:
        raise UsageFault("--everyone goes with --all: every open order of the account")
    config, hold, watcher = call.loaded(), Hold(), Watcher()
    keys = [] if everyone else _meant(config, client_order_id)
    if not (keys or everyone):
        return Answer({"orders": []}, ["No order is open."])
    with left_told(config, hold), shown("cancel", watcher, quiet=call.json):
        overrides = Overrides(journal=hold.opener(config), plugins=watcher.plugins())
        states = run_stoppable(
            lambda: (
                _cancel_everyone(config, overrides, wait)
                if everyone
                else _cancel(config, overrides, keys, wait)
            ),
            hold,
        )
    if not states:
        begun = [hold.begun] if hold.begun else []
        return Answer({"orders": []}, ["No order is open.", *begun])
    canceled = sum(state.status is OrdStatus.CANCELED for state in states)
    unknown = [state for state in states if not state.ended]
    code = Exit.PARTIAL_SUCCESS if canceled else Exit.FAILURE
    code = Exit.SUCCESS if canceled == len(states) else code
    code = Exit.IN_DOUBT if unknown else code
    lines: list[RenderableType] = [orders_table(states), ""]
    lines.append(f"{canceled} of {len(states)} orders canceled (exit {int(code)}).")
    if unknown:
        lines.append(f"{len(unknown)} not confirmed yet: see `fillwright orders`, or cancel again.")
    done = f"{canceled} of {len(states)} orders canceled. {KEPT}"
    return Answer({"orders": orders_document(states)}, lines, code, done if canceled else "")


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

        async def one(key: ClientOrderId) -> None:
            await desk.cancel(key)
            await _ended(desk, key, wait)

        # One that cannot be canceled any more says so; the others are asked all the same.
        answers = await asyncio.gather(*map(one, keys), return_exceptions=True)
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        for fault in faults:
            if len(keys) == 1 or not isinstance(fault, FillwrightError):
                raise fault
        return [desk.order(key).state for key in keys]


async def _cancel_everyone(
    config: DeskConfig, overrides: Overrides, wait: float
) -> list[OrderState]:
    async with open_desk(config, overrides=overrides) as desk:
        keys = [state.client_order_id for state in await desk.cancel_account()]
        await asyncio.gather(*(_ended(desk, key, wait) for key in keys))
        return [desk.order(key).state for key in keys]


async def _ended(desk: Desk, key: ClientOrderId, wait: float) -> None:
    """Wait so many seconds for the end of an order."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait):
            await desk.order(key).done()


def reconcile(  # each is an option of its own
    call: Call,
    *,
    accept: Annotated[
        str | None,
        typer.Option(
            metavar="SYMBOL|cash",
            help="Take the broker's figure as the truth: you looked, and no execution explains it.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="With --accept: what was looked at.")] = "",
    by: Annotated[str, typer.Option(help="With --accept: the person who answers for it.")] = "",
    wait: Wait = 60.0,
) -> Answer:
    """Compare the journal with the broker's books, book the difference, and settle doubts.

    With --accept, take the broker's position or cash where they differ; no halt is lifted. Exit
    codes: 0 they agree and nothing is in doubt, or it is accepted, 2 bad input, nothing to accept,
    or the broker did not answer; 4 something is still in doubt.
    """
    if accept is not None:
        return accepted(call, accept, reason=said(reason, "--reason"), by=said(by, "--by"))
    if reason or by:
        raise UsageFault("--reason and --by go with --accept SYMBOL, or --accept cash")
    config, hold, watcher = call.loaded(), Hold(), Watcher()
    with left_told(config, hold), shown("reconcile", watcher, quiet=call.json):
        overrides = Overrides(journal=hold.opener(config), plugins=watcher.plugins())
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
    if hold.begun:
        lines.append(hold.begun)
    if doubtful:
        lines += [orders_table(doubtful), "Ask again later, or look at the broker's own pages."]
    done = f"{len(changed)} orders changed. {KEPT}" if changed else ""
    return Answer(document, lines, code, done)


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
