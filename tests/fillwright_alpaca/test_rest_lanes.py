"""Threads, cancelled tasks and closing: nothing waits behind what hangs or leaves late."""

import asyncio
import socket
import threading
import time

import pytest

from alpacakit.rawserver import RawServer, Talk
from alpacakit.rest import account, against, approved, order, working
from fillwright.clock import SystemClock
from fillwright.errors import BrokerUnavailable, NotSent, OrderInDoubt
from fillwright.types import OrdStatus
from fillwright_alpaca.calls import GivenUp, Lane, ThreadedCaller, Ticket

CLOCK = SystemClock()


class Bridge:
    """A server that answers no submit before it is opened, and everything else at once."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.gone = threading.Event()

    def __call__(self, talk: Talk) -> None:
        if talk.seen.method == "POST":
            self.arrived.release()
            try:
                talk.silence()
            finally:
                self.gone.set()
        elif talk.seen.method == "DELETE":
            talk.reply(204)
        else:
            talk.reply(200, account() if talk.seen.target.endswith("account") else [])

    async def crossed(self, count: int = 1) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self.arrived.acquire, timeout=20)


async def test_a_cancel_never_waits_behind_submits() -> None:
    """The one request that reduces risk would wait for the ones that add it."""
    with RawServer(bridge := Bridge()) as server:
        async with against(server.url, CLOCK, read_timeout_seconds=60) as adapter:
            submits = [
                asyncio.create_task(adapter.executor.submit(approved(f"fw-{n}"))) for n in range(9)
            ]
            await bridge.crossed(4)
            ack = await adapter.executor.cancel(working())

            assert ack.status is OrdStatus.PENDING_CANCEL
            assert not any(task.done() for task in submits)
            assert (await adapter.executor.account()).account_id == "PA3CANARY001"
            for task in submits:
                task.cancel()
            await asyncio.wait(submits)


async def test_a_cancelled_task_that_had_not_begun_never_sends() -> None:
    """An order that its owner gave up would arrive when a worker becomes free."""
    with RawServer(bridge := Bridge()) as server:
        async with against(server.url, CLOCK, read_timeout_seconds=60) as adapter:
            first = [
                asyncio.create_task(adapter.executor.submit(approved(f"fw-{n}"))) for n in range(4)
            ]
            await bridge.crossed(4)
            queued = asyncio.create_task(adapter.executor.submit(approved("fw-queued")))
            await asyncio.sleep(0)
            for task in (queued, *first):
                task.cancel()
            await asyncio.wait([queued, *first])
            # A submit after them shows that the queue was worked off.
            last = asyncio.create_task(adapter.executor.submit(approved("fw-last")))
            await bridge.crossed()
            last.cancel()
            await asyncio.wait([last])

        sent = [seen.json["client_order_id"] for seen in server.orders()]
        assert sorted(sent) == ["fw-0", "fw-1", "fw-2", "fw-3", "fw-last"]


async def test_a_cancelled_task_lets_go_of_its_connection() -> None:
    """Threads that wait for nobody would use up the pool, and then nothing leaves."""
    with RawServer(bridge := Bridge()) as server:
        async with against(server.url, CLOCK, read_timeout_seconds=60) as adapter:
            task = asyncio.create_task(adapter.executor.submit(approved()))
            await bridge.crossed()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

            assert await asyncio.to_thread(bridge.gone.wait, 20)


async def test_closing_does_not_wait_for_a_silent_server() -> None:
    """A desk that cannot stop is killed, with everything that it had in flight."""
    before = threading.active_count()
    with RawServer(bridge := Bridge()) as server:
        async with against(server.url, CLOCK, read_timeout_seconds=60) as adapter:
            task = asyncio.create_task(adapter.executor.submit(approved()))
            await bridge.crossed()
            started = time.monotonic()
            await adapter.close()
            took = time.monotonic() - started
            with pytest.raises(OrderInDoubt, match="closed"):
                await task
            with pytest.raises(NotSent, match="closed"):
                await adapter.executor.submit(approved())
            with pytest.raises(BrokerUnavailable, match="closed"):
                await adapter.executor.account()

        assert took < 10
        assert [t.name for t in threading.enumerate() if t.name.startswith("alpaca-")] == []
    assert threading.active_count() <= before + 1  # asyncio's own helper for this test


async def test_closing_does_not_wait_for_a_name_server_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing can interrupt a name server that never answers; the order must not leave later."""
    asked, answered = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def slow(*given: object, **named: object) -> object:
        asked.set()
        answered.wait(20)
        return real(*given, **named)

    with RawServer(lambda talk: talk.reply(200, order())) as server:
        async with against(server.url, CLOCK) as adapter:
            monkeypatch.setattr(socket, "getaddrinfo", slow)
            task = asyncio.create_task(adapter.executor.submit(approved()))
            assert await asyncio.to_thread(asked.wait, 20)
            await adapter.close()
            with pytest.raises(NotSent, match="closed"):
                await task
            answered.set()
        for thread in threading.enumerate():
            if thread.name.startswith("alpaca-"):
                thread.join(20)

        assert server.requests == []


async def test_a_worker_that_hangs_for_good_is_not_counted_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one lost question to a name server, every order would wait behind it."""
    hangs, answered = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def slow_once(*given: object, **named: object) -> object:
        if not hangs.is_set():
            hangs.set()
            answered.wait(20)
        return real(*given, **named)

    with RawServer(lambda talk: talk.reply(200, order())) as server:
        async with against(server.url, CLOCK, total_timeout_seconds=0.5) as adapter:
            monkeypatch.setattr(socket, "getaddrinfo", slow_once)
            with pytest.raises(NotSent, match="no answer within"):
                await adapter.executor.submit(approved("fw-lost"))
        async with against(server.url, CLOCK) as adapter:
            hangs.clear()
            lost = asyncio.create_task(adapter.executor.submit(approved("fw-lost")))
            assert await asyncio.to_thread(hangs.wait, 20)
            lost.cancel()
            await asyncio.wait([lost])
            await adapter.executor.submit(approved())
            answered.set()

        assert len(server.orders()) == 1


async def test_each_worker_keeps_its_own_connection() -> None:
    """Sessions of the library underneath are not safe to share between threads."""
    threads = set()
    barrier = threading.Barrier(4, timeout=20)

    def answer(talk: Talk) -> None:
        if talk.seen.method == "POST":
            threads.add(threading.get_ident())
            barrier.wait()
            talk.reply(200, order(client_order_id=talk.seen.json["client_order_id"]))

    with RawServer(answer) as server:
        async with against(server.url, CLOCK) as adapter:
            for _ in range(2):
                await asyncio.gather(
                    *(adapter.executor.submit(approved(f"fw-{n}")) for n in range(4))
                )

        assert server.connections == len(threads) == 4
        assert len(server.orders()) == 8


class Idle:
    """A client that is only there."""

    def close(self) -> None:
        pass


async def test_what_was_given_up_in_the_queue_is_never_begun() -> None:
    """It would open connections, and take the time of those that are still waited for."""
    caller = ThreadedCaller(Idle, 30.0)
    free, ran = threading.Event(), []
    busy = [
        asyncio.create_task(caller.call(Lane.CANCEL, lambda *_: free.wait(20))) for _ in range(2)
    ]
    await asyncio.sleep(0)
    queued = asyncio.create_task(caller.call(Lane.CANCEL, lambda *_: ran.append("queued")))
    await asyncio.sleep(0)
    queued.cancel()
    await asyncio.wait([queued])
    free.set()
    await asyncio.gather(*busy)
    await caller.call(Lane.CANCEL, lambda *_: ran.append("last"))
    await caller.close()

    assert ran == ["last"]


async def test_one_thread_is_enough_for_one_call_at_a_time() -> None:
    """Each thread has a connection of its own, with a handshake of its own."""
    caller = ThreadedCaller(Idle, 30.0)

    names = {
        await caller.call(Lane.QUERY, lambda *_: threading.current_thread().name) for _ in range(20)
    }
    await caller.close()

    assert len(names) == 1


async def test_a_fault_of_our_own_comes_back_to_whoever_asked() -> None:
    """Lost in a thread, its caller would wait for ever."""
    caller = ThreadedCaller(Idle, 30.0)

    with pytest.raises(ZeroDivisionError):
        await caller.call(Lane.SUBMIT, lambda *_: 1 / 0)
    assert await caller.call(Lane.SUBMIT, lambda *_: "next") == "next"
    await caller.close()


async def test_what_waits_too_long_for_a_worker_is_proven_unsent() -> None:
    """In doubt, a queue behind a slow broker would be a queue of doubts."""
    caller = ThreadedCaller(Idle, 2.0)
    free, ran = threading.Event(), []

    def leave_and_hang(_: Idle, ticket: Ticket) -> None:
        ticket.depart()
        free.wait(20)

    found = await asyncio.gather(
        *(caller.call(Lane.CANCEL, leave_and_hang) for _ in range(2)),
        caller.call(Lane.CANCEL, lambda *_: ran.append("queued")),
        return_exceptions=True,
    )
    free.set()
    await caller.close()

    assert [type(one) for one in found] == [GivenUp] * 3
    assert [one.sent for one in found] == [True, True, False]
    assert ran == []
