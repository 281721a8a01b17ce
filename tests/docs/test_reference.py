"""The reference pages and the code say the same: what is missing on either side is found."""

import ast
import re
from dataclasses import fields
from enum import StrEnum

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import fillwright_risk.build
from docs.pages import DOCS, ROOT
from fillwright import errors, hooks
from fillwright.alerts import Alert
from fillwright.cli.answers import Exit
from fillwright.cli.app import build
from fillwright.config import (
    DataSettings,
    DeadlineSeconds,
    DeskConfig,
    DeskSettings,
    PlanSettings,
    default_text,
)
from fillwright.desk.doctor import PROBES, State
from fillwright.desk.planning.diary import Kind
from fillwright.history import Deed, History, Only
from fillwright.inputs import MAX_AGE, Input
from fillwright.journal.chain import OPENED
from fillwright.ledger.codec import KINDS
from fillwright.orders import Order, StopLoss, TakeProfit
from fillwright.plans import (
    Basket,
    ExecutionResult,
    ItemResult,
    ItemStatus,
    OrderLine,
    RebalanceItem,
    RebalancePlan,
    Residual,
    TargetQuantities,
    TargetValues,
    TargetWeights,
    Why,
)
from fillwright.plans.parsing import CSV_COLUMNS, CSV_REMARKS
from fillwright.plugins.verify import SPECS
from fillwright.reports import AnomalyKind
from fillwright.risk import answers, gate, house, merge
from fillwright.states import ENDED
from fillwright.testing.fake_broker import FakeBrokerSettings
from fillwright.testing.fake_broker import Kind as FaultKind
from fillwright.types import OrdStatus
from fillwright_data.table import _READERS, SYMBOL, TIME
from fillwright_risk.common import Control
from fillwright_risk.post import POST_CONTROLS, PostControl

REFERENCE = DOCS / "reference"
CLAUSES = ("Called:", "Results:", "Raising:", "May not:")


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands between this heading and the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}\s*$", text, re.MULTILINE)
    assert found, f"there is no heading {heading!r}"
    rest = text[found.end() :]
    ends = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: ends.start()] if ends else rest


def row(text: str, first: str) -> str:
    """The table row whose first cell is `first`, in code or not."""
    found = re.search(rf"^\| `?{re.escape(first)}`? \|.*$", text, re.MULTILINE)
    assert found, f"there is no row for {first}"
    return str(found[0])


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- hooks


@pytest.mark.parametrize("hook", SPECS)
def test_every_hook_has_a_heading_and_its_four_clauses(hook: str) -> None:
    """Whoever writes a plugin must find what raising means before it happens live."""
    text = section(page("hooks"), hook)
    spec = str(getattr(hooks, hook).__doc__)

    for clause in CLAUSES:
        assert clause in spec, f"the docstring of {hook} has no {clause}"
        assert f"**{clause}**" in text, f"hooks.md says nothing on {clause} of {hook}"


@pytest.mark.parametrize("hook", SPECS)
def test_a_hooks_arguments_stand_in_its_heading(hook: str) -> None:
    """An argument with another name is refused when the plugin is loaded."""
    text = section(page("hooks"), hook)

    assert re.search(rf"`{hook}\((.*?)\)", text), hook
    assert all(f"{argument}:" in text for argument in SPECS[hook])


def test_no_heading_for_a_hook_that_is_not_there() -> None:
    """A documented hook that nobody calls is a check that never runs."""
    headings = re.findall(r"^## (\w+)$", page("hooks"), re.MULTILINE)

    assert set(headings) == set(SPECS)


# ---------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (DeskSettings, "`[desk]`"),
        (PlanSettings, "`[plan]`"),
        (DeadlineSeconds, "`[plan.deadline_seconds]`"),
    ],
)
def test_every_setting_is_documented_with_its_default(model: type[BaseModel], heading: str) -> None:
    """Somebody sizes his risk by the default that the page names."""
    text = section(page("configuration"), heading)

    for name, field in model.model_fields.items():
        default = field.default
        said = row(text, name)
        if not isinstance(default, BaseModel):
            assert re.search(rf'`"?{re.escape(shown(default))}"?`', said), said


def test_every_setting_at_the_top_is_documented() -> None:
    """A setting that must be there and is not explained stops everybody at the first line."""
    own = {"desk", "plan", "data", "folder", "source", "broker_settings", "check_settings"}
    text = section(page("configuration"), "At the top")

    for name in DeskConfig.model_fields.keys() - own:
        row(text, name)


def test_every_setting_of_data_is_documented() -> None:
    """A source of data that nobody can name is one that nobody has."""
    for name in DataSettings.model_fields:
        row(section(page("configuration"), "`[data]`"), name)


@pytest.mark.parametrize("name", Input)
def test_every_input_is_documented_with_its_age(name: Input) -> None:
    """Somebody trusts a limit because of how old its number may be."""
    said = row(section(page("inputs"), "The inputs"), name)
    age = MAX_AGE.get(name)
    units = {86_400: "day", 3600: "hour", 1: "s"}
    if age is None:
        assert "quote_max_age_seconds" in said
        return
    told = re.findall(r"\| (\d+) (\w+) \|", said)
    seconds = [int(n) * size for n, unit in told for size, u in units.items() if unit.startswith(u)]

    assert seconds == [age.total_seconds()]


def test_every_deed_and_question_of_the_history_is_documented() -> None:
    """A count of something else than one thinks is a limit on something else."""
    text = section(page("inputs"), "The desk's own history")
    questions = {name for name in vars(History) if not name.startswith("_")} - {"plus"}

    for deed in Deed:
        row(text, f"Deed.{deed.name}")
    assert [name for name in questions if f"`{name}(" not in text] == []
    assert [name for name in Only.__annotations__ if f"`{name}=" not in text] == []


def test_every_column_of_a_data_file_is_documented() -> None:
    """Whoever writes the export has nothing but this list."""
    text = section(page("inputs"), "`csv`")

    assert all(f"`{name}`" in text for name in (SYMBOL, TIME, *_READERS))


def test_the_built_in_configuration_is_shown_as_it_is() -> None:
    """Whoever copies it must get the limits that were tried."""
    assert default_text() in page("configuration")


@pytest.mark.parametrize("setting", FakeBrokerSettings.model_fields)
def test_every_setting_of_the_fake_broker_is_documented(setting: str) -> None:
    """A venue that behaves unexpectedly makes a test prove the wrong thing."""
    row((DOCS / "how-to" / "fake-broker.md").read_text(encoding="utf-8"), setting)


@pytest.mark.parametrize("fault", FaultKind)
def test_every_fault_is_documented(fault: str) -> None:
    """A fault that nobody knows of is never tried."""
    row((DOCS / "how-to" / "fake-broker.md").read_text(encoding="utf-8"), fault)


# ---------------------------------------------------------------- controls


def controls() -> list[type[Control]]:
    return list(fillwright_risk.build.CONTROLS)


#: Enforced by the journal, the house or the desk: they have a section and no table of their own.
HOUSE = {"C20", "C34", "C35", "C36", "C37", "C38", "C40"}


@pytest.mark.parametrize("control", controls(), ids=lambda control: control.code)
def test_every_control_has_a_section_with_its_settings(control: type[Control]) -> None:
    """The id in a refusal is what its owner looks up."""
    text = section(page("controls"), control.code)
    table = fillwright_risk.build.TABLES.get(control.name)

    for setting in table.model_fields if table else ():
        assert f"`{setting}`" in text, f"{control.code}: {setting}"
    assert f"[{control.code}](#{control.code.lower()})" in page("controls")


def test_no_control_is_documented_that_does_not_ship() -> None:
    """A limit that is only on paper protects nobody."""
    headings = re.findall(r"^## (C\d\d)$", page("controls"), re.MULTILINE)

    assert headings == sorted({control.code for control in controls()} | HOUSE)


@pytest.mark.parametrize("control", POST_CONTROLS, ids=lambda control: control.code)
def test_every_post_control_has_a_section_with_its_settings(control: type[PostControl]) -> None:
    """The id in an alert at night is what its reader looks up."""
    text = section(page("controls"), control.code)
    defaults = {name: field.default for name, field in control.table.model_fields.items()}

    assert f"`[risk.{control.name}]`" in text
    for setting, default in defaults.items():
        said = row(text, setting)
        if default is None or default is PydanticUndefined:
            assert "| none |" in said
        else:
            assert re.search(rf'`"?{re.escape(shown(default))}"?`', said), said
    assert f"[{control.code}](#{control.code.lower()})" in page("controls")


def test_no_post_control_is_documented_that_does_not_ship() -> None:
    """A watch that is only on paper sees nothing."""
    headings = re.findall(r"^## (T\d\d)$", page("controls"), re.MULTILINE)

    assert headings == [*(control.code for control in POST_CONTROLS), "T11", "T12"]


@pytest.mark.parametrize("field", [field.name for field in fields(Alert)])
def test_every_field_of_an_alert_is_documented(field: str) -> None:
    """Whoever writes the pager's rule has nothing but this list."""
    assert f"`{field}`" in page("alerts")


def test_every_code_of_the_gate_is_documented() -> None:
    """A refusal by the house itself must be explained, too."""
    codes = {
        value
        for room in (answers, gate, house, merge)
        for name, value in vars(room).items()
        if name.isupper() and not name.startswith("_") and value == name
    }

    assert len(codes) > 10
    assert all(f"`{code}`" in page("controls") for code in codes)


# ---------------------------------------------------------------- words


def error_classes() -> list[type[Exception]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception) and value is not Exception
    ]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_is_documented_with_its_parent(error: type[Exception]) -> None:
    """Whoever catches a parent must know what he catches."""
    assert f"| `{error.__bases__[0].__name__}` |" in row(page("errors"), error.__name__)


@pytest.mark.parametrize("status", OrdStatus)
def test_every_status_is_explained(status: OrdStatus) -> None:
    """Whether a status is final decides whether somebody waits for ever."""
    final = "yes" if status in ENDED else "no"

    assert row(page("statuses"), status).endswith(f"| {final} |")


@pytest.mark.parametrize(
    ("kind", "name"),
    [(AnomalyKind, "statuses"), (Why, "results"), (ItemStatus, "results")],
)
def test_every_word_is_explained(kind: type[StrEnum], name: str) -> None:
    """A reason without an explanation is a support case."""
    for word in kind:
        row(page(name), word)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *((plan, "plans") for plan in (RebalancePlan, RebalanceItem, Basket)),
        *((plan, "plans") for plan in (TargetWeights, TargetValues, TargetQuantities)),
        *((order, "plans") for order in (Order, TakeProfit, StopLoss)),
        *((part, "results") for part in (ExecutionResult, OrderLine, ItemResult, Residual)),
    ],
)
def test_every_field_is_documented(model: type[BaseModel], name: str) -> None:
    """A plan's author must find each field without reading the code."""
    text = page(name)

    missing = [f for f in model.model_fields if f"`{f}`" not in text and f'"{f}"' not in text]

    assert missing == []


def test_every_csv_column_is_documented() -> None:
    """A spreadsheet's author has nothing but this list."""
    text = section(page("plans"), "A CSV basket")

    assert [name for name in (*CSV_COLUMNS, *CSV_REMARKS) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", [probe.name for probe in PROBES])
def test_every_finding_of_the_doctor_is_documented(name: str) -> None:
    """A finding at night is looked up here."""
    row(page("doctor"), name)


@pytest.mark.parametrize("state", State)
def test_every_state_of_a_finding_is_documented(state: str) -> None:
    """A monitor must know which state keeps a desk from trading."""
    row(page("doctor"), state)


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    """A script decides by it whether money moved."""
    assert code.name in row(page("exit-codes"), str(int(code)))


# ---------------------------------------------------------------- what is written down


def test_every_kind_of_record_is_documented_and_no_other() -> None:
    """An auditor reads the journal by this table."""
    known = {*KINDS.values(), *map(str, Kind), OPENED}
    documented = set(re.findall(r"^\| `([\w.]+)` \|", page("journal-records"), re.MULTILINE))

    assert documented == known


def logged() -> dict[str, set[str]]:
    """Every event that the code logs, with its facts, read off the sources."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "core" / "fillwright").rglob("*.py")):
        if "simulation" in path.parts:
            continue  # its timeline is for people, and no log
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            event = _event(node) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and event:
                facts = {k.arg for k in node.keywords if k.arg and k.arg != "exc_info"}
                found.setdefault(event, set()).update(facts)
    return found


def _event(call: ast.Call) -> str:
    """The event that a call logs; empty when it logs none."""
    called, given = call.func, list(call.args)
    if isinstance(called, ast.Attribute):
        levels = {"debug", "info", "warning", "error", "exception", "log"}
        target = called.value
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "log")
        if called.attr not in levels or name not in {"log", "_log"}:
            return ""
        given = given[1:] if called.attr == "log" else given
    elif not isinstance(called, ast.Name) or called.id not in {"log", "tell"}:
        return ""
    event = given[0] if given else None
    return str(event.value) if isinstance(event, ast.Constant) else ""


def test_every_log_event_is_documented_with_its_facts() -> None:
    """An alert is written against an event's name and its keys."""
    events, text = logged(), page("log-events")

    assert len(events) > 30
    for event, facts in events.items():
        said = row(text, event)
        assert [fact for fact in facts if f"`{fact}`" not in said] == [], event


def test_no_log_event_is_documented_that_nobody_logs() -> None:
    """An alert on an event that never comes is silent when it matters."""
    documented = set(re.findall(r"^\| `(\w+)` \|", page("log-events"), re.MULTILINE))

    assert documented - logged().keys() == set()


def test_every_command_is_documented() -> None:
    """An operator at night reads this page."""
    app = build()
    names = {c.name or str(getattr(c.callback, "__name__", "")) for c in app.registered_commands}
    for group in app.registered_groups:
        inner = group.typer_instance.registered_commands if group.typer_instance else []
        names |= {f"{group.name} {c.name or getattr(c.callback, '__name__', '')}" for c in inner}

    text = page("commands")

    assert len(names) > 10
    for name in names:
        assert f"| `{name.replace('_', '-')}" in text, name
