"""Faults of checks, halts, plans, the journal and the process."""

from collections.abc import Sequence

from simulation.planting import Mutant, mutant

MUTANTS: Sequence[Mutant] = (
    mutant(
        "raising_check_allows",
        "a check that raises counts as no objection",
        (
            "fillwright.risk.judge:ask",
            'return Reject(CHECK_RAISED, measured=fault_text(fault), limit="no exception")',
            "return ALLOW",
        ),
        only=("bad_checks",),
    ),
    mutant(
        "no_verdict_allows",
        "a check that answers something else counts as no objection",
        (
            "fillwright.risk.answers:sound",
            "return _no_verdict(answer)",
            "return ALLOW",
        ),
        only=("bad_checks",),
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
        only=("halts",),
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
        only=("takeovers",),
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
        only=("conflicts",),
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
        only=("rate",),
    ),
    mutant(
        "settled_stay_in_memory",
        "orders that are over stay in the working set",
        ("fillwright.desk.desk:Desk.remembered", "key = after.client_order_id", "return"),
    ),
    mutant(
        "plan_sends_before_deciding",
        "a plan's buys leave before its record names them",
        (
            "fillwright.desk.planning.diary:Diary.released",
            "seq = 0",
            "return",
        ),
        only=("plans",),
    ),
    mutant(
        "plan_decides_again",
        "a plan that is resumed is sized anew",
        (
            "fillwright.desk.planning.run:PlanRun.carry_out",
            "if progress.lines is None:",
            "if True:",
        ),
        only=("plans",),
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
        only=("bad_watchers",),
    ),
)
