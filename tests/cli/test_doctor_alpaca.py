"""`fillwright doctor` on the Alpaca adapter and a local paper server: the whole way, real bytes."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.clikit import RISK, Outcome, run_here
from cli.doctorkit import findings
from fillwright.desk.doctor.case import Case, Patience
from fillwright.testing.paper_server import Fault, Kind, On, PaperServer, running_paper_server


@pytest.fixture
def server() -> Iterator[PaperServer]:
    with running_paper_server() as running:
        yield running


class Doctor:
    """A desk.toml on this server, and what the doctor says of it."""

    def __init__(self, folder: Path, monkeypatch: Any, capsys: Any, server: PaperServer) -> None:
        self.path, self.server = folder / "desk.toml", server
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.write()
        self.keys(server.account.key, server.account.secret)

    def write(self, top: str = "", table: str = "") -> None:
        self.path.write_text(
            f'mode = "paper"\nbroker = "alpaca"\njournal = "alpaca.db"\nchecks = ["risk"]\n{top}\n'
            f'[alpaca]\nurl = "{self.server.url}"\n{table}\n{RISK}'
        )

    def keys(self, key: str, secret: str) -> None:
        self._monkeypatch.setenv("FILLWRIGHT_ALPACA__KEY_ID", key)
        self._monkeypatch.setenv("FILLWRIGHT_ALPACA__SECRET_KEY", secret)

    def look(self, *arguments: str) -> tuple[Outcome, dict[str, Any]]:
        outcome = run_here(self._capsys, "doctor", "-c", self.path, "--json", *arguments)
        return outcome, findings(outcome.document)

    def fault(self, **line: Any) -> None:
        self.server.faults.add(Fault(**line))


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys, server) -> Doctor:
    return Doctor(tmp_path, monkeypatch, capsys, server)


def test_a_sound_account_and_nothing_but_questions(doctor, server) -> None:
    """The doctor trades, or calls a good account bad."""
    doctor.write(top=f'expected_account_id = "{server.account.account_number}"')

    outcome, seen = doctor.look("--symbol", "AAPL")

    assert outcome.code == 0, outcome
    assert {one["state"] for one in seen.values()} == {"ok"}
    assert seen["quote"]["seen"].startswith("AAPL bid ")
    assert seen["rate_limit"]["seen"].startswith("200 requests, ")
    assert seen["account_id"]["seen"].startswith(server.account.account_number)
    assert Counter(one.method for one in server.requests).keys() == {"GET"}
    assert not server.connected(server.account.key)


@pytest.mark.parametrize("wrong", ["key", "secret"])
def test_wrong_keys(doctor, server, wrong) -> None:
    """Somebody looks for a fault in his network, and has copied the wrong keys."""
    key, secret = server.account.key, server.account.secret
    doctor.keys(key[::-1] if wrong == "key" else key, secret[::-1] if wrong == "secret" else secret)

    outcome, seen = doctor.look()

    assert outcome.code == 1
    assert seen["keys"]["seen"].startswith("the paper endpoint refused the keys: ")
    assert "401" in seen["keys"]["seen"]
    assert seen["stream"]["seen"] == "the broker refused the keys"
    assert len(server.requests) == 1
    assert secret not in outcome.out + outcome.err
    assert secret[::-1] not in outcome.out + outcome.err


def test_no_keys_at_all(doctor, monkeypatch) -> None:
    """The first look of everybody, and it does not say where keys go."""
    monkeypatch.delenv("FILLWRIGHT_ALPACA__SECRET_KEY")

    outcome, seen = doctor.look()

    assert outcome.code == 1
    assert seen["adapter"]["seen"] == (
        f"{doctor.path}: alpaca.secret_key: is missing. "
        "Set FILLWRIGHT_ALPACA__SECRET_KEY, or name a secret_file"
    )


def test_a_misspelt_setting_names_file_and_field(doctor) -> None:
    """A timeout that is misspelt is the default, and nobody knows."""
    doctor.write(table="read_timeout = 5")

    _, seen = doctor.look()

    assert seen["adapter"]["seen"].startswith(f"{doctor.path}: alpaca.read_timeout: is not a")


def test_a_local_server_is_no_live_endpoint(doctor) -> None:
    """A live desk trades on an emulator, or an emulator's keys go to the live broker."""
    doctor.write()
    text = doctor.path.read_text().replace('mode = "paper"', 'mode = "live"')
    doctor.path.write_text(text)

    outcome, seen = doctor.look()

    assert outcome.code == 1
    assert seen["adapter"]["seen"].startswith(f"{doctor.path}: alpaca.url: is a paper endpoint")
    assert len(doctor.server.requests) == 0


def test_an_account_that_is_blocked(doctor) -> None:
    """Every order is rejected, and the doctor found nothing."""
    doctor.fault(on=On.ACCOUNT, fault=Kind.FIELD_SET, field="trading_blocked", value=True)

    outcome, seen = doctor.look()

    assert (outcome.code, seen["account"]["state"]) == (1, "failed")


def test_an_hour_between_the_clocks(doctor, server) -> None:
    """Quotes an hour old pass for fresh."""
    server.call(lambda: server.clock.advance(3600))

    outcome, seen = doctor.look()

    assert outcome.code == 1
    assert seen["clock"]["state"] == "failed"
    assert " behind the broker's clock" in seen["clock"]["seen"]


@pytest.mark.parametrize(
    ("on", "name"),
    [(On.ORDERS, "open_orders"), (On.ACTIVITIES, "executions"), (On.CLOCK, "clock")],
)
@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.BAD_GATEWAY, Kind.RATE_LIMITED])
def test_one_bad_answer_is_one_finding(doctor, on, name, kind) -> None:
    """One endpoint that is down hides how all the others are."""
    doctor.fault(on=on, fault=kind)

    outcome, seen = doctor.look()

    others = {one for one, found in seen.items() if found["state"] == "failed"} - {name}
    assert outcome.code == 1
    assert seen[name]["state"] == "failed"
    assert others == set()


def test_nobody_there(doctor, server, monkeypatch) -> None:
    """A broker that is down keeps the doctor for minutes, or ends it with a traceback."""
    short = partial(Case, patience=Patience(stream=1))
    monkeypatch.setattr("fillwright.desk.doctor.examining.Case", short)
    with running_paper_server() as other:
        gone = other.url
    doctor.path.write_text(doctor.path.read_text().replace(server.url, gone))

    outcome, seen = doctor.look()

    assert outcome.code == 1
    assert outcome.err == ""
    assert "cannot connect" in seen["keys"]["seen"] or "refused" in seen["keys"]["seen"]
    assert seen["binding"]["state"] == "skipped"
    assert seen["stream"]["state"] == "failed"
