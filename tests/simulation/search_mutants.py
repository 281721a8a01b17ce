"""Planted bugs for the search: each is one mistake that execution systems have really made."""

from dataclasses import dataclass, replace
from typing import Any

from fillwright import lifecycle
from fillwright.desk import doubts
from fillwright.desk.approvals import Approvals
from fillwright.desk.books import Books
from fillwright.desk.carrier import Carrier
from fillwright.desk.changes import Changes
from fillwright.desk.intents import Intents
from fillwright.desk.reconciler import Reconciler
from fillwright.errors import OrderRejected
from fillwright.ledger import Ledger
from fillwright.lifecycle import theirs
from fillwright.protocols import Dedup
from fillwright.reconcile import Decision
from fillwright.risk import exposure
from fillwright.testing.simulation.search import bench, standins
from fillwright.types import ExecType, OrdStatus


@dataclass(frozen=True)
class Mutant:
    """One planted bug, the invariant that finds it, and after how many moves at most."""

    name: str
    plant: Any
    breaks: str
    depth: int
    dedup: Dedup = Dedup.SERVER


def _no_fsync(patch):
    async def durable(_self, _seq):
        return None

    patch(standins.Paper, "durable", durable)


def _timeout_is_a_reject(patch):
    def told(self, key, reason):
        self._books.take(self._rejected(key, OrderRejected(key, "timeout", reason)), key=key)

    patch(Carrier, "_doubt", told)


def _known_id_is_a_reject(patch):
    patch(Carrier, "_proven", Carrier._rejected)


def _nothing_found_is_a_reject(patch):
    def judged(reads):
        return Decision.ABANDON if reads.clean else Decision.WAIT

    patch(doubts, "judge", judged)


def _sent_again_without_dedup(patch):
    judge = doubts.judge

    def judged(reads):
        said = judge(reads)
        return Decision.RESEND if said is Decision.HAND_OVER else said

    patch(doubts, "judge", judged)


def _second_id_on_resend(patch):
    renew = Approvals.renew

    def renewed(self, state):
        given = renew(self, state)
        other = f"{state.client_order_id}-again"
        return replace(given, order=given.order and replace(given.order, client_order_id=other))

    patch(Approvals, "renew", renewed)


def _one_refusal_ends_two_requests(patch):
    patch(Carrier, "_may_be_there", lambda _self, _key: False)


def _executions_count_twice(patch):
    trade = Ledger._trade

    def booked(self, fact, before, report, execution):
        self._executions._booked.get(fact.key, {}).pop(execution.execution_id, None)
        return trade(self, fact, before, report, execution)

    patch(Ledger, "_trade", booked)
    patch(Books, "_is_news", lambda *_: True)


def _late_fills_are_dropped(patch):
    fill = lifecycle.fill

    def filled(state, execution, report, **named):
        return (state, ()) if state.ended else fill(state, execution, report, **named)

    patch(lifecycle, "fill", filled)


def _the_last_word_wins(patch):
    report = lifecycle.report

    def said(state, told):
        if state.ended and told.exec_type is ExecType.NEW:
            return state.but(status=OrdStatus.NEW, base=OrdStatus.NEW), ()
        return report(state, told)

    patch(lifecycle, "report", said)


def _asked_to_cancel_is_canceled(patch):
    acknowledged = Changes.acknowledged

    def taken(self, key, ack, kind):
        ended = ExecType.CANCELED if kind is ExecType.PENDING_CANCEL else kind
        acknowledged(self, key, ack, ended)

    patch(Changes, "acknowledged", taken)


def _replace_under_way_counts_nothing(patch):
    worst = exposure.worst_leaves

    def counted(state, terms=exposure.NO_TERMS):
        return worst(state.but(pending=()), terms)

    patch(exposure, "worst_leaves", counted)


def _replace_settled_without_fence(patch):
    patch(doubts, "READS_TO_RESEND", 0)


def _fill_completes_what_grows(patch):
    patch(theirs, "complete", lambda state: state.quantity and state.filled >= state.quantity)


def _restart_takes_nothing_up(patch):
    patch(bench, "doubt_what_was_open", lambda *_: None)


def _executions_are_never_asked_for(patch):
    async def nothing(_self, _query):
        return None

    patch(Reconciler, "_take_executions", nothing)


def _any_content_is_the_same(patch):
    patch(Intents, "_taken_up", lambda _self, handle, *_: handle)


TAG = Dedup.TAG_ONLY
MUTANTS = (
    Mutant("sent before the journal is durable", _no_fsync, "I1/I17", 1),
    Mutant("a timeout read as a reject", _timeout_is_a_reject, "I8", 2),
    Mutant("a known id read as a reject", _known_id_is_a_reject, "I13", 6),
    Mutant("nothing found read as a reject", _nothing_found_is_a_reject, "I8", 1),
    Mutant("sent again where ids may repeat", _sent_again_without_dedup, "I14", 1, TAG),
    Mutant("a second id for the second request", _second_id_on_resend, "I2/I3", 4),
    Mutant("one refusal ends two requests", _one_refusal_ends_two_requests, "I13", 6),
    Mutant("no deduplication of executions", _executions_count_twice, "I4/I5", 3),
    Mutant("a fill after the end is dropped", _late_fills_are_dropped, "I4/I5", 5),
    Mutant("the last word wins", _the_last_word_wins, "I7", 4),
    Mutant("an acknowledged cancel read as its end", _asked_to_cancel_is_canceled, "I10", 7),
    Mutant("a replace under way counts nothing", _replace_under_way_counts_nothing, "I10", 4),
    Mutant("a replace settled without a fence", _replace_settled_without_fence, "I10", 6),
    Mutant("a fill completes what is growing", _fill_completes_what_grows, "I13", 8),
    Mutant("a restart takes no doubt up", _restart_takes_nothing_up, "I14", 1),
    Mutant("executions are never asked for", _executions_are_never_asked_for, "I4/I5", 3),
    Mutant("another decision under a known id", _any_content_is_the_same, "I16", 1),
)
