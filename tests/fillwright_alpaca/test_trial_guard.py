"""Paper stays paper: the endpoint is looked at before every request that acts."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alpacakit.user import STILL, desk_on, order, resting, until
from fillwright import Desk
from fillwright.desk.handles import Handle
from fillwright.errors import FillwrightError
from fillwright.orders import OrderChange
from fillwright.plans import TargetQuantities
from fillwright.testing.paper_server import PaperServer, Seen, running_paper_server
from fillwright.types import Mode, OrdStatus
from fillwright_alpaca.translate import _SafeTrading

SHORT = "[desk]\nsend_deadline_seconds = 1.0\n"
CHANGE = OrderChange.model_validate({"limit_price": "216"})


@pytest.fixture
def server() -> Iterator[PaperServer]:
    with running_paper_server(STILL) as running:
        yield running


def acted(server: PaperServer) -> list[Seen]:
    """The requests that change something."""
    return [seen for seen in server.requests if seen.method not in ("GET", "")]


async def submit(desk: Desk, _: Handle) -> None:
    await (await desk.submit(order())).decided()


async def cancel(desk: Desk, open_one: Handle) -> None:
    await desk.cancel(open_one.client_order_id)


async def replace(desk: Desk, open_one: Handle) -> None:
    await desk.replace(open_one.client_order_id, CHANGE)


async def sweep(desk: Desk, _: Handle) -> None:
    await desk.cancel_account()


async def plan(desk: Desk, _: Handle) -> None:
    said = {"plan_id": "p", "target_quantities": {"KO": "3"}, "stale_orders": "keep"}
    await desk.execute(TargetQuantities.model_validate(said))


Deed = Callable[[Desk, Handle], Awaitable[None]]
DEEDS = [submit, cancel, replace, sweep, plan]


async def working(desk: Desk, limit_price: str = "215") -> Handle:
    """An order that stands at the broker."""
    handle = await desk.submit(resting(limit_price=limit_price))
    assert (await handle.decided()).status is not OrdStatus.REFUSED, handle.state.reasons
    await until(lambda: handle.state.status is OrdStatus.NEW)
    return handle


@pytest.mark.parametrize("deed", DEEDS)
async def test_an_endpoint_that_changes_under_the_desk_gets_nothing(
    deed: Deed, server: PaperServer, tmp_path: Path
) -> None:
    """Real money is behind it from now on, and the desk was told that it is paper."""
    async with desk_on(server, tmp_path, top="") as desk:
        open_one = await working(desk)
        before = acted(server)
        desk._parts.adapter.executor.endpoint = Mode.LIVE

        said = ""
        try:
            await deed(desk, open_one)
        except FillwrightError as fault:
            said = str(fault)

        assert not said or "the adapter speaks to a live endpoint; nothing was sent" in said
        assert acted(server) == before


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_client_whose_host_is_changed_sends_nothing(
    deed: Deed, server: PaperServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK keeps the host in a plain attribute: the keys and the order would go elsewhere."""
    with running_paper_server(STILL) as other:
        async with desk_on(server, tmp_path, top=SHORT) as desk:
            open_one = await working(desk)
            gone = await working(desk, "214")
            await desk.cancel(gone.client_order_id)
            before = acted(server)
            elsewhere = property(lambda _: other.url, lambda _, __: None)
            with monkeypatch.context() as patch:
                patch.setattr(_SafeTrading, "_base_url", elsewhere, raising=False)
                said = ""
                try:
                    await deed(desk, open_one)
                except FillwrightError as fault:
                    said = str(fault)

            assert not said or "a host that is not the configured one" in said
            assert acted(server) == before
            assert list(other.requests) == []


async def test_the_endpoint_is_looked_at_right_before_every_request_that_acts(
    server: PaperServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at once, at the start, says nothing about the request an hour later."""
    async with desk_on(server, tmp_path) as desk:
        adapter: Any = desk._parts.adapter
        seen: list[str] = []

        class Watched(type(adapter.executor)):  # type: ignore[misc]  # whatever it is
            @property
            def endpoint(self) -> Mode:
                seen.append("look")
                return Mode.PAPER

        adapter.executor.__class__ = Watched
        send = adapter._exchange.send

        async def noted(lane: Any, request: Any, **more: Any) -> Any:
            if request.method != "GET":
                seen.append(str(request.method))
            return await send(lane, request, **more)

        monkeypatch.setattr(adapter._exchange, "send", noted)
        for number, deed in enumerate(DEEDS):
            await deed(desk, await working(desk, str(210 + number)))

        requests = [n for n, what in enumerate(seen) if what != "look"]
        assert {seen[n] for n in requests} == {"POST", "PATCH", "DELETE"}
        assert [seen[n - 1] for n in requests] == ["look"] * len(requests)
