"""`fillwright check try`: what the checks in one file say to each order of a plan.

Rules:
1. It is a dry run of a desk that has these checks and no others; nothing leaves.
2. Nothing is written: the fake broker, too, works on a copy of its account.
3. What a check prints goes to stderr, so that `--json` stays one document.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from fillwright.cli.answers import Answer, Exit
from fillwright.cli.calls import Call
from fillwright.cli.previewing import previewed
from fillwright.cli.stopping import run_stoppable
from fillwright.cli.tables import residual_text, shown_quantity, table
from fillwright.cli.witnessing import ListeningAsker, Said, Tried, Witness, tried
from fillwright.config import RESERVED, DeskConfig
from fillwright.desk.planning import PlanPreview, PreviewLine
from fillwright.errors import BadInput, ConfigError, PluginError
from fillwright.orders import Order
from fillwright.plans import Plan, read_plan
from fillwright.plugins import NamedHook, Registry
from fillwright.risk import Outcome, ThreadAsker
from fillwright.types import text_of

#: The plugin whose account lives in a file of ours.
_FAKE = "fake"
_IN_MEMORY = ":memory:"
#: Where the fake broker keeps its account when its table does not say.
_FAKE_STATE = ".fillwright/fake-broker.db"
_STYLES = {"ALLOW": "green", "WARN": "", "RESIZE": "yellow"}
_FATES = {
    Outcome.RESIZE: "made smaller",
    Outcome.REJECT: "refused",
    Outcome.HALT: "refused with a halt",
}


def try_(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file with checks.")],
    *,
    plan: Annotated[Path, typer.Option(metavar="PLAN", help="A plan: JSON, or a CSV basket.")],
) -> Answer:
    """Ask the checks in FILE about each order of a plan, and send and write nothing.

    The plan is sized on the account of the desk that -c names, else of the built-in one, and the
    checks get their tables from there. Other checks of that desk are not asked.
    Exit codes: 0 every order would leave, 1 none would, 3 some would not, 2 bad input.
    """
    wanted = read_plan(plan)
    config = call.loaded()
    with redirect_stdout(sys.stderr), _untouched(config) as copy:
        checks = _checks_in(file, config)
        preview, found = run_stoppable(lambda: _tried(wanted, copy, checks))
    return Answer(_document(file, checks, preview, found), _lines(preview, found), _code(found))


async def _tried(
    plan: Plan, config: DeskConfig, checks: Sequence[NamedHook]
) -> tuple[PlanPreview, list[Tried]]:
    witnesses = [Witness(check) for check in checks]
    asker = ListeningAsker(ThreadAsker(config.desk.limits().check_deadline))
    named = [(one.name, one) for one in witnesses]
    preview = await previewed(plan, config, asker=asker, checks=named)
    orders = [line.order for line in preview.lines if line.order is not None]
    # The desk may have had something of its own judged, which it found in the journal.
    ours = [
        batch
        for batch in asker.batches
        if len(batch.questions) == len(orders)
        and all(question.proposal.order in orders for question in batch.questions)
    ]
    if ours and orders:
        return preview, list(tried(ours[-1], witnesses))
    return preview, [_unasked(line, line.order) for line in preview.lines if line.order is not None]


def _unasked(line: PreviewLine, order: Order) -> Tried:
    """What became of an order about which no check could be asked."""
    said = (Said("gate", line.verdict or "NONE", text="; ".join(line.reasons)),)
    return Tried(order, Outcome(line.verdict or Outcome.REJECT), line.resized_to, said)


# -------------------------------------------------------------------- what is tried


def _checks_in(file: Path, config: DeskConfig) -> Sequence[NamedHook]:
    """The checks of orders in a file. Raises BadInput, ConfigError, PluginError."""
    name, where = file.stem, str(file)
    if file.suffix != ".py":
        raise BadInput(where, "is no Python file", "A file with checks ends in .py")
    if not file.is_file():
        raise BadInput(where, "there is no such file", "See `fillwright new check`")
    if name in RESERVED or name == config.broker:
        raise BadInput(where, "is named like one of our own settings", "Give it another name")
    table_of = config.settings_of(name)
    try:
        registry = Registry.load(
            [str(file.absolute())], folder=config.folder, settings={name: table_of}
        )
    except ConfigError as fault:
        hint = fault.hint if table_of else _no_table(file, config)
        # Not chained: this is the same fault, told in full.
        raise ConfigError(f"{config.source}: {fault.where}", fault.problem, hint) from None
    except PluginError as fault:
        if table_of or not fault.problem.startswith("provide_checks failed"):
            raise
        raise PluginError(fault.plugin, f"{fault.problem}; {_no_table(file, config)}") from fault
    if not registry.checks:
        has = ", ".join(sorted({one for info in registry.listing() for one in info.hooks}))
        hint = "What looks at fills is tried on the fake broker with `fillwright run`"
        raise BadInput(where, f"has no check_order to try; it has only {has}", hint)
    return registry.checks


def _no_table(file: Path, config: DeskConfig) -> str:
    return (
        f'{config.source} has no table [{file.stem}]: in a desk.toml, name "./{file.name}" in '
        f"`checks`, write its settings under [{file.stem}], and give that file with -c"
    )


@contextmanager
def _untouched(config: DeskConfig) -> Iterator[DeskConfig]:
    """The configuration without its checks, and with a copy of the fake broker's account."""
    kept = {config.broker, *config.data_plugins}
    changes: dict[str, object] = {
        "checks": (),
        "required": (),
        "plugins": {name: pin for name, pin in config.plugins.items() if name in kept},
    }
    with TemporaryDirectory(prefix="fillwright-") as folder:
        if config.broker == _FAKE:
            state = _copied(config, Path(folder))
            changes["broker_settings"] = {**config.broker_settings, "state": state}
        yield config.model_copy(update=changes)


def _copied(config: DeskConfig, folder: Path) -> str:
    """A copy of the fake broker's account, or one in memory when there is none yet."""
    given = str(config.broker_settings.get("state") or _FAKE_STATE)
    state = config.folder / given
    if given == _IN_MEMORY or not state.is_file():
        return _IN_MEMORY
    # What was written last may stand beside it.
    for path in (state, state.with_name(f"{state.name}-wal")):
        if path.is_file():
            shutil.copy2(path, folder / path.name)
    return str(folder / state.name)


# -------------------------------------------------------------------- what is told


def _code(found: Sequence[Tried]) -> Exit:
    leaving = sum(map(_leaves, found))
    if leaving == len(found):
        return Exit.SUCCESS
    return Exit.PARTIAL_SUCCESS if leaving else Exit.FAILURE


def _leaves(one: Tried) -> bool:
    return one.outcome in {Outcome.ALLOW, Outcome.RESIZE}


def _document(
    file: Path, checks: Sequence[NamedHook], preview: PlanPreview, found: Sequence[Tried]
) -> dict[str, object]:
    return {
        "file": str(file),
        "plan_id": preview.plan_id,
        "checks": [check.name for check in checks],
        "orders": [
            {
                "symbol": one.order.symbol,
                "side": one.order.side.value,
                "quantity": one.order.quantity,
                "notional": one.order.notional,
                "type": one.order.type.value,
                "outcome": one.outcome.value,
                "resized_to": one.leaves if one.outcome is Outcome.RESIZE else None,
                "verdicts": [asdict(said) for said in one.said],
            }
            for one in found
        ],
        "without_order": [
            {"symbol": line.symbol, "why": _why(line)} for line in _orderless(preview)
        ],
    }


def _lines(preview: PlanPreview, found: Sequence[Tried]) -> list[RenderableType]:
    heads = ("symbol", "side", "quantity", "check", "verdict", "measured", "limit", "what")
    told: list[RenderableType] = []
    if found:
        told += [table(heads, [row for one in found for row in _rows(one)]), ""]
    else:
        told.append("The plan has no order now that a check could be asked about.")
    leaving = sum(map(_leaves, found))
    told.append(f"{preview.plan_id}: {leaving} of {len(found)} orders would leave.")
    for fate, word in _FATES.items():
        whose = [_named(one) for one in found if one.outcome is fate]
        told += [f"Would be {word}: {', '.join(whose)}."] if whose else []
    if any(one.outcome is Outcome.REJECT and _shrinks(one) for one in found):
        told.append("A check wants a smaller order: that counts where [desk] allow_resize is true.")
    idle = [f"{line.symbol} ({_why(line)})" for line in _orderless(preview)]
    told += [f"Without an order: {', '.join(idle)}."] if idle else []
    return [*told, "Nothing was sent, and nothing was written."]


def _rows(one: Tried) -> Iterator[Sequence[str | Text]]:
    """A row for each that said something; the order stands in the first."""
    order: tuple[str, ...] = (one.order.symbol, one.order.side, _size(one.order))
    for said in one.said:
        what = f"{said.code}: {said.text}" if said.code and said.text else said.code or said.text
        verdict = Text(said.verdict, _STYLES.get(said.verdict, "bold red"))
        yield (*order, said.check, verdict, said.measured or "-", said.limit or "-", what)
        order = ("", "", "")


def _named(one: Tried) -> str:
    told = f"{one.order.side} {_size(one.order)} {one.order.symbol}"
    return f"{told} to {shown_quantity(one.leaves)}" if one.outcome is Outcome.RESIZE else told


def _size(order: Order) -> str:
    if order.quantity is None and order.notional is not None:
        return f"${text_of(order.notional)}"
    return shown_quantity(order.quantity)


def _shrinks(one: Tried) -> bool:
    return any(said.verdict == "RESIZE" for said in one.said)


def _orderless(preview: PlanPreview) -> list[PreviewLine]:
    return [line for line in preview.lines if line.order is None]


def _why(line: PreviewLine) -> str:
    return "; ".join(map(residual_text, line.residuals)) or "nothing to trade"
