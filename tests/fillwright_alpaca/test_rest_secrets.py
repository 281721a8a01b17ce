"""A planted key and secret: in no log, text, traceback, repr or pickle, whatever fails."""

import asyncio
import copy
import http.client
import logging
import pickle
import threading
import traceback
from collections.abc import Iterator

import pytest

from alpacakit.failing import UNKNOWN
from alpacakit.rawserver import RawServer
from alpacakit.rest import KEY, SECRET, against, approved, changed, fault, request, working
from fillwright.clock import SystemClock
from fillwright.errors import FillwrightError
from fillwright_alpaca.adapter import build

CLOCK = SystemClock()
CANARIES = (KEY, SECRET)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error with everything that it was raised from or during, hidden or not."""
    while error is not None:
        yield error
        yield from chain(error.__cause__)
        error = error.__context__


def shown(error: BaseException) -> str:
    """All that any handler could print of it, local variables included."""
    texts = []
    for one in chain(error):
        frames = traceback.TracebackException.from_exception(one, capture_locals=True)
        texts += [str(one), repr(one), repr(vars(one)), *frames.format()]
    return "\n".join(texts)


def clean(text: str) -> None:
    for canary in CANARIES:
        assert canary not in text


@pytest.fixture
def everything_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """Every library at DEBUG, and http.client printing what it sends."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "websockets", "alpaca", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    return caplog


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_no_failure_shows_a_key(
    kind: str, everything_logged: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A key in a log file is a key in every backup, ticket and chat that the log gets into."""
    with RawServer(UNKNOWN[kind]) as server:
        async with against(
            server.url, CLOCK, read_timeout_seconds=0.4, total_timeout_seconds=1.0
        ) as adapter:
            executor = adapter.executor
            for attempt in (
                lambda: executor.submit(approved()),
                lambda: executor.cancel(working(order_id=None)),
                lambda: executor.replace(working(), changed(quantity="5")),
                executor.account,
            ):
                with pytest.raises(FillwrightError) as raised:
                    await attempt()
                clean(shown(raised.value))

        assert any(SECRET in seen.headers.values() for seen in server.requests)
    clean(everything_logged.text)
    printed = capfd.readouterr()
    clean(printed.out + printed.err)


@pytest.mark.parametrize("echo", ["text", "json"])
async def test_a_server_that_repeats_the_key_is_not_quoted(
    echo: str, everything_logged: pytest.LogCaptureFixture
) -> None:
    """A debugging proxy answers with the headers that it got."""
    body = f"<p>{KEY} {SECRET}</p>".encode() if echo == "text" else fault(1, f"{KEY} {SECRET}")
    with RawServer(lambda talk: talk.reply(502 if echo == "text" else 403, body)) as server:
        async with against(server.url, CLOCK) as adapter:
            for attempt in (lambda: adapter.executor.submit(approved()), adapter.executor.account):
                with pytest.raises(FillwrightError) as raised:
                    await attempt()
                clean(str(raised.value) + repr(raised.value) + repr(vars(raised.value)))
    clean(everything_logged.text)


async def test_what_does_not_connect_shows_no_key(
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    """The library's own error holds the request with its headers."""
    async with against("http://127.0.0.1:1", CLOCK) as adapter:
        with pytest.raises(FillwrightError) as raised:
            await adapter.executor.submit(approved())
    clean(shown(raised.value))
    clean(everything_logged.text)


async def test_a_cancelled_task_and_a_closed_adapter_show_no_key() -> None:
    """The traceback of a cancelled task is printed by whatever loop it ran in."""
    arrived = threading.Event()

    def silence(talk) -> None:
        arrived.set()
        talk.silence()

    with RawServer(silence) as server:
        async with against(server.url, CLOCK) as adapter:
            task = asyncio.create_task(adapter.executor.submit(approved()))
            assert await asyncio.to_thread(arrived.wait, 20)
            clean(repr(task))
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            clean(shown(raised.value))


def parts(root: object) -> Iterator[object]:
    """Every object of ours that hangs on `root`."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple | set):
            waiting += one
        elif type(one).__module__.startswith(("fillwright", "functools")):
            yield one
            waiting += vars(one).values() if hasattr(one, "__dict__") else []
            waiting += getattr(one, "args", ())
            waiting += [
                getattr(one, name)
                for name in getattr(type(one), "__slots__", ())
                if hasattr(one, name)
            ]


async def test_nothing_of_the_adapter_shows_or_pickles_a_key() -> None:
    """One debugging print of one object, or a queue that pickles what it is given."""
    adapter = build(request(CLOCK, url="http://127.0.0.1:1"))
    found = list(parts(adapter))
    for one in found:
        clean(repr(one) + str(one))
        try:
            pickled = pickle.dumps(one)
        except (TypeError, AttributeError, pickle.PicklingError):
            continue
        for canary in CANARIES:
            assert canary.encode() not in pickled
    for one in (adapter, adapter.stream):
        with pytest.raises(TypeError, match="not copied or pickled"):
            pickle.dumps(one)
        with pytest.raises(TypeError, match="not copied or pickled"):
            copy.deepcopy(one)
    await adapter.close()

    kinds = {type(one).__name__ for one in found}
    assert {"AlpacaAdapter", "AlpacaExecutor", "Access", "ThreadedCaller", "Exchange"} <= kinds
