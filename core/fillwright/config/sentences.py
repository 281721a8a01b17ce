"""Turn pydantic's findings into one sentence each, without ever showing what was written."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fillwright.errors import ConfigError
from fillwright.logs import printable

#: What to say for each kind of finding. A bound in it comes from our model, never from the input.
_PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is missing",
        "extra_forbidden": "is not a setting",
        "enum": "must be {expected}",
        "literal_error": "must be {expected}",
        "bool_type": "must be true or false, without quotes",
        "bool_parsing": "must be true or false, without quotes",
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "float_type": "must be a number, without quotes",
        "float_parsing": "must be a number",
        "finite_number": "must be a finite number",
        "greater_than": "must be above {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be below {lt}",
        "less_than_equal": "must be at most {le}",
        "string_type": "must be text in quotes",
        "string_pattern_mismatch": "has a form that is not allowed",
        "string_too_short": "is too short",
        "string_too_long": "is too long",
        "too_short": "has too few entries",
        "too_long": "has too many entries",
        "tuple_type": "must be a list",
        "list_type": "must be a list",
        "set_type": "must be a list",
        "frozen_set_type": "must be a list",
        "dict_type": "must be a table",
        "mapping_type": "must be a table",
        "model_type": "must be a table",
        "value_error": 'must be an exact value in quotes, like "10.5", within its bounds',
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "mode": 'Write mode = "paper" or mode = "live"; it is never guessed',
        "broker": 'Write broker = "fake" for a desk that risks nothing',
        "journal": 'Write journal = "desk.db", a file beside this one',
        "checks": 'Write checks = ["risk"] for the standard controls',
    }
)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word; empty when none is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def explain(
    fault: ValidationError,
    where: str,
    known: Mapping[tuple[int | str, ...], Iterable[str]] = MappingProxyType({}),
) -> ConfigError:
    """The first finding as one sentence about `where`, which names the file (and a table).

    `known` has the settings of each table by its path, to hint at when one is misspelt.
    """
    finding = fault.errors(include_url=False, include_input=False)[0]
    path, kind = finding["loc"], finding["type"]
    hint = ""
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), known.get(path[:-1], ()))
    elif kind in {"missing", "enum"} and len(path) == 1:
        hint = _HINTS.get(str(path[0]), "")
    return ConfigError(place(where, path), _problem(kind, finding), hint)


def explain_table(
    fault: ValidationError, table: str, model: type[BaseModel], *, own_words: bool = False
) -> ConfigError:
    """The first finding about a plugin's own table; the desk puts the file before it.

    With `own_words` a validator's text is told as it is: only for a table that can hold no
    secret, since such a text may quote what was written.
    """
    finding = fault.errors(include_url=False, include_input=False)[0]
    path, kind = finding["loc"], finding["type"]
    problem, hint = _problem(kind, finding), ""
    if kind == "extra_forbidden":
        known = sorted(_fields_at(model, path[:-1]))
        hint = did_you_mean(str(path[-1]), known) or f"Known are: {', '.join(known)}"
    elif kind == "value_error" and own_words:
        problem = printable(finding["msg"].removeprefix("Value error, "))
    return ConfigError(place("", (table, *path)), problem, hint)


def _fields_at(model: type[BaseModel], path: Iterable[int | str]) -> Iterable[str]:
    """The settings of the table at this path; indexes and names of entries lead nowhere new."""
    at = model
    for step in path:
        field = at.model_fields.get(str(step))
        at = next(_models_in(field.annotation), at) if field else at
    return at.model_fields


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model that an annotation mentions: `dict[str, Listing]` mentions `Listing`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def place(where: str, path: Iterable[int | str]) -> str:
    """`desk.toml: desk.collar_pct`."""
    dotted = ".".join(_shown(step) for step in path)
    return f"{where}: {dotted}" if where and dotted else where or dotted


def _shown(step: int | str) -> str:
    return printable(str(step))[:80]


def _problem(kind: str, finding: Mapping[str, Any]) -> str:
    if kind == "desk_setting":
        return printable(finding["msg"])
    text = _PROBLEMS.get(kind)
    if text is None:
        return f"cannot be used ({kind.replace('_', ' ')})"
    return text.format_map(finding.get("ctx", {}))
