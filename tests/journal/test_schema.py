"""The SQLite side of a journal: what each fault means, and what is never opened or prepared."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal import schema

PATH = Path("desk.db")


def fault(code: int | None, text: str = "odd") -> sqlite3.OperationalError:
    raised = sqlite3.OperationalError(text)
    if code is not None:
        raised.sqlite_errorcode = code
    return raised


class Answering:
    """A connection that answers each statement in turn; an exception among them is raised."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.closed = False

    def execute(self, *_: object) -> "Answering":
        self._answer = self._answers.pop(0)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self

    def fetchone(self) -> Any:
        return self._answer

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (sqlite3.ProgrammingError("closed"), JournalError, "journal desk.db is closed"),
        (fault(sqlite3.SQLITE_CORRUPT), JournalDamaged, "is damaged at record 7: odd"),
        (fault(sqlite3.SQLITE_NOTADB), JournalDamaged, "is damaged at record 7: odd"),
        (fault(sqlite3.SQLITE_CORRUPT | 1 << 8), JournalDamaged, "is damaged at record 7: odd"),
        (fault(None), JournalDamaged, "is damaged at record 7: odd"),
        (fault(sqlite3.SQLITE_BUSY), JournalError, "is busy with another program's write"),
        (fault(sqlite3.SQLITE_BUSY | 1 << 8), JournalError, "is busy with another program's"),
        (fault(sqlite3.SQLITE_IOERR), JournalError, "journal desk.db cannot be read: odd"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"), JournalDamaged, "at record 7"),
    ],
)
def test_each_fault_says_what_it_is(raised: Exception, kind: type[JournalError], said: str) -> None:
    """Damage that reads as "busy" is tried again for ever; "busy" that reads as damage alarms."""
    found = schema.fault_of(PATH, 7, raised)

    assert type(found) is kind
    assert said in str(found)


@pytest.mark.parametrize("use", [schema.configure, schema.check_schema, schema.check_pages])
def test_a_fault_while_looking_becomes_a_sentence(use: Callable[..., object]) -> None:
    """SQLite's own exception would pass every handler of the journal and stop the desk rudely."""
    with pytest.raises(JournalError, match="cannot be read: odd"):
        use(PATH, Answering(fault(sqlite3.SQLITE_IOERR)))


def test_a_file_system_without_a_wal_is_refused() -> None:
    """Without it what is called durable is not."""
    with pytest.raises(JournalError, match="cannot hold a WAL; use a local disk"):
        schema.configure(PATH, sqlite3.connect(":memory:"))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR])
def test_a_disk_without_room_for_the_wal_only_costs_speed(code: int) -> None:
    """A desk that cannot start because its disk is nearly full cannot cancel either."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    (before,) = connection.execute("PRAGMA cache_size").fetchone()

    class Full:
        in_transaction = property(lambda _: connection.in_transaction)

        def execute(self, statement: str, *values: Any) -> Any:
            if statement.startswith("INSERT"):
                raise fault(code)
            return connection.execute(statement, *values)

    schema.lengthen_wal(Full())  # type: ignore[arg-type]  # what it uses of one

    assert not connection.in_transaction
    assert connection.execute("PRAGMA cache_size").fetchone() == (before,)
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


def test_any_other_fault_of_lengthening_is_raised_and_taken_back() -> None:
    """A transaction that is left open holds every later record."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE room (content)")

    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        schema.lengthen_wal(connection)

    assert not connection.in_transaction


def test_a_database_of_others_is_left_alone() -> None:
    """A journal that is written into somebody's database spoils both."""
    connection = sqlite3.connect(":memory:")
    assert schema.check_schema(PATH, connection) == 0
    connection.execute("CREATE TABLE theirs (content)")

    with pytest.raises(JournalError, match="is the database of another program"):
        schema.check_schema(PATH, connection)


def test_a_newer_journal_is_not_touched() -> None:
    """Read by an older program, records that it does not know are orders that it forgets."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    connection.execute("PRAGMA user_version = 99")

    with pytest.raises(JournalError, match=r"written by a newer fillwright \(schema 99, this one"):
        schema.check_schema(PATH, connection)


def test_a_schema_that_cannot_be_prepared_says_so() -> None:
    """Half a schema that passes as a whole loses the first record."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    connection.execute("CREATE TABLE records (content)")

    with pytest.raises(JournalError, match=r"could not be prepared \(schema 1\)"):
        schema.migrate(PATH, connection)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((("row 3 missing",), None), "at record 0: row 3 missing"),
        ((("ok",), (5,)), "at record 5: it does not name its key's first record"),
    ],
)
def test_damaged_pages_are_told(answers: tuple[Any, ...], said: str) -> None:
    """A journal that is called sound and is not, is found out when it is needed."""
    with pytest.raises(JournalDamaged, match=said):
        schema.check_pages(PATH, Answering(*answers))
    schema.check_pages(PATH, Answering(("ok",), None))


@pytest.mark.parametrize(
    ("write", "wal", "code", "opens"),
    [
        (False, False, sqlite3.SQLITE_CANTOPEN, True),
        (False, True, sqlite3.SQLITE_CANTOPEN, False),
        (True, False, sqlite3.SQLITE_CANTOPEN, False),
        (False, False, sqlite3.SQLITE_IOERR, False),
    ],
)
def test_a_folder_where_nothing_can_be_made_is_read_as_it_stands(  # the cases
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: bool,
    wal: bool,
    code: int,
    opens: bool,
) -> None:
    """Read past its WAL, a journal shows an old state as the newest."""
    path = tmp_path / "desk.db"
    if wal:
        (tmp_path / "desk.db-wal").touch()
    first, second = Answering(fault(code)), Answering((0,))
    modes: list[str] = []

    def opened(_path: Path, mode: str) -> Answering:
        modes.append(mode)
        return second if "immutable" in mode else first

    monkeypatch.setattr(schema, "_open", opened)

    if opens:
        assert schema.connect(path, write=write) is second  # type: ignore[comparison-overlap]
        assert modes == ["ro", "ro&immutable=1"]
    else:
        with pytest.raises(JournalError, match="cannot be read: odd"):
            schema.connect(path, write=write)
    assert first.closed


def test_a_file_that_is_no_database_is_closed_again(tmp_path: Path) -> None:
    """A handle that is left open keeps the file from being restored."""
    path = tmp_path / "desk.db"
    path.write_text("this is no database, whatever it is called " * 40)

    with pytest.raises(JournalDamaged, match="file is not a database"):
        schema.connect(path, write=False)
