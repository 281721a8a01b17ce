"""`fillwright doctor`: a sound desk, bad input, the house itself, and what is printed."""

import asyncio
import json
from collections import Counter
from typing import Any

import jsonschema
import pytest

from cli import oddbroker
from cli.clikit import is_one_sentence, run_here, venue_orders, write_desk, write_plan
from cli.doctorkit import findings, named, states
from cli.oddbroker import OddBroker, TimedBroker
from fillwright import open_desk
from fillwright.cli.schemas import Subject, schema_of
from fillwright.config import load_config
from fillwright.desk.doctor import PROBES, State
from fillwright.errors import BrokerUnavailable, FillwrightError
from fillwright.journal import SqliteJournal, look
from fillwright.protocols import Binding
from fillwright.reports import Cursor, Page
from fillwright.types import Mode

CANARY = "canary-9f3a7c51d2"


# ---------------------------------------------------------------- a sound desk


def test_a_sound_desk_on_the_fake_broker(tmp_path, capsys) -> None:
    """A newcomer's good desk is called bad, or is changed by looking at it."""
    desk = write_desk(tmp_path)

    outcome = run_here(capsys, "doctor", "-c", desk, "--json")

    seen = findings(outcome.document)
    assert outcome.code == 0, outcome
    assert outcome.err == ""
    assert list(seen) == [probe.name for probe in PROBES]
    assert {one["state"] for one in seen.values()} <= {"ok", "skipped"}
    assert outcome.document["ready"] is True
    assert outcome.document["account_id"] == "FAKE-1"
    assert "a new journal" in seen["journal"]["seen"]
    assert venue_orders(tmp_path) == []
    assert not list(tmp_path.glob("desk.db*"))


def test_what_is_printed_says_the_same(tmp_path, capsys) -> None:
    """What a person reads and what a script reads are two different answers."""
    desk = write_desk(tmp_path)
    document = run_here(capsys, "doctor", "-c", desk, "--json").document

    printed = run_here(capsys, "doctor", "-c", desk).out

    for name, one in findings(document).items():
        assert name in printed
        assert one["state"] in printed
        assert one["advice"] in printed
    counted = Counter(one["state"] for one in findings(document).values())
    told = f"could trade: {counted['ok']} ok, {counted['skipped']} skipped (exit 0)."
    assert printed.endswith(f"{told} Nothing was sent.\n")


def test_the_answer_fits_its_schema(tmp_path, capsys) -> None:
    """A monitor that was written by the schema does not understand the answer."""
    outcome = run_here(capsys, "doctor", "-c", write_desk(tmp_path), "--json")

    jsonschema.validate(outcome.document, schema_of(Subject.DOCTOR))


def test_a_ready_desk_runs_and_is_ready_afterwards(tmp_path, capsys) -> None:
    """The doctor and the desk disagree on what is sound."""
    desk, plan = write_desk(tmp_path), write_plan(tmp_path)
    assert run_here(capsys, "doctor", "-c", desk).code == 0

    assert run_here(capsys, "run", plan, "-c", desk).code == 0
    again = run_here(capsys, "doctor", "-c", desk, "--json")

    seen = findings(again.document)
    assert again.code == 0, again
    assert "records of paper/fake/FAKE-1" in seen["journal"]["seen"]
    assert seen["binding"]["seen"] == "belongs to paper/fake/FAKE-1"
    assert seen["executions"]["seen"].endswith("since the journal's last look")


async def test_a_broker_that_tells_everything(odd) -> None:
    """A sound broker is called unsound, and somebody mends what is not broken."""
    desk = odd(TimedBroker)
    desk.write(top='expected_account_id = "ODD-1"')

    diagnosis = await desk.examined()

    assert diagnosis.ready
    assert set(states(diagnosis)) - {"rate_limit"} == {
        name for name, state in states(diagnosis).items() if state == "ok"
    }
    assert named(diagnosis, "quote").seen == "KO bid 10 ask 10.5, 0.5 s old"
    assert desk.broker.asked["close"] == 2  # as stream, and as adapter


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-c", "none.toml"], "there is no such file"),
        (["--symbol", "not a symbol"], "is no symbol"),
        (["--nosuch"], "no such option"),
    ],
)
def test_bad_input_is_a_sentence(tmp_path, capsys, arguments, said) -> None:
    """A typing mistake is taken for a broker that is down."""
    outcome = run_here(capsys, "doctor", *arguments, "--json")

    assert outcome.code == outcome.error["exit_code"] == 2
    assert is_one_sentence(outcome.err)
    assert said in outcome.error["message"].lower()


# ---------------------------------------------------------------- the house


def test_a_plugin_that_is_missing_leaves_the_rest(tmp_path, capsys) -> None:
    """One broken check hides that the journal is broken, too."""
    desk = write_desk(tmp_path, checks='"risk", "nosuch"')

    outcome = run_here(capsys, "doctor", "-c", desk, "--json")

    seen = findings(outcome.document)
    assert outcome.code == 1
    assert "nosuch: not installed" in seen["plugins"]["seen"]
    assert seen["keys"]["state"] == seen["stream"]["state"] == "ok"


def test_a_desk_without_a_check_that_may_object(tmp_path, capsys) -> None:
    """Everything looks well, and the desk refuses every order."""
    (tmp_path / "watch.py").write_text(
        "from fillwright import hookimpl\n@hookimpl\ndef order_changed(order, anomalies): ...\n"
    )
    desk = write_desk(tmp_path, checks='"./watch.py"')
    desk.write_text(desk.read_text().partition("[risk.")[0])

    seen = findings(run_here(capsys, "doctor", "-c", desk, "--json").document)

    assert seen["plugins"]["state"] == "failed"
    assert "nothing may leave" in seen["plugins"]["seen"]


NEEDY = """
from fillwright import ALLOW, hookimpl

class Needy:
    needs = ("adv",)

    @hookimpl
    def check_order(self, order):
        return ALLOW

@hookimpl
def provide_checks(settings):
    return [Needy()]
"""


def test_a_check_whose_data_nothing_supplies(tmp_path, capsys) -> None:
    """The doctor calls a desk good that does not even open."""
    (tmp_path / "needy.py").write_text(NEEDY)
    desk = write_desk(tmp_path, checks='"risk", "./needy.py"')

    outcome = run_here(capsys, "doctor", "-c", desk, "--json")
    ran = run_here(capsys, "run", write_plan(tmp_path), "-c", desk, "--json")

    seen = findings(outcome.document)["data"]
    assert (outcome.code, seen["state"]) == (1, "failed")
    assert "needs adv, and nothing supplies it" in seen["seen"]
    assert ran.code == 2
    assert seen["seen"] in ran.error["message"]


async def test_an_adapter_whose_extra_is_missing(odd, tmp_path) -> None:
    """Somebody searches his network for what is not installed."""
    desk = odd()
    metadata = tmp_path / "site" / "oddbroker-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Provides-Extra: odd\n")

    def build(_request: Any) -> None:
        raise ModuleNotFoundError("No module named 'odd_sdk'")

    oddbroker.build = build
    diagnosis = await desk.examined()

    assert named(diagnosis, "adapter").state is State.FAILED
    assert "pip install 'oddbroker[odd]'" in named(diagnosis, "adapter").seen
    assert named(diagnosis, "keys").state is State.SKIPPED
    assert named(diagnosis, "journal").state is State.OK


@pytest.mark.parametrize("part", ["broker", "endpoint", "capabilities"])
async def test_an_adapter_that_does_not_say_what_it_is(odd, part) -> None:
    """A request goes to an endpoint of which nobody knows the class."""
    desk = odd(type("Nameless", (OddBroker,), {part: "live" if part == "endpoint" else None}))

    diagnosis = await desk.examined()

    assert not diagnosis.ready
    assert any(f"executor.{part}" in finding.seen for finding in diagnosis.findings)
    if part == "endpoint":
        assert set(desk.broker.asked) == {"close"}


async def test_an_endpoint_of_the_other_class_is_not_asked(odd) -> None:
    """Paper keys are shown to the live endpoint, or a paper desk learns its way to real money."""
    desk = odd(type("Live", (OddBroker,), {"endpoint": Mode.LIVE}))

    diagnosis = await desk.examined()

    assert "mode is paper" in named(diagnosis, "endpoint").seen
    assert named(diagnosis, "keys").state is State.SKIPPED
    assert set(desk.broker.asked) == {"close"}


def test_a_journal_that_others_can_write(tmp_path, capsys) -> None:
    """The check says that all is well, and the desk then does not start."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    desk = write_desk(tmp_path)
    desk.write_text(desk.read_text().replace('"desk.db"', '"shared/desk.db"'))

    outcome = run_here(capsys, "doctor", "-c", desk, "--json")

    seen = findings(outcome.document)
    assert outcome.code == 1
    assert "chmod go-w" in seen["journal"]["seen"]
    assert seen["binding"]["state"] == "skipped"
    assert seen["keys"]["state"] == "ok"


async def test_a_running_desk_keeps_its_stream(odd, tmp_path) -> None:
    """Where a broker allows one stream, the doctor ends the one of the desk that trades."""
    desk = odd()
    binding = Binding(Mode.PAPER, "odd", "ODD-1")
    journal = SqliteJournal.open(tmp_path / "desk.db", binding, clock=desk.clock)
    try:
        diagnosis = await desk.examined()
    finally:
        await journal.aclose()

    assert "is in use by process" in named(diagnosis, "journal").seen
    assert named(diagnosis, "stream").state is State.SKIPPED
    assert desk.broker.asked["stream"] == 0
    assert named(diagnosis, "binding").state is State.OK


@pytest.mark.parametrize(
    ("scope", "state", "code"),
    [(["--all"], "failed", 1), (["--symbol", "KO"], "warning", 0), ([], "ok", 0)],
)
def test_a_halt_that_stands_is_told(tmp_path, capsys, scope, state, code) -> None:
    """Every order is refused, and the doctor found nothing."""
    desk = write_desk(tmp_path)
    run_here(capsys, "halt", "--symbol", "MSFT", "--reason", "x", "--by", "ada", "-c", desk)
    run_here(capsys, "resume", "--symbol", "MSFT", "--by", "ada", "-c", desk)
    if scope:
        run_here(capsys, "halt", *scope, "--reason", "earnings", "--by", "ada", "-c", desk)

    outcome = run_here(capsys, "doctor", "-c", desk, "--json")

    found = findings(outcome.document)["halts"]
    assert (found["state"], outcome.code) == (state, code)
    assert ("by ada: earnings" in found["seen"]) is bool(scope)


@pytest.mark.parametrize("known", [True, False])
async def test_the_journal_of_another_account(odd, tmp_path, known) -> None:
    """Two accounts in one journal, and the positions of neither."""
    desk = odd(**({} if known else {"account": BrokerUnavailable("account", "down")}))
    other = Binding(Mode.LIVE, "odd", "ODD-1") if not known else Binding(Mode.PAPER, "odd", "A-2")
    journal = SqliteJournal.open(tmp_path / "desk.db", other, clock=desk.clock)
    await journal.aclose()

    diagnosis = await desk.examined()

    assert named(diagnosis, "journal").state is State.OK
    assert named(diagnosis, "binding").state is State.FAILED
    assert f"belongs to {other}" in named(diagnosis, "binding").seen


async def test_executions_are_read_from_where_the_journal_stands(odd, tmp_path) -> None:
    """Each look reads years of executions, and the broker stops answering the desk."""
    desk = odd(executions=lambda: Page([], Cursor("c-1")))
    config = load_config(desk.path, environ={})
    opening = asyncio.create_task(_open_and_close(config))
    await opening
    assert look(tmp_path / "desk.db").records

    await desk.examined()

    assert desk.broker.since == "c-1"


async def _open_and_close(config: Any) -> None:
    async with open_desk(config):
        pass


# ---------------------------------------------------------------- secrets and hostile text


def test_no_secret_is_shown(odd, capsys) -> None:
    """A key stands in the ticket to which somebody attached the doctor's answer."""
    desk = odd(account=BrokerUnavailable("account", f"401 for key {CANARY}"))
    desk.write(table=f'api_key = "{CANARY}"')

    for more in ((), ("--json",), ("--debug", "--log-level", "debug")):
        outcome = run_here(capsys, "doctor", "-c", desk.path, *more)

        assert outcome.code == 1
        assert CANARY not in outcome.out + outcome.err


def test_text_of_a_broker_cannot_forge_a_line(odd, capsys) -> None:
    """A broker's answer writes a good finding of its own into the table."""
    forged = f"down\nkeys ok\x1b[2J{'x' * 5000}"
    desk = odd(open_orders=FillwrightError(forged))

    outcome = run_here(capsys, "doctor", "-c", desk.path)

    assert "\x1b" not in outcome.out
    assert not any(line.startswith("keys ok") for line in outcome.out.splitlines())
    assert len(outcome.out) < 8000


def test_json_is_one_document_when_something_failed(odd, capsys) -> None:
    """A monitor cannot read the one answer that it was made for."""
    desk = odd(account=BrokerUnavailable("account", "503"))

    outcome = run_here(capsys, "doctor", "-c", desk.path, "--json")

    assert outcome.code == 1
    assert outcome.document["ready"] is False
    assert outcome.document["account_id"] is None
    assert json.loads(outcome.out)["findings"]
