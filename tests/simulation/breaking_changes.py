"""Examples that break what must hold of a change when it is recorded."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

from fillwright.journal import OPENED
from fillwright.ledger import Abandoned, Change
from fillwright.plans import ExecutionResult
from fillwright.protocols import Record
from fillwright.states import Action, Pending
from fillwright.testing.simulation import Scene
from fillwright.testing.simulation.invariants import changes
from fillwright.types import ClientOrderId, OrdStatus
from simulation.breaking import (
    Instead,
    breaks,
    execution,
    newest,
    parts,
    planned,
    resting,
)


def last_change(scene: Scene) -> tuple[Record, Change]:
    """The newest record about an order, and what it changed."""
    change = next(one for one in reversed(scene.changes) if one.after is not None)
    scene.newest = next(r for r in scene.journal.read() if scene.fact_in(r) == change.fact)
    return scene.newest, change


@breaks("replay_is_live", "has no record")
def _(scene: Scene) -> None:
    changes.replay_is_live(scene, newest(scene).seq + 1, scene.changes[-1])


@breaks("replay_is_live", "was meant")
def _(scene: Scene) -> None:
    changes.replay_is_live(scene, newest(scene).seq, scene.changes[0])


@breaks("replay_is_live", "by the journal")
def _(scene: Scene) -> None:
    record, change = last_change(scene)
    assert change.after is not None
    other = change._replace(after=change.after.but(text="another"))
    changes.replay_is_live(scene, record.seq, other)


@breaks("replay_is_live", "other executions here")
def _(scene: Scene) -> None:
    record, change = last_change(scene)
    live = Instead(scene.ledger, executions=lambda _key: {"e1": "an execution"})
    parts(scene, keeper=Instead(scene.parts.keeper, ledger=live))
    changes.replay_is_live(scene, record.seq, change)


@breaks("replay_is_live", "positions or cash differ")
def _(scene: Scene) -> None:
    record, change = last_change(scene)
    scene.ledger.cash += 1
    changes.replay_is_live(scene, record.seq, change)


@breaks("replay_is_live", "halts or cursor differ")
def _(scene: Scene) -> None:
    record, change = last_change(scene)
    scene.ledger.cursor = None
    changes.replay_is_live(scene, record.seq, change)


@breaks("the_chain_goes_on", "follows")
def _(scene: Scene) -> None:
    changes.the_chain_goes_on(scene, newest(scene))


@breaks("the_chain_goes_on", "older than the one before")
def _(scene: Scene) -> None:
    last = newest(scene)
    earlier = last.at - timedelta(seconds=1)
    changes.the_chain_goes_on(scene, replace(last, seq=last.seq + 1, at=earlier))


@breaks("the_chain_goes_on", "without saying so")
def _(scene: Scene) -> None:
    last = newest(scene)
    changes.the_chain_goes_on(scene, replace(last, seq=last.seq + 1, epoch=last.epoch + 1))


def reopened(scene: Scene) -> list[Record]:
    """What the next process would find, its own first record included."""
    last, outside = newest(scene), scene.outside
    found = list(scene.journal.read())
    outside.durable, outside.records = len(found), {r.seq: r.hash for r in found}
    return [*found, replace(last, seq=last.seq + 1, epoch=last.epoch + 1, kind=OPENED)]


@breaks("what_was_durable_is_found", "does not open the epoch")
def _(scene: Scene) -> None:
    found = reopened(scene)
    changes.what_was_durable_is_found(scene.outside, found)
    changes.what_was_durable_is_found(scene.outside, found[:-1])


@breaks("what_was_durable_is_found", "that were durable")
def _(scene: Scene) -> None:
    *found, opened = reopened(scene)
    changes.what_was_durable_is_found(scene.outside, [*found[:-1], opened])


@breaks("what_was_durable_is_found", "not what was appended there")
def _(scene: Scene) -> None:
    *found, opened = reopened(scene)
    found[3] = replace(found[3], hash="another")
    changes.what_was_durable_is_found(scene.outside, [*found, opened])


@breaks("quantities_add_up", "has filled -1")
def _(scene: Scene) -> None:
    fact = scene.changes[-1].fact
    changes.quantities_add_up(Change(fact, after=resting(scene).but(filled=Decimal(-1))))


@breaks("quantities_add_up", "without a bust")
def _(scene: Scene) -> None:
    state, fact = resting(scene), scene.changes[-1].fact
    before = state.but(filled=state.filled + 1)
    changes.quantities_add_up(Change(fact, before, state))


@breaks("ended_stays_ended", "waits for")
def _(scene: Scene) -> None:
    state = planned(scene).but(pending=(Pending(Action.CANCEL),))
    changes.ended_stays_ended(Change(scene.changes[-1].fact, after=state))


@breaks("ended_stays_ended", "became NEW")
def _(scene: Scene) -> None:
    state = planned(scene)
    after = state.but(status=OrdStatus.NEW)
    changes.ended_stays_ended(Change(scene.changes[-1].fact, state, after))


@breaks("ended_stays_ended", "without a word")
def _(scene: Scene) -> None:
    state = planned(scene)
    after = state.but(filled=state.filled + 1)
    changes.ended_stays_ended(Change(scene.changes[-1].fact, state, after))


@breaks("an_end_has_its_evidence", "without evidence")
def _(scene: Scene) -> None:
    state = resting(scene).but(status=OrdStatus.CANCELED, evidence=None)
    changes.an_end_has_its_evidence(Change(scene.changes[-1].fact, after=state))


@breaks("an_end_has_its_evidence", "no word of the broker")
def _(scene: Scene) -> None:
    state = resting(scene).but(base=OrdStatus.IN_DOUBT)
    changes.an_end_has_its_evidence(Change(scene.changes[-1].fact, after=state))


@breaks("given_up_behind_the_fence", "without a doubt")
def _(scene: Scene) -> None:
    state = resting(scene)
    fact = Abandoned(state.client_order_id, state.updated_at, state.evidence)  # type: ignore[arg-type]
    changes.given_up_behind_the_fence(scene, Change(fact, state, state))


@breaks("booked_once", "a second time")
def _(scene: Scene) -> None:
    booked = next(one for one in scene.changes if one.execution is not None)
    changes.booked_once(scene, booked)


@breaks("told_once_after_durable", "told twice")
def _(scene: Scene) -> None:
    changes.told_once_after_durable(scene, execution(scene, next(iter(scene.told))))


@breaks("told_once_after_durable", "before it was durable")
def _(scene: Scene) -> None:
    changes.told_once_after_durable(scene, execution(scene, "another"))


@breaks("the_change_is_counted", "and no exposure")
def _(scene: Scene) -> None:
    exposures = SimpleNamespace(snapshot=dict)
    parts(scene, keeper=Instead(scene.parts.keeper, exposures=exposures))
    changes.the_change_is_counted(scene, resting(scene))


@breaks("the_change_is_counted", "worst case")
def _(scene: Scene) -> None:
    state = resting(scene)
    scene.ledger.positions[state.symbol] += 1
    changes.the_change_is_counted(scene, state)


def result_of_the_plan(scene: Scene) -> tuple[Record, ExecutionResult]:
    record = next(r for r in scene.journal.read() if r.kind == "plan_finished")
    return record, ExecutionResult.model_validate_json(str(record.body["result"]))


@breaks("a_plans_result_is_true", "is in no record")
def _(scene: Scene) -> None:
    record, result = result_of_the_plan(scene)
    del scene.shadow.orders[ClientOrderId(result.orders[0].client_order_id)]
    changes.a_plans_result_is_true(scene, record)


@breaks("a_plans_result_is_true", "of an order that is")
def _(scene: Scene) -> None:
    record, result = result_of_the_plan(scene)
    key = ClientOrderId(result.orders[0].client_order_id)
    scene.shadow.orders[key] = scene.shadow.orders[key].but(status=OrdStatus.EXPIRED)
    changes.a_plans_result_is_true(scene, record)
