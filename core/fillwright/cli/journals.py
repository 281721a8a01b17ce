"""`fillwright journal show | verify | export`: the durable record itself."""

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from fillwright.cli.answers import Answer, Exit, Stream
from fillwright.cli.calls import Call
from fillwright.cli.documents import record_document
from fillwright.cli.faults import one_line
from fillwright.errors import BadInput, JournalError
from fillwright.journal import JournalReader
from fillwright.journal import export as exported
from fillwright.journal import verify as verified
from fillwright.protocols import Record

#: How much of a record's body a line shows; `--json` has all of it.
_FACTS = 120

File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="A journal file; else the configuration's."),
]


def show(
    call: Call,
    file: File = None,
    *,
    key: Annotated[
        str | None, typer.Option(help="Only records about this order or plan id.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only records of this kind.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only records behind this number.")] = 0,
    last: Annotated[
        int, typer.Option(min=0, help="At most so many, the newest; 0 for all of them.")
    ] = 20,
) -> Answer:
    """Show the journal's newest records; also while a desk writes it.

    Exit codes: 0 shown, 2 no journal, or one that cannot be read.
    """
    path = _path(call, file)
    with JournalReader.open(path) as reader:
        binding = reader.binding
        found: Iterable[Record] = reader.about(key) if key else reader.read(after=after)
        wanted = (r for r in found if r.seq > after and kind in (None, r.kind))
        records = list(deque(wanted, maxlen=last)) if last else list(wanted)
    document = {
        "journal": path,
        "mode": binding.mode,
        "broker": binding.broker,
        "account": binding.account,
        "records": [record_document(record) for record in records],
    }
    said = f"{len(records)} records of {binding} in {path}."
    return Answer(document, [*map(_line, records), said])


def verify(call: Call, file: File = None) -> Answer:
    """Check every page, index and record of the journal; also while a desk writes it.

    Exit codes: 0 it is sound, 1 it is damaged, 2 there is no journal to check.
    """
    path = _path(call, file)
    report = verified(path)
    document = {
        "journal": path,
        "sound": report.sound,
        "records": report.records,
        "head": report.head,
        "broken_at": report.broken_at,
        "problem": report.problem,
    }
    if report.sound:
        said = f"{path} is sound: {report.records} records, head {report.head}."
        return Answer(document, [said])
    said = (
        f"{path} is DAMAGED at record {report.broken_at}: {report.problem}; "
        f"the {report.records} records before it are good."
    )
    return Answer(document, [said], Exit.FAILURE)


def export(
    call: Call,
    file: File = None,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file, in place of stdout.")
    ] = None,
) -> Answer | Stream:
    """Write every record as one line of JSON, hashes included; with --json, as one document.

    Exit codes: 0 written, 2 no journal, a damaged one, or a file that cannot be written.
    """
    path = _path(call, file)
    # Damage is told before the first line is out, not in the middle of a document.
    report = verified(path)
    if report.problem is not None:
        raise JournalError(
            f"journal {path} is damaged at record {report.broken_at}: {report.problem}; "
            "nothing was exported"
        )
    lines = islice(exported(path), report.records)
    if output is None:
        return Stream(lines, _document(lines))
    _save(output, lines)
    document = {"journal": path, "output": output, "records": report.records, "head": report.head}
    return Answer(document, [f"{report.records} records written to {output}."])


def _line(record: Record) -> str:
    facts = one_line(json.dumps(dict(record.body)))
    facts = f"{facts[:_FACTS]}…" if len(facts) > _FACTS else facts
    key = one_line(record.key) or "-"
    return f"{record.seq:>6} {record.at:%Y-%m-%d %H:%M:%S} {record.kind:<16} {key} {facts}"


def _path(call: Call, file: Path | None) -> Path:
    return file if file is not None else call.loaded().journal_path


def _document(lines: Iterable[str]) -> Iterator[str]:
    yield '{"records": ['
    for number, line in enumerate(lines):
        yield f",\n{line}" if number else f"\n{line}"
    yield "\n]}\n"


def _save(output: Path, lines: Iterable[str]) -> None:
    """Write a private new file that is there whole or not at all."""
    if output.exists():
        raise BadInput(str(output), "is there already", "Name a new file")
    part = output.with_name(f"{output.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.writelines(f"{line}\n" for line in lines)
            part.rename(output)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise BadInput(str(output), f"cannot be written: {fault.strerror or fault}") from fault
