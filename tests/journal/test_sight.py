"""Looking at a journal's path: what an opening would say, with nothing made or changed."""

import os
from contextlib import nullcontext

import pytest

from fillwright.errors import JournalBound, JournalError, JournalLocked
from fillwright.journal import OPENED, check_free, look
from fillwright.journal import sight as sight_module
from fillwright.journal.schema import connect, migrate
from fillwright.journal.sight import Sight
from fillwright.types import Mode
from journal.kit import BINDING, close, open_journal


def tree(folder) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder with its mode, time and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def a_file(path, mode: int = 0o600, content: bytes = b"") -> None:
    path.write_bytes(content)
    path.chmod(mode)


def other_program(path) -> None:
    import sqlite3

    database = sqlite3.connect(path)
    database.execute("CREATE TABLE theirs (x)")
    database.close()


def cut_short(path) -> None:
    close(open_journal(path))
    path.unlink()


def emptied(path) -> None:
    close(open_journal(path))
    path.write_bytes(b"")


def torn(path) -> None:
    close(open_journal(path))
    content = bytearray(path.read_bytes())
    content[5000:9000] = bytes(4000)
    path.write_bytes(content)


def linked_lock(path) -> None:
    path.with_name("desk.db.lock").symlink_to(path.with_name("elsewhere"))


STATES = {
    "nothing yet": lambda path: None,
    "a folder that is not there": lambda path: path.parent.rmdir(),
    "a sound journal": lambda path: close(open_journal(path)),
    "an empty file": a_file,
    "a folder in its place": lambda path: path.mkdir(),
    "a link in its place": lambda path: path.symlink_to("elsewhere"),
    "a link for its lock": linked_lock,
    "writable by the group": lambda path: a_file(path, 0o660),
    "a folder that others write to": lambda path: path.parent.chmod(0o777),
    "a file for a folder": lambda path: (path.parent.rmdir(), a_file(path.parent)),
    "another program's": other_program,
    "no database": lambda path: a_file(path, content=b"hello " * 1000),
    "removed, and its lock remembers": cut_short,
    "emptied, and its lock remembers": emptied,
    "torn": torn,
    "an empty file with a full log": lambda path: (
        a_file(path),
        a_file(path.with_name("desk.db-wal"), content=b"x" * 100),
    ),
}


def said_by(act) -> str:
    """The class and text of the fault; nothing when there is none."""
    try:
        act()
    except JournalError as fault:
        return f"{type(fault).__name__}: {fault}"
    return ""


@pytest.mark.parametrize("state", STATES)
def test_looking_says_what_opening_says_and_makes_nothing(tmp_path, state) -> None:
    """A check calls a path sound that the desk cannot open, or makes the journal that it checks."""
    path = tmp_path / "folder" / "desk.db"
    path.parent.mkdir(mode=0o700)
    STATES[state](path)
    before = tree(tmp_path)

    looked = said_by(lambda: look(path))
    after = tree(tmp_path)
    opened = said_by(lambda: close(open_journal(path)))

    assert after == before
    assert looked == opened


def test_a_sound_journal_is_described(tmp_path) -> None:
    """Somebody is told of a new journal where there is one with orders in it."""
    path = tmp_path / "desk.db"
    assert look(path).binding is None
    close(open_journal(path))

    close(open_journal(path))

    newest = look(path, newest=(OPENED, "nosuch"))
    every = look(path, every=(OPENED, "nosuch"))

    assert (newest.binding, newest.records, newest.holder) == (BINDING, 2, "")
    assert [record.seq for record in newest.found] == [2]
    assert [record.seq for record in every.found] == [1, 2]


def test_a_journal_in_use_names_its_holder(tmp_path) -> None:
    """A running desk is called free, and a second one started beside it."""
    path = tmp_path / "desk.db"
    check_free(path)
    journal = open_journal(path)
    try:
        sight = look(path)
        with pytest.raises(JournalLocked, match=f"process {os.getpid()} on "):
            check_free(path)
    finally:
        close(journal)

    assert sight.holder.startswith(f"process {os.getpid()} on ")
    assert sight.binding == BINDING
    check_free(path)


def test_what_a_crash_left_behind_is_read(tmp_path) -> None:
    """The records of the last minutes are in the log beside the file, and are overlooked."""
    path = tmp_path / "desk.db"
    journal = open_journal(path)
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    try:
        for name in ("desk.db", "desk.db-wal", "desk.db.lock"):
            a_file(copy / name, content=(tmp_path / name).read_bytes())
    finally:
        close(journal)

    sight = look(copy / "desk.db")

    assert (sight.binding, sight.records, sight.holder) == (BINDING, 1, "")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ((Mode.PAPER, "fake", "A-1"), True),
        ((Mode.PAPER, "fake", None), True),
        ((Mode.LIVE, "fake", "A-1"), False),
        ((Mode.PAPER, "other", None), False),
        ((Mode.PAPER, "fake", "A-2"), False),
    ],
)
def test_whose_it_is_is_compared(tmp_path, wanted, fits) -> None:
    """A paper journal is called good for a live desk."""
    path = tmp_path / "desk.db"
    close(open_journal(path))
    sight = look(path)

    with nullcontext() if fits else pytest.raises(JournalBound, match="belongs to paper/fake/A-1"):
        sight.check_binding(*wanted)


def test_a_journal_that_was_never_begun_is_a_new_one(tmp_path) -> None:
    """A crash between the tables and the first record: nobody can open what nobody can look at."""
    path = tmp_path / "desk.db"
    a_file(path)
    connection = connect(path, write=True)
    migrate(path, connection)
    connection.close()

    assert look(path) == Sight(path)
    close(open_journal(path))


@pytest.mark.parametrize("torn", [False, True])
def test_somebody_begins_to_write_while_it_is_read(tmp_path, monkeypatch, torn) -> None:
    """Read without a lock, half of a write is called damage, or the old end the end."""
    path = tmp_path / "desk.db"
    close(open_journal(path))
    begun = []

    def reading(*given, still):
        if begun:
            return read(*given, still=still)
        found = read(*given, still=still)
        begun.append(open_journal(path))
        if torn:
            raise JournalError("half a page")
        return found

    read = sight_module._read
    monkeypatch.setattr(sight_module, "_read", reading)
    seen = look(path)
    close(begun[0])

    assert (seen.records, seen.holder.split()[0]) == (2, "process")
