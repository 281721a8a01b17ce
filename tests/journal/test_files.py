"""Where a journal may live, whose it is, and the sentence for each refusal."""

import asyncio
import os
import sqlite3
import stat

import pytest

from fillwright.errors import JournalBound, JournalDamaged, JournalError, JournalLocked
from fillwright.journal import JournalReader, SqliteJournal, check_free, export, files, verify
from fillwright.journal.schema import migrations
from fillwright.protocols import Binding
from fillwright.types import Mode
from journal.kit import BINDING, StepClock, close, fill, open_journal


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_made_is_private(tmp_path) -> None:
    """Another user must not read positions or write orders' history."""
    before = os.umask(0)
    try:
        journal = open_journal(tmp_path / "a" / "b" / "desk.db")
        modes = {p.name: mode_of(p) for p in (tmp_path / "a" / "b").iterdir()}
        close(journal)
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(("desk.db", "desk.db-wal", "desk.db-shm", "desk.db.lock"), 0o600)
    assert [mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")] == [0o700, 0o700]


def test_a_readable_journal_is_made_private_and_a_writable_one_refused(tmp_path) -> None:
    """What others could have written is not our record."""
    path = tmp_path / "desk.db"
    close(open_journal(path))
    path.chmod(0o644)
    close(open_journal(path))
    assert mode_of(path) == 0o600
    path.chmod(0o660)

    with pytest.raises(JournalError, match="other users can write to it"):
        open_journal(path)


@pytest.mark.parametrize(("mode", "refused"), [(0o770, True), (0o707, True), (0o1777, False)])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path, mode, refused) -> None:
    """Who can write to the folder can swap the journal."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    if refused:
        with pytest.raises(JournalError, match="chmod go-w"):
            open_journal(folder / "desk.db")
        assert list(folder.iterdir()) == []
    else:
        close(open_journal(folder / "desk.db"))


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock"])
def test_a_symbolic_link_is_refused(tmp_path, suffix) -> None:
    """A link could lead our writes into somebody else's file."""
    target = tmp_path / "target"
    target.write_bytes(b"")
    (tmp_path / f"desk.db{suffix}").symlink_to(target)

    with pytest.raises(JournalError, match="symbolic link"):
        open_journal(tmp_path / "desk.db")
    assert target.read_bytes() == b""


def test_a_folder_instead_of_a_file_is_refused(tmp_path) -> None:
    """A path slip must be a sentence, not a traceback."""
    (tmp_path / "desk.db").mkdir()

    with pytest.raises(JournalError, match="is a folder; name a file"):
        open_journal(tmp_path / "desk.db")
    with pytest.raises(JournalError, match="is a folder; name a file"):
        verify(tmp_path / "desk.db")


def test_a_file_where_the_folder_should_be_is_refused(tmp_path) -> None:
    """A path slip must be a sentence, not a traceback."""
    (tmp_path / "file").write_text("x")

    for path in (tmp_path / "file" / "desk.db", tmp_path / "file" / "deeper" / "desk.db"):
        with pytest.raises(JournalError, match="cannot use its folder"):
            open_journal(path)


def test_an_unwritable_folder_is_refused(tmp_path, monkeypatch) -> None:
    """Without a journal nothing may be sent, and the person must know why."""
    # Root may write anywhere, whatever the mode says.
    monkeypatch.setattr(files.os, "access", lambda folder, how: folder != tmp_path)

    with pytest.raises(JournalError, match="not writable"):
        open_journal(tmp_path / "desk.db")
    assert list(tmp_path.iterdir()) == []


def test_a_journal_of_another_user_is_refused(tmp_path, monkeypatch) -> None:
    """Its owner can rewrite it at any time, and take it away."""
    close(open_journal(tmp_path / "desk.db"))
    monkeypatch.setattr(files.os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(JournalError, match="belongs to another user"):
        open_journal(tmp_path / "desk.db")


def test_a_name_that_no_file_can_have_is_a_sentence(tmp_path) -> None:
    """A slip in desk.toml ends in a traceback of the operating system's."""
    path = tmp_path / ("x" * 300)

    for act in (open_journal, JournalReader.open, check_free):
        with pytest.raises(JournalError, match="cannot be opened: File name too long"):
            act(path)


@pytest.mark.parametrize("content", [b"not a database" * 400, b"\0" * 8192, b"SQLite format 3\0"])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path, content) -> None:
    """A garbled journal, or somebody's letter, must not be overwritten."""
    path = tmp_path / "desk.db"
    path.write_bytes(content)

    with pytest.raises(JournalDamaged, match="damaged at record 0"):
        open_journal(path)
    assert verify(path).broken_at == 0
    assert path.read_bytes() == content


def test_an_empty_main_file_beside_a_full_wal_is_refused(tmp_path) -> None:
    """SQLite would delete that WAL, with every record in it."""
    (tmp_path / "desk.db").write_bytes(b"")
    (tmp_path / "desk.db-wal").write_bytes(b"records")

    with pytest.raises(JournalDamaged, match="its -wal file is not"):
        open_journal(tmp_path / "desk.db")
    assert (tmp_path / "desk.db-wal").read_bytes() == b"records"


def test_another_programs_database_is_refused_and_left_alone(tmp_path) -> None:
    """A wrong path must not turn an accounting database into a journal."""
    path = tmp_path / "desk.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE invoices (id)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(JournalError, match="another program"):
        open_journal(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(tmp_path) -> None:
    """An old program would read a new journal wrongly."""
    path = tmp_path / "desk.db"
    close(open_journal(path))
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    connection.close()

    with pytest.raises(JournalError, match="newer fillwright"):
        open_journal(path)
    with pytest.raises(JournalError, match="newer fillwright"):
        JournalReader.open(path)


@pytest.mark.parametrize(
    "other",
    [
        Binding(Mode.LIVE, "fake", "A-1"),
        Binding(Mode.PAPER, "alpaca", "A-1"),
        Binding(Mode.PAPER, "fake", "A-2"),
    ],
)
def test_a_journal_opens_for_its_owner_only(tmp_path, other) -> None:
    """Paper history on a live account would be traded on with real money."""
    path = tmp_path / "desk.db"
    close(open_journal(path))

    with pytest.raises(JournalBound, match=r"belongs to paper/fake/A-1, not to "):
        SqliteJournal.open(path, other, clock=StepClock())
    assert verify(path).records == 1
    again = open_journal(path)
    assert again.epoch == 2
    close(again)


def test_a_second_writer_is_refused_even_in_the_same_process(tmp_path) -> None:
    """Two desks on one journal would both send."""
    journal = open_journal(tmp_path / "desk.db")

    with pytest.raises(JournalLocked, match=f"process {os.getpid()} on "):
        open_journal(tmp_path / "desk.db")
    asyncio.run(fill(journal, 3))
    close(journal)
    close(open_journal(tmp_path / "desk.db"))


def test_a_refused_opening_lets_go_of_the_lock(tmp_path) -> None:
    """One wrong start must not block the right one."""
    path = tmp_path / "desk.db"
    path.write_bytes(b"not a database" * 400)
    with pytest.raises(JournalDamaged):
        open_journal(path)
    path.unlink()

    close(open_journal(path))


def test_a_refused_takeover_leaves_nothing_behind(tmp_path) -> None:
    """A second lock file beside the true one, and the next person to look trusts the wrong one."""
    path = tmp_path / "desk.db"
    close(open_journal(path))

    with pytest.raises(JournalBound):
        SqliteJournal.open(
            path, Binding(Mode.PAPER, "fake", "A-2"), clock=StepClock(), takeover=True
        )
    assert [found.name for found in tmp_path.glob("*.lock*")] == ["desk.db.lock"]
    close(open_journal(path))


def test_without_the_look_at_every_page_records_are_checked(tmp_path, monkeypatch) -> None:
    """A desk that is in a hurry skips the pages, and would trade on what somebody edited."""
    path = tmp_path / "desk.db"
    close(open_journal(path))
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"fake"', b'"take"'))
    monkeypatch.setattr("fillwright.journal.sqlite.check_pages", pytest.fail)

    with pytest.raises(JournalDamaged, match="does not match its hash"):
        open_journal(path, check=False)
    path.write_bytes(content)
    journal = open_journal(path, check=False)
    close(journal)

    assert journal.epoch == 2


async def test_readers_follow_a_live_journal(tmp_path) -> None:
    """Looking at a desk must neither stop it nor see half a record."""
    journal = open_journal(tmp_path / "desk.db")
    await fill(journal, 20, batch=5)
    with JournalReader.open(tmp_path / "desk.db") as reader:
        assert (reader.binding, reader.epoch, len(list(reader.read()))) == (BINDING, 1, 21)
        await fill(journal, 20, batch=5)
        assert len(list(reader.read())) == 41
        assert reader.about("order-3") == journal.about("order-3")
        assert reader.last("execution") == journal.last("execution")
    assert (verify(tmp_path / "desk.db").records, len(list(export(tmp_path / "desk.db")))) == (
        41,
        41,
    )
    await fill(journal, 5)
    await journal.aclose()


def test_reading_makes_no_epoch_and_needs_a_journal(tmp_path) -> None:
    """Showing a journal must not fence the desk, nor make an empty one."""
    path = tmp_path / "desk.db"
    with pytest.raises(JournalError, match="there is no journal"):
        JournalReader.open(path)
    assert list(tmp_path.iterdir()) == []
    close(open_journal(path))
    assert verify(path).sound

    with JournalReader.open(path) as reader:
        assert (reader.epoch, len(list(reader.read()))) == (1, 1)


async def test_a_long_journal_is_read_in_pages(tmp_path) -> None:
    """A replay that stops at a page's end forgets the rest."""
    journal = open_journal(tmp_path / "desk.db")
    await fill(journal, 2500, batch=2500)

    assert [r.seq for r in journal.read()] == list(range(1, 2502))
    assert [r.seq for r in journal.read(after=1001)] == list(range(1002, 2502))
    assert len(journal.about("order-0")) == 358
    await journal.aclose()
