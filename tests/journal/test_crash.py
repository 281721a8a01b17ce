"""Torn and flipped files: a prefix of history or a refusal, never other content."""

import asyncio
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal import MemoryJournal, SqliteJournal, export, verify
from journal.kit import BINDING, StepClock, close, fill, open_journal, plain


@dataclass(frozen=True)
class Image:
    """The bytes of a journal at one moment, and the history that they hold."""

    main: bytes
    wal: bytes
    lock: bytes
    history: list[tuple[object, ...]]
    #: What stands in the WAL behind its last commit.
    room: bytes = b""

    def restore(self, folder: Path, *, with_lock: bool = False, **changed: bytes) -> Path:
        path = folder / "desk.db"
        path.write_bytes(changed.get("main", self.main))
        wal = changed.get("wal", self.wal)
        if wal:
            (folder / "desk.db-wal").write_bytes(wal)
        if with_lock:
            (folder / "desk.db.lock").write_bytes(self.lock)
        return path


def snapshot(journal: SqliteJournal) -> Image:
    path = journal._path
    wal = path.with_name("desk.db-wal")
    lock = path.with_name("desk.db.lock").read_bytes()
    written = wal.read_bytes() if wal.exists() else b""
    used = committed(written)
    return Image(path.read_bytes(), used, lock, plain(journal.read()), written[len(used) :])


def committed(wal: bytes) -> bytes:
    """The WAL up to its last commit; behind it lies room that a commit may still fill.

    After a header of 32 bytes come pages with 24 bytes before each; of those, the second four
    are zero unless the page ends a transaction.
    """
    page = int.from_bytes(wal[8:12]) + 24 if wal else 1
    ends = [at + page for at in range(32, len(wal) - page + 1, page) if any(wal[at + 4 : at + 8])]
    return wal[: ends[-1]] if ends else wal


#: A place in a file, by its remainder: how long the file is shows when it is written.
ANYWHERE = st.integers(0, 1 << 24)
BITS = st.integers(0, 7)


def flipped(content: bytes, at: int, bit: int) -> bytes:
    """The same with one bit the other way round."""
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    return bytes(changed)


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Image:
    """A journal caught while it is written: nearly everything is in the WAL."""
    journal = open_journal(tmp_path_factory.mktemp("live") / "desk.db")
    asyncio.run(fill(journal, 60, batch=4))
    image = snapshot(journal)
    close(journal)
    return image


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> Image:
    """A journal at rest, all in the main file, its indexes several pages deep."""
    journal = open_journal(tmp_path_factory.mktemp("closed") / "desk.db")
    asyncio.run(fill(journal, 40, batch=20, body="x" * 60))
    history = plain(journal.read())
    close(journal)
    path = journal._path
    lock = path.with_name("desk.db.lock").read_bytes()
    assert not path.with_name("desk.db-wal").exists()
    return Image(path.read_bytes(), b"", lock, history)


def reopened(path: Path) -> list[tuple[object, ...]]:
    """The history that a new process finds, its own opening left out."""
    journal = open_journal(path)
    try:
        history = plain(journal.read())
        keys = {row[4] for row in history}
        for key in keys:
            assert plain(journal.about(key)) == [row for row in history if row[4] == key]
        for kind in {row[3] for row in history}:
            assert plain([journal.last(kind)]) == [row for row in history if row[3] == kind][-1:]
        assert verify(path).sound
        return history[:-1]
    finally:
        close(journal)


@settings(max_examples=60, deadline=None)
@given(drawn=ANYWHERE)
def test_a_wal_cut_anywhere_opens_to_a_prefix(tmp_path_factory, live, drawn) -> None:
    """A torn write must cost the unfinished end and nothing before it."""
    cut = drawn % (len(live.wal) + 1)
    path = live.restore(tmp_path_factory.mktemp("cut"), wal=live.wal[:cut])
    history = reopened(path)

    assert history == live.history[: len(history)]
    assert len(history) == len(live.history) or cut < len(live.wal)


@settings(max_examples=60, deadline=None)
@given(drawn=ANYWHERE, bit=BITS)
def test_a_bit_flipped_in_the_wal_opens_to_a_prefix(tmp_path_factory, live, drawn, bit) -> None:
    """A flipped bit in the unfinished tail must never become a record."""
    wal = flipped(live.wal, drawn % len(live.wal), bit)
    history = reopened(live.restore(tmp_path_factory.mktemp("flip"), wal=wal))

    assert history == live.history[: len(history)]


@settings(max_examples=40, deadline=None)
@given(drawn=ANYWHERE)
def test_a_lost_durable_record_is_never_cut_in_silence(tmp_path_factory, live, drawn) -> None:
    """A record that was durable may have been sent on: without it nothing may trade."""
    cut = drawn % len(live.wal)
    folder = tmp_path_factory.mktemp("lost")
    path = live.restore(folder, with_lock=True, wal=live.wal[:cut])

    assert not verify(path).sound
    with pytest.raises(JournalDamaged, match=r"record 61 was durable.*remove .*desk\.db\.lock"):
        open_journal(path)
    (folder / "desk.db.lock").unlink()
    history = reopened(path)
    assert history == live.history[: len(history)]


def test_the_room_behind_the_last_commit_holds_no_record(tmp_path, live) -> None:
    """What was never committed must not come back as a record, nor hide one that was."""
    assert len(live.room) > len(live.wal)
    assert reopened(live.restore(tmp_path, wal=live.wal + live.room)) == live.history


def test_the_whole_image_with_its_lock_opens_whole(tmp_path, live) -> None:
    """A crash after the last durable record must lose nothing and refuse nothing."""
    assert reopened(live.restore(tmp_path, with_lock=True)) == live.history


def test_records_beyond_the_remembered_one_are_kept(tmp_path) -> None:
    """The lock file may lag behind a power cut; what the file has more is still true."""
    journal = open_journal(tmp_path / "desk.db")
    asyncio.run(fill(journal, 5))
    early = (tmp_path / "desk.db.lock").read_bytes()
    asyncio.run(fill(journal, 5))
    image = snapshot(journal)
    close(journal)
    for each in tmp_path.iterdir():
        each.unlink()
    (tmp_path / "desk.db.lock").write_bytes(early)

    assert reopened(image.restore(tmp_path)) == image.history


def _assert_same_or_refused(path: Path, history: list[tuple[object, ...]]) -> None:
    try:
        found = reopened(path)
    except JournalError:
        return
    assert found == history


@settings(max_examples=150, deadline=None)
@given(drawn=ANYWHERE, bit=BITS)
def test_a_bit_flipped_in_the_main_file_is_refused_or_harmless(
    tmp_path_factory, closed, drawn, bit
) -> None:
    """A flipped bit at rest must never change, hide or invent what was decided."""
    main = flipped(closed.main, drawn % len(closed.main), bit)
    path = closed.restore(tmp_path_factory.mktemp("rest"), main=main)

    _assert_same_or_refused(path, closed.history)


@settings(max_examples=40, deadline=None)
@given(behind=st.integers(0, 60), bit=BITS)
def test_a_bit_flipped_inside_a_record_is_damage(tmp_path_factory, closed, behind, bit) -> None:
    """An edited body must stop the desk, and verify must say where."""
    main = flipped(closed.main, closed.main.index(b'{"n":') + behind, bit)
    path = closed.restore(tmp_path_factory.mktemp("record"), main=main)
    report = verify(path)

    assert report.broken_at is not None
    assert report.records == report.broken_at - 1
    with pytest.raises(JournalDamaged):
        reopened(path)


@settings(max_examples=30, deadline=None)
@given(drawn=ANYWHERE)
def test_a_main_file_cut_short_is_refused(tmp_path_factory, closed, drawn) -> None:
    """Half a journal must not be traded on as if it were all."""
    cut = drawn % len(closed.main)
    folder = tmp_path_factory.mktemp("short")
    path = closed.restore(folder, with_lock=True, main=closed.main[:cut])

    assert not verify(path).sound
    with pytest.raises(JournalError):
        reopened(path)


def _edit(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER records_never_change")
    connection.execute("DROP TRIGGER records_never_go")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("""UPDATE records SET body = '{"n":7,"text":""}' WHERE seq = 5""", 5),
        ("UPDATE records SET key = 'other' WHERE seq = 6", 6),
        ("UPDATE records SET hash = 'x' WHERE seq = 7", 7),
        ("DELETE FROM records WHERE seq = 8", 8),
        ("DELETE FROM records WHERE seq = 41", 41),
        ("UPDATE records SET body = x'ff' WHERE seq = 9", 9),
        ("UPDATE records SET body = CAST(x'ff' AS TEXT) WHERE seq = 9", None),
        ("UPDATE records SET at = x'00' WHERE seq = 9", None),
    ],
)
def test_an_edited_table_is_found_where_it_was_edited(
    tmp_path, closed, statement, broken_at
) -> None:
    """Somebody with a shell must not be able to rewrite history unseen."""
    path = closed.restore(tmp_path, with_lock=True)
    _edit(path, statement)
    report = verify(path)

    assert not report.sound
    assert broken_at in {None, report.broken_at}
    with pytest.raises(JournalDamaged):
        reopened(path)
    with pytest.raises(JournalDamaged):
        list(export(path))


def test_records_hidden_from_the_index_are_found(tmp_path, closed) -> None:
    """An order that `about` cannot see would be sent a second time."""
    path = closed.restore(tmp_path)
    _edit(path, "UPDATE records SET origin = 3 WHERE key = 'order-4'")

    assert "does not name its key's first record" in (verify(path).problem or "")
    with pytest.raises(JournalDamaged):
        open_journal(path)


def test_records_cannot_be_changed_or_removed(tmp_path, closed) -> None:
    """The file itself must refuse what the code never does."""
    connection = sqlite3.connect(closed.restore(tmp_path))
    for statement in ("UPDATE records SET key = 'x' WHERE seq = 2", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_an_older_copy_beside_a_newer_lock_is_refused(tmp_path) -> None:
    """A restored backup has forgotten orders that stand at the broker."""
    path = tmp_path / "desk.db"
    journal = open_journal(path)
    asyncio.run(fill(journal, 5))
    close(journal)
    shutil.copy(path, tmp_path / "copy")
    journal = open_journal(path)
    asyncio.run(fill(journal, 5))
    close(journal)
    shutil.copy(tmp_path / "copy", path)

    with pytest.raises(JournalDamaged, match="was durable"):
        open_journal(path)
    path.unlink()
    with pytest.raises(JournalDamaged, match="was durable"):
        open_journal(path)


def test_another_history_of_the_same_length_is_refused(tmp_path) -> None:
    """A file swapped for another desk's must not be taken for ours."""
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "desk.db")
        journal = open_journal(paths[-1])
        asyncio.run(fill(journal, 5, body=name))
        close(journal)
    shutil.copy(paths[0], paths[1])

    assert verify(paths[1]).broken_at == 6
    with pytest.raises(JournalDamaged, match="not the record that was durable"):
        open_journal(paths[1])


def test_the_head_hash_of_both_twins_is_one(tmp_path) -> None:
    """The prefix that a torn tail leaves must be the one that the simulation knows."""
    memory = MemoryJournal(BINDING, clock=StepClock())
    journal = open_journal(tmp_path / "desk.db")
    for each in (journal, memory):
        asyncio.run(fill(each, 10))
    close(journal)

    assert verify(tmp_path / "desk.db").head == list(memory.read())[-1].hash


def test_a_refused_journal_keeps_what_a_repair_needs(tmp_path, live) -> None:
    """Whoever can mend one page finds the records behind it, if nobody wrote over them."""
    wal = bytearray(live.wal)
    wal[len(wal) // 2] ^= 1
    path = live.restore(tmp_path, with_lock=True, wal=bytes(wal))
    with pytest.raises(JournalDamaged, match="was durable"):
        open_journal(path)

    left = path.with_name("desk.db-wal").read_bytes()
    assert left[: len(wal)] == bytes(wal)
