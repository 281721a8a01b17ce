"""One writer at a time: a locked file with the epoch, the newest durable record and the holder.

Three fields at fixed places: the epoch (21 bytes), the newest durable record's number and hash
(86 bytes), then who holds it. A takeover puts a new file in the old one's place, so the process
before sees another inode or, where the file is shared, another epoch.
"""

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from fillwright.errors import (
    Fenced,
    JournalDamaged,
    JournalError,
    JournalFailed,
    JournalLocked,
)
from fillwright.journal.chain import GENESIS
from fillwright.journal.files import beside, open_private, sync_folder, why

_MARK = 21
_HOLDER = _MARK + 86
_SIZE = 512


@dataclass(frozen=True, slots=True)
class Note:
    """What a lock file says; all zero when it says nothing that can be read."""

    epoch: int = 0
    seq: int = 0
    hash: str = GENESIS
    holder: str = "another process"


def _mark(epoch: int) -> bytes:
    return b"%020d\n" % epoch


def _parse(content: bytes) -> Note:
    holder = content[_HOLDER:].decode(errors="replace").strip("\0\n ") or "another process"
    try:
        epoch = int(content[:_MARK])
        seq, digest = content[_MARK:_HOLDER].decode("ascii").split()
        return Note(epoch, int(seq), digest, holder)
    except ValueError:
        return Note(holder=holder)


def read_note(journal: Path) -> Note:
    """What the lock file beside a journal says; nothing when there is none to read."""
    try:
        fd = os.open(beside(journal, ".lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return Note()
    try:
        return _parse(os.pread(fd, _SIZE, 0))
    finally:
        os.close(fd)


def holder_of(journal: Path) -> str:
    """Who writes a journal now; empty when nobody does. Makes nothing and keeps nothing locked.

    The lock is tried for a moment: somebody who opens the journal in that very moment is told
    that it is in use.
    """
    path = beside(journal, ".lock")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as fault:
        raise JournalError(f"journal file {path} cannot be opened: {why(path, fault)}") from fault
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(os.pread(fd, _SIZE, 0)).holder
    except OSError as fault:
        raise JournalError(f"journal {journal} cannot be locked: {fault}") from fault
    finally:
        os.close(fd)
    return ""


def check_free(journal: Path) -> None:
    """Raise `JournalLocked` when somebody writes this journal now."""
    holder = holder_of(journal)
    if holder:
        raise JournalLocked(str(journal), holder)


def lost(journal: Path, seq: int, note: Note) -> JournalDamaged:
    """The fault of a journal that ends after record `seq`, before the newest durable one."""
    return JournalDamaged(
        str(journal),
        seq + 1,
        f"it ends after record {seq}, but record {note.seq} was durable; orders may have been "
        f"sent on what is missing. To accept the loss, remove {journal}.lock",
    )


class Lock:
    """The right to write one journal, until released or taken over."""

    def __init__(self, journal: Path, fd: int, standing: Path) -> None:
        self._journal = journal
        self._path = beside(journal, ".lock")
        self._name = str(self._path)
        #: Where the file is now: a takeover's stands elsewhere until it is published.
        self._standing = standing
        self._fd = fd
        found = os.fstat(fd)
        self._inode = (found.st_ino, found.st_dev)
        self._epoch = 0
        self._bytes = b""

    @classmethod
    def acquire(cls, journal: Path) -> "Lock":
        """Take the lock, or raise `JournalLocked` with the holder's name."""
        path = beside(journal, ".lock")
        while True:
            fd = open_private(path)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lock = cls(journal, fd, path)
                # The file may have been replaced between our open and our lock.
                if lock._stands():
                    lock._sign()
                    return lock
            except BlockingIOError:
                holder = _parse(os.pread(fd, _SIZE, 0)).holder
                os.close(fd)
                raise JournalLocked(str(journal), holder) from None
            except OSError as fault:
                os.close(fd)
                raise JournalError(f"journal {journal} cannot be locked: {fault}") from fault
            os.close(fd)

    @classmethod
    def replacing(cls, journal: Path) -> "Lock":
        """Prepare a lock that takes the place of whoever holds it, once published."""
        aside = beside(journal, f".lock.{os.getpid()}")
        aside.unlink(missing_ok=True)
        fd = open_private(aside, os.O_EXCL)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock = cls(journal, fd, aside)
        lock._sign()
        return lock

    def publish(self, epoch: int, seq: int, digest: str) -> None:
        """Show the epoch that is ours from now on; whoever had the lock is fenced by it."""
        self._epoch, self._bytes = epoch, _mark(epoch)
        os.pwrite(self._fd, self._bytes, 0)
        self.witness(seq, digest)
        os.fsync(self._fd)
        if self._standing != self._path:
            self._standing = self._standing.rename(self._path)
        sync_folder(self._path.parent)

    def witness(self, seq: int, digest: str) -> None:
        """Remember the newest durable record; not fsynced, so it may lag but never leads."""
        os.pwrite(self._fd, b"%020d %s\n" % (seq, digest.encode()), _MARK)

    def broken(self) -> JournalError | None:
        """The fault when the lock is no longer ours, a fresh one each time."""
        try:
            found = os.lstat(self._name)
            same_epoch = os.pread(self._fd, _MARK, 0) == self._bytes
        except OSError as fault:
            return JournalFailed(str(self._journal), f"its lock file is gone ({fault.strerror})")
        if same_epoch and (found.st_ino, found.st_dev) == self._inode:
            return None
        return Fenced(str(self._journal), self._epoch, read_note(self._journal).epoch)

    def release(self) -> None:
        """Let go; the file stays, with what it remembers."""
        if self._standing != self._path:
            self._standing.unlink(missing_ok=True)
        # Once only: the number may be another file's by then.
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _stands(self) -> bool:
        try:
            found = os.lstat(self._name)
        except FileNotFoundError:
            return False
        return (found.st_ino, found.st_dev) == self._inode

    def _sign(self) -> None:
        holder = f"process {os.getpid()} on {socket.gethostname()}\n".encode()[: _SIZE - _HOLDER]
        os.pwrite(self._fd, holder, _HOLDER)
        os.ftruncate(self._fd, _HOLDER + len(holder))
