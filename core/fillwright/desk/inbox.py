"""The inbox beside the journal: grants and changes of limits that a person leaves for the desk.

Rules:
1. One way for all: the command writes a file, and whichever desk runs, or starts next, takes it.
2. The folder and its files are their owner's alone to write; others' are refused.
3. A file goes when what it says is durable. One that cannot be used is told, and set aside.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from fillwright.errors import FillwrightError, GrantRefused
from fillwright.ledger import (
    Granted,
    GrantRevoked,
    LimitChanged,
    LimitRevoked,
    decode,
    encode,
)
from fillwright.logs import get_logger, printable
from fillwright.protocols import Record

_log = get_logger(__name__)

#: What may come by the inbox.
Asked = Granted | GrantRevoked | LimitChanged | LimitRevoked
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MOST = 16_384
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REFUSED = ".refused"


def leave(folder: Path, fact: Asked, name: str) -> Path:
    """Put a fact into the inbox, in one step. Raises GrantRefused."""
    kind, _, body = encode(fact)
    path = folder / f"{fact.at:%Y%m%dT%H%M%S%f}-{name}.json"
    aside = path.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _check(folder, folder.lstat(), stat.S_ISDIR)
        fd = os.open(aside, _MAKE, 0o600)
        try:
            os.write(fd, json.dumps({"kind": kind, "body": body}).encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        aside.rename(path)
    except OSError as fault:
        raise GrantRefused(str(path), f"cannot be written: {fault.strerror}") from fault
    return path


def waiting(folder: Path) -> Iterator[tuple[Path, Asked | GrantRefused]]:
    """What lies in an inbox, oldest first, and why a file cannot be used."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    except OSError as fault:
        yield folder, GrantRefused(str(folder), f"cannot be read: {fault.strerror}")
        return
    try:
        _check(folder, found, stat.S_ISDIR)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))  # noqa: PTH208  # names
    except GrantRefused as fault:
        yield folder, fault
        return
    except OSError as fault:
        yield folder, GrantRefused(str(folder), f"cannot be read: {fault.strerror}")
        return
    for name in names:
        path = folder / name
        try:
            yield path, _read(path)
        except GrantRefused as fault:
            yield path, fault


def _read(path: Path) -> Asked:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _check(path, os.fstat(fd), stat.S_ISREG)
            said = json.loads(os.read(fd, _MOST))
        finally:
            os.close(fd)
        kind, body = said["kind"], said["body"]
        at = datetime.fromisoformat(body["at"])
        fact = decode(Record(0, 0, at, kind, "", body, ""))
    except OSError as fault:
        raise GrantRefused(str(path), f"cannot be read: {fault.strerror}") from fault
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FillwrightError) as e:
        if isinstance(e, GrantRefused):
            raise
        raise GrantRefused(str(path), "cannot be understood") from None
    if not isinstance(fact, Asked) or at.tzinfo is None:
        raise GrantRefused(str(path), "is nothing that an inbox takes")
    return fact


def _check(path: Path, found: os.stat_result, is_one: Callable[[int], bool]) -> None:
    if not is_one(found.st_mode):
        raise GrantRefused(str(path), "is not what it should be; remove it")
    if found.st_mode & _OTHERS:
        raise GrantRefused(str(path), "others can write to it; remove it, and ask again")
    if os.geteuid() not in (0, found.st_uid):
        raise GrantRefused(str(path), "belongs to another user; remove it")


class Inbox:
    """One desk's inbox: each file is handed over once, and told about once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._met: set[str] = set()

    def look(self, take: Callable[[Asked], int]) -> Mapping[Path, int]:
        """Hand over what is new; gives the files whose records are written, and their numbers.

        `take` verifies and records one fact, or raises.
        """
        taken: dict[Path, int] = {}
        if self._folder is None:
            return taken
        for path, fact in waiting(self._folder):
            if path.name in self._met:
                continue
            self._met.add(path.name)
            try:
                if isinstance(fact, GrantRefused):
                    raise fact
                taken[path] = take(fact)
            except FillwrightError as fault:
                self._refuse(path, fault)
        return taken

    def _refuse(self, path: Path, fault: FillwrightError) -> None:
        _log.error("inbox_refused", file=str(path), reason=printable(str(fault)))
        if path != self._folder:
            try:
                path.rename(path.with_suffix(_REFUSED))
            except OSError as more:
                _log.warning("inbox_stuck", file=str(path), reason=str(more.strerror))
