"""Wrap what is secret in an adapter's table, so that no repr, log or dump can show it."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from fillwright.logs import looks_secret, printable, register_secret


class NotText(ValueError):
    """A secret that is not written as text; `key` is where it stands."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{printable(key)} must be text in quotes")


def seal(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every text under a secret-looking key as SecretStr, known to the logs too.

    Raises NotText for a number under such a key: it could not be hidden.
    """
    return {key: _sealed(value, key, secret=looks_secret(key)) for key, value in settings.items()}


def _sealed(value: object, key: str, *, secret: bool) -> object:
    if isinstance(value, Mapping):
        return {
            name: _sealed(one, f"{key}.{name}", secret=secret or looks_secret(name))
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_sealed(one, key, secret=secret) for one in value]
    if not secret or value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value = SecretStr(value)
    if not isinstance(value, SecretStr):
        raise NotText(key)
    register_secret(value.get_secret_value())
    return value
