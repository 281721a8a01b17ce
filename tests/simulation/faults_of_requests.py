"""Faults of sending: what leaves, when, under which id, and what is made of the answer."""

from collections.abc import Sequence

from simulation.planting import Mutant, mutant

CARRIER = "fillwright.desk.carrier:Carrier."

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
        only=("tag_only",),
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
        only=("jumps",),
    ),
    mutant(
        "waits_beyond_its_deadline",
        "an order that waits for its turn never finds out that it is too late",
        (
            CARRIER + "_turn",
            "start = asyncio.get_running_loop",
            (
                "await self._limiter.acquire(Lane.SUBMIT); return True\n"
                "    start = asyncio.get_running_loop"
            ),
        ),
        only=("rate",),
    ),
)
