"""What a person asks of a journal file: is it whole, and what is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fillwright.errors import JournalDamaged
from fillwright.journal.chain import GENESIS, Row, line_of
from fillwright.journal.lock import Note, read_note
from fillwright.journal.reader import JournalReader


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a full check found; `records` are good, from the first on."""

    records: int
    #: The hash of the last good record: whoever keeps it elsewhere can prove a later cut.
    head: str
    #: The first record that is broken or missing, zero when it is the file itself.
    broken_at: int | None = None
    problem: str | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


def verify(path: str | Path) -> VerifyReport:
    """Check every page, index and record of a journal, also while it is being written."""
    file = Path(path).absolute()
    # Read before the records: a live writer may go on between the two.
    note = read_note(file)
    count, head = 0, GENESIS
    try:
        with JournalReader.open(file) as reader:
            for row in _rows(reader, note):
                count, head = row[0], row[6]
            reader.check_pages()
    except JournalDamaged as damage:
        return VerifyReport(count, head, damage.seq, damage.problem)
    return VerifyReport(count, head)


def export(path: str | Path) -> Iterator[str]:
    """Every record as one line of JSON; raises `JournalDamaged` where the chain breaks."""
    file = Path(path).absolute()
    note = read_note(file)
    with JournalReader.open(file) as reader:
        yield from map(line_of, _rows(reader, note))


def _rows(reader: JournalReader, note: Note) -> Iterator[Row]:
    """Every record, up to the newest durable one at least."""
    count = 0
    for row in reader.rows():
        count = row[0]
        if count == note.seq and row[6] != note.hash:
            problem = "it is not the record that was durable there"
            raise JournalDamaged(str(reader.path), count, problem)
        yield row
    if count < note.seq:
        problem = f"record {note.seq} was durable, but it is missing"
        raise JournalDamaged(str(reader.path), count + 1, problem)
