"""The filter that answers for new keys, and the room that the WAL is given at the start."""

import asyncio
import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from fillwright.journal.keys import Keys
from fillwright.journal.schema import configure, lengthen_wal
from journal.kit import close, open_journal


@given(st.lists(st.text()), st.lists(st.text()))
def test_no_key_that_was_added_is_ever_denied(early: list[str], late: list[str]) -> None:
    """An order taken for new because the filter forgot it would be sent a second time."""
    keys = Keys(early)
    for key in late:
        keys.add(key)
    assert all(key in keys for key in early + late)


def test_most_new_keys_are_known_to_be_new() -> None:
    """A filter that says yes to everything costs every new order a look at the disk."""
    keys = Keys(f"fw-{number}" for number in range(20_000))
    assert sum(f"other-{number}" in keys for number in range(10_000)) < 50


def test_keys_of_an_earlier_process_are_found(tmp_path) -> None:
    """After a restart the same intent must find its order, or it is sent again."""
    path = tmp_path / "desk.db"
    first = open_journal(path)
    for number in range(300):
        first.append("order_staged", f"fw-{number}", {"n": number})
    close(first)
    second = open_journal(path)
    second.append("order_staged", "fw-new", {})
    assert [second.about(f"fw-{n}")[0].body["n"] for n in range(300)] == list(range(300))
    assert len(second.about("fw-new")) == 1
    assert second.about("fw-never") == []
    close(second)


def test_the_wal_does_not_grow_with_the_first_commits(tmp_path) -> None:
    """Each commit that lengthens a file waits for the file system's own journal as well."""
    journal = open_journal(tmp_path / "desk.db")
    wal = tmp_path / "desk.db-wal"
    before = wal.stat().st_size

    async def some() -> None:
        for number in range(50):
            await journal.durable(journal.append("order_staged", f"fw-{number}", {}))

    asyncio.run(some())
    assert before == wal.stat().st_size > 1_000_000
    close(journal)


def test_a_disk_without_room_for_it_is_left_as_it_was(tmp_path) -> None:
    """Room is only for speed: a desk must not refuse to start because there is little of it."""
    path = tmp_path / "small.db"
    connection = sqlite3.connect(path, isolation_level=None)
    configure(path, connection)
    connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY)")
    connection.execute("PRAGMA max_page_count = 20")
    lengthen_wal(connection)
    assert not connection.in_transaction
    connection.execute("INSERT INTO records VALUES (1)")
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("records",)]
    connection.close()
