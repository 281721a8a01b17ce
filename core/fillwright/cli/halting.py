"""`fillwright halt`: stop taking risk, cancel, and close positions."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import RenderableType

from fillwright.cli.answers import Answer, Exit
from fillwright.cli.calls import Call
from fillwright.cli.documents import halt_document, orders_document
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.reading import View, is_uncertain, view_of
from fillwright.cli.recording import KEPT, binding_of, record, said, scope_of
from fillwright.cli.stopping import Hold, run_stoppable
from fillwright.cli.tables import orders_table, table
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.brakes import Left
from fillwright.desk.desk import Desk
from fillwright.desk.halts import checked_halt
from fillwright.desk.killing import Kill, pull_file
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import BadInput, FillwrightError, JournalLocked
from fillwright.journal import check_free
from fillwright.ledger import Halted
from fillwright.states import OrderState
from fillwright.types import OrdStatus, text_of
from fillwright.verdicts import Scope

Symbol = Annotated[str | None, typer.Option(help="Only this symbol.")]
Strategy = Annotated[str | None, typer.Option(help="Only this strategy.")]
By = Annotated[str, typer.Option(help="The person who answers for it.")]
Wait = Annotated[
    float, typer.Option(min=0, max=86_400, help="How long to wait for the end, in seconds.")
]
#: How often to look whether something has come about, in seconds.
_LOOK = 0.1
_UNSOLD = "Nothing was sold: stop that process, then run this again with --flatten."


@dataclass(frozen=True, slots=True)
class _After:
    """How things stand after a halt that cancels."""

    orders: Sequence[OrderState] = ()
    positions: Sequence[tuple[str, Decimal]] = ()
    left: Sequence[Left] = ()
    #: What could not be done, or is not known.
    trouble: str = ""


def halt(  # noqa: PLR0913  # each is an option of its own
    call: Call,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is shown with every refusal.")],
    by: By,
    symbol: Symbol = None,
    strategy: Strategy = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole desk.")] = False,
    cancel: Annotated[
        bool,
        typer.Option("--cancel", help="Cancel what is open; with --all whoever placed it."),
    ] = False,
    flatten: Annotated[
        bool,
        typer.Option("--flatten", help="With --all --cancel: then close every position; asks."),
    ] = False,
    yes_flatten: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT_ID", help="The answer to what --flatten asks."),
    ] = None,
    wait: Wait = 10.0,
) -> Answer:
    """Take no new risk from now on, until `resume`; cancels and reducing orders stay possible.

    With --all it works beside a running desk, too: through the kill file. --cancel asks for the
    cancel of what is open and tells what is left. Exit codes: 0 done, 2 bad input, or the journal
    is in use and it was not --all: nothing changed; 3 halted, but something is left; 4 halted, but
    what became of something is not known.
    """
    scope, name = scope_of(symbol, strategy, everything=everything)
    words = said(reason, "--reason"), said(by, "--by")
    fact = checked_halt(Halted(SystemClock().now(), scope, name, *words))
    if flatten and not (everything and cancel):
        raise UsageFault("--flatten goes with --all --cancel: open orders would trade against it")
    if flatten and yes_flatten is None and not sys.stdin.isatty():
        raise UsageFault("--flatten asks at a terminal; a script gives --yes-flatten ACCOUNT_ID")
    config = call.loaded()
    if flatten and yes_flatten is not None and config.journal_path.exists():
        _check_account(yes_flatten, binding_of(config).account)
    try:
        return _halt_here(config, fact, wait, cancel=cancel, flatten=flatten, yes=yes_flatten)
    except JournalLocked as fault:
        if scope is not Scope.DESK:
            raise
        return _halt_there(config, fact, wait, fault.holder, cancel=cancel, flatten=flatten)


def _check_account(given: str, account: str) -> None:
    if given != account:
        raise UsageFault(f"--yes-flatten names another account; this desk's is {account}")


# ---------------------------------------------------------------------- in this process


def _halt_here(  # what the verb was given
    config: DeskConfig,
    fact: Halted,
    wait: float,
    *,
    cancel: bool,
    flatten: bool,
    yes: str | None,
) -> Answer:
    hold = Hold()
    check_free(config.journal_path)
    recorded = config.journal_path.exists()
    if recorded:
        asyncio.run(record(config, [fact]))
    after = _After()
    if cancel or not recorded:
        try:
            after = run_stoppable(
                lambda: _cancel(config, hold, fact, wait, cancel=cancel, halted=recorded), hold
            )
        except FillwrightError as fault:
            if not recorded:
                raise
            after = _After(trouble=f"nothing could be canceled: {fault}")
    if flatten and not after.trouble:
        after = _flattened(config, fact, after, yes)
    return _answer(fact, after, hold, cancel=cancel)


async def _cancel(  # what the verb was given
    config: DeskConfig, hold: Hold, fact: Halted, wait: float, *, cancel: bool, halted: bool
) -> _After:
    overrides = Overrides(journal=hold.opener(config))
    async with open_desk(config, overrides=overrides) as desk:
        scope, name = fact.scope, fact.name
        if halted and scope is Scope.DESK:
            asked = await desk.cancel_account()
        else:
            asked = await desk.halt(scope, name, reason=fact.reason, by=fact.by, cancel=cancel)
        if not cancel:
            return _After()
        await asyncio.gather(*(_ended(desk, state, wait) for state in asked))
        await desk.reconcile()
        orders = [desk.order(state.client_order_id).state for state in asked]
        return _After(orders, await _positions(desk))


async def _ended(desk: Desk, state: OrderState, wait: float) -> None:
    try:
        async with asyncio.timeout(wait):
            await desk.order(state.client_order_id).done()
    except TimeoutError:
        return


async def _positions(desk: Desk) -> list[tuple[str, Decimal]]:
    account = await desk.fresh_account()
    held = sorted(account.positions.items())
    return [(symbol, position.quantity) for symbol, position in held if position.quantity]


def _flattened(config: DeskConfig, fact: Halted, after: _After, yes: str | None) -> _After:
    """Close what is held, once a person said twice that it is meant."""
    account = binding_of(config).account
    if yes is not None:
        _check_account(yes, account)
    elif after.positions and not _confirmed(account, len(after.positions)):
        return _After(after.orders, after.positions, trouble="it was not confirmed: nothing sold")
    if any(not state.ended for state in after.orders):
        return _After(after.orders, after.positions, trouble="orders are still open: nothing sold")
    hold = Hold()

    async def close() -> tuple[Sequence[Left], list[tuple[str, Decimal]]]:
        async with open_desk(config, overrides=Overrides(journal=hold.opener(config))) as desk:
            left = await desk.flatten(reason=fact.reason, by=fact.by)
            return left, await _positions(desk)

    try:
        left, positions = run_stoppable(close, hold)
    except FillwrightError as fault:
        return _After(after.orders, after.positions, trouble=f"not all was sold: {fault}")
    return _After(after.orders, positions, left)


def _confirmed(account: str, count: int) -> bool:
    first = typer.prompt(f"Close {count} positions at the market? Type the account id", err=True)
    if first.strip() != account:
        return False
    second = typer.prompt(f"{account} will be flat, and that stays so. Type FLATTEN", err=True)
    return bool(second.strip() == "FLATTEN")


# ---------------------------------------------------------------------- beside another process


def _halt_there(  # what the verb was given
    config: DeskConfig, fact: Halted, wait: float, holder: str, *, cancel: bool, flatten: bool
) -> Answer:
    """Pull the switch, and wait until the desk that runs shows that it saw it."""
    path = config.kill_path
    try:
        pull_file(path, Kill(fact.reason, fact.by, cancel))
    except OSError as fault:
        raise BadInput(
            str(path), f"cannot be made: {fault.strerror}", f"Stop {holder}; nothing changed"
        ) from fault
    view = _seen(config, wait, cancel=cancel)
    latched = view is not None and (Scope.DESK, "") in view.ledger.halts
    orders = [] if view is None else [s for s in view.orders if not s.settled]
    lines: list[RenderableType] = [
        one_line(f"The kill file {path} is made: {holder} sends no new risk from now on.")
    ]
    code = Exit.SUCCESS
    if not latched:
        code = Exit.IN_DOUBT
        lines.append(
            one_line(
                f"{holder} has not recorded it within {wait:g} s: what was on its way may have "
                "left, and nothing was canceled. Stop that process, then run this again."
            )
        )
    elif orders:
        code = Exit.IN_DOUBT if any(map(is_uncertain, orders)) or cancel else code
        lines += [orders_table(orders), f"{len(orders)} orders are open."]
    elif cancel:
        lines.append("No order is open.")
    if flatten:
        code = code or Exit.PARTIAL_SUCCESS
        lines.append(_UNSOLD)
    lines.append(f"To go on: remove {path}, then `fillwright resume --all --by NAME`.")
    document = {
        "halted": halt_document(fact),
        "through": "kill_file",
        "kill_file": path,
        "holder": holder,
        "recorded": latched,
        "orders": orders_document(orders),
        "positions": _held(view),
        "trouble": _UNSOLD if flatten else "",
    }
    return Answer(document, lines, code, done=f"The kill file {path} is made")


def _seen(config: DeskConfig, wait: float, *, cancel: bool) -> View | None:
    """The journal once it shows the halt and what became of what was on its way."""
    until, view = time.monotonic() + wait, None
    while True:
        try:
            view = view_of(config.journal_path)
        except FillwrightError:
            view = None
        if view is not None and (Scope.DESK, "") in view.ledger.halts:
            left = [s for s in view.orders if s.status is not OrdStatus.STAGED and not s.settled]
            if not left or not (cancel or any(map(is_uncertain, left))):
                return view
        if time.monotonic() >= until:
            return view
        time.sleep(_LOOK)


def _held(view: View | None) -> dict[str, Decimal]:
    held = view.ledger.positions.items() if view else ()
    return {symbol: quantity for symbol, quantity in sorted(held) if quantity}


# ---------------------------------------------------------------------- answers


def _answer(fact: Halted, after: _After, hold: Hold, *, cancel: bool) -> Answer:
    whom = f"{fact.scope} {fact.name}".strip()
    told = one_line(f"Halted {whom}: {fact.reason}. `fillwright resume` lifts it.")
    document: dict[str, object] = {"halted": halt_document(fact), "through": "journal"}
    lines: list[RenderableType] = [told]
    open_now = [state for state in after.orders if not state.ended]
    code = Exit.PARTIAL_SUCCESS if after.trouble or after.left else Exit.SUCCESS
    code = Exit.IN_DOUBT if open_now else code
    if cancel:
        document |= {
            "orders": orders_document(after.orders),
            "positions": dict(after.positions),
            "left": [
                {"symbol": one.symbol, "quantity": one.quantity, "why": one.why}
                for one in after.left
            ],
            "trouble": after.trouble,
        }
        lines += _shown(after, len(open_now))
    if hold.begun:
        lines.append(hold.begun)
    return Answer(document, lines, code, done=f"{told} {KEPT}")


def _shown(after: _After, still_open: int) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if after.orders:
        canceled = sum(state.status is OrdStatus.CANCELED for state in after.orders)
        lines += [orders_table(after.orders), ""]
        lines.append(f"{canceled} of {len(after.orders)} orders canceled, {still_open} still open.")
    elif not after.trouble:
        lines.append("No order is open.")
    if after.positions:
        rows = ((symbol, text_of(quantity)) for symbol, quantity in after.positions)
        lines += [table(("held", "shares"), rows), ""]
    elif not after.trouble:
        lines.append("No position is held.")
    lines += [one_line(f"{one.symbol} is left: {one.why}.") for one in after.left]
    return [*lines, one_line(after.trouble)] if after.trouble else lines
