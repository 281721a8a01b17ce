"""Commands that plugins add: looked up when a name is not ours, refused where it is."""

from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from fillwright.cli.output import complain
from fillwright.config import load_config
from fillwright.desk.opening import load_plugins
from fillwright.errors import fault_text
from fillwright.plugins import NamedHook


class PluginCommands:
    """The commands of the plugins that one configuration names."""

    def __init__(self, config: Path | None, *, taken: frozenset[str]) -> None:
        self._config = config
        self._taken = taken

    def get(self, name: str) -> Any:  # noqa: ANN401  # typer's own classes
        """The command with this name; None if no plugin has it."""
        return self._commands.get(name)

    def names(self) -> list[str]:
        """Every command, in the order of the configuration."""
        return list(self._commands)

    @cached_property
    def _commands(self) -> dict[str, Any]:
        registry = load_plugins(load_config(self._config))
        found: dict[str, Any] = {}
        for one in registry.hooks("add_commands"):
            for name, command in _added(one).items():
                if name in self._taken or name in found:
                    complain(f"error: plugin {one.name}: there is a command {name} already")
                else:
                    found[name] = command
        return found


def _added(one: NamedHook) -> dict[str, Any]:
    """What one plugin adds; a plugin that raises is told by name and adds nothing."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    # With two commands at least, typer makes a group whatever the plugin adds.
    for name in _PLACES:
        app.command(name, hidden=True)(_nothing)
    try:
        one.call(app)
        group = get_command(app)
    except Exception as fault:  # noqa: BLE001  # a stranger's code may raise anything
        complain(f"error: plugin {one.name}: add_commands failed: {fault_text(fault)}")
        return {}
    commands: dict[str, Any] = getattr(group, "commands", {})
    return {name: command for name, command in commands.items() if name not in _PLACES}


_PLACES = (" ", "  ")


def _nothing() -> None:
    """Keep a place."""
