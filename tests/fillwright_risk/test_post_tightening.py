"""Tightening the limit of a post-execution control never says less about a fill or a finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.findings import CashDiffers, PositionDiffers, WorkingOrder
from fillwright.limits import Scoped
from fillwright.states import Action, Pending
from fillwright.types import OrdStatus, Side
from fillwright.verdicts import ALLOW, Halt, Reject, Verdict, Warn
from fillwright_risk.post import POST_CONTROLS
from fillwright_risk.post.common import Reaction
from risk.postkit import NOW, D, book, execution, quote, state

KINDS = {control.name: control for control in POST_CONTROLS}
#: Whatever is found is told: there is nothing to tighten.
WITHOUT = {"drop_copy", "unintended_fill", "overfill", "orphan_order", "bust_or_correct"}
_SEVERITY = (type(ALLOW), Warn, Reject, Halt)
#: Asks a control about something that happened.
Asked = Callable[[Any], Verdict]


@dataclass(frozen=True)
class Setting:
    """One limit of one table; a smaller one is tighter."""

    table: str
    name: str
    asked: st.SearchStrategy[Asked]
    #: What else must stand in the table.
    beside: Mapping[str, object] = field(default_factory=dict)
    #: Whether it is a whole number in the table, and not text.
    count: bool = False
    #: Whether it may be left out, which is the loosest.
    optional: bool = False
    #: By how much the drawn numbers are too small.
    scale: int = 1


def numbers(most: int = 60) -> st.SearchStrategy[Decimal]:
    return st.integers(-most, most).map(Decimal)


def finding(one: object) -> Asked:
    return lambda control: control.check_books(one, book())


def differing(kind: type[PositionDiffers | CashDiffers]) -> st.SearchStrategy[Asked]:
    odd = st.sampled_from([D("NaN"), D("0.5")])
    return st.builds(lambda by: finding(kind("AAPL", D(10), D(10) + by)), numbers() | odd)


def working() -> st.SearchStrategy[Asked]:
    def asked(seconds: int, status: OrdStatus, pending: tuple[Pending, ...]) -> Asked:
        order = state(status=status, base=status, pending=pending)
        return finding(WorkingOrder(order, NOW - timedelta(seconds=seconds)))

    statuses = st.sampled_from([OrdStatus.PARTIALLY_FILLED, OrdStatus.NEW])
    requests = st.sampled_from([(), (Pending(Action.CANCEL),)])
    return st.builds(asked, st.integers(0, 60), statuses, requests)


def filled(**more: Any) -> st.SearchStrategy[Asked]:
    """A fill at any price; the view's other fields are drawn, too."""

    def asked(price: int, side: Side, limit: str | None, fields: Mapping[str, Any]) -> Asked:
        kind = {"type": "LIMIT", "limit_price": limit} if limit else {}
        order, fill = state(side=side, order=kind), execution(str(price))
        return lambda control: control.check_execution(order, fill, book(**fields))

    limits = st.sampled_from([None, None, "100", "130"])
    fields = st.fixed_dictionaries(more)
    return st.builds(asked, st.integers(50, 150), st.sampled_from(Side), limits, fields)


_quotes = st.sampled_from([quote("99", "100"), quote(None, None), quote("NaN", "NaN"), None])
_held = st.dictionaries(st.sampled_from(["AAPL", "KO"]), numbers(9).map(str))
_reactions = st.sampled_from([Reaction.WARN, Reaction.ALERT, Reaction.HALT_ACCOUNT])
SETTINGS = (
    Setting("position_break", "tolerance_shares", differing(PositionDiffers)),
    Setting("cash_break", "warn_usd", differing(CashDiffers), {"halt_usd": "100"}),
    Setting("cash_break", "halt_usd", differing(CashDiffers), {"warn_usd": "0"}, optional=True),
    Setting("slippage", "max_arrival_pct", filled(), {"max_quote_pct": None}, optional=True),
    Setting(
        "slippage",
        "max_quote_pct",
        filled(at_fill=_quotes),
        {"max_arrival_pct": None},
        optional=True,
    ),
    Setting(
        "post_trade_credit",
        "limit_usd",
        filled(held=_held, prices=st.sampled_from([{}, {"KO": "5"}])),
        scale=20,
    ),
    Setting("stuck_order", "in_flight_seconds", working(), count=True),
    Setting("stuck_order", "stalled_seconds", working(), count=True),
)


def severity(setting: Setting, limit: int | None, reaction: Reaction, asked: Asked) -> int:
    """How loud one control is with such a limit."""
    value = None if limit is None else limit if setting.count else str(limit * setting.scale)
    table = {**setting.beside, "reaction": reaction, setting.name: value}
    kind = KINDS[setting.table]
    control = kind(Scoped(kind.table, table, f"risk.{setting.table}"))
    return _SEVERITY.index(type(asked(control)))


def test_every_post_control_with_a_limit_is_tried() -> None:
    """A limit that is left out here may be loosened by tightening it."""
    assert {one.table for one in SETTINGS} | WITHOUT == set(KINDS)
    tried = {(one.table, one.name) for one in SETTINGS}
    limits = {
        (control.name, name) for control in POST_CONTROLS for name in control.table.model_fields
    }
    assert {(table, name) for table, name in limits if name != "reaction"} == tried


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.table}.{one.name}")
def test_tightening_never_alerts_less(setting: Setting) -> None:
    """A user who lowers a limit after a bad day must never hear less of the next one."""
    seen = set()

    @settings(max_examples=60, deadline=None)
    @given(setting.asked, st.integers(1, 60), st.integers(1, 60), st.booleans(), _reactions)
    def holds(asked: Asked, one: int, other: int, off: bool, reaction: Reaction) -> None:
        tight, loose = sorted((one, other))
        loosest = None if off and setting.optional else loose
        loud = severity(setting, tight, reaction, asked)
        seen.add(loud)

        assert loud >= severity(setting, loosest, reaction, asked)

    holds()
    assert len(seen) > 1  # or nothing was tried
