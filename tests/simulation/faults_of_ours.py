"""Faults of our own, to prove that the simulation would find them: one entry each.

From the folder of the tests, `python -m simulation.faults_of_ours` looks for every one of them and
writes the table.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fillwright.testing.simulation import run
from simulation.planting import Change, planted

CARRIER = "fillwright.desk.carrier:Carrier."
CHANGES = "fillwright.desk.changes:Changes."
RECONCILER = "fillwright.desk.reconciler:Reconciler."
LEDGER = "fillwright.ledger.fold:Ledger."
#: Within so many seeds each one must be found.
WITHIN = 1000


@dataclass(frozen=True)
class Mutant:
    """One fault of the protocol."""

    name: str
    #: What is wrong with it.
    harm: str
    changes: tuple[Change, ...]


def mutant(name: str, harm: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(name, harm, tuple(Change(*change) for change in changes))


MUTANTS: Sequence[Mutant] = (
    mutant(
        "no_fsync",
        "the request leaves before its record is durable",
        (CARRIER + "_attempt", "await self._keeper.journal.durable(seq)", "pass"),
    ),
    mutant(
        "send_before_journal",
        "the request leaves before its record is written",
        (
            CARRIER + "_attempt",
            "seq, _ = self._keeper.write(sent)",
            "await self._executor.submit(order); seq, _ = self._keeper.write(sent)",
        ),
    ),
    mutant(
        "new_id_on_retry",
        "what goes again goes under another id",
        (
            CARRIER + "resend",
            "return await self._send(key, approval.order",
            "return await self._send(key, replace(approval.order, client_order_id=key + 'x')",
        ),
    ),
    mutant(
        "new_id_after_restart",
        "the id of an intent depends on the process",
        (
            "fillwright.desk.intents:Intents._key_of",
            "client_order_id_for(self._parts.binding.account, intent)",
            "client_order_id_for(f'{self._keeper.journal.epoch}', intent)",
        ),
    ),
    mutant(
        "timeout_is_reject",
        "a timeout is read as a refusal",
        (
            CARRIER + "_request",
            'self._doubt(key, f"{type(fault).__name__}: {fault}")',
            "self._books.take(self._rejected(key, OrderRejected(key, 'timeout', '')), key=key)",
        ),
    ),
    mutant(
        "timeout_is_not_sent",
        "a timeout is read as never sent, so the order goes again at once",
        (
            CARRIER + "_request",
            'self._doubt(key, f"{type(fault).__name__}: {fault}")',
            'self._keeper.write(Unsent(key, self._clock.now(), "timeout")); return False',
        ),
    ),
    mutant(
        "duplicate_is_reject",
        "the broker's word that it has the id is read as a refusal",
        (
            CARRIER + "_request",
            "if self._state(key).broker_order_id is None:",
            "self._books.take(self._rejected(key, fault), key=key)\n        if False:",
        ),
    ),
    mutant(
        "not_found_is_reject",
        "an order that the broker does not know yet is given up at once",
        (
            "fillwright.desk.doubts:judge",
            "if reads.since_request <= reads.t_inflight or reads.clean < READS_TO_RESEND:",
            "if reads.dedup:\n        return Decision.ABANDON\n    if False:",
        ),
    ),
    mutant(
        "no_fence",
        "what was not found is sent again while the first request may be under way",
        (
            "fillwright.desk.doubts:Doubts._look_into",
            "behind_fence = since > self._capabilities.t_inflight",
            "behind_fence, since = True, 1e9",
        ),
    ),
    mutant(
        "resend_without_dedup",
        "an order goes again to a broker that would take it twice",
        (
            "fillwright.desk.doubts:judge",
            "reads.dedup is not Dedup.SERVER or reads.vanished",
            "reads.vanished",
        ),
    ),
    mutant(
        "restart_forgets_doubt",
        "what was under way when the process died counts as never sent",
        (
            "fillwright.desk.parts:doubt_what_was_open",
            "books.doubt(state.client_order_id, pending.action, reason)",
            (
                "from fillwright.ledger import Unsent; "
                "keeper.write(Unsent(state.client_order_id, state.updated_at, reason))"
            ),
        ),
    ),
    mutant(
        "resend_after_deadline",
        "an order in doubt goes again however late it is",
        (CARRIER + "expired", "if state.deadline is None:", "return False\n    if False:"),
    ),
    mutant(
        "deadline_ignored",
        "an order leaves however long it waited",
        (
            "fillwright.desk.deadline:Deadline.passed",
            "return clock.now() >= self.at or clock.monotonic() >= self.monotonic",
            "return False",
        ),
        ("fillwright.desk.deadline:Deadline.left", "return max(", "return 1e9 + max("),
    ),
    mutant(
        "deadline_by_time_of_day",
        "setting the clock back gives an order another hour",
        (
            "fillwright.desk.deadline:Deadline.passed",
            " or clock.monotonic() >= self.monotonic",
            "",
        ),
    ),
    mutant(
        "waits_beyond_its_deadline",
        "an order that waits for its turn never finds out that it is too late",
        (
            CARRIER + "_turn",
            "asked = asyncio.ensure_future",
            (
                "await self._limiter.acquire(Lane.SUBMIT); return True\n"
                "    asked = asyncio.ensure_future"
            ),
        ),
    ),
    mutant(
        "no_execution_dedup",
        "the same execution is booked each time that it is told",
        (LEDGER + "_trade", "known = booked.get(execution.execution_id)", "known = None"),
        (
            "fillwright.desk.books:Books._is_news",
            "execution = report.execution",
            "execution = report.execution\n    if execution is not None:\n        return True",
        ),
        (
            "fillwright.desk.books:Books._repeats",
            "return known is not None and",
            "return False and",
        ),
    ),
    mutant(
        "no_fill_reconcile",
        "executions that the stream lost are never asked for",
        (RECONCILER + "_take_executions", "ledger = self._keeper.ledger", "return"),
    ),
    mutant(
        "cursor_before_booking",
        "the cursor moves before the executions are booked, without an overlap",
        (
            RECONCILER + "_take_executions",
            "page = await self._page(ledger.earlier_cursor or ledger.cursor)",
            (
                "page = await self._page(ledger.cursor)\n"
                "    self._keeper.write(CursorMoved(self._clock.now(), page.cursor))"
            ),
        ),
    ),
    mutant(
        "late_fill_ignored",
        "a fill of an order that ended is dropped",
        (
            LEDGER + "_trade",
            "known = booked.get(execution.execution_id)",
            (
                "known = booked.get(execution.execution_id)\n"
                "    if before.ended:\n        return Change(fact, before, before)"
            ),
        ),
    ),
    mutant(
        "late_fill_silent",
        "a late fill is booked and nobody is told",
        (
            "fillwright.lifecycle:fill",
            "elif state.ended:",
            "elif False:",
        ),
    ),
    mutant(
        "late_fill_reopens",
        "a fill after the cancel makes the order live again",
        (
            "fillwright.lifecycle.theirs:_base_after",
            "if not filled or base in FINAL:",
            "if not filled:",
        ),
        (
            "fillwright.lifecycle.theirs:_settled_by",
            "if not may_follow",
            "if False and not may_follow",
        ),
    ),
    mutant(
        "bust_ignored",
        "an execution that the broker took back stays booked",
        (
            LEDGER + "_take_back",
            "booked = self._executions.setdefault(fact.key, {})",
            "return self._keep(fact, before, lifecycle.report(before, report))",
        ),
    ),
    mutant(
        "inferred_counts_twice",
        "a fill that was inferred stays when the real one comes",
        (
            "fillwright.lifecycle:fill",
            "inferred = min(state.inferred, execution.quantity) if state.inferred else ZERO",
            "inferred = ZERO",
        ),
        (RECONCILER + "_infer_missing", "self._missed[key] >= ROUNDS", "True"),
    ),
    mutant(
        "missing_is_canceled",
        "an order that is not among the open ones counts as canceled",
        (
            RECONCILER + "_vanished",
            "self._books.doubt(key, Action.SUBMIT, reason)",
            (
                "self._books.take(ExecutionReport(ExecType.CANCELED, current.symbol, current.side, "
                "Evidence(Source.QUERY, query), self._clock.now(), key), key=key)"
            ),
        ),
    ),
    mutant(
        "ack_of_cancel_is_cancel",
        "the broker's word that it heard the cancel ends the order",
        (
            CHANGES + "cancel",
            "self.acknowledged(key, ack, ExecType.PENDING_CANCEL)",
            "self.acknowledged(key, ack, ExecType.CANCELED)",
        ),
    ),
    mutant(
        "lost_cancel_is_cancel",
        "a cancel without an answer ends the order",
        (
            CHANGES + "cancel",
            'self._books.doubt(key, Action.CANCEL, f"{type(fault).__name__}: {fault}")',
            (
                "self._books.take(ExecutionReport(ExecType.CANCELED, current.symbol, current.side, "
                "Evidence(Source.RESPONSE, 'timeout'), self._clock.now(), key), key=key)"
            ),
        ),
    ),
    mutant(
        "lost_cancel_forgotten",
        "a cancel without an answer is not followed up",
        (
            CHANGES + "cancel",
            'self._books.doubt(key, Action.CANCEL, f"{type(fault).__name__}: {fault}")',
            "pass",
        ),
        (
            "fillwright.desk.supervisor:Supervisor._waiting",
            "if not p.doubt and s.must_follow_up(p)",
            "if not p.doubt and s.must_follow_up(p) and p.action is not Action.CANCEL",
        ),
    ),
    mutant(
        "cancel_without_record",
        "a cancel leaves before its record is durable",
        (CHANGES + "_record", "await self._keeper.journal.durable(seq)", "pass"),
    ),
    mutant(
        "gate_skipped_on_replace",
        "a change leaves without asking the checks",
        (
            "fillwright.desk.approvals:Approvals.ask_change",
            "self._changed[alias] = state",
            (
                "return Approval(None, ApprovedChange(change, order, alias, self._clock.now(), "
                "deadline.at), (), None, self._version)"
            ),
        ),
    ),
    mutant(
        "smaller_of_a_replace_counts",
        "while a change is open, the smaller quantity is reserved",
        (
            "fillwright.desk.changes:larger_of",
            "max((q for q in (one, other) if q is not None), default=None)",
            "min((q for q in (one, other) if q is not None), default=None)",
        ),
        (
            "fillwright.risk.exposure:worst_leaves",
            "total = max(total, pending.quantity)",
            "total = pending.quantity",
        ),
    ),
    mutant(
        "in_doubt_counts_nothing",
        "an order in doubt is left out of the exposure",
        (
            "fillwright.risk.exposure:worst_leaves",
            "total = state.quantity",
            "total = ZERO if state.in_doubt else state.quantity",
        ),
    ),
    mutant(
        "in_flight_counts_nothing",
        "an order counts only once the broker acknowledged it",
        (
            "fillwright.risk.exposure:ExposureBook.update",
            "state = new or old",
            (
                "state = new or old\n"
                "    if new and new.broker_order_id is None and not new.ended:\n"
                "        return"
            ),
        ),
    ),
    mutant(
        "raising_check_allows",
        "a check that raises counts as no objection",
        (
            "fillwright.risk.judge:ask",
            'return Reject(CHECK_RAISED, measured=fault_text(fault), limit="no exception")',
            "return ALLOW",
        ),
    ),
    mutant(
        "no_verdict_allows",
        "a check that answers something else counts as no objection",
        (
            "fillwright.risk.answers:sound",
            "return _no_verdict(answer)",
            "return ALLOW",
        ),
    ),
    mutant(
        "refusal_ignored",
        "the first check that allows decides",
        (
            "fillwright.risk.judge:Judge._round",
            "if not objections:",
            "if len(objections) < 2:",
        ),
    ),
    mutant(
        "halt_forgotten",
        "a halt does not survive a restart",
        (
            "fillwright.desk.keeper:Keeper.replay",
            "if fact is None:",
            "if fact is None or record.kind == 'halted':",
        ),
    ),
    mutant(
        "halt_not_durable",
        "a halt is confirmed before it survives a crash",
        (
            "fillwright.desk.keeper:Keeper.write_durably",
            "await self.journal.durable(seq)",
            "pass",
        ),
    ),
    mutant(
        "halt_is_not_asked_again",
        "an order that was approved leaves although a halt came meanwhile",
        (
            "fillwright.desk.approvals:Approvals.holds",
            "return approval.version == self._version",
            "return True",
        ),
        ("fillwright.desk.wire:Wire.landed", "while waiting & self._out.keys():", "while False:"),
    ),
    mutant(
        "fence_not_looked_at",
        "a process that lost the journal goes on sending",
        ("fillwright.desk.wire:Wire.check", "self._journal.check_fence()", "pass"),
        (
            "fillwright.journal.memory:MemoryJournal._refuse_broken",
            "if self._fenced_by:",
            "if False:",
        ),
    ),
    mutant(
        "failed_fsync_goes_on",
        "after a failed fsync the desk sends on, as if the next one made up for it",
        (
            "fillwright.journal.memory:MemoryJournal._refuse_broken",
            "if self._reason:",
            "if False:",
        ),
    ),
    mutant(
        "torn_tail_stops_the_start",
        "a journal that ends in the middle of something cannot be opened",
        (
            "fillwright.desk.keeper:Keeper.replay",
            "for record in self.journal.read():",
            (
                "kinds = [r.kind for r in self.journal.read()]\n"
                "    if kinds[-2:-1] == ['order_staged']:\n"
                "        raise RuntimeError('the journal ends too early')\n"
                "    for record in self.journal.read():"
            ),
        ),
    ),
    mutant(
        "told_before_durable",
        "post-execution checks hear of a fill that a crash may take back",
        (
            "fillwright.desk.announcer:Announcer.run",
            "await self._journal.durable(",
            "await self._journal.durable(0 and ",
        ),
    ),
    mutant(
        "same_intent_twice",
        "the same intent at the same time is two orders",
        (
            "fillwright.desk.intents:Intents.submit",
            "known = self._handles.known(key)",
            "known = None",
        ),
    ),
    mutant(
        "conflict_accepted",
        "the same intent with other content is taken for the first",
        (
            "fillwright.desk.intents:Intents._taken_up",
            "if state.content_hash != digest:",
            "if False:",
        ),
    ),
    mutant(
        "no_rate_limit",
        "requests leave as they come",
        (
            "fillwright.resilience.limiter:Limiter._take",
            "now, needs = self._clock.monotonic(), self._needs[lane]",
            "return True",
        ),
        (
            "fillwright.desk.supervisor:Supervisor._watch",
            "await self._clock.sleep(period)",
            "await self._clock.sleep(period / 40)",
        ),
    ),
    mutant(
        "settled_stay_in_memory",
        "orders that are over stay in the working set",
        ("fillwright.desk.desk:Desk.remembered", "after = change.after", "return"),
    ),
    mutant(
        "plan_sends_before_deciding",
        "a plan's buys leave before its record names them",
        (
            "fillwright.desk.planning.diary:Diary.released",
            "seq = 0",
            "return",
        ),
    ),
    mutant(
        "plan_decides_again",
        "a plan that is resumed is sized anew",
        (
            "fillwright.desk.planning.run:PlanRun.carry_out",
            "if progress.lines is None:",
            "if True:",
        ),
    ),
    mutant(
        "stale_handles",
        "who holds the handle of a settled order does not hear of a late fill or a bust",
        (
            "fillwright.desk.handles:HandleBook.drop",
            "self._kept.pop(key, None)",
            "self._kept.pop(key, None); self._handles.pop(key, None)",
        ),
        (
            "fillwright.desk.handles:HandleBook.of",
            "if not state.settled:",
            "if state.settled:\n        return Handle(state)\n    if True:",
        ),
    ),
    mutant(
        "tasks_outlive_the_desk",
        "what a cancelled task begins runs on after the desk was closed",
        ("fillwright.desk.tasks:Tasks.spawn", "if self._over:", "if False:"),
        (
            "fillwright.desk.tasks:Tasks.cancel_all",
            "while running := [task for task in self._tasks if task is not mine]:",
            "for running in [[task for task in self._tasks if task is not mine]]:",
        ),
    ),
    mutant(
        "earlier_fills_count_twice",
        "what an open order had traded before the journal began is booked on top",
        (
            "fillwright.desk.reconciler:_standing",
            "return tuple(standing.values())[-EARLIER_FILLS:]",
            "return ()",
        ),
    ),
    mutant(
        "cancel_of_a_leg_is_lost",
        "a cancel of an order that we did not make is not followed up after a restart",
        (
            "fillwright.states:OrderState.must_follow_up",
            "return self.owner is Owner.OURS or not pending.theirs",
            "return self.owner is Owner.OURS",
        ),
    ),
    mutant(
        "closing_ignores_the_policy",
        "a desk that was told to cancel everything leaves orders open",
        ("fillwright.desk.stopping:_cancel_by", "if policy is ClosePolicy.KEEP:", "if policy:"),
    ),
    mutant(
        "watcher_stops_the_fills",
        "a post-execution check that raises ends the desk",
        (
            "fillwright.desk.asides:answer_of",
            "return Raised(fault)",
            "raise",
        ),
    ),
)


@dataclass(frozen=True)
class Found:
    """When a fault of ours was found, and by what."""

    name: str
    seed: int | None
    seeds: int
    broken: str
    seconds: float


def look_for(one: Mutant, seeds: Iterable[int] = range(WITHIN)) -> Found:
    """Run seeds until one is broken that is not without the fault."""
    began = time.process_time()
    count = 0
    for count, seed in enumerate(seeds, start=1):
        with planted(*one.changes):
            outcome = run(seed)
        if outcome.fault is not None and run(seed).fault is None:
            took = time.process_time() - began
            return Found(one.name, seed, count, outcome.broken, took)
    return Found(one.name, None, count, "", time.process_time() - began)


def main() -> None:
    names = sys.argv[1:]
    for one in MUTANTS:
        if names and one.name not in names:
            continue
        found = look_for(one)
        seed = "not found" if found.seed is None else found.seed
        print(
            f"| {one.name} | {seed} | {found.seeds} | {found.seconds:.1f} | {found.broken} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
