"""Find, read and judge desk.toml, and say in one sentence what is wrong with it."""

import math
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fillwright.config.model import (
    ACCOUNT_UNKNOWN,
    CONFIG_VARIABLE,
    OWN_DATA,
    PLUGIN_NAME,
    RESERVED,
    SETTINGS,
    DeskConfig,
    table_name,
)
from fillwright.config.secrets import NotText, seal
from fillwright.config.sentences import did_you_mean, explain, place
from fillwright.errors import ConfigError

#: The entry-point group of plugins.
PROJECT = "fillwright"
#: In bytes; a longer file is not a desk.toml.
MAX_BYTES = 1 << 20
DEFAULT_SOURCE = "the built-in configuration"
#: What the loader sets itself, and no file may.
_NOT_IN_FILE = ("folder", "source", "broker_settings", "check_settings")


def load_config(
    path: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    account_unknown: bool = False,
) -> DeskConfig:
    """The configuration in `path`, or else in the file that FILLWRIGHT_CONFIG names, or built in.

    Without `environ` the process's own environment counts. With `account_unknown` a live desk
    that does not name its account can be looked at; it still cannot be opened. Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    if path is None and CONFIG_VARIABLE in environ:
        path = _named_by(environ[CONFIG_VARIABLE])
    if path is None:
        return default_config(Path(), environ=environ)
    return judge(
        _read(path),
        str(path),
        folder=path.absolute().parent,
        environ=environ,
        account_unknown=account_unknown,
    )


def default_config(folder: Path, *, environ: Mapping[str, str] | None = None) -> DeskConfig:
    """The built-in configuration, with its files under `folder`: paper, on the fake broker.

    Without `environ` no variable counts.
    """
    return judge(default_text(), DEFAULT_SOURCE, folder=folder.absolute(), environ=environ or {})


def default_text() -> str:
    """The built-in desk.toml."""
    return resources.files("fillwright.config").joinpath("default.toml").read_text("utf-8")


def config_schema() -> dict[str, Any]:
    """The JSON Schema of desk.toml; what stands in a plugin's table is the plugin's own matter."""
    schema = DeskConfig.model_json_schema()
    for name in _NOT_IN_FILE:
        del schema["properties"][name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "desk.toml",
        "additionalProperties": {
            "type": "object",
            "description": "The table of the broker, or of a check, under its name.",
        },
    }


def _named_by(value: str) -> Path:
    if not value.strip():
        raise ConfigError(
            f"environment variable {CONFIG_VARIABLE}", "is empty", "Name a file or unset it"
        )
    return Path(value)


def _read(path: Path) -> str:
    try:
        # Non-blocking: a named pipe in the file's place would wait for a writer for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(str(path), "is not a file", "Name the desk.toml itself")
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as fault:
        raise ConfigError(str(path), "there is no such file", "Check the path") from fault
    except IsADirectoryError as fault:
        raise ConfigError(str(path), "is a folder", "Name the desk.toml in it") from fault
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "the path is not valid"
        raise ConfigError(str(path), f"cannot be read: {reason}", "Check the path") from fault
    if len(content) > MAX_BYTES:
        raise ConfigError(str(path), "is longer than 1 MiB", "Is it really a desk.toml?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        # Not chained: the fault holds the file's content.
        raise ConfigError(f"{path}, line {line}", "is not UTF-8", "Save it as UTF-8") from None


def _parsed(text: str, source: str) -> dict[str, Any]:
    # Not chained, any of them: the parser's frames hold the file's content.
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        spot = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(fault))
        # What stands in quotes, or behind a colon, was written by the user.
        problem = re.sub(r"['\"(:].*", "", str(fault)).strip().lower()
        where = f"{source}, {spot[1]}" if spot else source
    except (ValueError, RecursionError):
        problem, where = "a number too long or tables too deep", source
    else:
        return tables
    raise ConfigError(where, f"is not TOML: {problem}", "Text stands in quotes, tables in []")


def judge(
    text: str,
    source: str,
    *,
    folder: Path,
    environ: Mapping[str, str],
    account_unknown: bool = False,
) -> DeskConfig:
    """The configuration in this text, with the environment's share.

    Raises ConfigError.
    """
    raw = _parsed(text, source)
    _refuse_endless(raw, source, ())
    broker, tables = _plugins_of(raw)
    # A table that waits for another broker may stay, so that changing `broker` is one line.
    _refuse_strangers(raw, source, {broker, *tables, *installed_plugins()} - {""})
    values = {key: value for key, value in raw.items() if key in RESERVED}
    try:
        given = {
            **values,
            "folder": folder,
            "source": source,
            "broker_settings": _broker_table(broker, raw, source, environ),
            "check_settings": _plugin_tables(tables, raw, source),
        }
        return DeskConfig.model_validate(given, context={ACCOUNT_UNKNOWN: account_unknown})
    except ValidationError as fault:
        # Not chained: pydantic's finding holds what was written.
        raise explain(fault, source, SETTINGS) from None


def installed_plugins() -> frozenset[str]:
    """The names of all plugins that are installed; nothing of them is imported."""
    return frozenset(entry_points(group=PROJECT).names)


def _plugins_of(raw: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The names whose tables belong here; what is malformed is told by the model later."""
    broker = raw.get("broker")
    named = [*_names(raw.get("checks")), *_providers(raw)]
    tables = [name for name in named if name not in {broker, OWN_DATA}]
    return broker if isinstance(broker, str) else "", list(dict.fromkeys(tables))


def _providers(raw: Mapping[str, Any]) -> list[str]:
    data = raw.get("data")
    return _names(data.get("providers")) if isinstance(data, dict) else []


def _names(listed: object) -> list[str]:
    if not isinstance(listed, list):
        return []
    return [table_name(one) for one in listed if isinstance(one, str)]


def _refuse_strangers(raw: Mapping[str, Any], source: str, plugins: set[str]) -> None:
    for key, value in raw.items():
        if key in RESERVED or key in plugins:
            continue
        what = "this table belongs to" if isinstance(value, dict) else "this setting belongs to"
        named = "neither the desk nor a plugin that it names"
        hint = did_you_mean(key, {*RESERVED, *plugins}) or "Remove it, or name its plugin"
        raise ConfigError(place(source, [key]), f"{what} {named}", hint)


def _table(name: str, raw: Mapping[str, Any], source: str) -> dict[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(place(source, [name]), "must be a table", f"Write [{name}]")
    return table


def _plugin_tables(
    names: list[str], raw: Mapping[str, Any], source: str
) -> dict[str, dict[str, Any]]:
    """The tables of checks as they are; those of providers of data may hold keys."""
    sealed = set(_providers(raw))
    return {
        name: _sealed_table(name, raw, source) if name in sealed else _table(name, raw, source)
        for name in names
    }


def _sealed_table(name: str, raw: Mapping[str, Any], source: str) -> dict[str, Any]:
    try:
        return seal(_table(name, raw, source))
    except NotText as fault:
        raise ConfigError(place(source, [name, fault.key]), "must be text in quotes") from fault


def _broker_table(
    broker: str, raw: Mapping[str, Any], source: str, environ: Mapping[str, str]
) -> dict[str, Any]:
    from fillwright.config.environment import broker_variables  # noqa: PLC0415  pydantic-settings takes 30 ms to import

    table = _sealed_table(broker, raw, source)
    # A name that cannot be one is told by the model.
    variables = broker_variables(broker, environ) if PLUGIN_NAME.fullmatch(broker) else {}
    for key in sorted(variables.keys() & table.keys()):
        raise ConfigError(
            place(source, [broker, key]), "stands in the environment too", "Keep one of the two"
        )
    return {**table, **variables}


def _refuse_endless(value: object, source: str, path: tuple[str, ...]) -> None:
    """NaN passes every comparison that a limit makes, so no table may hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(place(source, path), "must be a finite number")
    if isinstance(value, dict):
        for key, one in value.items():
            _refuse_endless(one, source, (*path, key))
    elif isinstance(value, list):
        for one in value:
            _refuse_endless(one, source, path)
