"""A journal on a network file system is refused, because its lock and its fsync do not hold."""

import pytest

from fillwright.errors import JournalError
from fillwright.journal import SqliteJournal, look, mounts
from fillwright.journal.mounts import Mount, mount_of
from fillwright.protocols import Binding
from fillwright.testing import ManualClock
from fillwright.types import Mode

BINDING = Binding(Mode.PAPER, "fake", "FAKE-1")
ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw"


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Have the kernel say what is mounted at this test's folder, or below it."""

    def say(*lines: str) -> None:
        table = tmp_path / "mountinfo"
        table.write_text("\n".join([ROOT, *lines, ""]))
        monkeypatch.setattr(mounts, "MOUNTS", table)

    return say


def line(point, kind: str) -> str:
    escaped = str(point).replace("\\", r"\134").replace(" ", r"\040")
    return f"36 27 0:50 /export {escaped} rw,noatime shared:5 master:1 - {kind} host:/export rw"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "fuse.vmhgfs-fuse", "ceph"])
def test_a_network_file_system_is_refused(tmp_path, mounted, kind) -> None:
    """Two machines write one journal, and each believes that it is alone."""
    mounted(line(tmp_path, kind))
    file = tmp_path / "deep" / "desk.db"

    with pytest.raises(JournalError, match=f"is on {kind} .*allow_network_journal"):
        look(file)
    with pytest.raises(JournalError, match=f"is on {kind} "):
        SqliteJournal.open(file, BINDING, clock=ManualClock())
    assert not file.exists()


async def test_it_can_be_allowed(tmp_path, mounted) -> None:
    """A person who knows that the file server keeps its promises may say so."""
    mounted(line(tmp_path, "nfs4"))
    file = tmp_path / "desk.db"

    journal = SqliteJournal.open(file, BINDING, clock=ManualClock(), network=True)
    await journal.aclose()

    assert look(file, network=True).binding == BINDING


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk"])
def test_a_local_one_is_taken(tmp_path, mounted, kind) -> None:
    """A rule that refuses what is sound is switched off for good."""
    mounted(line(tmp_path, kind))

    assert look(tmp_path / "desk.db").records == 0


def test_the_nearest_mount_counts(tmp_path, mounted) -> None:
    """A local disk below a network home is local, and the other way round it is not."""
    here, there = tmp_path / "with blank", tmp_path / "with"
    here.mkdir()
    there.mkdir()
    mounted(line(tmp_path, "nfs"), line(here, "ext4"), line(there, "ext4"), line(there, "cifs"))

    assert mount_of(tmp_path) == Mount(tmp_path, "nfs")
    assert mount_of(here) == Mount(here, "ext4")
    assert mount_of(there) == Mount(there, "cifs")


def test_a_link_leads_to_where_it_points(tmp_path, mounted) -> None:
    """The home folder is local, and the journal's folder in it is a link to the share."""
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "journals").symlink_to(share)
    mounted(line(share, "nfs4"))

    with pytest.raises(JournalError, match="is on nfs4"):
        look(tmp_path / "journals" / "desk.db")


def test_where_nobody_can_tell_it_is_taken(tmp_path, monkeypatch) -> None:
    """Not every system lists its mounts there, and a journal is needed on each."""
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")

    assert mount_of(tmp_path) is None
    assert look(tmp_path / "desk.db").records == 0


def test_a_line_that_cannot_be_read_is_passed_by(tmp_path, mounted) -> None:
    """The kernel may add to its table; a desk must start all the same."""
    mounted("", "1 2 3", "no dash here / / / / /", line(tmp_path, "ext4"))

    assert mount_of(tmp_path) == Mount(tmp_path, "ext4")
