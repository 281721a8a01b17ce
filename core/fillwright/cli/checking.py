"""`fillwright plugins`, `check-config` and `version`: what would run, before anything runs."""

import asyncio
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import typer
from pydantic import BaseModel, SecretStr
from rich.console import RenderableType

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.explaining import data_of, explained
from fillwright.cli.output import to_json
from fillwright.cli.tables import table
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import DeskConfig
from fillwright.desk.opening import adapter_of, load_plugins
from fillwright.journal import Sight, look
from fillwright.logs import REDACTED, looks_secret
from fillwright.plugins import PluginInfo
from fillwright.plugins.pins import hash_of

_DISTRIBUTIONS = ("pluggy", "pydantic", "pydantic-settings", "structlog", "typer", "rich")
_TABLES = frozenset({"desk", "plan", "data"})
_OWN = ("folder", "source", "broker_settings", "check_settings")

#: A setting's full name, its value, and where it comes from.
Setting = tuple[str, object, str]


def plugins(call: Call) -> Answer:
    """List the plugins that the configuration loads, and those that are only installed.

    Exit codes: 0 listed, 2 bad configuration, or a plugin that cannot be used.
    """
    registry = load_plugins(call.loaded())
    loaded, others = registry.listing(), registry.installed()
    document = {
        "loaded": [_plugin_document(info) for info in loaded],
        "installed": [_plugin_document(info) for info in others],
    }
    rows = [
        (info.name, info.version or "-", ", ".join(info.hooks) or "not loaded", info.source)
        for info in (*loaded, *others)
    ]
    return Answer(document, [table(("name", "version", "hooks", "source"), rows)])


def _plugin_document(info: PluginInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "version": info.version,
        "source": info.source,
        "hooks": list(info.hooks),
        "sha256": hash_of(info),
    }


def check_config(
    call: Call,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every value and limit, its origin, what is off.")
    ] = False,
) -> Answer:
    """Load the configuration and its plugins as a desk would, and send nothing anywhere.

    The broker's adapter is built, which checks its settings, and asked nothing; the journal is
    looked at and not made. `fillwright doctor` asks the broker too.
    Exit codes: 0 it can be used, 2 it cannot.
    """
    config = call.loaded()
    registry = load_plugins(config)
    sight = look(config.journal_path, network=config.desk.allow_network_journal)
    adapter = adapter_of(config, registry, SystemClock(), SystemRng())
    broker = adapter.executor.broker
    asyncio.run(adapter.close())
    supplied = data_of(config, registry, adapter)
    sight.check_binding(config.mode, broker, config.expected_account_id)
    checks = [hook.name for hook in registry.checks]
    document: dict[str, object] = {
        "source": config.source,
        "mode": config.mode,
        "broker": config.broker,
        "journal": config.journal_path,
        "journal_is_new": sight.binding is None,
        "journal_in_use_by": sight.holder or None,
        "checks": checks,
    }
    shown: list[RenderableType] = []
    if explain:
        settings = list(_settings(config))
        document["settings"] = [{"name": n, "value": v, "from": f} for n, v, f in settings]
        rows = ((name, _text(value), origin) for name, value, origin in settings)
        limits, told = explained(config, registry, supplied)
        document |= limits
        shown += [table(("setting", "value", "from"), rows), "", *told]
    shown.append(
        f"{config.source} is sound: {config.mode} desk on {config.broker}, journal "
        f"{config.journal_path}{_journal_told(sight)}, checks {', '.join(checks)}."
    )
    return Answer(document, shown)


def _journal_told(sight: Sight) -> str:
    """What a misspelt path would be noticed by."""
    if sight.holder:
        return f" (in use by {sight.holder} now)"
    if sight.binding is None:
        return " (a new journal: it is not there yet)"
    return f" ({sight.records} records of {sight.binding})"


def version(call: Call) -> Answer:
    """Show the versions of fillwright and of what it stands on.

    Exit codes: 0.
    """
    del call
    ours = installed_version("fillwright")
    others = {name: installed_version(name) for name in _DISTRIBUTIONS}
    document = {"fillwright": ours, "python": platform.python_version(), **others}
    below = ", ".join(f"{name} {number}" for name, number in document.items())
    return Answer(document, [below])


def _settings(config: DeskConfig) -> Iterator[Setting]:
    """Every effective setting; secrets are shown as redacted."""
    given, source = config.model_fields_set, config.source
    for name in type(config).model_fields:
        value = getattr(config, name)
        if name in _TABLES:
            yield from _table(name, value, source)
        elif name not in _OWN:
            yield name, _safe(name, value), source if name in given and value else "default"
    yield from _broker_table(config)
    for check, settings in config.check_settings.items():
        yield from _flat(check, settings, source)


def _table(path: str, settings: BaseModel, source: str) -> Iterator[Setting]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from _table(f"{path}.{name}", value, source)
        else:
            yield (
                f"{path}.{name}",
                value,
                source if name in settings.model_fields_set else "default",
            )


def _broker_table(config: DeskConfig) -> Iterator[Setting]:
    prefix = f"FILLWRIGHT_{config.broker.upper().replace('-', '_')}__"
    for name, value in config.broker_settings.items():
        variable = f"{prefix}{name.upper()}"
        # A setting may stand in one of the two places only.
        origin = f"environment {variable}" if variable in os.environ else config.source
        yield from _flat(f"{config.broker}.{name}", value, origin)


def _flat(path: str, value: object, origin: str) -> Iterator[Setting]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _flat(f"{path}.{name}", one, origin)
    else:
        yield path, _safe(path, value), origin


def _safe(path: str, value: object) -> object:
    """The value as JSON can show it, and no secret."""
    if isinstance(value, SecretStr) or looks_secret(path):
        return REDACTED
    if isinstance(value, list | tuple):
        return [_safe(path, one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _safe(f"{path}.{name}", one) for name, one in value.items()}
    known = value is None or isinstance(value, str | bool | int | float)
    return value if known else str(value)


def _text(value: Any) -> str:  # noqa: ANN401  # any setting
    return value if isinstance(value, str) else to_json(value).strip()
