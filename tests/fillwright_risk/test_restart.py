"""A restart resets no limit: each control that remembers, over two desks and one journal."""

from pathlib import Path
from typing import Any

import pytest

from fillwright.desk.opening import open_desk
from fillwright.orders import Order
from fillwright.states import OrderState
from fillwright.types import OrdStatus

DESK = """
mode = "paper"
broker = "fake"
journal = "desk.db"
checks = ["risk"]

[fake]
state = "fake-broker.db"
cash = "1000000"
volatility = "0"
{fake}

[fake.positions]
XOM = "100"

[risk.max_order_notional]
limit_usd = "500000"

[risk.duplicate_order]
window_seconds = 0

{tables}
"""
KO: dict[str, Any] = {"symbol": "KO", "side": "BUY", "quantity": "1"}
CHILD = KO | {"parent_id": "p", "parent_quantity": "1"}
RESTING = KO | {"type": "LIMIT", "time_in_force": "GTC"}
REJECTING = 'faults = [{on = "submit", fault = "reject", times = 2}]'
#: By id: the table, what the first desk is asked, what the second refuses, and the broker's faults.
MEMORIES: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any], str]] = {
    "C05": (
        '[risk.price_drift]\nmax_drift_pct = "1"',
        [RESTING | {"limit_price": "64"}],
        RESTING | {"limit_price": "65"},
        "",
    ),
    "C13": ('[risk.daily_capital]\nlimit_usd = "100"', [KO], KO, ""),
    "C14": (
        '[risk.basket_notional]\nplan_usd = "100"',
        [KO | {"plan_id": "p"}],
        KO | {"plan_id": "p"},
        "",
    ),
    "C15": ("", [CHILD], CHILD, ""),
    "C16": ("[risk.order_rate]\nsymbol_per_minute = 1", [KO], KO, ""),
    "C17": (
        '[risk.message_rate]\nmax_messages_per_fill = "1"\nleast_messages = 1',
        [KO],
        KO,
        "",
    ),
    "C18": ("[risk.repeated_execution]\nmax_orders = 1", [KO], KO, ""),
    "C21": (
        '[risk.max_order_quantity]\nlimit_shares = "10"',
        [KO | {"quantity": "20"}, KO | {"quantity": "10"}],
        KO | {"quantity": "10"},
        "",
    ),
    "C22": (
        "[risk.open_orders]\nside_orders = 1",
        [RESTING | {"limit_price": "64"}],
        RESTING | {"limit_price": "64"},
        "",
    ),
    "C29": (
        "",
        [RESTING | {"limit_price": "64"}],
        {"symbol": "KO", "side": "SELL", "quantity": "2", "type": "LIMIT", "limit_price": "64"},
        "",
    ),
    "C31": (
        '[risk.settled_cash]\nfloor_usd = "1000000"',
        [{"symbol": "XOM", "side": "SELL", "quantity": "100"}],
        KO,
        "",
    ),
    "C33": ("[risk.error_rate]\nmax_rejects = 1", [KO, KO], KO, REJECTING),
}


async def asked(folder: Path, *orders: dict[str, Any]) -> list[OrderState]:
    """Open a desk on what the folder holds, ask for these, and close it."""
    async with open_desk(folder / "desk.toml", environ={}) as desk:
        return [await (await desk.submit(Order(**one))).decided() for one in orders]


@pytest.mark.parametrize("code", MEMORIES)
async def test_a_restart_resets_no_limit(code: str, tmp_path: Path) -> None:
    """A limit that a restart resets is a limit per restart, and crashes come in rows."""
    tables, first, then, fake = MEMORIES[code]
    (tmp_path / "desk.toml").write_text(DESK.format(tables=tables, fake=fake))
    before = await asked(tmp_path, *first)
    (again,) = await asked(tmp_path, then)

    assert any(one.status is not OrdStatus.REFUSED for one in before)
    assert again.status is OrdStatus.REFUSED
    assert code in [reason.code for reason in again.reasons]


async def test_the_first_word_on_a_parent_is_remembered(tmp_path: Path) -> None:
    """A router that crashes and comes back with a larger parent must find the one it had."""
    (tmp_path / "desk.toml").write_text(DESK.format(tables="", fake=""))
    first = CHILD | {"parent_quantity": "10"}
    (before,) = await asked(tmp_path, first)
    (grown,) = await asked(tmp_path, first | {"parent_quantity": "1000"})

    assert before.status is not OrdStatus.REFUSED
    assert [(r.code, r.measured, r.limit) for r in grown.reasons] == [("C15", "1000", "10")]


@pytest.mark.parametrize("code", ["C15", "C18", "C33"])
async def test_a_halt_is_still_there_and_a_person_lifts_it(code: str, tmp_path: Path) -> None:
    """A halt that ends with the process is lifted by whatever crashed it."""
    tables, first, then, fake = MEMORIES[code]
    (tmp_path / "desk.toml").write_text(DESK.format(tables=tables, fake=fake))
    await asked(tmp_path, *first, then)
    (halted,) = await asked(tmp_path, KO)
    (reduced,) = await asked(tmp_path, {"symbol": "XOM", "side": "SELL", "quantity": "1"})

    assert "HALTED" in [reason.code for reason in halted.reasons]
    assert reduced.status is not OrdStatus.REFUSED
    async with open_desk(tmp_path / "desk.toml", environ={}) as desk:
        for halt in desk.halts:
            await desk.resume(halt.scope, halt.name, by="the risk officer")
        state = await (await desk.submit(Order(**KO))).decided()

        assert state.status is not OrdStatus.REFUSED, state.reasons
