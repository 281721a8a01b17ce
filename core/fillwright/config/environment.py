"""Read what the environment may say: the broker's secrets, and nothing that decides the mode."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, create_model
from pydantic_settings import BaseSettings, EnvSettingsSource

from fillwright.config.model import CONFIG_VARIABLE
from fillwright.config.sentences import did_you_mean
from fillwright.errors import ConfigError
from fillwright.logs import printable

PREFIX = "FILLWRIGHT_"


def broker_variables(broker: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings in `FILLWRIGHT_<BROKER>__<KEY>`, keys in lower case.

    Raises ConfigError for any other FILLWRIGHT_ variable but the one that names the file.
    """
    prefix = _prefix(broker)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE:
            _refuse_unknown(name, prefix)
    return _read(prefix.removesuffix("__").lower(), environ)


def _prefix(plugin: str) -> str:
    return f"{PREFIX}{plugin.upper().replace('-', '_')}__"


def _refuse_unknown(name: str, prefix: str) -> None:
    where = f"environment variable {printable(name)}"
    if name == "FILLWRIGHT_MODE":
        raise ConfigError(
            where,
            "the mode is never taken from the environment",
            "Write it in desk.toml and unset the variable",
        )
    key = name.removeprefix(prefix)
    if key and key != name and "__" not in key and key == key.upper():
        return
    group, separator, key = name.removeprefix(PREFIX).partition("__")
    ours = prefix.removeprefix(PREFIX).removesuffix("__")
    if separator and did_you_mean(group, [ours]):
        hint = f"Did you mean {prefix}{key.upper() or '<KEY>'}?"
    else:
        hint = did_you_mean(group, ["CONFIG"]).replace("CONFIG", CONFIG_VARIABLE)
    otherwise = f"The environment may hold {CONFIG_VARIABLE} and {prefix}<KEY> only"
    raise ConfigError(where, "names nothing", hint or otherwise)


def _read(group: str, environ: Mapping[str, str]) -> dict[str, Any]:
    # Only text comes back: pydantic-settings would read a nested key's digits as a number.
    variables = create_model(
        "Variables",
        __base__=BaseSettings,
        table=(dict[str, str], Field(default_factory=dict, validation_alias=group)),
    )
    source = EnvSettingsSource(variables, env_nested_delimiter="__")
    source.env_vars = {
        name.lower(): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    found: dict[str, Any] = source().get(group, {})
    return found
