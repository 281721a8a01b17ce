"""Lists that lag: what the server shows is not yet what it has."""

from testing.paper_server.web_tools import Bench, bench, buy, fault, resting


async def test_an_order_list_shows_what_was() -> None:
    """An eventually consistent broker says «not there» about an order that it has."""
    async with bench() as desk:
        first = (await desk.submit(resting("c-1"))).json
        await desk.clock.run_for(10)
        await desk.ask("DELETE", f"/v2/orders/{first['id']}")
        filled = (await desk.submit(buy(2, client_order_id="c-2"))).json
        for on in ("orders", "order", "find", "activities"):
            desk.server.faults.add(fault(on, "lag", seconds=5))
        lagging = await read_all(desk, first["id"], filled["id"])
        desk.server.faults.clear()
        current = await read_all(desk, first["id"], filled["id"])
        for on in ("orders", "order", "find", "activities"):
            desk.server.faults.add(fault(on, "lag", seconds=5))
        await desk.clock.run_for(5)
        caught_up = await read_all(desk, first["id"], filled["id"])

    assert lagging == {
        "open": [("c-1", "new")],
        "closed": [],
        "all": [("c-1", "new")],
        "first": "new",
        "second": 404,
        "by name": 404,
        "fills": 0,
    }
    assert current == {
        "open": [],
        "closed": [("c-2", "filled"), ("c-1", "canceled")],
        "all": [("c-2", "filled"), ("c-1", "canceled")],
        "first": "canceled",
        "second": "filled",
        "by name": "filled",
        "fills": 1,
    }
    assert caught_up == current


async def read_all(desk: Bench, first: str, second: str) -> dict[str, object]:
    async def orders(status: str) -> list[tuple[str, str]]:
        found = (await desk.get(f"/v2/orders?status={status}")).json
        return [(one["client_order_id"], one["status"]) for one in found]

    async def status_of(path: str) -> object:
        answer = await desk.get(path)
        return answer.json["status"] if answer.status == 200 else answer.status

    return {
        "open": await orders("open"),
        "closed": await orders("closed"),
        "all": await orders("all"),
        "first": await status_of(f"/v2/orders/{first}"),
        "second": await status_of(f"/v2/orders/{second}"),
        "by name": await status_of("/v2/orders:by_client_order_id?client_order_id=c-2"),
        "fills": len((await desk.get("/v2/account/activities/FILL")).json),
    }


async def test_the_fills_of_then_are_shown_and_no_more() -> None:
    """A filled quantity that lags behind the list of fills is counted twice by who adds both."""
    async with bench(depth="2", step="5") as desk:
        made = (await desk.submit(buy(6))).json
        for on in ("orders", "order"):
            desk.server.faults.add(fault(on, "lag", seconds=5))
        shown = []
        for _ in range(4):
            (listed,) = (await desk.get("/v2/orders?status=all")).json or [{"filled_qty": None}]
            shown.append(listed["filled_qty"])
            await desk.clock.run_for(5)
        alone = (await desk.get(f"/v2/orders/{made['id']}")).json["filled_qty"]

    assert shown == [None, "2", "4", "6"]
    assert alone == "6"


async def test_a_short_page_of_then_is_as_long_as_was_asked() -> None:
    """A client that pages by the length of a page must not stop early, nor get more."""
    async with bench(faults=[fault("orders", "lag", seconds=5)]) as desk:
        for number in range(4):
            await desk.submit(resting(f"c-{number}"))
        await desk.clock.run_for(6)
        page = (await desk.get("/v2/orders?limit=2")).json
        strange = await desk.get("/v2/orders?limit=x")

    assert [order["client_order_id"] for order in page] == ["c-3", "c-2"]
    assert strange.status in (200, 422)


async def test_an_error_is_the_same_whenever_it_is_asked_for() -> None:
    """A question that is refused has no past."""
    async with bench(faults=[fault("order", "lag", seconds=5)]) as desk:
        answer = await desk.get("/v2/orders/00000000-0000-4000-8000-000000000000")

    assert (answer.status, answer.json["code"]) == (404, 40410000)
