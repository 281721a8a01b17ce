"""The commands, put together, and the one place that runs them."""

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from fillwright.cli import (
    arming,
    checking,
    creating,
    doctoring,
    granting,
    halting,
    journals,
    limiting,
    looking,
    reporting,
    resuming,
    running,
    schemas,
    serving,
    steering,
    trying,
)
from fillwright.cli.calls import ConfigOption, terminable, verb
from fillwright.cli.extending import PluginCommands
from fillwright.cli.faults import INTERRUPTS, UsageFault, one_line, problem_of
from fillwright.cli.output import emit_problem
from fillwright.errors import FillwrightError

#: The class of typer's own complaints, which is not public under a name of its own.
_Complaint: type[Exception] = typer.BadParameter.__mro__[2]
_NAME = "fillwright"


class Commands(TyperGroup):
    """Our own commands, and behind them those of the plugins that the configuration names."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # typer's own classes
        """One command; a plugin is only loaded for a name that is not ours."""
        own = super().get_command(ctx, cmd_name)
        return own or self._of_plugins(ctx).get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  # typer's own classes
        """Every name, ours first; plugins that cannot be loaded are told and left out."""
        own = super().list_commands(ctx)
        try:
            return [*own, *self._of_plugins(ctx).names()]
        except FillwrightError as fault:
            emit_problem(problem_of(fault), as_json=False)
            return own

    def _of_plugins(self, ctx: Any) -> PluginCommands:  # noqa: ANN401  # typer's own classes
        if not isinstance(ctx.obj, PluginCommands):
            config = ctx.find_root().params.get("config")
            ctx.obj = PluginCommands(config, taken=frozenset(self.commands))
        return ctx.obj


def _root(config: ConfigOption = None) -> None:
    """Carry a trading decision to a broker, through risk checks, exactly once."""


def build() -> typer.Typer:
    """The command line with our own commands."""
    app = typer.Typer(
        name=_NAME,
        cls=Commands,
        epilog="Every command takes --json. Exit codes: 0 success, 1 failure, 2 bad input and "
        "nothing was sent, 3 partial success, 4 something is in doubt.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    app.command()(verb(running.run))
    app.command()(verb(looking.orders))
    app.command()(verb(looking.positions))
    app.command()(verb(steering.cancel))
    app.command()(verb(halting.halt))
    app.command()(verb(resuming.resume))
    app.command()(verb(arming.arm))
    app.command()(verb(arming.disarm))
    app.command()(verb(steering.settle))
    app.command()(verb(steering.reconcile))
    grant = typer.Typer(
        help="Let one check's refusal pass, signed and for a while.",
        cls=granting.Grants,
        rich_markup_mode=None,
    )
    grant.command()(verb(granting.give))
    grant.command()(verb(granting.new_key))
    grant.command("list")(verb(granting.list_))
    grant.command()(verb(granting.revoke))
    app.add_typer(grant, name="grant")
    limit = typer.Typer(help="Change a limit while the desk runs.", rich_markup_mode=None)
    limit.command("set")(verb(limiting.set_))
    limit.command("list")(verb(limiting.list_))
    limit.command()(verb(limiting.revoke))
    app.add_typer(limit, name="limit")
    journal = typer.Typer(help="Look at the durable record.", rich_markup_mode=None)
    journal.command()(verb(journals.show))
    journal.command()(verb(journals.verify))
    journal.command()(verb(journals.export))
    app.add_typer(journal, name="journal")
    report = typer.Typer(help="Evaluate the durable record.", rich_markup_mode=None)
    report.command()(verb(reporting.tca))
    app.add_typer(report, name="report")
    new = typer.Typer(help="Write the first files of something of your own.", rich_markup_mode=None)
    new.command()(verb(creating.check))
    app.add_typer(new, name="new")
    check = typer.Typer(help="Try checks of your own.", rich_markup_mode=None)
    check.command("try")(verb(trying.try_))
    app.add_typer(check, name="check")
    app.command()(verb(checking.plugins))
    app.command()(verb(checking.check_config))
    app.command()(verb(doctoring.doctor))
    app.command()(verb(schemas.schema))
    app.command()(verb(serving.paper_server))
    app.command()(verb(checking.version))
    return app


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever happens is told in one sentence."""
    given = list(arguments) or ["--help"]
    as_json = "--json" in given
    try:
        with terminable():
            command = get_command(build())
            code = command.main(given, prog_name=_NAME, standalone_mode=False)
            return code if isinstance(code, int) else 0
    except _Complaint as fault:
        said = getattr(fault, "format_message", fault.__str__)()
        asked = UsageFault(f"{one_line(said).rstrip('.')}; see `{_NAME} --help`")
        return emit_problem(problem_of(asked), as_json=as_json)
    except (Exception, typer.Abort, *INTERRUPTS) as fault:  # noqa: BLE001  # a plugin's command may raise anything
        return emit_problem(problem_of(fault), as_json=as_json)
