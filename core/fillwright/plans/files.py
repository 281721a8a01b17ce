"""Read a plan's file: the one module of this room that is not pure."""

from pathlib import Path
from typing import Final

from fillwright.errors import PlanError
from fillwright.plans.kinds import Plan
from fillwright.plans.parsing import parse_csv, parse_json

#: A larger file is no plan; nothing beyond this is read into memory.
MAX_BYTES: Final = 16 * 1024 * 1024


def read_plan(path: str | Path) -> Plan:
    """Read the plan in `path`: JSON, or a CSV basket when the name ends in `.csv`.

    Raises PlanError for whatever keeps the file from being a plan.
    """
    where = str(path)
    text = _text(Path(path), where)
    if Path(path).suffix.lower() == ".csv":
        return parse_csv(text, where)
    return parse_json(text, where)


def _text(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as fault:
        raise PlanError(where, "there is no such file") from fault
    except IsADirectoryError as fault:
        raise PlanError(where, "this is a folder; name the plan's file in it") from fault
    except (OSError, ValueError) as fault:
        said = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise PlanError(where, f"it cannot be read: {said}") from fault
    if len(data) > MAX_BYTES:
        raise PlanError(where, f"it is larger than {MAX_BYTES // 1024 // 1024} MiB; no plan is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise PlanError(f"{where}: line {line}", "this is not UTF-8 text") from fault
