"""What happened to others, by name, tried on a desk with the standard controls."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fillwright.config import load_config
from fillwright.desk.desk import Desk
from fillwright.desk.handles import Handle
from fillwright.errors import ConfigError, GuardError, OrderRefused
from fillwright.orders import Order, OrderChange
from fillwright.plans import Basket
from fillwright.types import Mode, OrdStatus
from risk.openkit import config, desk_with, watched

DAY = {"time_in_force": "DAY"}


def buy(symbol: str, quantity: str, **more: Any) -> Order:
    return Order(symbol=symbol, side="BUY", quantity=quantity, **more)


async def sent(desk: Desk, orders: list[Order]) -> list[Handle]:
    """All of them at once, as a program does."""
    handles = await asyncio.gather(*map(desk.submit, orders))
    await asyncio.gather(*(handle.decided() for handle in handles))
    return list(handles)


def codes(handles: list[Handle]) -> set[str]:
    return {reason.code for handle in handles for reason in handle.state.reasons}


async def test_citi_a_basket_with_units_for_dollars(tmp_path: Path) -> None:
    """58 million was meant in dollars and typed into the field for units: 444 billion dollars.

    The warning was one of 711 in one window. Here each line is refused, and nobody can click it
    away.
    """
    adapter = watched()
    orders = [buy(s, "580000", intent_id=f"citi-{s}") for s in ("KO", "AAPL", "XOM", "JPM")]
    async with desk_with(adapter, config(tmp_path)) as desk:
        handles = await sent(desk, orders)

        assert {handle.state.status for handle in handles} == {OrdStatus.REFUSED}
        assert {"C01", "C02"} <= codes(handles)
    assert adapter.requests.total() == 0


async def test_citi_a_basket_of_orders_that_are_each_within_their_limit(tmp_path: Path) -> None:
    """349 lines, none of them remarkable: the basket as a whole has a limit of its own."""
    adapter = watched()
    limits = '[risk.basket_notional]\nplan_usd = "5000"\n[risk.open_orders]\nside_orders = 1000\n'
    orders = tuple(buy("KO", str(n), **DAY) for n in range(1, 31))
    plan = Basket(plan_id="citi", orders=orders)
    async with desk_with(adapter, config(tmp_path, tables=limits)) as desk:
        result = await desk.execute(plan)
        bought = sum((line.value for line in result.orders), Decimal(0))

        assert 0 < bought < 5000
        assert any("C14" in (line.error or "") for line in result.orders), result


async def test_knight_children_without_end(tmp_path: Path) -> None:
    """An old flag made a router send children for a parent that was long filled: 4 million orders.

    The first child too many halts the strategy, and what follows is not even judged by size.
    """
    adapter = watched()
    children = [
        buy(
            "KO",
            "10",
            intent_id=f"knight-{n}",
            strategy="smars",
            parent_id="parent",
            parent_quantity="100",
        )
        for n in range(200)
    ]
    quiet = "[risk.duplicate_order]\nwindow_seconds = 0\n"
    async with desk_with(adapter, config(tmp_path, tables=quiet)) as desk:
        handles = await sent(desk, children)
        later = await sent(desk, [buy("KO", "1", intent_id="later", strategy="smars")])
        other = await sent(desk, [buy("KO", "1", intent_id="other", strategy="calm")])

        left = [h for h in handles if h.state.status is not OrdStatus.REFUSED]
        assert len(left) == adapter.requests["submit"] - 1 <= 10
        assert "C15" in codes(handles)
        assert codes(later) == {"HALTED"}
        assert other[0].state.status is not OrdStatus.REFUSED
        assert [halt.name for halt in desk.halts] == ["smars"]


async def test_knight_children_that_bring_a_larger_parent_each_time(tmp_path: Path) -> None:
    """Each child said truly how much it was a part of, and none of them the same: all passed.

    The parent's size is what its first child said; the next that says more halts the strategy.
    """
    adapter = watched()
    children = [
        buy(
            "KO",
            "10",
            intent_id=f"grown-{n}",
            strategy="smars",
            parent_id="parent",
            parent_quantity=str(10 + 10 * n),
        )
        for n in range(20)
    ]
    quiet = "[risk.duplicate_order]\nwindow_seconds = 0\n"
    async with desk_with(adapter, config(tmp_path, tables=quiet)) as desk:
        (first,) = await sent(desk, children[:1])
        later = await sent(desk, children[1:])

        assert first.state.status is not OrdStatus.REFUSED
        assert {handle.state.status for handle in later} == {OrdStatus.REFUSED}
        assert "C15" in codes(later)
    assert adapter.requests["submit"] == 1


async def test_knight_children_of_nobody(tmp_path: Path) -> None:
    """Without a parent to count by, the rate and the open orders still end it."""
    adapter = watched()
    flood = [
        buy("KO", "1", intent_id=f"flood-{n}", type="LIMIT", limit_price=f"{60 + n / 100:.2f}")
        for n in range(300)
    ]
    async with desk_with(adapter, config(tmp_path)) as desk:
        handles = await sent(desk, flood)

        assert adapter.requests["submit"] <= 20
        assert {"C16", "C22"} & codes(handles)


async def test_a_wash_trade_is_refused_here_before_the_broker_sees_it(tmp_path: Path) -> None:
    """Both sides of one symbol by one owner: it is unlawful, and the broker's last word is late."""
    adapter = watched()
    rests = Order(
        symbol="KO", side="SELL", quantity="5", type="LIMIT", limit_price="72", intent_id="rests"
    )
    meets = buy("KO", "1", intent_id="meets", type="LIMIT", limit_price="72")
    apart = buy("KO", "1", intent_id="apart", type="LIMIT", limit_price="64")
    async with desk_with(adapter, config(tmp_path)) as desk:
        handles = await sent(desk, [rests, meets])
        (low,) = await sent(desk, [apart])
        # And by a replace, which is the quieter way.
        with pytest.raises(OrderRefused, match="C29"):
            await desk.replace(low.client_order_id, OrderChange(limit_price=Decimal(72)))

        assert [h.state.status for h in handles] == [OrdStatus.NEW, OrdStatus.REFUSED]
        assert "C29" in codes(handles)
        assert low.state.status is OrdStatus.NEW
    assert (adapter.requests["submit"], adapter.requests["replace"]) == (2, 0)


@pytest.mark.parametrize("door", ["submit", "cancel", "replace", "sweep"])
async def test_zenbot_zerodha_simmer_a_paper_desk_never_acts_on_a_live_endpoint(
    door: str, tmp_path: Path
) -> None:
    """C36: paper sessions leaked to live accounts through exits, cancels and risk alerts.

    The endpoint turns out to be live while the desk runs: nothing that acts leaves any more.
    """
    adapter = watched()
    rests = buy("KO", "1", intent_id="rests", type="LIMIT", limit_price="64")
    async with desk_with(adapter, config(tmp_path)) as desk:
        (handle,) = await sent(desk, [rests])
        before = adapter.requests.total()
        adapter.endpoint = Mode.LIVE
        key = handle.client_order_id
        doors = {
            "submit": lambda: desk.submit(buy("KO", "1", intent_id="leak")),
            "cancel": lambda: desk.cancel(key),
            "replace": lambda: desk.replace(key, OrderChange(quantity=Decimal(2))),
            "sweep": desk.cancel_account,
        }
        if door == "submit":
            leak = await doors[door]()
            await asyncio.wait({asyncio.ensure_future(leak.decided())}, timeout=1)
        else:
            with pytest.raises(GuardError, match="nothing was sent"):
                await doors[door]()
        assert adapter.requests.total() == before
        adapter.endpoint = Mode.PAPER


def test_live_is_never_a_default_and_never_comes_from_outside(tmp_path: Path) -> None:
    """C36: one forgotten flag, one variable of another shell, and the money was real."""
    text = 'broker = "fake"\njournal = "desk.db"\nchecks = ["risk"]\n'
    (tmp_path / "desk.toml").write_text(text)
    with pytest.raises(ConfigError, match="mode"):
        load_config(tmp_path / "desk.toml", environ={"FILLWRIGHT_MODE": "paper"})
    (tmp_path / "desk.toml").write_text(f'mode = "live"\n{text}')
    with pytest.raises(ConfigError, match="expected_account_id"):
        load_config(tmp_path / "desk.toml", environ={})
