"""Every field that the adapter reads goes missing, or becomes something else, on the way to a desk.

A table of places and fields, and of what may become of a field. For each: nothing crashes, no
order is lost or repeated, what the books need is missed aloud and stops new risk, and all of it
heals. `TRY_DRIFT` runs every change of every field; without it each field takes turns.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as but
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alpacakit.trial import Trial, trial
from desk.kit import LIMITS, Check, order, resting
from fillwright.desk.desk import DeskState
from fillwright.desk.handles import Handle
from fillwright.errors import FillwrightError
from fillwright.plugins import Registry
from fillwright.testing.paper_server import Fault
from fillwright.types import OrdStatus

D = Decimal
LIMIT = {"risk": {"max_order_notional": {"limit_usd": "50000"}}}
#: What may become of a field.
CHANGES: dict[str, dict[str, Any]] = {
    "missing": {"fault": "field_missing"},
    "null": {"fault": "field_null"},
    "retyped": {"fault": "field_retyped"},
    "garbage": {"fault": "field_set", "value": "garbage"},
    "list": {"fault": "field_set", "value": [{"new": True}]},
}
ALL = "TRY_DRIFT" in os.environ
_ORDER = {
    "id": "missing null retyped list",
    "client_order_id": "retyped list",
    "symbol": "missing null retyped list",
    "side": "missing null retyped garbage list",
    "status": "missing null retyped list",
    "qty": "missing null garbage list",
    "filled_qty": "missing null garbage list",
    "notional": "garbage list",
    "legs": "garbage list",
} | dict.fromkeys(
    (
        *("type", "order_type", "time_in_force", "filled_avg_price", "limit_price", "stop_price"),
        *("submitted_at", "created_at", "updated_at", "canceled_at", "expired_at", "failed_at"),
        *("replaced_at", "replaces", "replaced_by", "order_class", "asset_class", "expires_at"),
        "a_new_field",
    ),
    "",
)
#: Orders are read in the same way everywhere; elsewhere these are enough.
_CORE = (*(name for name, fatal in _ORDER.items() if fatal), "limit_price", "submitted_at", "new")
#: For each place and field the changes with which the books cannot be compared any more.
TABLE: dict[str, dict[str, str]] = {
    "account": {
        "account_number": "missing null retyped garbage list",
        "status": "missing null retyped list",
        "cash": "missing null garbage list",
        "buying_power": "missing null garbage list",
        "equity": "missing null garbage list",
        "currency": "retyped list",
        "last_equity": "",
        "account_blocked": "retyped garbage list",
        "trading_blocked": "retyped garbage list",
        "trade_suspended_by_user": "retyped garbage list",
        "a_new_field": "",
    },
    "positions": {
        "symbol": "missing null retyped garbage list",
        "qty": "missing null garbage list",
        "side": "missing null retyped garbage list",
        "qty_available": "",
        "avg_entry_price": "",
        "current_price": "",
        "asset_id": "",
        "asset_class": "",
        "a_new_field": "",
    },
    "activities": {
        "id": "missing null retyped list",
        "type": "retyped garbage list",
        "order_id": "missing null retyped garbage list",
        "qty": "missing null garbage list",
        "cum_qty": "missing null garbage list",
        "price": "missing null garbage list",
        "transaction_time": "missing null retyped garbage list",
        "symbol": "missing null retyped list",
        "side": "missing null retyped garbage list",
        "activity_type": "",
        "a_new_field": "",
    },
    "orders": _ORDER,
    "find": dict.fromkeys(_CORE, ""),
    "submit": dict.fromkeys(_CORE, ""),
    "assets": dict.fromkeys(
        (
            *("symbol", "class", "status", "tradable", "fractionable", "shortable"),
            *("borrow_status", "easy_to_borrow", "a_new_field"),
        ),
        "",
    ),
    "clock": dict.fromkeys(("timestamp", "is_open", "next_open", "next_close", "a_new_field"), ""),
    "data": dict.fromkeys(
        ("quotes", *(f"quotes.KO.{field}" for field in ("t", "ap", "as", "bp", "bs", "new"))), ""
    ),
    "message": dict.fromkeys(
        (
            *("event", "timestamp", "price", "qty", "execution_id", "position_qty", "order"),
            *(f"order.{field}" for field in _CORE),
        ),
        "",
    ),
}
CASES = [(place, field) for place, fields in TABLE.items() for field in fields]


def changes_of(place: str, field: str) -> list[str]:
    """All changes; or one with which the books can be compared, and one with which they cannot."""
    if ALL:
        return list(CHANGES)
    turn = CASES.index((place, field))
    fatal = TABLE[place][field].split()
    harmless = [name for name in CHANGES if name not in fatal]
    return [names[turn % len(names)] for names in (fatal, harmless) if names]


@dataclass
class Alerts(logging.Handler):
    """Everything that was logged as a warning or worse."""

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    __hash__ = object.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


@pytest.fixture
def alerts() -> Iterator[Alerts]:
    handler = Alerts()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def cautious() -> Trial:
    """A desk with the standard controls that compares its books every two seconds."""
    limits = but(LIMITS, reconcile_every=2.0, silence=1.0, ready_within=2.0)
    world = Trial(limits=limits)
    standard = Registry.load(("risk",), folder=Path(), settings=LIMIT).checks
    world.checks = (Check("obedient", world._obedient), *standard)
    return world


@pytest.mark.parametrize(("place", "field"), CASES)
async def test_a_field_that_changes(place: str, field: str, alerts: Alerts) -> None:
    """The broker's next version is read as something that it does not say, or crashes the desk."""
    async with trial(world=cautious()) as world:
        standing = await world.submit(**resting(quantity="400", limit_price="96"))
        await world.run(0.1)
        assert standing.state.status is OrdStatus.NEW, standing.state.reasons
        for turn, change in enumerate(changes_of(place, field)):
            alerts.told.clear()
            world.server.faults.add(
                Fault.model_validate({"on": place, "field": field, **CHANGES[change]})
            )
            handles = await live(world, turn)
            said, told = world.desk.obstacles, list(alerts.told)
            await heal(world, handles)

            assert world.desk.state is DeskState.RUNNING
            if change in TABLE[place][field].split():
                assert "not compared with the broker" in said
                assert any("reconcile_failed" in one for one in told), told
            elif place != "message":
                assert said == ""
            else:
                # What cannot be read is a gap, and a gap has the books compared at once.
                assert said == "" or said.startswith("the books are being compared")
        assert standing.state.filled > 0


async def live(world: Trial, turn: int) -> list[Handle]:
    """A buy, a sell, a fill of what stood already, and a cancel, while the field is changed."""
    shares = str(turn + 1)
    buy = await world.desk.submit(order(symbol="KO", quantity=shares))
    sell = await world.desk.submit(order(symbol="MSFT", side="SELL", quantity=shares))
    other = await world.desk.submit(order(**resting(limit_price=f"9{turn}")))
    await world.run(1)
    world.quote("AAPL", D("95.5"), size=D(1))
    canceling = asyncio.create_task(world.desk.cancel(other.client_order_id))
    await world.run(9)
    with suppress(FillwrightError):
        await canceling
    return [buy, sell, other]


async def heal(world: Trial, handles: list[Handle]) -> None:
    """The field is back: everything is settled, known, and new risk may be taken again."""
    world.quote("AAPL", D(100), size=D(5))
    world.script.clear()
    await world.run(12)
    for halted in world.desk.halts:
        await world.desk.resume(halted.scope, halted.name, by="somebody")
    for handle in handles:
        if not handle.state.ended:
            with suppress(FillwrightError):
                await world.wait(world.desk.cancel(handle.client_order_id))
    await world.settled(8)
    assert world.desk.obstacles == ""
    assert {handle.state.status for handle in handles} <= ENDS


#: The last three are ours: it was not sent, or never taken.
ENDS = {
    *(OrdStatus.FILLED, OrdStatus.CANCELED),
    *(OrdStatus.REFUSED, OrdStatus.EXPIRED, OrdStatus.ABANDONED),
}
