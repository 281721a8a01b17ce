"""What a person puts beside the journal, looked at every second and before every send.

Rules:
1. What stops is heeded at once; what loosens is verified first, and journaled before it counts.
2. Nothing here raises but for the journal: a file that cannot be used is told and left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, assert_never

from fillwright.desk.arming import Arming
from fillwright.desk.granting import Verifier
from fillwright.desk.halts import said
from fillwright.desk.inbox import Asked, Inbox
from fillwright.desk.keeper import Keeper
from fillwright.desk.killing import Kill, KillLatch, KillSwitch
from fillwright.desk.limiting import LimitBook
from fillwright.errors import GrantRefused
from fillwright.ledger import (
    Fact,
    Granted,
    GrantRevoked,
    LimitChanged,
    LimitRevoked,
)
from fillwright.limits import Scoped
from fillwright.logs import get_logger
from fillwright.protocols import Binding, Clock
from fillwright.types import Mode
from fillwright.verdicts import Scope

_log = get_logger(__name__)


class Durably(Protocol):
    """Has every record up to a number survive a power cut soon, and then does something."""

    def __call__(self, seq: int, then: Callable[[], object] = ...) -> object:
        """Begin with it, and return."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The files that steer one desk; without them a live desk is never armed."""

    journal: Path = Path()
    switch: KillSwitch = field(default_factory=KillSwitch)
    token: Path | None = None
    inbox: Path | None = None
    grant_key: Path | None = None
    #: What was done to the plugins since the start; empty when nothing was.
    tampered: Callable[[], str] = lambda: ""
    #: The settings of the checks that can be changed, by their tables.
    scoped: Mapping[str, Scoped[Any]] = field(default_factory=dict)


class Operator:
    """The kill switch, the arming, the grants and the changed limits of one desk."""

    def __init__(
        self, keeper: Keeper, binding: Binding, clock: Clock, beside: Beside, durably: Durably
    ) -> None:
        """`durably` has a record written through without waiting for it."""
        self._keeper = keeper
        self._durably = durably
        self._tampered = beside.tampered
        self.switch = beside.switch
        live = binding.mode is Mode.LIVE
        self.arming = Arming(beside.token, binding, beside.journal, clock) if live else None
        self._inbox = Inbox(beside.inbox)
        self._verifier = Verifier(beside.grant_key, binding, clock)
        self._limits = LimitBook(beside.scoped)
        self._clock = clock
        self._latch = KillLatch(
            self.switch,
            clock,
            halted=lambda: (Scope.DESK, "") in keeper.ledger.halts,
            write=self._keep,
        )
        self._on_kill: Callable[[Kill], None] = lambda _: None

    def start(self) -> None:
        """Heed what stands already. Raises NotArmed for a live desk without its token."""
        if self.arming is not None:
            controls = self._keeper.ledger.controls
            self.arming.start(self._keep, spent=controls.spent, since=self._keeper.replayed_at)
        self._check_again()
        self.look()

    def _check_again(self) -> None:
        """Let go of grants and changes of earlier processes that do not hold any more."""
        controls, now = self._keeper.ledger.controls, self._clock.now()
        for granted in list(controls.grants.values()):
            try:
                self._verifier.check(granted.grant)
            except GrantRefused as fault:
                self._keep(GrantRevoked(now, granted.grant.id, "the desk"))
                _log.warning("grant_ended", grant=granted.grant.id, reason=str(fault))
        for change, reason in list(self._limits.outdated(controls.limits.values())):
            self._keep(LimitRevoked(now, change.path, "the desk", reason))
            _log.warning("limit_lapsed", limit=change.path, reason=reason)
        for change in list(controls.limits.values()):
            self._limits.put(change)

    def _keep(self, fact: Fact) -> None:
        seq, _ = self._keeper.write(fact)
        self._durably(seq)

    def on_kill(self, heard: Callable[[Kill], None]) -> None:
        """Say who is told of a pull of the switch."""
        self._on_kill = heard

    def look(self) -> None:
        """Look at everything once."""
        self.heed_kill()
        if self.arming is not None:
            self.arming.look()
        self._end_grants()
        for path, seq in self._inbox.look(self.take).items():
            self._durably(seq, path.unlink)

    def _end_grants(self) -> None:
        """Record that a grant ran out: a clock that moves back must not bring it back."""
        now = self._clock.now()
        for granted in list(self._keeper.ledger.controls.grants.values()):
            if now >= granted.grant.until:
                self._keep(GrantRevoked(now, granted.grant.id, "the desk"))
                _log.warning("grant_ended", grant=granted.grant.id, reason="it ran out")

    def take(self, asked: Asked) -> int:
        """Verify and record what a person asked for; gives the number of its record.

        Raises GrantRefused, ConfigError, BadInput.
        """
        controls, now = self._keeper.ledger.controls, self._clock.now()
        match asked:
            case Granted(grant=grant):
                if grant.id in controls.known_grants:
                    raise GrantRefused(f"grant {grant.id}", "was given before; it counts once")
                self._verifier.check(grant)
                told = {"grant": grant.id, "check": grant.check, "scope": grant.whom}
                until = grant.until.isoformat()
                _log.warning("grant_taken", **told, until=until, by=grant.by, reason=grant.reason)
            case GrantRevoked():
                said("by", asked.by)
                _log.warning("grant_ended", grant=asked.id, reason=f"revoked by {asked.by}")
            case LimitChanged():
                if asked.id in controls.known_limits:
                    raise GrantRefused(asked.path, "this change was made before")
                said("by", asked.by)
                said("reason", asked.reason)
                self._limits.put(asked)
                told = {"limit": asked.path, "old": asked.old, "new": asked.value}
                _log.warning("limit_changed", **told, by=asked.by, reason=asked.reason)
            case LimitRevoked():
                said("by", asked.by)
                self._limits.take_back(asked.path)
                _log.warning("limit_lapsed", limit=asked.path, reason=f"revoked by {asked.by}")
            case _:
                assert_never(asked)
        seq, _ = self._keeper.write(replace(asked, at=now))
        return seq

    def heed_kill(self) -> None:
        """Latch the kill switch when it is pulled."""
        tampering = self._tampered()
        if tampering:
            self.switch.pull(Kill(tampering, "plugins"), file=False)
        kill = self._latch.look()
        if kill is not None:
            self._on_kill(kill)
