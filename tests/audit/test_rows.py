"""The audit that the project grew from, row by row: each test is named after its row."""

import ast
import asyncio
import json
import logging
from decimal import Decimal
from pathlib import Path

import pytest

from fillwright.config import default_config
from fillwright.desk.opening import Overrides, open_desk
from fillwright.door import execute
from fillwright.errors import (
    BrokerUnavailable,
    ConfigError,
    FillwrightError,
    JournalFailed,
    PlanError,
    PluginError,
    PluginNotFound,
)
from fillwright.hooks import hookimpl
from fillwright.journal import MemoryJournal
from fillwright.logs import configure_logs
from fillwright.orders import Order
from fillwright.plans import ExecutionResult, PlanStatus
from fillwright.risk import InlineAsker
from fillwright.testing import FakeBroker, FakeBrokerSettings, ManualClock, SeededRng
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")])
#: A laboratory: it runs loops of its own, and looks into the desk's parts and stands in for them.
LABORATORY = ROOT / "core/fillwright/testing/simulation"
HOUSE = [path for path in SOURCES if not path.is_relative_to(LABORATORY)]
PLAN = {
    "plan_id": "audit-1",
    "correlation_id": "corr-1",
    "causation_id": "cause-1",
    "orders": [{"symbol": "KO", "side": "BUY", "quantity": "2"}],
}


class Anything:
    """A check without an opinion."""

    @hookimpl
    def check_order(self):
        return ALLOW


def config(folder: Path, **changes: object):
    return default_config(folder).model_copy(update=changes)


def own_clock(folder: Path, **given: object) -> Overrides:
    clock = ManualClock()
    broker = FakeBroker(FakeBrokerSettings(cash="100000"), clock, rng=SeededRng(1))
    return Overrides(
        clock=clock,
        adapter=broker,
        journal=lambda binding, ticking: MemoryJournal(binding, clock=ticking),
        asker=InlineAsker(),
        **given,
    )


# ---------------------------------------------------------------------------- A1


def test_a1_sync_door_in_a_script(tmp_path: Path) -> None:
    """A door that only works in one kind of program is no door."""
    result = execute(PLAN, config=config(tmp_path))

    assert result.status is PlanStatus.SUCCESS


async def test_a1_sync_door_inside_a_running_loop(tmp_path: Path) -> None:
    """asyncio.run inside a running loop raises; notebooks always have one running."""
    result = execute(PLAN, config=config(tmp_path))

    assert result.status is PlanStatus.SUCCESS
    assert asyncio.get_running_loop().is_running()


def test_a1_only_the_door_and_the_command_line_run_loops() -> None:
    """A hidden asyncio.run breaks the first caller that has a loop of its own."""
    runs = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"run", "Runner", "run_until_complete"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"asyncio", "loop"}
    }

    assert all(
        name == "core/fillwright/door.py"
        # In testing: a server or a simulation, which nobody's program runs inside a loop.
        or name.startswith(("core/fillwright/cli/", "core/fillwright/testing/"))
        for name in runs
    )


# ---------------------------------------------------------------------------- A2


async def test_a2_a_failing_disk_is_told_as_what_it_is(tmp_path: Path, caplog) -> None:
    """A journal that fails silently lets orders leave without a record."""
    journals: list[MemoryJournal] = []

    def journal(binding, clock):
        journals.append(MemoryJournal(binding, clock=clock))
        return journals[0]

    given = own_clock(tmp_path)
    given = Overrides(
        clock=given.clock, adapter=given.adapter, journal=journal, asker=InlineAsker()
    )
    with pytest.raises(JournalFailed, match="the disk is gone"):  # noqa: PT012  # closing says it too
        async with open_desk(config(tmp_path), overrides=given) as desk:
            await given.clock.run_for(1)
            journals[0].fail("the disk is gone")
            await desk.submit(Order(symbol="KO", side="BUY", quantity="1"))


async def test_a2_an_unexpected_fault_keeps_its_traceback(tmp_path: Path, caplog) -> None:
    """A fault that is logged without its traceback is a fault that nobody can mend."""
    given = own_clock(tmp_path)

    async def broken():
        raise ZeroDivisionError("by nothing")
        yield

    given.adapter.stream.reports = broken
    async with open_desk(config(tmp_path), overrides=given) as desk:
        await given.clock.run_for(1)

        handle_fault = None
        try:
            await desk.submit(Order(symbol="KO", side="BUY", quantity="1"))
        except FillwrightError as fault:
            handle_fault = fault

    assert "by nothing" in str(handle_fault)
    records = [r for r in caplog.records if r.exc_info]
    assert any(r.exc_info[0] is ZeroDivisionError for r in records)


def test_a2_no_except_swallows() -> None:
    """A broad except that says nothing hides the one fault that mattered."""
    silent = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            speaks = any(
                isinstance(inner, ast.Raise | ast.Call | ast.Assign | ast.Return)
                for inner in ast.walk(node)
            )
            if broad and not speaks:
                silent.append(f"{path}:{node.lineno}")

    assert silent == []


# ---------------------------------------------------------------------------- A3


#: Public, whatever they look like.
NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make"}
#: A classmethod that makes an object of its own class may set it up.
OWN_CLASS = {
    ("registry.py", "_add"),
    ("registry.py", "_listing"),
    ("registry.py", "_require"),
    ("lock.py", "_stands"),
    ("lock.py", "_sign"),
}


def test_a3_no_private_name_of_another_object_is_used() -> None:
    """Calling another component's private method breaks when it is mended."""
    taken = {
        (path.name, node.attr)
        for path in HOUSE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and node.attr not in NAMED_TUPLE
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    }

    assert taken - OWN_CLASS == set()


# ---------------------------------------------------------------------------- A4


async def test_a4_waiting_for_the_stream_is_bounded_and_says_why(tmp_path: Path) -> None:
    """An order that waits for ever for a stream is an order that nobody knows about."""
    given = own_clock(tmp_path)

    async def silent():
        await asyncio.get_running_loop().create_future()
        yield

    given.adapter.stream.reports = silent
    async with open_desk(config(tmp_path), overrides=given) as desk:
        handle = await desk.submit(Order(symbol="KO", side="BUY", quantity="1"))
        assert "stream" in desk.obstacles
        await given.clock.run_for(120)
        state = handle.state

    assert state.status in {OrdStatus.REFUSED, OrdStatus.EXPIRED}
    assert "stream" in f"{state.reasons}{state.text}"


# ---------------------------------------------------------------------------- A5


async def test_a5_unknown_broker_is_named_with_what_there_is(tmp_path: Path) -> None:
    """`cannot build executor` sends people to the source code."""
    with pytest.raises(PluginNotFound, match=r"alpacca.*fake"):
        async with open_desk(config(tmp_path, broker="alpacca", broker_settings={})):
            pass


async def test_a5_a_plugin_without_an_adapter_says_so(tmp_path: Path) -> None:
    """A check named as a broker must not end in an AttributeError."""
    with pytest.raises(PluginError, match=r"risk.*provide_adapter"):
        async with open_desk(config(tmp_path, broker="risk", broker_settings={})):
            pass


async def test_a5_a_wrong_setting_names_its_field(tmp_path: Path) -> None:
    """A broker's table that is wrong must say where."""
    wrong = {"cash": "plenty"}
    with pytest.raises(ConfigError, match="cash"):
        async with open_desk(config(tmp_path, broker_settings=wrong)):
            pass


async def test_a5_a_broker_that_does_not_answer_says_so(tmp_path: Path) -> None:
    """A dead broker at start must be told apart from a wrong configuration."""
    faults = ({"on": "account", "fault": "unavailable"},)
    with pytest.raises(BrokerUnavailable, match="account"):
        async with open_desk(config(tmp_path, broker_settings={"faults": faults})):
            pass


# ---------------------------------------------------------------------------- A6


@pytest.mark.parametrize("plan", [None, {}, {"plan_id": "p", "orders": []}, {"orders": None}])
def test_a6_no_plan_is_refused_at_the_door(plan: object, tmp_path: Path) -> None:
    """An empty plan that runs is a success that did nothing."""
    with pytest.raises(PlanError):
        execute(plan, config=config(tmp_path))

    assert not (tmp_path / ".fillwright").exists()


# ---------------------------------------------------------------------------- A7


def test_a7_plan_events_carry_their_ids(tmp_path: Path, capsys) -> None:
    """Events that cannot be tied to their plan are noise after an incident."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    configure_logs(level="debug", json=True)
    try:
        execute(PLAN, config=config(tmp_path))
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    plan = [e for e in events if e["event"] in {"plan_started", "plan_completed"}]
    assert [e["event"] for e in plan] == ["plan_started", "plan_completed"]
    for event in plan:
        assert event["plan_id"] == "audit-1"
        assert event["correlation_id"] == "corr-1"
        assert event["causation_id"] == "cause-1"
        assert event["item_count"] == 1
    moves = [(e["before"], e["after"], e["level"]) for e in events if e["event"] == "order_moved"]
    assert moves[0] == (None, "STAGED", "debug")
    assert moves[-1][1:] == ("FILLED", "info")
    assert all(e["plan_id"] == "audit-1" for e in events if e["event"] == "order_moved")


# ---------------------------------------------------------------------------- A8


def test_a8_status_values_survive_enums_and_strings(tmp_path: Path) -> None:
    """A status that is an enum here and a string there compares as different."""
    result = execute(PLAN, config=config(tmp_path))

    again = ExecutionResult.model_validate_json(result.model_dump_json())

    assert again == result
    assert result.status == "SUCCESS"
    assert OrdStatus("FILLED") is OrdStatus.FILLED
    assert f"{OrdStatus.FILLED}" == "FILLED"
    assert result.orders[0].shares == Decimal(2)


# ---------------------------------------------------------------------------- A9


def test_a9_every_public_name_has_a_docstring() -> None:
    """A public name without a sentence makes its reader guess."""
    silent = []
    for path in HOUSE:
        tree = ast.parse(path.read_text("utf-8"))
        if ast.get_docstring(tree) is None:
            silent.append(str(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                members = [node, *node.body]
            elif isinstance(node, ast.Module):
                members = node.body
            else:
                continue
            silent += [
                f"{path.name}:{m.lineno} {m.name}"
                for m in members
                if isinstance(m, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not m.name.startswith("_")
                and not (isinstance(node, ast.ClassDef) and node.name.startswith("_"))
                and ast.get_docstring(m) is None
            ]

    assert sorted(set(silent)) == []
