"""The SQLite side of a journal file: connections, numbered migrations, and what faults mean."""

import sqlite3
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal.files import beside

APPLICATION = 0x46574A31
#: The WAL is written back into the file, and begun anew, when it has so many pages of 4 KiB.
WAL_PAGES = 1000
#: How long a connection waits for another one's write, in seconds.
PATIENCE = 5.0

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    # Only macOS knows the difference between a flush to the drive and one through it.
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
    "PRAGMA cache_size = -32768",
)
_ASTRAY = """
    SELECT r.seq FROM records r LEFT JOIN records f ON f.seq = r.origin
    WHERE f.key IS NOT r.key OR f.origin IS NOT f.seq LIMIT 1
"""
#: What SQLite raises; the second when its own message quotes damaged text.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
#: The low byte of an SQLite error code names its family.
FAMILY = 0xFF
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}


def fault_of(path: Path, seq: int, fault: sqlite3.Error | UnicodeDecodeError) -> JournalError:
    """The sentence for an SQLite fault met while opening or reading, near record `seq`."""
    code = getattr(fault, "sqlite_errorcode", None)
    if isinstance(fault, sqlite3.ProgrammingError):
        return JournalError(f"journal {path} is closed")
    # Without a code it is Python's own complaint, about text that is not UTF-8.
    if code is None or code & FAMILY in _DAMAGE:
        return JournalDamaged(str(path), seq, str(fault))
    if code & FAMILY == sqlite3.SQLITE_BUSY:
        return JournalError(f"journal {path} is busy with another program's write; try again")
    return JournalError(f"journal {path} cannot be read: {fault}")


def connect(path: Path, *, write: bool, still: bool = False) -> sqlite3.Connection:
    """Open one connection to a file that exists.

    `still` promises that nobody writes it and that it has no WAL: then nothing is made beside it.
    """
    mode = "rw" if write else "ro&immutable=1" if still else "ro"
    try:
        connection = _open(path, mode)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.OperationalError as fault:
            connection.close()
            if write or fault.sqlite_errorcode & FAMILY != sqlite3.SQLITE_CANTOPEN:
                raise
            # A folder where nothing can be made; without a WAL nobody writes there either.
            if beside(path, "-wal").exists():
                raise
            connection = _open(path, "ro&immutable=1")
        except FAULTS:
            connection.close()
            raise
    except FAULTS as fault:
        raise fault_of(path, 0, fault) from fault
    return connection


def _open(path: Path, mode: str) -> sqlite3.Connection:
    # The journal sees to it that one thread at a time uses a connection.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=PATIENCE,
        check_same_thread=False,
    )


def configure(path: Path, connection: sqlite3.Connection) -> None:
    """Choose WAL and full durability for a writer."""
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        for setting in _SETTINGS:
            connection.execute(setting)
    except FAULTS as fault:
        raise fault_of(path, 0, fault) from fault
    if mode != "wal":
        raise JournalError(f"journal {path}: its file system cannot hold a WAL; use a local disk")


def lengthen_wal(connection: sqlite3.Connection, pages: int = WAL_PAGES) -> None:
    """Make room in the WAL before the first commit, by a transaction that is taken back.

    A commit that changes the length of a file waits for the file system's own journal too, about
    as long again as for its data. Where there is no room for it, only speed is lost.
    """
    (cache,) = connection.execute("PRAGMA cache_size").fetchone()
    # So small a cache writes into the WAL before the transaction has ended.
    connection.execute("PRAGMA cache_size = 10")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE room (content)")
        connection.execute("INSERT INTO room VALUES (zeroblob(?))", (pages * 4096,))
    except sqlite3.OperationalError as fault:
        # A disk that fails altogether fails the first record as well.
        if fault.sqlite_errorcode & FAMILY not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA cache_size = {int(cache)}")


def check_schema(path: Path, connection: sqlite3.Connection) -> int:
    """The schema's number, zero for an empty file; refuse other programs' and newer ones."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except FAULTS as fault:
        raise fault_of(path, 0, fault) from fault
    if application != APPLICATION and (tables or version):
        raise JournalError(f"{path} is the database of another program; name another journal")
    newest = len(migrations())
    if version > newest:
        raise JournalError(
            f"journal {path} was written by a newer fillwright (schema {version}, this one "
            f"knows {newest}); upgrade fillwright"
        )
    return int(version)


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of every migration in order; the first is number 1."""
    folder = resources.files("fillwright.journal") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(f.read_text(encoding="utf-8") for f in files)


def migrate(path: Path, connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in a transaction of its own."""
    version = check_schema(path, connection)
    for number, script in enumerate(migrations()[version:], start=version + 1):
        step = f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        try:
            connection.executescript(step)
        except sqlite3.Error as fault:
            raise JournalError(
                f"journal {path} could not be prepared (schema {number}): {fault}"
            ) from fault


def check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Check every page, and that each record is found by its key: about 1.3 s for a million."""
    try:
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        astray = connection.execute(_ASTRAY).fetchone()
    except FAULTS as fault:
        raise fault_of(path, 0, fault) from fault
    if answer != "ok":
        raise JournalDamaged(str(path), 0, str(answer))
    if astray:
        raise JournalDamaged(str(path), astray[0], "it does not name its key's first record")
