"""`fillwright paper-server`: one line when it is ready, a server behind it, an end on a signal."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from cli.clikit import Outcome, command, environment, is_one_sentence, run_here
from fillwright.clock import SystemClock
from fillwright.testing.paper_server import Exchange, PaperServerSettings

#: No proxy of the environment stands between a test and this machine.
HTTP = build_opener(ProxyHandler({}))


@contextmanager
def serving(folder: Any, *options: object) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """A server in a process of its own, and what it said when it was ready."""
    with subprocess.Popen(
        command("paper-server", *options),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line, process.communicate()
            yield process, json.loads(line)
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int) -> Outcome:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)


def ask(place: Any, path: str, body: Any = None, account: int = 0) -> Any:
    who = place["accounts"][account]
    headers = {"APCA-API-KEY-ID": who["key"], "APCA-API-SECRET-KEY": who["secret"]}
    data = json.dumps(body).encode() if body else None
    request = Request(place["url"] + path, data, headers)  # noqa: S310
    with HTTP.open(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_it_serves_until_a_signal_and_says_one_line(tmp_path, number) -> None:
    """A script waits for the line, and a container for the end; neither may get more or less."""
    with serving(tmp_path) as (process, place):
        account = ask(place, "/v2/account")
        opened = ask(place, "/v2/clock")["is_open"]
        outcome = ended(process, number)

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert place["stream_url"] == place["url"].replace("http", "ws") + "/stream"
    assert place["data_url"] == place["url"]
    assert (place["key"], place["secret"]) == tuple(
        place["accounts"][0][x] for x in ("key", "secret")
    )
    assert account["id"] == place["accounts"][0]["account_id"]
    assert opened is True
    assert list(tmp_path.iterdir()) == []


def test_its_options_make_the_accounts(tmp_path) -> None:
    """A demo begins with the money and the shares that its author wants."""
    options = ["--accounts", 2, "--cash", "1234.5", "--seed", 9]
    options += ["--position", "KO=3", "--position", "BTC/USD=0.5"]
    with serving(tmp_path, *options) as (process, place):
        held = [ask(place, "/v2/positions", account=n) for n in (0, 1)]
        cash = ask(place, "/v2/account", account=1)["cash"]
        ended(process, signal.SIGTERM)

    settings = PaperServerSettings(seed=9, accounts=2)
    expected = Exchange(settings, SystemClock()).accounts
    # The keys follow from the seed: a desk.toml with them works with tomorrow's server, too.
    assert [one["key"] for one in place["accounts"]] == list(expected)
    assert [[(p["symbol"], p["qty"]) for p in one] for one in held] == [
        [("BTCUSD", "0.5"), ("KO", "3")]
    ] * 2
    assert cash == "1234.50"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_the_state_file_outlives_the_server(tmp_path, number) -> None:
    """Orders that were filled yesterday must be there today, whatever ended the server."""
    options = ["--state", tmp_path / "paper.db", "--accounts", 2]
    order = {"symbol": "KO", "qty": "2", "side": "buy", "type": "market", "time_in_force": "day"}
    with serving(tmp_path, *options) as (process, place):
        ask(place, "/v2/orders", order, account=1)
        ended(process, number)
    with serving(tmp_path, *options) as (process, place):
        held = [ask(place, "/v2/positions", account=n) for n in (0, 1)]
        ended(process, signal.SIGTERM)

    assert [[p["qty"] for p in one] for one in held] == [[], ["2"]]


def test_a_state_file_in_use_is_refused(tmp_path) -> None:
    """Two servers on one file would each forget what the other did."""
    with serving(tmp_path, "--state", tmp_path / "paper.db") as (process, _):
        done = subprocess.run(
            command("paper-server", "--state", tmp_path / "paper.db"),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        ended(process, signal.SIGTERM)

    assert done.returncode == 2
    assert "is in use by another process" in done.stderr


BAD = [
    (["--cash", "abc"], "--cash: 'abc' is not a decimal number"),
    (["--cash", "-1"], "--cash: -1 is below zero"),
    (["--position", "AAPL"], "--position 'AAPL': write it as SYMBOL=QTY"),
    (["--position", "AAPL=x"], "--position AAPL: 'x' is not a decimal number"),
    (["--position", "ZZZZZ=1"], "ZZZZZ is not listed"),
    (["--hours", "eu"], "--hours: Input should be 'always' or 'us'"),
    (["--accounts", "0"], "--accounts: Input should be greater"),
    (["--port", "70000"], "--port"),
    (["--quotes", "nope.csv"], "nope.csv: cannot be read"),
    (["--quotes", "bad.csv"], "bad.csv:1: the first line must be time,"),
    (["--replay", "x"], "--replay: Input should be 'clock' or 'start'"),
    (["--state", "."], "state .: cannot be opened"),
    (["--state", "bad.csv"], "state bad.csv: is no state file"),
    (["--host", "192.0.2.1"], "host 192.0.2.1: can be reached from other machines"),
    (["--host", "192.0.2.1"], "--allow-remote"),
    (["--nope"], "No such option"),
]


@pytest.mark.parametrize(("options", "sentence"), BAD, ids=lambda value: str(value)[:30])
def test_bad_options_are_one_sentence_and_code_2(
    tmp_path, capsys, options: list[str], sentence: str
) -> None:
    """A traceback tells nobody which option is wrong."""
    (tmp_path / "bad.csv").write_text("hello\n" * 100)

    done = run_here(capsys, "paper-server", *options)

    assert (done.code, done.out) == (2, "")
    assert is_one_sentence(done.err), done.err
    assert sentence in done.err


def test_a_port_in_use_is_one_sentence(capsys) -> None:
    """Whoever starts it twice must read that it runs already."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_here(capsys, "paper-server", "--port", port)

    assert (done.code, done.out) == (2, "")
    assert is_one_sentence(done.err)
    assert f"port {port}: is in use by another program" in done.err


def test_remote_clients_are_warned_of(capsys) -> None:
    """Keys that follow from a seed are no protection, and somebody must say so."""
    done = run_here(capsys, "paper-server", "--host", "192.0.2.1", "--allow-remote")

    warning, error = done.err.splitlines()
    assert done.code == 2
    assert warning.startswith("warning: whoever can reach 192.0.2.1 can use this server")
    assert error.startswith("error: 192.0.2.1 port 0: cannot be had")


def test_a_missing_extra_is_one_sentence(capsys, monkeypatch) -> None:
    """A user without aiohttp must learn what to install, not what a module is."""
    room = "fillwright.testing.paper_server"
    for name in ("web", "sessions", "streams", "feeds", "running"):
        monkeypatch.delitem(sys.modules, f"{room}.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)

    done = run_here(capsys, "paper-server")

    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "pip install 'fillwright[paper-server]'" in done.err


def test_faults_are_json_when_asked_for(capsys) -> None:
    """A script reads stdout, whatever happens."""
    done = run_here(capsys, "paper-server", "--cash", "abc", "--json")

    assert done.error["exit_code"] == 2
    assert done.error["where"] == "--cash"
