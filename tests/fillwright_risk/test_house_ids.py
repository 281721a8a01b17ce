"""The controls that the house itself enforces, by id: C20, C34, C35, C36, C37, C40.

How each behaves in full is tried in tests/risk and tests/desk; here each is found by its id.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from fillwright.desk.guard import Guard
from fillwright.errors import GuardError, IntentConflict
from fillwright.orders import Order
from fillwright.risk.house import ActiveHalt, Conditions, house_rules
from fillwright.types import Mode, Side
from fillwright.verdicts import Reject, Scope
from risk.gatekit import CALM, D, order, view
from risk.openkit import buying, config, desk_with, watched


def said(conditions: Conditions, asked: Order, position: str = "0") -> list[str]:
    verdicts = [v for _, v in house_rules(asked, view(position), conditions, change=False)]
    assert all(isinstance(verdict, Reject) for verdict in verdicts)
    return [verdict.text[:3] for verdict in verdicts if isinstance(verdict, Reject)]


HOUSE = {
    "C34": replace(CALM, doubtful_symbols=frozenset({"AAPL"})),
    "C35": replace(CALM, not_ready="the stream is down"),
    "C37": replace(CALM, halts=frozenset({ActiveHalt(Scope.DESK, "")})),
}


@pytest.mark.parametrize("code", HOUSE)
def test_the_house_names_the_control(code: str) -> None:
    """An auditor looks for the id of the standard, and a person for the words."""
    assert said(HOUSE[code], order()) == [code]


@pytest.mark.parametrize("code", HOUSE)
def test_what_reduces_passes(code: str) -> None:
    """Risk can be taken off whatever stands in the way of more."""
    assert said(HOUSE[code], order(Side.SELL), "50") == []


def test_c34_another_symbol_is_not_in_doubt() -> None:
    """One unknown outcome must not stop the whole account."""
    assert said(replace(CALM, doubtful_symbols=frozenset({"KO"})), order()) == []


def test_c37_a_halt_of_another_scope_does_not_hold() -> None:
    """A halt reaches as far as it says."""
    other = replace(CALM, halts=frozenset({ActiveHalt(Scope.SYMBOL, "KO")}))

    assert said(other, order()) == []


def test_c40_reduce_only_never_flips() -> None:
    """An exit that is larger than the position would open the other way."""
    assert said(CALM, order(Side.SELL, reduce_only=True), "5") == ["C40"]
    assert said(CALM, order(Side.SELL, reduce_only=True), "10") == []
    assert said(CALM, order(reduce_only=True)) == ["C40"]


async def test_c20_the_same_intent_is_one_order(tmp_path: Path) -> None:
    """The journal enforces it: the same intent again is the earlier handle, with nothing sent."""
    adapter = watched()
    async with desk_with(adapter, config(tmp_path)) as desk:
        first = await desk.submit(buying())
        again = await desk.submit(buying())
        await first.decided()

        assert again.client_order_id == first.client_order_id
        assert adapter.requests["submit"] == 1
        with pytest.raises(IntentConflict):
            await desk.submit(buying().model_copy(update={"quantity": D(2)}))
    assert adapter.requests["submit"] == 1


def test_c36_mode_endpoint_and_account_must_agree() -> None:
    """Three agreements: what is configured, where requests go, and whose account it is."""
    executor = watched()

    Guard(Mode.PAPER, executor, "A", "A").check()  # type: ignore[arg-type]
    for guard in (
        Guard(Mode.LIVE, executor, "A", "A"),  # type: ignore[arg-type]
        Guard(Mode.PAPER, executor, "B", "A"),  # type: ignore[arg-type]
    ):
        with pytest.raises(GuardError):
            guard.check()
    executor.endpoint = Mode.LIVE
    with pytest.raises(GuardError):
        Guard(Mode.LIVE, executor, "A", None).check()  # type: ignore[arg-type]
