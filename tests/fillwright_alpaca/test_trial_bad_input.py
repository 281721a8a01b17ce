"""What a user can get wrong on the way to Alpaca: one sentence, the documented code, no traces."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alpacakit.user import keys_of, write_desk
from cli.clikit import Outcome, environment, is_one_sentence, run_here, write_plan
from cli.doctorkit import findings
from fillwright.clock import SystemClock
from fillwright.desk.doctor.case import Case, Patience
from fillwright.testing.paper_server import Fault, PaperServer, PaperServerSettings
from fillwright.testing.paper_server import running_paper_server as running
from fillwright.types import Mode

KEY, SECRET = "FILLWRIGHT_ALPACA__KEY_ID", "FILLWRIGHT_ALPACA__SECRET_KEY"
HASTE = "[plan]\nfunds_timeout_seconds = 0.5\n"


@pytest.fixture(scope="module")
def shared() -> Iterator[PaperServer]:
    settings = PaperServerSettings.model_validate({"positions": {"KO": "10"}, "volatility": "0"})
    with running(settings) as server:
        yield server


@pytest.fixture
def server(shared: PaperServer) -> Iterator[PaperServer]:
    shared.requests.clear()
    yield shared
    shared.faults.clear()


@dataclass
class User:
    """Somebody with a desk.toml, a plan, and a shell."""

    folder: Path
    capsys: Any
    monkeypatch: Any
    server: PaperServer
    given: dict[str, Any] = field(default_factory=dict)

    def keys(self, **changed: str) -> None:
        for name, value in (keys_of(self.server) | changed).items():
            self.monkeypatch.setenv(name, value)

    def desk(self, url: str | None = None, **more: str) -> None:
        write_desk(self.folder, url or self.server.url, **more)

    def does(self, verb: str, *arguments: str) -> Outcome:
        before = set(self.folder.iterdir())
        plan = ["plan.json"] if verb == "run" else []
        with self.monkeypatch.context() as there:
            there.chdir(self.folder)
            outcome = run_here(self.capsys, verb, *plan, "-c", "desk.toml", *arguments)
        self.left = {path.name for path in set(self.folder.iterdir()) - before}
        return outcome

    def finds(self) -> dict[str, Any]:
        """What the doctor found, when something failed."""
        outcome = self.does("doctor", "--json")
        assert (outcome.code, outcome.err) == (1, "")
        return findings(outcome.document)

    def refused(self, verb: str = "run") -> str:
        """The one sentence of a command that did nothing at all."""
        outcome = self.does(verb)
        assert (outcome.code, outcome.out) == (2, "")
        assert is_one_sentence(outcome.err), outcome.err
        assert self.left == set()
        assert [seen for seen in self.server.requests if seen.method != "GET"] == []
        return outcome.err


@pytest.fixture
def user(tmp_path, capsys, monkeypatch, server) -> User:
    # The stream of a broker that is gone is waited for, and that is not what is tried here.
    short = partial(Case, patience=Patience(stream=1))
    monkeypatch.setattr("fillwright.desk.doctor.examining.Case", short)
    user = User(tmp_path, capsys, monkeypatch, server)
    user.keys()
    user.desk()
    write_plan(tmp_path, target_quantities={"AAPL": "3", "KO": "4"})
    return user


# ---------------------------------------------------------------------- keys


def wrong_keys(user: User) -> None:
    user.keys(**{SECRET: user.server.account.secret[::-1]})


def swapped_keys(user: User) -> None:
    account = user.server.account
    user.keys(**{KEY: account.secret, SECRET: account.key})


def keys_of_the_other_endpoint(user: User) -> None:
    user.server.faults.add(Fault(on="request", fault="unauthorized"))


@pytest.mark.parametrize("wrong", [wrong_keys, swapped_keys, keys_of_the_other_endpoint])
def test_keys_that_the_broker_refuses(user: User, wrong: Callable[[User], None]) -> None:
    """Somebody looks for a fault in his network, and has copied the wrong keys."""
    wrong(user)

    said = user.refused()
    assert "HTTP 401" in said
    assert "not swapped, and that they belong to this endpoint" in said
    seen = user.finds()
    assert seen["keys"]["seen"].startswith("the paper endpoint refused the keys: ")
    # It asks nobody, and says so by saying nothing of them.
    assert user.does("check-config").code == 0


@pytest.mark.parametrize("name", [KEY, SECRET])
def test_keys_with_blanks_inside_never_leave(user: User, name: str) -> None:
    """A line break from copying ends up in a header, and looks like wrong keys."""
    value = keys_of(user.server)[name]
    user.keys(**{name: f"{value[:7]} {value[7:]}"})

    for verb in ("run", "check-config"):
        assert f"alpaca.{'key_id' if name == KEY else 'secret_key'}: has blanks" in user.refused(
            verb
        )
    assert "has blanks" in user.finds()["adapter"]["seen"]
    assert list(user.server.requests) == []


def test_keys_with_blanks_around_them_are_taken_without(user: User) -> None:
    """A line break at the end of a file is nobody's mistake."""
    user.keys(**{name: f" {value}\n" for name, value in keys_of(user.server).items()})

    assert user.does("run", "--dry-run").code == 0


# ---------------------------------------------------------------------- mode, host, account

#: Host names that were looked up and addresses that were connected to, while a test listens.
_heard: list[tuple[str, object]] | None = None
_NETWORK = ("socket.getaddrinfo", "socket.connect", "socket.gethostbyname", "socket.sendto")


def _hook(event: str, given: tuple[object, ...]) -> None:
    if _heard is not None and event in _NETWORK:
        _heard.append((event, given))


@pytest.fixture
def network() -> Iterator[list[tuple[str, object]]]:
    """Everything that is asked of the network from here on."""
    global _heard  # noqa: PLW0603  # an audit hook cannot be taken away, only told to be quiet
    if not getattr(sys, "_fillwright_hook", False):
        sys.addaudithook(_hook)
        sys._fillwright_hook = True  # type: ignore[attr-defined]
    _heard = []
    try:
        yield _heard
    finally:
        _heard = None


@pytest.mark.parametrize(
    ("mode", "url", "said"),
    [
        (Mode.PAPER, "https://api.alpaca.markets", "is a live endpoint, and mode is paper"),
        (Mode.LIVE, "https://paper-api.alpaca.markets", "is a paper endpoint, and mode is live"),
        (Mode.LIVE, "http://127.0.0.1:8377", "is a paper endpoint, and mode is live"),
        (Mode.PAPER, "http://paper-api.alpaca.markets", "must begin with https://"),
        (Mode.PAPER, "http://paper.example", "names a host that is not Alpaca's"),
        (Mode.PAPER, "https://paper-api.alpaca.markets.example", "a host that is not Alpaca's"),
    ],
)
def test_a_host_that_may_not_be_is_not_even_looked_up(
    user: User, network: list[Any], mode: Mode, url: str, said: str
) -> None:
    """A request to the wrong host has sent the keys before anybody reads the answer."""
    user.desk(url, mode=mode, top='expected_account_id = "PA1"')

    for verb in ("run", "check-config"):
        told = user.refused(verb)
        assert told.startswith("error: desk.toml: alpaca.url: ")
        assert said in told
    assert said in user.finds()["adapter"]["seen"]
    assert network == []


def test_the_account_of_somebody_else(user: User) -> None:
    """Orders of one account go to another, or its journal lies here from now on."""
    user.desk(top='expected_account_id = "PA000000000X"')

    said = user.refused()
    name = user.server.account.account_number
    assert f"the broker says that this is account {name}" in said
    assert user.finds()["account_id"]["state"] == "failed"
    user.desk()
    assert user.does("run").code == 0


# ---------------------------------------------------------------------- what answers


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def not_http() -> Iterator[str]:
    """The port of something else."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                connection.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


def unanswered(user: User, said: str) -> None:
    """The broker's answer cannot be used: told once, and nothing is left behind."""
    told = user.refused()
    assert told.startswith("error: the broker did not answer for the account: ")
    assert said in told
    seen = user.finds()
    assert said in seen["keys"]["seen"]
    assert seen["stream"]["state"] == "failed"
    # It asks nobody.
    assert user.does("check-config").code == 0


def test_nobody_listens(user: User, closed: str) -> None:
    """A server that was not started looks like a fault of ours."""
    user.desk(closed)

    unanswered(user, f"cannot connect to {closed}: ConnectionRefusedError")


def test_the_port_of_another_service(user: User, not_http: str) -> None:
    """A port number that is off by one speaks something, and no HTTP."""
    user.desk(not_http)

    unanswered(user, "BadStatusLine: SSH-2.0-OpenSSH_9.6")


def test_a_certificate_that_nobody_signed(user: User, tls_server: int) -> None:
    """Somebody in between reads the keys."""
    user.desk(f"https://127.0.0.1:{tls_server}")

    unanswered(user, "certificate verify failed")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "bad_gateway"}, "HTTP 502 and a web page (502 Bad Gateway)"),
        ({"fault": "garbage"}, "HTTP 200"),
        ({"fault": "redirect", "text": "http://127.0.0.1:9/"}, "redirects are not followed"),
    ],
    ids=["html", "garbage", "redirect"],
)
def test_a_server_that_is_not_alpaca(user: User, fault: dict[str, str], said: str) -> None:
    """A proxy's own page, or one that sends us elsewhere, is taken for an answer."""
    for place in ("request", "connect"):
        if fault["fault"] != "garbage" or place == "request":
            user.server.faults.add(Fault.model_validate({"on": place, **fault}))

    told = user.refused()
    assert said in told
    assert "<" not in told.replace("<<< this is no JSON >>>", "")
    assert said in user.finds()["keys"]["seen"]


# ---------------------------------------------------------------------- the clock


class Off(SystemClock):
    """The right time, but for some hours."""

    def __init__(self, hours: int) -> None:
        self._off = timedelta(hours=hours)

    def now(self) -> datetime:
        return super().now() + self._off


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_off_takes_no_new_risk(user: User, hours: int) -> None:
    """Quotes an hour old pass for fresh, or a market full of prices looks empty.

    A sell that only reduces leaves all the same: no clock may keep somebody in a position.
    """
    with running(user.server.settings, clock=Off(hours)) as other:
        user.desk(other.url, top=HASTE)

        seen = user.finds()
        foreseen = user.does("run", "--dry-run")
        outcome = user.does("run", "--json")

        assert seen["clock"]["state"] == "failed"
        assert "the broker's clock" in seen["clock"]["seen"]
        assert "this machine's clock" in " ".join(foreseen.out.split())
        assert (outcome.code, outcome.document["status"]) == (3, "PARTIAL_SUCCESS")
        items = {item["symbol"]: item for item in outcome.document["items"]}
        assert "this machine's clock" in items["AAPL"]["residuals"][0]["text"]
        assert items["KO"]["status"] == "FILLED"
        assert [order["symbol"] for order in outcome.document["orders"]] == ["KO"]
        assert len([seen for seen in other.requests if seen.method != "GET"]) == 1


# ---------------------------------------------------------------------- the extra

BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "alpaca":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
from fillwright.cli.app import run_command
raise SystemExit(run_command(sys.argv[1:]))
"""
INSTALL = "pip install 'fillwright[alpaca]'"


def without_alpaca(folder: Path, *arguments: str) -> Outcome:
    script = folder / "blocked.py"
    script.write_text(BLOCKED)
    command = [sys.executable, str(script), *arguments, "-c", "desk.toml"]
    keys = {name: os.environ[name] for name in (KEY, SECRET)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**keys),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("verb", ["run", "check-config"])
def test_without_the_extra_a_command_says_what_to_install(user: User, verb: str) -> None:
    """The first look of everybody ends in a traceback of somebody else's package."""
    plan = ["plan.json"] if verb == "run" else []

    outcome = without_alpaca(user.folder, verb, *plan)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert outcome.err.endswith(f"install it with: {INSTALL}\n")
    assert not (user.folder / "desk.db").exists()


def test_without_the_extra_the_doctor_and_the_list_of_plugins_still_work(user: User) -> None:
    """One package that is missing takes the tools away that would say so."""
    doctor = without_alpaca(user.folder, "doctor", "--json")
    plugins = without_alpaca(user.folder, "plugins")

    assert (doctor.code, doctor.err) == (1, "")
    assert INSTALL in findings(doctor.document)["adapter"]["seen"]
    assert (plugins.code, plugins.err) == (0, "")
    assert "alpaca" in plugins.out
