"""Faults of the books: executions, cancels, changes, and what counts as exposure."""

from collections.abc import Sequence

from simulation.planting import Mutant, mutant

CHANGES = "fillwright.desk.changes:Changes."
RECONCILER = "fillwright.desk.reconciler:Reconciler."
LEDGER = "fillwright.ledger.fold:Ledger."

MUTANTS: Sequence[Mutant] = (
    mutant(
        "no_execution_dedup",
        "the same execution is booked each time that it is told",
        (
            LEDGER + "_trade",
            "known = self._executions.booked(fact.key, execution.execution_id)",
            "known = None",
        ),
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
            "known = self._executions.booked(fact.key, execution.execution_id)",
            (
                "known = self._executions.booked(fact.key, execution.execution_id)\n"
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
            "old = self._executions.to_take_back(fact.key, execution)",
            "return self._keep(fact, before, lifecycle.report(before, report))",
        ),
        only=("staff",),
    ),
    mutant(
        "inferred_counts_twice",
        "a fill that was inferred stays when the real one comes",
        (
            "fillwright.lifecycle:fill",
            "inferred = min(state.inferred, execution.quantity)",
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
            CHANGES + "_ask_for_cancel",
            "self.acknowledged(key, ack, ExecType.PENDING_CANCEL)",
            "self.acknowledged(key, ack, ExecType.CANCELED)",
        ),
    ),
    mutant(
        "lost_cancel_is_cancel",
        "a cancel without an answer ends the order",
        (
            CHANGES + "_ask_for_cancel",
            'self._books.doubt(key, Action.CANCEL, f"{type(fault).__name__}: {fault}")',
            (
                "self._books.take(ExecutionReport(ExecType.CANCELED, state.symbol, state.side, "
                "Evidence(Source.RESPONSE, 'timeout'), self._clock.now(), key), key=key)"
            ),
        ),
    ),
    mutant(
        "lost_cancel_forgotten",
        "a cancel without an answer is not followed up",
        (
            CHANGES + "_ask_for_cancel",
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
            "self._changed[alias] = (state, order)",
            (
                "return Approval(None, ApprovedChange(change, order, alias, self._clock.now(), "
                "deadline.at), (), None, self._version)"
            ),
        ),
        only=("replaces",),
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
        only=("replaces",),
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
)
