"""One record, one order, a few records: what is read in part is held to the chain as well."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal import JournalReader
from fillwright.journal.chain import GENESIS, OPENED, Row, seal
from journal.kit import fill, open_journal


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A journal of ten records; the fourth is about `order-2`."""
    journal = open_journal(tmp_path / "desk.db")
    await fill(journal, 9)
    await journal.aclose()
    return tmp_path / "desk.db"


def edit(path: Path, statement: str, *values: object) -> None:
    """What somebody with a shell does."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER records_never_change")
    connection.execute("DROP TRIGGER records_never_go")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def forge(path: Path, seq: int, **other: object) -> None:
    """Another record in the place of one, with the hash that belongs to it."""
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT seq, epoch, at, kind, key, body, '' FROM records WHERE seq = ?", (seq,)
    ).fetchone()
    before = connection.execute("SELECT hash FROM records WHERE seq = ?", (seq - 1,)).fetchone()
    connection.close()
    names = ("seq", "epoch", "at", "kind", "key", "body", "hash")
    row: Row = tuple((dict(zip(names, found, strict=True)) | other).values())  # type: ignore[assignment]  # as stored
    digest = seal(before[0] if before else GENESIS, row)
    edit(
        path,
        "UPDATE records SET kind = ?, body = ?, hash = ? WHERE seq = ?",
        row[3],
        row[5],
        digest,
        seq,
    )


READS: dict[str, Callable[[JournalReader], object]] = {
    "one": lambda reader: reader.one(4),
    "an order's": lambda reader: reader.about("order-2"),
    "those behind it": lambda reader: list(reader.read(after=4)),
}


@pytest.mark.parametrize("read", READS)
def test_an_edited_record_is_damage_however_it_is_read(path: Path, read: str) -> None:
    """A price that was rewritten decides about an order, since nobody read the whole journal."""
    edit(path, """UPDATE records SET body = '{"n":2,"text":"x"}' WHERE seq = 4""")

    with JournalReader.open(path) as reader, pytest.raises(JournalDamaged, match="at record 4"):
        READS[read](reader)


def test_a_record_that_is_gone_is_no_beginning(path: Path) -> None:
    """What follows a record that was removed is taken for what follows nothing."""
    edit(path, "DELETE FROM records WHERE seq = 4")

    with JournalReader.open(path) as reader:
        with pytest.raises(JournalDamaged, match="at record 4: it is missing"):
            list(reader.read(after=4))
        assert list(reader.read(after=99)) == []


def test_a_body_that_fits_its_hash_and_is_no_json_is_damage(path: Path) -> None:
    """A parser's own exception passes every handler of the journal."""
    forge(path, 4, body='{"n":')

    with JournalReader.open(path) as reader, pytest.raises(JournalDamaged, match="is not JSON"):
        reader.one(4)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"kind": "order.staged"}, f"it does not begin with {OPENED}"),
        ({"body": '{"mode":"paper"}'}, "it does not say whose it is"),
        ({"body": '{"account":"A","broker":"b","mode":"real"}'}, "it does not say whose it is"),
    ],
)
def test_a_journal_that_does_not_say_whose_it_is_belongs_to_nobody(
    path: Path, other: dict[str, object], said: str
) -> None:
    """Taken for anybody's, a paper journal is traded on with real money."""
    forge(path, 1, **other)

    with JournalReader.open(path) as reader, pytest.raises(JournalDamaged, match=said):
        _ = reader.binding


def test_what_is_durable_and_no_more_is_read(path: Path) -> None:
    """A record that the writer has not vouched for is replayed, and one that it has is let go."""
    with JournalReader.open(path) as reader:
        assert [record.seq for record in reader.read(upto=4)] == [1, 2, 3, 4]
        with pytest.raises(JournalDamaged, match="at record 11: it was durable and is missing"):
            list(reader.read(upto=12))


def test_keys_that_cannot_be_read_are_a_fault_of_the_journal(path: Path) -> None:
    """An exception of SQLite's own would pass every handler of the journal."""
    reader = JournalReader.open(path)
    reader.close()

    with pytest.raises(JournalError, match="is closed"):
        list(reader.keys())
