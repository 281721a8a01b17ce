"""Where a journal may live: private folders and files, no symbolic links, one sentence each."""

import errno
import os
import stat
from pathlib import Path

from fillwright.errors import JournalDamaged, JournalError
from fillwright.journal.mounts import mount_of

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
#: What the system says of a link that it may not follow, or of one where a file is to be made.
_LINKED = (errno.ELOOP, errno.EMLINK, errno.EEXIST)
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def beside(path: Path, suffix: str) -> Path:
    """The file next to the journal that ends in `suffix`."""
    return path.with_name(path.name + suffix)


def prepare_folder(path: Path, *, network: bool = False) -> None:
    """Make the journal's folder when it is missing; refuse one that others can write to."""
    try:
        _make_folders(path.parent)
    except OSError as fault:
        raise JournalError(f"journal {path}: cannot use its folder: {fault.strerror}") from fault
    check_folder(path, network=network)


def check_folder(path: Path, *, network: bool = False) -> None:
    """Refuse a folder in which no journal can be, or that others can write to; makes nothing.

    Where it is missing, the nearest folder that is there must let it be made. A network file
    system is refused unless `network` allows it.
    """
    try:
        folder = next(f for f in (path.parent, *path.parents) if f.exists())
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as fault:
        raise JournalError(f"journal {path}: cannot use its folder: {fault.strerror}") from fault
    own = folder == path.parent
    if own and mode & _WRITABLE_BY_OTHERS and not mode & stat.S_ISVTX:
        raise JournalError(
            f"journal {path}: other users can write to its folder; run `chmod go-w {folder}`"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise JournalError(f"journal {path}: its folder is not writable; name another folder")
    mount = mount_of(folder)
    if mount is not None and mount.shared and not network:
        raise JournalError(
            f"journal {path}: its folder is on {mount.kind} (mounted at {mount.point}), where "
            "locks and fsync do not hold; name a local one, or set desk.allow_network_journal"
        )


def _make_folders(folder: Path) -> None:
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for each in reversed(missing):
        each.mkdir(_PRIVATE_FOLDER, exist_ok=True)
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_private(path: Path, extra: int = 0) -> int:
    """Open a file of ours to read and write, made with mode 0600 when missing."""
    try:
        return os.open(path, _OPEN | extra, _PRIVATE_FILE)
    except OSError as fault:
        raise JournalError(f"journal file {path} cannot be opened: {why(path, fault)}") from fault


def why(path: Path, fault: OSError) -> str | None:
    """Why a file could not be opened. Looking at it again may fail like the opening did."""
    linked = fault.errno in _LINKED and path.is_symlink()
    return "it is a symbolic link" if linked else fault.strerror


def check_file(path: Path) -> bool:
    """Refuse what is no regular file; the answer says whether there is one.

    It never opens the file: closing it again would drop the locks that SQLite holds on it
    elsewhere in this process.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise JournalError(f"journal {path} cannot be opened: {fault.strerror}") from fault
    if stat.S_ISLNK(found.st_mode):
        raise JournalError(f"journal {path} is a symbolic link; name the file itself")
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise JournalError(f"journal {path} is {kind}; name a file")
    return True


def prepare_file(path: Path) -> None:
    """Make the journal's file private, and make it at all when there is none."""
    if not check_journal(path):
        os.close(open_private(path, os.O_EXCL))
        sync_folder(path.parent)
        check_journal(path)
    path.chmod(_PRIVATE_FILE)


def check_journal(path: Path) -> bool:
    """Refuse a file that cannot be a journal of ours; the answer says whether there is one."""
    wal = beside(path, "-wal")
    check_file(wal)
    check_file(beside(path, "-shm"))
    if not check_file(path):
        return False
    found = path.lstat()
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise JournalError(
            f"journal {path}: other users can write to it; look at it with "
            f"`fillwright journal verify`, then run `chmod 600 {path}`"
        )
    if os.geteuid() not in (0, found.st_uid):
        raise JournalError(f"journal {path} belongs to another user; name another file")
    # SQLite would take the file for a new one and delete the WAL, which may hold every record.
    if found.st_size == 0 and wal.exists() and wal.stat().st_size > 0:
        raise JournalDamaged(str(path), 0, "the file is empty but its -wal file is not")
    return True
