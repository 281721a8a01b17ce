"""Plugins that look at what happened: post-execution checks, checks of the books, observers.

Rules:
1. The fill is booked and durable before anybody is asked; nothing here touches the ledger, and
   nothing here is waited for by whoever books fills.
2. A plugin that raises or hangs is reported under its name, and the next one is asked.
3. A check that asks for a halt gets it; nothing else follows from its answer.
4. A check whose declared input is missing is not asked; that is told like a fault of its own.
5. What a check said about one execution counts exactly once: its alert and its cursor are one
   record (see `ledger.watching`), and what has no such record is shown to it after a restart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from fillwright.alerts import Alert, Level
from fillwright.book import BookView, FillFacts
from fillwright.desk.approvals import Approvals
from fillwright.desk.asides import Aside, Call, Hung, InlineAside, Raised
from fillwright.desk.keeper import Keeper
from fillwright.desk.subjects import Subject
from fillwright.errors import fault_text
from fillwright.findings import Findings
from fillwright.ledger import AlertCleared, Alerted, Change, Halted, Judged, Reported
from fillwright.logs import get_logger
from fillwright.protocols import Clock
from fillwright.reports import Anomaly
from fillwright.risk.answers import CHECK_HUNG, CHECK_RAISED, Check, sound
from fillwright.risk.inputs import absent, declared, told
from fillwright.states import OrderState
from fillwright.types import ClientOrderId
from fillwright.verdicts import Allow, Halt, Reject, Resize, Verdict, Warn

_log = get_logger(__name__)

#: Before the cursor of whoever watches alerts: one plugin may also be a check.
ALERTS_OF = "alerts:"
#: An alert should reach whoever watches within so many seconds of the breach (RTS 6 16(5)).
IN_TIME = 5.0
#: The check needs an input that is missing.
NOT_ASKED = "CHECK_NOT_ASKED"
_LEVELS = {Warn: Level.WARNING, Reject: Level.ALERT, Halt: Level.HALT}


class Answered(NamedTuple):
    """What one check said about one subject, as a verdict that is none of silence."""

    check: str
    verdict: Warn | Reject | Halt
    #: The check could not judge: it raised, hung, or was not asked.
    failed: bool


class Watchers:
    """Ask each plugin apart."""

    _keeper: Keeper
    _approvals: Approvals
    _clock: Clock

    def __init__(
        self,
        checks: Sequence[Check],
        observers: Sequence[Check],
        *,
        books: Sequence[Check] = (),
        alerts: Sequence[Check] = (),
        aside: Aside | None = None,
    ) -> None:
        self.checks = tuple(checks)
        self.books_checks = tuple(books)
        self._observers = tuple(observers)
        self._alerts = tuple(alerts)
        self._aside: Aside = aside or InlineAside()
        #: How far each consumer came, and whether that is recorded.
        self._cursors: dict[str, int] = {}
        self._moved = False

    def attach(self, keeper: Keeper, approvals: Approvals, clock: Clock) -> None:
        """Give them the book to look into."""
        self._keeper, self._approvals, self._clock = keeper, approvals, clock

    def judges(self, code: str) -> bool:
        """Whether a check of the books with this id is configured."""
        return any(getattr(check, "code", "") == code for check in self.books_checks)

    def close(self) -> None:
        """Ask nobody any more."""
        self._aside.close()

    # ------------------------------------------------------------------ cursors

    @property
    def consumers(self) -> list[str]:
        """The names under which cursors are kept."""
        names = [check.name for check in self.checks]
        return [*names, *(ALERTS_OF + check.name for check in self._alerts)]

    def enrol(self, newest: int) -> None:
        """Go on where each consumer was; one that is new begins behind record `newest`."""
        known = self._keeper.ledger.watched.judged
        self._cursors = {name: known.get(name, newest) for name in self.consumers}
        self._moved = self._cursors != known
        self.note()

    def note(self) -> None:
        """Record how far everybody came, where no alert did."""
        if self._moved:
            self._moved = False
            self._keeper.write(Judged(self._clock.now(), dict(self._cursors)))

    def _came(self, names: Iterable[str], seq: int) -> None:
        for name in names:
            self._cursors[name] = seq
            self._moved = True

    def _waiting(self, checks: Sequence[Check], seq: int, mark: str = "") -> list[Check]:
        """Those that have not seen record `seq` and still answer."""
        hung = self._aside.hung
        return [
            c for c in checks if c.name not in hung and self._cursors.get(mark + c.name, -1) < seq
        ]

    # ------------------------------------------------------------------ executions

    async def examine(self, seq: int, change: Change) -> None:
        """Ask every post-execution check about one booked execution, those once that saw it not."""
        state, execution = change.after, change.execution
        checks = self._waiting(self.checks, seq)
        if not checks or state is None or execution is None:
            return
        fact = change.fact
        booked_at = getattr(fact, "at", execution.transact_time)
        quote = fact.quote if isinstance(fact, Reported) else None
        facts = FillFacts(booked_at, quote, change.anomalies)
        book = replace(self._approvals.view(), fill=facts)
        subject = Subject.of_execution(state, execution, booked_at)
        for said in await self._asked(checks, (state, execution, book), subject):
            self._raise(said, subject, seq)
        self._came((c.name for c in checks if c.name not in self._aside.hung), seq)

    # ------------------------------------------------------------------ the books

    async def compared(self, findings: Findings) -> None:
        """Ask every check of the books about each finding, and clear what is over."""
        standing = self._keeper.ledger.watched.standing
        seen: set[str] = set()
        failed: set[str] = set()
        book = self._approvals.view() if findings.found and self.books_checks else None
        for finding in findings.found if book is not None else ():
            subject = Subject.of_finding(finding, findings.at)
            for said in await self._asked(self.books_checks, (finding, book), subject):
                alert_id = subject.alert_id(said.check, said.verdict)
                seen.add(alert_id)
                if said.failed:
                    failed.add(said.check)
                if alert_id not in standing:
                    self._raise(said, subject, None)
        # What a check could not look at is not over.
        silent = {check.name for check in self.books_checks} - failed - self._aside.hung
        for alert in list(standing.values()):
            over = alert.stands in findings.covered and alert.alert_id not in seen
            if over and alert.check in silent:
                self._keeper.write(AlertCleared(self._clock.now(), alert.alert_id))
                _log.info("alert_cleared", alert_id=alert.alert_id, code=alert.code)

    # ------------------------------------------------------------------ asking

    async def _asked(
        self, checks: Sequence[Check], given: tuple[object, ...], subject: Subject
    ) -> list[Answered]:
        """What they object to; whoever cannot judge says so."""
        book = given[-1]
        assert isinstance(book, BookView)  # noqa: S101  # its two callers give it last
        calls, found = [], []
        for check in checks:
            if check.name in self._aside.hung:
                continue
            missing = absent(declared(check), subject.symbol, book)
            if missing:
                code = str(getattr(check, "code", "")) or NOT_ASKED
                measured = f"not asked: {told(missing, subject.symbol, book)}"
                failed = Reject(code, measured=measured, limit="every input that it needs")
                found.append(Answered(check.name, failed, failed=True))
            else:
                calls.append(Call(check.name, partial(check.call, *given)))
        for call, answer in zip(calls, await self._aside.each(calls), strict=True):
            found += _objection(call.name, answer)
        return found

    # ------------------------------------------------------------------ what follows

    def _raise(self, said: Answered, subject: Subject, judged: int | None) -> None:
        """Latch the halt that is wanted, and record the alert with its consumer's cursor."""
        name, verdict = said.check, said.verdict
        if judged is not None and isinstance(verdict, Reject) and verdict.code == CHECK_HUNG:
            judged = self._cursors.get(name)  # it judged nothing, and gets it again
        now, reason = self._clock.now(), verdict.reason(name)
        scope, whom = None, ""
        if isinstance(verdict, Halt):
            scope, whom = subject.halts(verdict.scope, self._approvals.view().account.account_id)
            halted = Halted(now, scope, whom, str(reason), name)
            held = self._keeper.ledger.halts.get((scope, whom))
            if held is None or (held.reason, held.by) != (halted.reason, halted.by):
                self._keeper.write(halted)
                _log.error("halt_latched", scope=str(scope), name=whom, reason=str(reason), by=name)
        alert = Alert(
            subject.alert_id(name, verdict),
            _LEVELS[type(verdict)],
            verdict.code,
            name,
            subject.subject,
            reason.measured,
            reason.limit,
            reason.text,
            subject.breached_at,
            now,
            subject.symbol,
            subject.client_order_id,
            subject.execution_id,
            scope,
            whom,
            subject.stands,
        )
        self._keeper.write(Alerted(now, alert, judged))
        if judged is not None:
            self._cursors[name] = judged
        _tell(alert, failed=said.failed)

    async def alerted(self, seq: int, alert: Alert) -> None:
        """Tell whoever watches alerts of one that is durable."""
        observers = self._waiting(self._alerts, seq, ALERTS_OF)
        late = (self._clock.now() - alert.breached_at).total_seconds()
        if late > IN_TIME:
            _log.error("alert_late", alert_id=alert.alert_id, seconds=late)
        if not observers:
            return
        calls = [Call(one.name, partial(one.call, alert)) for one in observers]
        for call, answer in zip(calls, await self._aside.each(calls), strict=True):
            if isinstance(answer, Raised | Hung):
                _log.error("observer_failed", observer=call.name, reason=_fault_of(answer))
        self._came((ALERTS_OF + c.name for c in observers if c.name not in self._aside.hung), seq)

    def observe(self, state: OrderState, anomalies: Sequence[Anomaly]) -> None:
        """Tell every observer of one change."""
        for observer in self._observers:
            try:
                observer.call(state, anomalies)
            except (Exception, SystemExit) as fault:  # noqa: BLE001  # a stranger's code must not stop the rest
                _log.error("observer_failed", observer=observer.name, reason=fault_text(fault))


def _objection(name: str, answer: object) -> list[Answered]:
    """What one answer says, if anything."""
    if isinstance(answer, Raised):
        fault = Reject(CHECK_RAISED, measured=fault_text(answer.fault), limit="no exception")
        return [Answered(name, fault, failed=True)]
    if isinstance(answer, Hung):
        limit = f"an answer within {answer.seconds:g} s"
        text = "it is not asked again before a restart, and then shown what it missed"
        return [Answered(name, Reject(CHECK_HUNG, measured=name, limit=limit, text=text), True)]
    verdict: Verdict
    try:
        verdict = sound(answer)
    except (Exception, SystemExit) as fault:  # noqa: BLE001  # a verdict's facts are a stranger's code, too
        return _objection(name, Raised(fault))
    if isinstance(verdict, Allow):
        return []
    if isinstance(verdict, Resize):
        limit = "Allow, Warn, Reject or Halt"
        return [Answered(name, Reject(verdict.code, measured="Resize", limit=limit), True)]
    return [Answered(name, verdict, verdict.code.startswith("CHECK_"))]


def _fault_of(answer: Raised | Hung) -> str:
    if isinstance(answer, Raised):
        return fault_text(answer.fault)
    return f"no answer within {answer.seconds:g} s; it is not told again before a restart"


def _tell(alert: Alert, *, failed: bool) -> None:
    if failed:
        _log.error("execution_check_failed", check=alert.check, reason=str(alert))
    tell = _log.warning if alert.level is Level.WARNING else _log.error
    tell(
        "alert_raised",
        alert_id=alert.alert_id,
        code=alert.code,
        check=alert.check,
        level=str(alert.level),
        subject=alert.subject,
        client_order_id=ClientOrderId(alert.client_order_id),
        execution_id=alert.execution_id,
        measured=alert.measured,
        limit=alert.limit,
        text=alert.text,
        latency=alert.latency,
    )
