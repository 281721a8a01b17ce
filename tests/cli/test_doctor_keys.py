"""`fillwright doctor`: whose keys and whose account, and an adapter that misbehaves."""

import asyncio
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from cli.clikit import run_here, write_plan
from cli.doctorkit import named, states
from cli.oddbroker import HANG, OddBroker, TimedBroker
from fillwright import open_desk
from fillwright.config import load_config
from fillwright.desk.doctor import State
from fillwright.desk.guard import Guard
from fillwright.errors import BrokerUnavailable, GuardError
from fillwright.reports import Cursor, Page
from fillwright.testing import ManualClock
from fillwright.types import Mode


async def _open_and_close(config: Any) -> None:
    async with open_desk(config):
        pass


# ---------------------------------------------------------------- keys and account


@pytest.mark.parametrize("mode", ["paper", "live"])
@pytest.mark.parametrize(
    "fault",
    [
        BrokerUnavailable("account", "401 unauthorized."),
        BrokerUnavailable("account", "HTTP 403: forbidden."),
        RuntimeError("request is not authorized"),
    ],
    ids=str,
)
async def test_refused_keys_say_which_keys_belong_here(odd, mode, fault) -> None:
    """Live keys in a paper desk look like a broker that is down."""
    desk = odd(type("Of", (OddBroker,), {"endpoint": Mode(mode)}), account=fault)
    desk.write(mode, 'expected_account_id = "ODD-1"')

    diagnosis = await desk.examined()

    keys = named(diagnosis, "keys")
    other = "live" if mode == "paper" else "paper"
    assert keys.state is State.FAILED
    assert keys.seen.startswith(f"the {mode} endpoint refused the keys: ")
    assert f"The {mode} endpoint takes the keys of " in keys.advice
    assert "FILLWRIGHT_ODD__<KEY>" in keys.advice
    assert f'work with mode = "{other}" alone' in keys.advice
    assert named(diagnosis, "open_orders").seen == "the broker refused the keys"
    assert desk.broker.asked.total() == desk.broker.asked["close"] + 1


async def test_refused_keys_under_a_fault_of_ours_are_seen(odd) -> None:
    """The status stands in the cause, and the sentence above it does not say so."""

    def refuse() -> None:
        fault = OSError("no")
        fault.status_code = 401
        raise BrokerUnavailable("account", "the answer was no account") from fault

    diagnosis = await odd(account=refuse).examined()

    assert named(diagnosis, "keys").seen.startswith("the paper endpoint refused the keys")


@pytest.mark.parametrize(
    ("mode", "expected", "state", "said"),
    [
        ("paper", "", "ok", 'write expected_account_id = "ODD-1"'),
        ("paper", "ODD-1", "ok", ""),
        ("paper", "ODD-2", "failed", 'If ODD-1 is meant, write expected_account_id = "ODD-1"'),
        ("live", "", "failed", 'then write expected_account_id = "ODD-1"'),
        ("live", "ODD-1", "ok", ""),
        ("live", "ODD-2", "failed", "Find out whose keys these are"),
    ],
)
async def test_the_account_is_the_expected_one(odd, mode, expected, state, said) -> None:
    """The desk trades in somebody else's account, or nobody knows which id to write."""
    desk = odd(type("Of", (OddBroker,), {"endpoint": Mode(mode)}))
    desk.write(mode, f'expected_account_id = "{expected}"' if expected else "")

    diagnosis = await desk.examined()

    found = named(diagnosis, "account_id")
    guard = Guard(Mode(mode), desk.broker, "ODD-1", expected or None)
    assert found.state.value == state
    assert said in found.advice
    assert diagnosis.account_id == "ODD-1"
    if state == "ok":
        guard.check()
    else:
        with pytest.raises(GuardError):
            guard.check()


def test_a_live_desk_without_its_account_can_be_looked_at_and_not_opened(
    odd, tmp_path, capsys
) -> None:
    """The way round the missing account is a way to trade without it."""
    desk = odd(type("Of", (OddBroker,), {"endpoint": Mode.LIVE}))
    desk.write("live")

    looked = run_here(capsys, "doctor", "-c", desk.path, "--json")
    ran = run_here(capsys, "run", write_plan(tmp_path), "-c", desk.path, "--json")

    assert looked.code == 1
    assert looked.document["account_id"] == "ODD-1"
    assert ran.code == 2
    assert "expected_account_id: is missing" in ran.error["message"]
    lenient = load_config(desk.path, environ={}, account_unknown=True)
    with pytest.raises(GuardError, match="live mode needs expected_account_id"):
        asyncio.run(_open_and_close(lenient))


@pytest.mark.parametrize(
    ("fields", "state", "said"),
    [
        ({"blocked": True}, "failed", "the broker blocks it"),
        ({"buying_power": Decimal(0)}, "warning", "buying power 0 USD"),
        ({"currency": "EUR"}, "ok", "buying power 200 EUR"),
    ],
)
async def test_what_the_account_may_do(odd, fields, state, said) -> None:
    """Every order is rejected by the broker, and the desk looked sound."""
    desk = odd()
    desk_account = {"account": lambda: desk.broker.sound_account(**fields)}
    desk = odd(**desk_account)

    found = named(await desk.examined(), "account")

    assert (found.state.value, said in found.seen) == (state, True)


# ---------------------------------------------------------------- an adapter that misbehaves

QUESTIONS = {
    "account": "keys",
    "session": "clock",
    "open_orders": "open_orders",
    "executions": "executions",
    "instrument": "quote",
    "quote": "quote",
}
#: What cannot be known without the answer to a question.
FOLLOW = {
    "account": {"account_id", "account", "binding", "positions"},
    "session": {"market"},
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("odd_answer", "said"),
    [
        (HANG, "no answer within"),
        (RuntimeError("boom"), "RuntimeError: boom"),
        (BrokerUnavailable("it", "503"), "did not answer it: 503"),
        (asyncio.CancelledError(), "no answer"),
        (None, "is None, not "),
        (5, "is int, not "),
        ("text", "is str, not "),
    ],
    ids=["hangs", "raises", "unavailable", "cancels itself", "None", "a number", "text"],
)
async def test_one_bad_answer_is_one_finding(odd, question, odd_answer, said) -> None:
    """One question that hangs, raises or answers nonsense takes all the others with it."""
    desk = odd(TimedBroker, **{question: odd_answer})

    diagnosis = await desk.examined()

    name, found = QUESTIONS[question], states(diagnosis)
    assert named(diagnosis, name).state is State.FAILED
    assert said in named(diagnosis, name).seen
    assert named(diagnosis, name).advice
    spared = set(found) - {name, "rate_limit"} - FOLLOW.get(question, set())
    assert {found[one] for one in spared} == {"ok"}
    assert all(found[one] == "skipped" for one in FOLLOW.get(question, ()))
    assert desk.clock.monotonic() < 120


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("open_orders", ["an order"]),
        ("executions", Page(["a fill"], Cursor("c"))),
        ("executions", Page([], 7)),
        ("account", lambda: _account(cash=1.5)),
        ("account", lambda: _account(equity=Decimal("NaN"))),
        ("account", lambda: _account(account_id=None)),
        ("account", lambda: _account(as_of=datetime(2026, 1, 2))),  # noqa: DTZ001
        ("positions", lambda: _account(positions={"KO": 5})),
        ("session", lambda: _session(at=datetime(2026, 1, 2))),  # noqa: DTZ001
        ("session", lambda: _session(is_open="yes")),
        ("quote", lambda: _quote(at=None)),
        ("quote", lambda: _quote(bid=10.0)),
    ],
)
async def test_a_wrong_part_of_an_answer_is_found(odd, question, answer) -> None:
    """A float in the account passes here, and stops the desk in the middle of a plan."""
    asked = "account" if question == "positions" else question
    desk = odd(TimedBroker, **{asked: answer})

    diagnosis = await desk.examined()

    name = QUESTIONS.get(question, question)
    assert named(diagnosis, name).state is State.FAILED
    assert "breaks its promise" in named(diagnosis, name).advice


def _sound() -> TimedBroker:
    request = type("Request", (), {"clock": ManualClock()})
    return TimedBroker(request)


def _account(**fields: Any) -> Any:
    return _sound().sound_account(**fields)


def _session(**fields: Any) -> Any:

    return replace(_sound().sound_session(), **fields)


def _quote(**fields: Any) -> Any:
    return _sound().sound_quote("KO", **fields)


async def test_an_adapter_without_its_parts(odd) -> None:
    """An adapter that was half written stops the doctor with a traceback."""
    desk = odd(type("Half", (OddBroker,), {"account": None, "reports": None, "close": None}))

    diagnosis = await desk.examined()

    assert named(diagnosis, "keys").state is State.FAILED
    assert named(diagnosis, "stream").state is State.FAILED
    assert named(diagnosis, "open_orders").state is State.OK


async def test_a_question_that_will_not_be_given_up_is_left_behind(odd) -> None:
    """One adapter that ignores a cancel, and the doctor never ends."""
    left = asyncio.Event()

    class Stubborn(OddBroker):
        async def open_orders(self) -> Any:
            try:
                await left.wait()
            except asyncio.CancelledError:
                await left.wait()

    diagnosis = await odd(Stubborn).examined()
    left.set()

    assert named(diagnosis, "open_orders").state is State.FAILED
    assert named(diagnosis, "executions").state is State.OK


async def test_an_adapter_that_does_not_close_has_been_examined(odd) -> None:
    """The findings are lost in the last step."""
    assert (await odd(close=HANG).examined()).ready
    assert (await odd(close=RuntimeError("stuck")).examined()).ready
