"""What seldom happens to a journal: foreign writes, locks that fail, rows that are no rows."""

import errno
import sqlite3
from pathlib import Path

import pytest

from fillwright.errors import JournalDamaged, JournalError, JournalFailed, JournalLocked
from fillwright.journal import chain, lock, schema, writer
from fillwright.journal.lock import Lock, holder_of
from journal.kit import close, fill, open_journal

FAILS = OSError(errno.ENOLCK, "no locks available")


async def test_a_record_of_another_program_ends_the_writing(tmp_path: Path) -> None:
    """Written behind a record that is not ours, the chain would hold two histories."""
    journal = open_journal(tmp_path / "desk.db")
    await fill(journal, 2)
    stranger = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    stranger.execute(writer._INSERT, (4, 4, 1, "2027-01-01", "kind", "key", "{}", "hash"))
    stranger.close()

    with pytest.raises(JournalFailed, match="another program wrote into it"):
        await journal.durable(journal.append("k", "o", {}))

    with pytest.raises(JournalFailed):
        await journal.aclose()


async def test_keys_beyond_what_is_remembered_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that names another first record than its key's is lost to its order."""
    monkeypatch.setattr(writer, "_KEYS", 2)
    journal = open_journal(tmp_path / "desk.db")

    await fill(journal, 30)

    found = {n: [record.body["n"] for record in journal.about(f"order-{n}")] for n in range(7)}
    assert found == {n: [m for m in range(30) if m % 7 == n] for n in range(7)}
    await journal.aclose()


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (sqlite3.SQLITE_BUSY, JournalLocked, "in the middle of a write"),
        (sqlite3.SQLITE_FULL, JournalFailed, "odd"),
        (sqlite3.SQLITE_IOERR, JournalFailed, "odd"),
        (sqlite3.SQLITE_CORRUPT, JournalDamaged, "odd"),
    ],
)
def test_an_opening_that_cannot_begin_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type, said: str
) -> None:
    """A full disk that reads as damage sends somebody to restore a sound journal."""
    raised = sqlite3.OperationalError("odd")
    raised.sqlite_errorcode = code

    def failing(*_: object) -> None:
        raise raised

    monkeypatch.setattr("fillwright.journal.sqlite.lengthen_wal", failing)

    with pytest.raises(kind, match=said):
        open_journal(tmp_path / "desk.db")

    monkeypatch.undo()
    close(open_journal(tmp_path / "desk.db"))


def test_a_lock_that_cannot_be_asked_for_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where locks do not work two desks may write; taken for free, one of them is not seen."""
    path = tmp_path / "desk.db"
    close(open_journal(path))

    def failing(*_: object) -> None:
        raise FAILS

    monkeypatch.setattr(lock.fcntl, "flock", failing)

    for ask in (holder_of, Lock.acquire):
        with pytest.raises(JournalError, match="cannot be locked"):
            ask(path)


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """Followed, it would lock somebody else's file."""
    (tmp_path / "desk.db.lock").symlink_to(tmp_path / "other")

    with pytest.raises(JournalError, match="it is a symbolic link"):
        holder_of(tmp_path / "desk.db")


def test_a_lock_that_was_replaced_while_it_was_taken_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on a file that is gone excludes nobody."""
    path, flock = tmp_path / "desk.db", lock.fcntl.flock
    taken: list[int] = []

    def removing(fd: int, how: int) -> None:
        flock(fd, how)
        taken.append(fd)
        if len(taken) == 1:
            (tmp_path / "desk.db.lock").unlink()

    monkeypatch.setattr(lock.fcntl, "flock", removing)
    held = Lock.acquire(path)

    assert len(taken) == 2
    monkeypatch.undo()
    with pytest.raises(JournalLocked):
        Lock.acquire(path)
    held.release()


def test_a_lock_is_let_go_once(tmp_path: Path) -> None:
    """A number that is closed twice is the next file's: another journal loses its lock."""
    first = Lock.acquire(tmp_path / "one.db")
    first.release()
    second = Lock.acquire(tmp_path / "two.db")
    second.publish(1, 0, "")

    first.release()
    assert second.broken() is None
    second.release()


@pytest.mark.parametrize("key", [3, None, "\ud800"])
def test_a_row_that_is_no_row_does_not_fit(key: object) -> None:
    """A damaged file may hold any type in any column; it is damage and no crash."""
    row = (1, 1, "2026-11-23", "kind", key, "{}", "hash")

    assert not chain.fits("previous", row)  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize(
    ("epoch", "at", "said"),
    [
        (1, "2026-11-24", "its epoch 1 is below 2 of the record before"),
        (2, "2026-11-22", "it is older than the record before"),
    ],
)
def test_a_chain_that_runs_backwards_is_damage(epoch: int, at: str, said: str) -> None:
    """A copied record that fits by its hash alone would put an old word behind a new one."""
    links = chain.Chain(4, 2, "2026-11-23", "previous")
    row = (5, epoch, at, "kind", "key", "{}", "")
    row = (*row[:-1], chain.seal("previous", row))

    assert links.follow(row) == said


def test_reading_a_closed_journal_says_so(tmp_path: Path) -> None:
    """An exception of SQLite's own would pass every handler of the journal."""
    close(open_journal(tmp_path / "desk.db"))
    connection = schema.connect(tmp_path / "desk.db", write=False)
    connection.close()

    with pytest.raises(JournalError, match="is closed"):
        schema.check_pages(tmp_path / "desk.db", connection)
