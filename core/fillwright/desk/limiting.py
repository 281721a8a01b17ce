"""Limits that are changed while the desk runs, in place of what desk.toml says.

Rules:
1. A change is judged by the control's own table, together with every other change of that control.
2. It holds over restarts until it is revoked, or until desk.toml says something else there than it
   said when the change was made: then the file counts again.
3. No control is loaded anew: its settings are exchanged as a whole, and what was approved under
   the old ones and has not left goes back to the gate.
"""

import contextlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from fillwright.errors import ConfigError, GrantRefused, fault_text
from fillwright.ledger import LimitChanged
from fillwright.limits import Scoped

Path = tuple[str, ...]
_STEP = r"(?:[A-Za-z0-9_-]+|\"[^\"\\]+\")"
_NAME = re.compile(rf"{_STEP}(?:\.{_STEP})+")


def path_of(written: str) -> Path:
    """The steps of a full name; a step with dots stands in quotes. Raises ConfigError."""
    parsed: Any = {}
    if _NAME.fullmatch(written):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            parsed = tomllib.loads(f"{written} = 0")
    steps = tuple(_steps(parsed))
    if len(steps) < 2:  # noqa: PLR2004  # a table and a setting
        raise ConfigError("limit", "is no full name of a setting", "See `check-config --explain`")
    return steps


def _steps(parsed: object) -> Iterator[str]:
    while isinstance(parsed, dict) and parsed:
        name, parsed = next(iter(parsed.items()))
        yield name


def scoped_of(plugins: Iterable[object]) -> Mapping[str, Scoped[Any]]:
    """The settings of the checks that are loaded, by the name of their table."""
    found = (getattr(plugin, "limits", None) for plugin in plugins)
    return {one.where: one for one in found if isinstance(one, Scoped)}


class LimitBook:
    """The settings of all controls, and the changes that count."""

    def __init__(self, scoped: Mapping[str, Scoped[Any]]) -> None:
        self._scoped = scoped
        self._changes: dict[str, dict[Path, object]] = {}

    def outdated(self, changes: Iterable[LimitChanged]) -> Iterator[tuple[LimitChanged, str]]:
        """The changes that count no more, and why."""
        for change in changes:
            try:
                scoped, path = self._find(change.path)
            except ConfigError as fault:
                yield change, str(fault)
                continue
            if as_json(scoped.written(path)) != change.written:
                yield change, "desk.toml says something else there now"

    def judged(self, name: str, text: str) -> tuple[str, str, str]:
        """The new value, the one that counts now and what desk.toml says, as JSON.

        `text` is the value as a person writes it. Raises ConfigError when the control refuses it.
        """
        scoped, path = self._find(name)
        for value in _readings(text):
            try:
                self._exchange(scoped, {**self._of(scoped), path: value})
            except ConfigError as refused:
                fault = refused
                continue
            finally:
                self._exchange(scoped, self._of(scoped))
            old = self._of(scoped).get(path, scoped.written(path))
            return as_json(value), as_json(old), as_json(scoped.written(path))
        raise fault

    def put(self, change: LimitChanged) -> None:
        """Let a change count. Raises ConfigError, and GrantRefused for one of another desk.toml."""
        scoped, path = self._find(change.path)
        if as_json(scoped.written(path)) != change.written:
            raise GrantRefused(change.path, "desk.toml says something else there now")
        changes = {**self._of(scoped), path: json.loads(change.value)}
        self._exchange(scoped, changes)
        self._changes[scoped.where] = changes

    def take_back(self, name: str) -> None:
        """Let what desk.toml says count again. Raises ConfigError."""
        scoped, path = self._find(name)
        changes = {at: value for at, value in self._of(scoped).items() if at != path}
        self._exchange(scoped, changes)
        self._changes[scoped.where] = changes

    def _of(self, scoped: Scoped[Any]) -> dict[Path, object]:
        return self._changes.get(scoped.where, {})

    def _exchange(self, scoped: Scoped[Any], changes: Mapping[Path, object]) -> None:
        try:
            scoped.exchange(changes)
        except (TypeError, ValueError, ValidationError) as fault:  # a stranger's table
            raise ConfigError(scoped.where, fault_text(fault)) from fault

    def _find(self, name: str) -> tuple[Scoped[Any], Path]:
        steps = path_of(name)
        for end in range(len(steps) - 1, 0, -1):
            scoped = self._scoped.get(".".join(steps[:end]))
            if scoped is not None:
                return scoped, steps[end:]
        known = ", ".join(sorted(self._scoped)) or "none"
        raise ConfigError(name, "is a setting of no check that is on", f"On are: {known}")


def as_json(value: object) -> str:
    """A value of a table as text; empty for none."""
    return "" if value is None else json.dumps(value, default=str)


def _readings(text: str) -> Iterator[object]:
    """What a person may have meant: the text itself, or a number, a list, true or false."""
    yield text
    try:
        yield tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return
