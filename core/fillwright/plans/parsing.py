"""Read a plan from text: JSON of any kind, or a CSV basket; every fault is one sentence.

Rules:
1. Which kind of plan it is follows from the one field in `KINDS` that it has.
2. Nothing is repaired: a repeated key, an unknown field or an inexact number refuses the plan.
3. A CSV basket without a plan id is named by the hash of its text, so that the same file given
   twice is the same plan, and a file with one character changed is another.
"""

import csv
import io
import itertools
import json
import math
from hashlib import sha256
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from fillwright.errors import PlanError
from fillwright.orders import Order
from fillwright.plans.kinds import KINDS, Basket, Plan

#: How deep a plan's JSON may nest; what is free in it is `metadata` alone.
MAX_DEPTH: Final = 24
#: What a CSV basket may say above its header, as `# plan_id: x`.
CSV_REMARKS: Final = (
    "plan_id",
    "correlation_id",
    "causation_id",
    "timestamp",
    "execution_urgency",
    "stale_orders",
    "tactic",
)
CSV_COLUMNS: Final = (
    "symbol",
    "side",
    "quantity",
    "notional",
    "type",
    "time_in_force",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
    "expire_time",
    "extended_hours",
    "reduce_only",
    "intent_id",
    "strategy",
    "tags",
)


def require_plan(given: object, where: str = "plan") -> Plan:
    """`given`, when it is a plan; otherwise a `PlanError` that says what it is instead."""
    if isinstance(given, Plan):
        return given
    if given is None:
        raise PlanError(where, "there is no plan (None)", "Give one, or read it with read_plan")
    if isinstance(given, dict):
        return plan_from(given, where)
    raise PlanError(where, f"a {type(given).__name__} is not a plan", "Give a Plan or its JSON")


def parse_json(text: str, where: str) -> Plan:
    """Read one plan from JSON; `where` names the text in errors."""
    if not text.strip():
        raise PlanError(where, "the file is empty")
    reader = _Strict(where)
    try:
        data = json.loads(
            text,
            object_pairs_hook=reader.table,
            parse_constant=reader.constant,
            parse_float=reader.number,
        )
    except json.JSONDecodeError as fault:
        at = f"{where}: line {fault.lineno}, column {fault.colno}"
        raise PlanError(at, f"this is not JSON: {fault.msg.lower()}") from fault
    except RecursionError:
        raise PlanError(where, f"it nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as fault:
        raise PlanError(where, "a number has more digits than any amount") from fault
    _refuse_depth(data, where)
    return plan_from(data, where)


def plan_from(data: object, where: str) -> Plan:
    """Build the plan that decoded JSON describes."""
    if not isinstance(data, dict):
        raise PlanError(where, f"a plan is a JSON object, not {_json_word(data)}")
    found = [key for key in KINDS if key in data]
    if len(found) != 1:
        said = "none of them" if not found else " and ".join(found)
        raise PlanError(
            where,
            f"a plan has exactly one of {', '.join(KINDS)}; this one has {said}",
        )
    try:
        return KINDS[found[0]].model_validate(data)
    except ValidationError as fault:
        raise _plan_error(fault, where) from None


def parse_csv(text: str, where: str) -> Basket:
    """Read a basket of orders from CSV: remarks, a header of `CSV_COLUMNS`, an order per line."""
    lines = io.StringIO(text, newline="")
    remarks, first, skipped = _remarks(lines)
    reader = csv.reader(itertools.chain([first], lines), strict=True)
    try:
        header = _header(next(reader, []), f"{where}: line {skipped + 1}")
        orders = [
            _order(header, row, f"{where}: line {skipped + reader.line_num}")
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as fault:
        at = f"{where}: line {skipped + reader.line_num}"
        raise PlanError(at, f"this is not CSV: {fault}") from fault
    named = {"plan_id": f"csv-{sha256(text.encode()).hexdigest()[:32]}"} | remarks
    try:
        return Basket.model_validate(named | {"orders": tuple(orders)})
    except ValidationError as fault:
        raise _plan_error(fault, where) from None


_PROBLEMS: Final = {
    "missing": "this field is missing",
    "extra_forbidden": "unknown field; check the spelling",
    "string_pattern_mismatch": "not a valid name; names have no spaces, symbols are upper case",
    "tuple_type": "it should be a list",
    "model_type": "it should be an object",
}


class _Strict:
    """What `json` is told to refuse: repeated keys, and numbers that are none."""

    def __init__(self, where: str) -> None:
        self._where = where

    def table(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in pairs:
            if key in table:
                raise PlanError(self._where, f"the key {key[:80]!r} appears twice in one object")
            table[key] = value
        return table

    def constant(self, name: str) -> NoReturn:
        raise PlanError(self._where, f"{name} is not a number")

    def number(self, digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise PlanError(self._where, f"{digits[:40]} is too large a number")
        return value


def _refuse_depth(data: object, where: str) -> None:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise PlanError(where, f"it nests deeper than {MAX_DEPTH} levels")


def _children(node: object) -> list[object]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [child for child in inner if isinstance(child, dict | list)]


def _json_word(data: object) -> str:
    words = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(data), "a number")


def _plan_error(fault: ValidationError, where: str) -> PlanError:
    errors = fault.errors(include_url=False, include_context=False, include_input=False)
    first = errors[0]
    path = ".".join(str(part) for part in first["loc"] if part != "[key]")
    said = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    problem = _PROBLEMS.get(first["type"], said)
    if len(errors) > 1:
        problem += f" (and {len(errors) - 1} more)"
    return PlanError(f"{where}: {path}" if path else where, problem)


def _remarks(lines: io.StringIO) -> tuple[dict[str, str], str, int]:
    remarks: dict[str, str] = {}
    for skipped, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            return remarks, line, skipped
        name, _, value = line.lstrip("# \t").partition(":")
        if name.strip() in CSV_REMARKS and value.strip():
            remarks[name.strip()] = value.strip()
    return remarks, "", 0


def _header(cells: list[str], where: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise PlanError(where, "the basket is empty; its first line names the columns")
    for index, name in enumerate(header):
        if name not in CSV_COLUMNS:
            known = ", ".join(CSV_COLUMNS)
            raise PlanError(where, f"unknown column {name[:40]!r}; known are {known}")
        if name in header[:index]:
            raise PlanError(where, f"the column {name} appears twice")
    return header


def _order(header: list[str], row: list[str], where: str) -> Order:
    if len(row) != len(header):
        raise PlanError(where, f"{len(row)} cells under {len(header)} columns")
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}
    fields: dict[str, object] = dict(cells)
    if "tags" in cells:
        fields["tags"] = tuple(tag.strip() for tag in cells["tags"].split(";") if tag.strip())
    try:
        return Order.model_validate(fields)
    except ValidationError as fault:
        raise _plan_error(fault, where) from None
