"""`fillwright schema`: the JSON Schemas of what goes in and comes out, and the lifecycle page."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault
from fillwright.config import config_schema
from fillwright.desk.doctor import Diagnosis
from fillwright.errors import BadInput
from fillwright.lifecycle.diagram import page
from fillwright.orders import Order
from fillwright.plans import ExecutionResult, Plan

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Subject(StrEnum):
    """What has a schema, and the lifecycle."""

    PLAN = "plan"
    ORDER = "order"
    RESULT = "result"
    CONFIG = "config"
    DOCTOR = "doctor"
    LIFECYCLE = "lifecycle"


#: What we give; of what we take, the schema says what may be written.
_GIVEN: dict[Subject, Any] = {Subject.RESULT: ExecutionResult, Subject.DOCTOR: Diagnosis}


def schema(
    call: Call,
    subject: Annotated[Subject | None, typer.Argument(help="What to print.")] = None,
    *,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write them all: DIR/schemas/*.json and DIR/lifecycle.md."
        ),
    ] = None,
) -> Answer:
    """Print the JSON Schema of a plan, an order, a result, desk.toml or a diagnosis of `doctor`.

    Or the page of the order's life.

    Exit codes: 0 printed or written, 2 bad input.
    """
    del call
    if (subject is None) is (write is None):
        raise UsageFault(f"name one of {', '.join(Subject)}, or give --write DIR")
    if write is not None:
        written = _written(write)
        return Answer({"written": written}, [f"Wrote {path}" for path in written])
    if subject is Subject.LIFECYCLE:
        return Answer({"page": page()}, [page().rstrip("\n")])
    document = schema_of(Subject(str(subject)))
    return Answer(document, [text_of_schema(document).rstrip("\n")])


def schema_of(subject: Subject) -> dict[str, Any]:
    """The JSON Schema of one subject."""
    if subject is Subject.CONFIG:
        return config_schema()
    if subject in _GIVEN:
        made = TypeAdapter(_GIVEN[subject]).json_schema(mode="serialization")
    else:
        kind: Any = Plan if subject is Subject.PLAN else Order
        made = TypeAdapter(kind).json_schema()
    return {"$schema": _DIALECT, **made, "title": subject.value}


def text_of_schema(document: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(document, indent=2) + "\n"


def pages() -> dict[str, str]:
    """Every generated page of the reference, by its path."""
    schemas = [subject for subject in Subject if subject is not Subject.LIFECYCLE]
    files = {f"schemas/{one.value}.json": text_of_schema(schema_of(one)) for one in schemas}
    return {**files, "lifecycle.md": page()}


def _written(folder: Path) -> list[str]:
    paths = []
    for name, text in pages().items():
        path = folder / name
        part = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as fault:
            problem = f"cannot be written: {fault.strerror or fault}"
            raise BadInput(str(path), problem, "Name another folder") from fault
        paths.append(str(path))
    return paths
