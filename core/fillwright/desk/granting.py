"""The grant key, and which grants count: verified when they come, and again at every start."""

import os
import stat
from pathlib import Path

from fillwright.errors import GrantRefused
from fillwright.grants import KEY_BYTES, Grant, problem_of
from fillwright.logs import register_secret
from fillwright.protocols import Binding, Clock

_OTHERS = 0o077
_MOST = 4096
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Such a key would be the file's own name, or less.
_ANEW = "make one with `fillwright grant new-key`"


def read_key(path: Path | None) -> bytes:
    """The key that signs grants: hexadecimal, in a file that only its owner can read.

    Raises GrantRefused.
    """
    if path is None:
        raise GrantRefused("desk.grant_key_file", f"is not set, so no grant counts; {_ANEW}")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            content = os.read(fd, _MOST)
        finally:
            os.close(fd)
    except OSError as fault:
        raise GrantRefused(f"grant key {path}", f"cannot be read: {fault.strerror}") from fault
    if not stat.S_ISREG(found.st_mode) or found.st_mode & _OTHERS:
        raise GrantRefused(f"grant key {path}", f"others can use it; remove it and {_ANEW}")
    if os.geteuid() not in (0, found.st_uid):
        raise GrantRefused(f"grant key {path}", "belongs to another user")
    try:
        text = content.decode("ascii").strip()
        key = bytes.fromhex(text)
    except ValueError:
        # Not chained: it would repeat the key.
        raise GrantRefused(f"grant key {path}", f"is no key; {_ANEW}") from None
    if len(key) < KEY_BYTES:
        raise GrantRefused(f"grant key {path}", f"is too short; {_ANEW}")
    register_secret(text)
    return key


def write_key(path: Path, key: bytes) -> None:
    """Make a key file; one that is there stays. Raises GrantRefused."""
    try:
        fd = os.open(path, _MAKE, 0o600)
        try:
            os.write(fd, key.hex().encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
    except FileExistsError as fault:
        raise GrantRefused(f"grant key {path}", "is there already; nothing changed") from fault
    except OSError as fault:
        raise GrantRefused(f"grant key {path}", f"cannot be written: {fault.strerror}") from fault


class Verifier:
    """Say whether a grant counts at this desk."""

    def __init__(self, key_file: Path | None, binding: Binding, clock: Clock) -> None:
        self._key_file = key_file
        self._binding = str(binding)
        self._clock = clock

    def check(self, grant: Grant) -> None:
        """Raise GrantRefused unless it is signed, of this desk, and holds now."""
        problem = problem_of(grant, read_key(self._key_file), self._binding, self._clock.now())
        if problem:
            raise GrantRefused(f"grant {grant.id}", problem)
