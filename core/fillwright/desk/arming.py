"""The arming token: a live desk sends nothing without one that is whole, private, ours and fresh.

Rules:
1. It is looked at before every request, cancels included; a paper desk never asks for one.
2. Once it ran out or was taken away it is spent, for this process and in the journal: neither a
   clock that moves back nor the same file put back arms again.
3. After it ran out, and only then, a desk that began armed may still cancel: its orders would
   stand at the broker with nobody to take them away, and a cancel takes no risk. With the token
   gone, of another account, or readable by others, not even a cancel leaves.
"""

import json
import os
import stat
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from fillwright.errors import GuardError, NotArmed
from fillwright.ledger import Armed, Disarmed
from fillwright.logs import get_logger
from fillwright.protocols import Binding, Clock
from fillwright.types import Mode

_log = get_logger(__name__)

#: No token holds longer.
LONGEST = timedelta(hours=24)
#: How far ahead of ours the clock may be that a token was made by.
_AHEAD = timedelta(seconds=5)
_PRIVATE = 0o600
_OTHERS = 0o077
_MOST = 4096
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_AGAIN = "arm it with `fillwright arm`"


class Token(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    mode: Mode
    broker: str
    account: str
    #: The full path of the journal.
    journal: str
    at: AwareDatetime
    until: AwareDatetime
    by: str = Field(min_length=1, max_length=200)
    nonce: str = Field(min_length=16, max_length=64)

    @property
    def binding(self) -> Binding:
        """Whose it is."""
        return Binding(self.mode, self.broker, self.account)


def write_token(path: Path, token: Token) -> None:
    """Put a token in place of any before it, private and in one step. Raises OSError."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    fd = os.open(aside, _MAKE, _PRIVATE)
    try:
        os.fchmod(fd, _PRIVATE)
        os.write(fd, token.model_dump_json(indent=1).encode() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    aside.rename(path)


def read_token(path: Path) -> Token:
    """The token in a file that only its owner can read. Raises NotArmed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as fault:
        raise NotArmed(f"there is no arming token {path}; {_AGAIN}") from fault
    except OSError as fault:
        raise NotArmed(f"the arming token {path} cannot be read: {fault.strerror}") from fault
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise NotArmed(f"the arming token {path} is no regular file; {_AGAIN}")
        if found.st_mode & _OTHERS:
            raise NotArmed(f"others can read or write the arming token {path}; disarm and {_AGAIN}")
        if os.geteuid() not in (0, found.st_uid):
            raise NotArmed(f"the arming token {path} belongs to another user; {_AGAIN}")
        content = os.read(fd, _MOST)
    except OSError as fault:
        raise NotArmed(f"the arming token {path} cannot be read: {fault.strerror}") from fault
    finally:
        os.close(fd)
    try:
        return Token.model_validate(json.loads(content))
    except (ValidationError, ValueError, RecursionError):
        # Not chained: it would repeat the content.
        raise NotArmed(f"the arming token {path} cannot be understood; {_AGAIN}") from None


class Arming:
    """Whether one desk is armed, looked at again whenever it is asked."""

    def __init__(self, path: Path | None, binding: Binding, journal: Path, clock: Clock) -> None:
        """Without a path nothing is ever armed."""
        self._path = path
        self._name = str(path) if path else ""
        self._binding = binding
        self._journal = str(journal)
        self._clock = clock
        self._token: Token | None = None
        self._signature: tuple[int, ...] = ()
        #: When it runs out by the clock that nobody can set.
        self._end = 0.0
        self._latest = clock.now()
        self._spent: set[str] = set()
        self._began: str | None = None
        self._write: Callable[[Armed | Disarmed], object] | None = None

    def start(
        self,
        write: Callable[[Armed | Disarmed], object],
        *,
        spent: Collection[str],
        since: datetime | None,
    ) -> None:
        """Begin armed, or raise NotArmed.

        `spent` are the tokens that ended before, and no time before `since` is believed.
        """
        self._spent.update(spent)
        if since is not None:
            self._latest = max(self._latest, since)
        self._write = write
        self.check()

    def check(self, *, cancel: bool = False) -> None:
        """Raise NotArmed unless a request may leave now; a cancel may after the mere end."""
        token = self._current()
        if self._binding != token.binding:
            raise NotArmed(f"the arming token {self._name} is of {token.binding}; {_AGAIN}")
        if token.journal != self._journal:
            raise NotArmed(f"the arming token {self._name} is of another journal; {_AGAIN}")
        ended = self._ended(token)
        if not ended:
            self._note(token)
        elif not (cancel and self._began == token.nonce):
            raise NotArmed(f"the arming token {self._name} {ended}; {_AGAIN}")

    def look(self) -> None:
        """Notice, without a request, that it ended or came back; raises nothing."""
        try:
            self.check()
        except GuardError:
            return

    def _current(self) -> Token:
        if self._path is None:
            raise NotArmed("this desk has no place for an arming token, so it cannot be live")
        try:
            found = os.lstat(self._name)
        except FileNotFoundError as fault:
            self._spend("was taken away")
            raise NotArmed(f"there is no arming token {self._name}; {_AGAIN}") from fault
        except OSError as fault:
            raise NotArmed(f"the arming token {self._name}: {fault.strerror}") from fault
        signature = (
            found.st_ino,
            found.st_mtime_ns,
            found.st_ctime_ns,
            found.st_size,
            found.st_mode,
            found.st_uid,
        )
        if self._token is None or signature != self._signature:
            before = self._token
            self._token, self._signature = None, ()
            token = read_token(self._path)
            if before is None or before.nonce != token.nonce:
                left = (token.until - self._now()).total_seconds()
                self._end = self._clock.monotonic() + left
            self._token, self._signature = token, signature
        return self._token

    def _ended(self, token: Token) -> str:
        """Why it does not hold any more, or not yet; empty while it does."""
        now = self._now()
        if token.nonce in self._spent and now < token.until:
            return "is spent"
        if token.at > now + _AHEAD:
            return "is from the future"
        if token.until - token.at > LONGEST:
            return f"holds longer than {LONGEST.total_seconds() / 3600:g} hours"
        if now < token.until and self._clock.monotonic() < self._end:
            return ""
        self._spend("ran out")
        return f"ran out at {token.until:%Y-%m-%d %H:%M:%S}Z"

    def _now(self) -> datetime:
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def _note(self, token: Token) -> None:
        """Record, once, that this token armed the desk."""
        if self._write is None or self._began == token.nonce:
            return
        self._began = token.nonce
        self._write(Armed(self._clock.now(), token.by, token.until, token.nonce))
        _log.warning("desk_armed", by=token.by, until=token.until.isoformat())

    def _spend(self, reason: str) -> None:
        """Record, once, that the token that armed the desk ended."""
        nonce = self._token.nonce if self._token else self._began
        if nonce is None or nonce in self._spent:
            return
        self._spent.add(nonce)
        if self._write is not None and self._began == nonce:
            self._write(Disarmed(self._clock.now(), nonce, reason))
            _log.error("desk_disarmed", reason=f"the arming token {self._name} {reason}")
