"""Look at a journal's path as its opening would, without making, changing or keeping anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fillwright.errors import JournalBound, JournalError
from fillwright.journal.files import beside, check_folder, check_journal
from fillwright.journal.lock import holder_of, lost, read_note
from fillwright.journal.reader import JournalReader
from fillwright.protocols import Binding, Record
from fillwright.types import Mode


@dataclass(frozen=True, slots=True)
class Sight:
    """What stands at a journal's path."""

    path: Path
    #: Whose it is; None when there is no journal yet.
    binding: Binding | None = None
    records: int = 0
    #: Who writes it now; empty when nobody does.
    holder: str = ""
    #: The records that were asked for, in order.
    found: tuple[Record, ...] = ()

    def check_binding(self, mode: Mode, broker: str, account: str | None) -> None:
        """Raise `JournalBound` unless it can be theirs; an account of None is not compared."""
        bound = self.binding
        if bound is None:
            return
        wanted = Binding(mode, broker, account if account is not None else bound.account)
        if bound != wanted:
            raise JournalBound(str(self.path), str(bound), str(wanted))


def look(
    path: str | Path,
    *,
    newest: Sequence[str] = (),
    every: Sequence[str] = (),
    network: bool = False,
) -> Sight:
    """Find out whether a desk could open this journal, and whose it is.

    `found` is the newest record of each kind in `newest`, and all records of the kinds in `every`.
    Raises the `JournalError` that an opening would raise; that another process holds it is told
    and does not raise.
    """
    file = Path(path).absolute()
    check_folder(file, network=network)
    note = read_note(file)
    there = check_journal(file) and file.stat().st_size > 0
    wanted = _Wanted(tuple(newest), tuple(every))
    sight = _seen(file, wanted) if there else Sight(file, holder=holder_of(file))
    if sight.records < note.seq:
        raise lost(file, sight.records, note)
    return sight


@dataclass(frozen=True, slots=True)
class _Wanted:
    newest: tuple[str, ...]
    every: tuple[str, ...]

    def of(self, reader: JournalReader) -> tuple[Record, ...]:
        last = [record for kind in self.newest if (record := reader.last(kind)) is not None]
        every = reader.of(*self.every) if self.every else ()
        return tuple(sorted((*last, *every), key=lambda record: record.seq))


def _seen(file: Path, wanted: _Wanted) -> Sight:
    while True:
        holder = holder_of(file)
        still = _is_still(file, holder)
        try:
            sight = _read(file, holder, wanted, still=still)
        except JournalError:
            if not still or _is_still(file, holder_of(file)):
                raise
        else:
            if not still or _is_still(file, holder_of(file)):
                return sight
        # Somebody began to write it meanwhile, so what was read may be torn: once more.


def _is_still(file: Path, holder: str) -> bool:
    return not holder and not beside(file, "-wal").exists()


def _read(file: Path, holder: str, wanted: _Wanted, *, still: bool) -> Sight:
    with JournalReader.open(file, still=still) as reader:
        if not holder:
            reader.check_pages()
        newest = reader.newest()
        if newest is None:
            return Sight(file, holder=holder)
        return Sight(file, reader.binding, newest.seq, holder, wanted.of(reader))
