"""What a person leaves for the desk is a private file of its own user, or it counts for nothing."""

import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.kit import BINDING, World
from fillwright.desk import arming, granting, inbox
from fillwright.desk.arming import Arming, Token, read_token, write_token
from fillwright.desk.granting import read_key, write_key
from fillwright.desk.inbox import Inbox, leave, waiting
from fillwright.errors import FillwrightError, GrantRefused, NotArmed
from fillwright.ledger import Armed, GrantRevoked, Halted, decode, encode
from fillwright.testing import ManualClock
from fillwright.verdicts import Scope

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
REVOKED = GrantRevoked(AT, "g-0123456789abcdef", "joe")


def taken(path: Path) -> object:
    """What the inbox makes of its one file; raises what it says against it."""
    ((_, fact),) = waiting(path.parent)
    if isinstance(fact, FillwrightError):
        raise fact
    return fact


READERS: dict[str, Callable[[Path], object]] = {
    "token": read_token,
    "key": read_key,
    "inbox": taken,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir(mode=0o700)
    return tmp_path / "in" / "one.json"


def put(path: Path, content: bytes = b"{}") -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_file_of_another_user_is_not_believed(
    path: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may write into it at any time, whatever its mode says."""
    put(path)
    # The folder's own user is asked, too: there is one of them that is not ours in each case.
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises((NotArmed, GrantRefused), match="belongs to another user"):
        READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_in_its_place_is_refused(path: Path, reader: str) -> None:
    """A traceback in the middle of the night instead of a sentence."""
    path.mkdir(mode=0o700)

    with pytest.raises((NotArmed, GrantRefused)):
        READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_cannot_be_read_counts_for_nothing(
    path: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector under the file must not stop the desk with an exception of its own."""
    put(path)

    def failing(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    for module in (arming, granting, inbox):
        monkeypatch.setattr(module.os, "read", failing)

    with pytest.raises((NotArmed, GrantRefused), match="cannot be read: Input/output error"):
        READERS[reader](path)


def test_a_token_that_is_not_there_says_how_to_make_one(path: Path) -> None:
    """Whoever looks for it is told that it is missing, and not what to do."""
    with pytest.raises(NotArmed, match="there is no arming token"):
        read_token(path)


def test_a_token_that_cannot_be_looked_at_does_not_arm(path: Path) -> None:
    """Unknown is no permission."""
    put(path)
    asked = Arming(path / "token", BINDING, path, ManualClock())

    with pytest.raises(NotArmed, match="Not a directory"):
        asked.check()
    asked.look()


def test_a_desk_without_a_past_believes_its_own_clock(path: Path) -> None:
    """On its first day nothing was recorded yet: it could never be armed."""
    clock = ManualClock()
    asked = Arming(path, BINDING, path.parent / "desk.db", clock)
    given = {"mode": "paper", "broker": "fake", "account": "FAKE-1", "by": "jane"}
    when = {"at": clock.now(), "until": clock.now() + timedelta(hours=1)}
    names = {"journal": str(path.parent / "desk.db"), "nonce": "arm-0123456789abcdef"}
    write_token(path, Token.model_validate(given | when | names))
    facts: list[object] = []

    asked.start(facts.append, spent=(), since=None)

    assert [type(fact) for fact in facts] == [Armed]


def test_without_a_key_file_no_grant_counts(tmp_path: Path) -> None:
    """A setting that was left out lets every grant pass, or none: it has to be said which."""
    with pytest.raises(GrantRefused, match="is not set, so no grant counts"):
        read_key(None)
    with pytest.raises(GrantRefused, match="cannot be written: No such file"):
        write_key(tmp_path / "nowhere" / "key", bytes(32))


# ---------------------------------------------------------------------- the inbox


def test_what_cannot_be_left_is_told_at_once(tmp_path: Path) -> None:
    """The person thinks that the grant is revoked, and it holds on."""
    put(tmp_path / "file")

    with pytest.raises(GrantRefused, match="cannot be written"):
        leave(tmp_path / "file", REVOKED, "revoked")
    with pytest.raises(GrantRefused, match="cannot be written"):
        leave(tmp_path / "file" / "in", REVOKED, "revoked")


def test_an_inbox_that_cannot_be_looked_into_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for empty, it hides that somebody took a grant back."""
    put(path)
    ((_, beyond),) = waiting(path / "in")
    monkeypatch.setattr(inbox.os, "listdir", _failing)
    ((where, closed),) = waiting(path.parent)

    assert "cannot be read: Not a directory" in str(beyond)
    assert (where, "cannot be read: Permission denied" in str(closed)) == (path.parent, True)


def _failing(*_: object) -> Any:
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda path: path.chmod(0o620), "others can write to it"),
        (lambda path: (path.unlink(), path.symlink_to("elsewhere")), "cannot be read"),
    ],
)
def test_a_file_that_others_can_write_or_lead_astray_is_refused(
    path: Path, act: Callable[[Path], object], said: str
) -> None:
    """Anybody on the machine could switch a check off."""
    put(path)
    act(path)

    with pytest.raises(GrantRefused, match=said):
        taken(path)


def test_what_is_no_grant_and_no_limit_does_not_come_by_the_inbox(path: Path) -> None:
    """A halt, a fill or a balance that somebody wrote into a file would be booked as true."""
    kind, _, body = encode(Halted(AT, Scope.DESK, "", "test", "jane"))
    left = leave(path.parent, REVOKED, "revoked")
    assert taken(left) == REVOKED
    left.write_text(f'{{"kind": "{kind}", "body": {json.dumps(body)}}}')

    with pytest.raises(GrantRefused, match="is nothing that an inbox takes"):
        taken(left)


def test_a_refused_file_that_cannot_be_set_aside_is_told_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Told every second, it fills the log of the day on which it matters."""
    put(path, b"rubbish")
    monkeypatch.setattr(Path, "rename", _failing)
    looking = Inbox(path.parent)

    for _ in range(3):
        assert looking.look(pytest.fail) == {}

    stuck = [record for record in caplog.records if "inbox_stuck" in record.message]
    assert len(stuck) == 1
    assert path.exists()


def test_an_inbox_that_cannot_be_used_stays_where_it_is(tmp_path: Path) -> None:
    """Renamed for its mode, everything that lies in it is gone with it."""
    folder = tmp_path / "in"
    folder.mkdir()
    folder.chmod(0o777)

    assert Inbox(folder).look(pytest.fail) == {}
    assert folder.is_dir()


# ---------------------------------------------------------------------- the kill file


async def test_a_kill_under_a_halt_records_no_second_one(world: World) -> None:
    """Two halts of the desk in the journal, and lifting one seems to have lifted both."""
    await world.ready()
    await world.desk.halt(Scope.DESK, reason="test", by="jane")
    world.desk.kill(by="joe")
    await world.run(2)

    facts = map(decode, world.journal.read())
    assert [fact.by for fact in facts if isinstance(fact, Halted)] == ["jane"]
    assert [halt.by for halt in world.desk.halts] == ["jane"]
