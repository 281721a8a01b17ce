"""A key and a secret are planted: nothing that a desk on Alpaca writes, says or holds has them."""

import asyncio
import base64
import logging
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from alpacakit.user import STILL, desk_on, keys_of, order, until, write_desk
from cli.clikit import environment, write_plan
from fillwright import open_desk
from fillwright.config import load_config
from fillwright.errors import FillwrightError
from fillwright.testing.paper_server import Fault, PaperServer, running_paper_server

#: As a URL would have to spell it, so that its other spellings are not the same.
STRANGE = ("PK/CANARY+KEY=7Q4ZT2WA%", "canary/Secret+Z9x8C7&v6B5n4M3=a2S1d0F9%g8H7j6")
SYMBOLS = ("AAPL", "MSFT", "KO", "PEP", "JPM", "V", "WMT", "XOM", "DIS", "INTC")
#: In seconds, so that what hangs is over soon.
HASTE = "read_timeout_seconds = 2.0\ntotal_timeout_seconds = 3.0\nproxy_timeout_seconds = 0.0\n"
DESK = "[desk]\nsend_deadline_seconds = 4.0\n[plan]\ndeadline_seconds = { normal = 25.0 }\n"


def shapes(secret: str) -> Iterator[str]:
    """Everything that would give the secret away."""
    for text in (secret, secret[:10], secret[-10:]):
        yield from (text, text[::-1], text.encode().hex())
        yield from (quote(text, safe=""), quote(text), quote_plus(text))
    for before in range(3):
        # The digits that depend on the secret alone when so many bytes stand before it.
        coded = base64.b64encode(b"-" * before + secret.encode()).decode()
        yield coded[4 : len(secret) * 4 // 3 - 4]


def found(written: bytes, secrets: tuple[str, ...]) -> list[str]:
    return [one for secret in secrets for one in shapes(secret) if one.encode() in written]


def secrets_of(server: PaperServer) -> tuple[str, ...]:
    return server.account.key, server.account.secret


# ---------------------------------------------------------------------- the command line

LOUD = """
import http.client, logging, sys, warnings

warnings.simplefilter("ignore")
http.client.HTTPConnection.debuglevel = 1
logging.basicConfig(level=logging.DEBUG)
for name in ("fillwright", "fillwright_alpaca", "urllib3", "requests", "alpaca", "websockets"):
    logging.getLogger(name).setLevel(logging.DEBUG)
if sys.argv[1] == "--crash":
    del sys.argv[1]
    from fillwright.desk.desk import Desk

    async def execute(self, plan):
        adapter = self._parts.adapter
        raise RuntimeError("crashed")

    Desk.execute = execute
from fillwright.cli.app import run_command
raise SystemExit(run_command(sys.argv[1:]))
"""


class Shell:
    """A user's shell, with everything that was ever written into it or beside it."""

    def __init__(self, folder: Path, server: PaperServer, **keys: str) -> None:
        self.folder = folder
        self._keys = keys_of(server) | keys
        (folder / "loud.py").write_text(LOUD)

    def __call__(self, *arguments: str) -> int:
        log = self.folder / "said.log"
        with log.open("ab") as said:
            done = subprocess.run(
                [sys.executable, "loud.py", *arguments],
                cwd=self.folder,
                env=environment(PYTHONASYNCIODEBUG="1", **self._keys),
                stdout=said,
                stderr=said,
                timeout=300,
                check=False,
            )
        return done.returncode

    def everything(self) -> bytes:
        """All that was printed, and every file there is."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


def spoil(server: PaperServer, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        server.faults.add(Fault.model_validate(line))


def spoiled_submits(echo: str) -> list[dict[str, Any]]:
    """Every kind of failure of a submit; the first one repeats the keys that it was sent."""
    kinds = [
        *("accept_then_reset", "accept_then_504", "garbage", "truncated", "drop_hang"),
        *("server_error", "bad_gateway", "cut_off"),
    ]
    rejected = {"on": "submit", "fault": "reject", "nth": 1, "code": 40310000, "text": echo}
    return [rejected, *({"on": "submit", "fault": k, "nth": n} for n, k in enumerate(kinds, 2))]


def spoiled_reads(echo: str) -> list[dict[str, Any]]:
    """Every kind of failure of everything else, each somewhere."""
    kinds = ["unauthorized", "redirect", "drop_reset", "bad_gateway", "garbage", "truncated"]
    places = ("account", "positions", "orders", "activities", "find", "data", "assets")
    return [
        *(
            {"on": place, "fault": kind, "nth": 2 + 2 * n, "text": echo}
            for place in places
            for n, kind in enumerate(kinds)
        ),
        {"on": "message", "fault": "close", "nth": 4},
        {"on": "message", "fault": "garbage", "nth": 7},
        {"on": "connect", "fault": "bad_gateway", "nth": 2},
        {"on": "connect", "fault": "redirect", "nth": 3, "text": "http://127.0.0.1:9/"},
    ]


@pytest.mark.timeout(600)
def test_a_run_in_which_everything_fails_writes_no_key(tmp_path: Path) -> None:
    """A key in a log file is a key in every backup, ticket and chat that the log gets into."""
    with running_paper_server(STILL) as server:
        secrets = secrets_of(server)
        echo = " and ".join(secrets)
        shell = Shell(tmp_path, server)
        write_desk(tmp_path, server.url, top=DESK, table=HASTE)
        write_plan(tmp_path, target_quantities=dict.fromkeys(SYMBOLS, "2"))
        loud = ("--log-level", "debug", "--debug", "-c", "desk.toml")

        # A plan that cannot read its account sends nothing: the first run has that still.
        spoil(server, spoiled_submits(echo))
        shell("run", "plan.json", *loud)
        spoil(server, spoiled_reads(echo))
        for command in (
            ("doctor",),
            ("doctor", "--json", "--log-json"),
            ("check-config", "--explain"),
            ("run", "plan.json", "--json", "--log-json"),
            ("orders", "--all", "--json"),
            ("reconcile", "--wait", "1"),
            ("journal", "show", "--last", "500"),
            ("journal", "export", "--log-json"),
        ):
            shell(*command, *loud)
        server.faults.clear()
        crashed = shell("--crash", "run", "plan.json", *loud)

        written = shell.everything()
        seen = {seen.fault for seen in server.requests}
    assert seen >= {"reject", "accept_then_reset", "redirect", "unauthorized"}
    assert crashed == 1
    assert b"RuntimeError: crashed" in written
    assert b"order_in_doubt" in written
    assert found(written, secrets) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["environment", "files", "table"])
def test_keys_that_nobody_accepts_are_not_written_either(tmp_path: Path, how: str) -> None:
    """Wrong keys are the right ones of another account, and everybody posts the error."""
    key, secret = STRANGE
    with running_paper_server(STILL) as server:
        given = {"FILLWRIGHT_ALPACA__KEY_ID": key, "FILLWRIGHT_ALPACA__SECRET_KEY": secret}
        shell = Shell(tmp_path, server, **given)
        if how != "environment":
            shell._keys.clear()
        table = {"environment": "", "files": FILES, "table": f'key_id = "{key}"\n'}[how]
        if how == "table":
            table += f'secret_key = "{secret}"\n'
        write_desk(tmp_path, server.url, table=HASTE + table)
        kept = tmp_path.parent / f"{tmp_path.name}-keys"
        kept.mkdir(mode=0o700)
        for name, value in (("key", key), ("secret", secret)):
            (kept / name).write_text(value)
            (kept / name).chmod(0o600)
        (tmp_path / "desk.toml").write_text(
            (tmp_path / "desk.toml").read_text().replace("KEPT", str(kept))
        )
        write_plan(tmp_path)
        loud = ("--log-level", "debug", "--debug", "-c", "desk.toml")

        codes = [
            shell(verb, *more, *loud)
            for verb, *more in (("run", "plan.json"), ("doctor",), ("check-config", "--explain"))
        ]

        # The file in which they stand is the user's own.
        (tmp_path / "desk.toml").unlink()
        written = shell.everything()
    assert codes == [2, 1, 0]
    assert b"401" in written
    assert found(written, STRANGE) == []


FILES = 'key_file = "KEPT/key"\nsecret_file = "KEPT/secret"\n'

# ---------------------------------------------------------------------- in a program


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
        texts += [str(one), repr(one), repr(one.args), repr(vars(one)), *frames.format()]
    return "\n".join(texts)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every library at DEBUG."""
    caplog.set_level(logging.DEBUG)
    for name in ("fillwright", "urllib3", "requests", "websockets", "alpaca", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


OPENING = {
    "wrong": {},
    "unauthorized": {"on": "request", "fault": "unauthorized"},
    "garbage": {"on": "account", "fault": "garbage"},
    "hang": {"on": "account", "fault": "drop_hang"},
    "reset": {"on": "positions", "fault": "drop_reset"},
    "blocked": {"on": "activities", "fault": "bad_gateway"},
    "account": {"on": "account", "fault": "field_set", "field": "account_number", "value": "X"},
}


async def fault_of_opening(path: Path) -> str:
    """What a crash reporter would print; no frame from here down was given the keys by the test."""
    with pytest.raises(FillwrightError) as raised:
        async with open_desk(path):
            pass
    return shown(raised.value)


@pytest.mark.parametrize("case", OPENING)
async def test_a_desk_that_does_not_open_raises_no_key(
    case: str, tmp_path: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash reporter keeps every local variable of every frame."""
    with running_paper_server(STILL) as server:
        secrets = STRANGE if case == "wrong" else secrets_of(server)
        monkeypatch.setenv("FILLWRIGHT_ALPACA__KEY_ID", secrets[0])
        monkeypatch.setenv("FILLWRIGHT_ALPACA__SECRET_KEY", secrets[1])
        if case != "wrong":
            server.faults.add(Fault.model_validate(OPENING[case]))
        path = write_desk(tmp_path, server.url, table=HASTE, top='expected_account_id = "PA1"')

        written = await fault_of_opening(path) + log.text

        assert found(written.encode(), secrets) == []


def parts(root: object) -> list[object]:
    """Every object that hangs on `root`, as a debugger would walk it; not what is sealed."""
    seen: dict[int, object] = {}
    waiting: list[object] = [root]
    while waiting and len(seen) < 50_000:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or (callable(one) and not vars_of(one)):
            continue
        seen[id(one)] = one
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        elif ours(one):
            waiting += vars_of(one)
    return list(seen.values())


def ours(one: object) -> bool:
    module = getattr(type(one), "__module__", "")
    return module.startswith(("fillwright", "functools", "asyncio", "concurrent"))


def vars_of(one: object) -> list[object]:
    slots = [n for kind in type(one).__mro__ for n in getattr(kind, "__slots__", ())]
    values = [getattr(one, name) for name in slots if hasattr(one, name)]
    values += list(vars(one).values()) if hasattr(one, "__dict__") else []
    return values + list(getattr(one, "args", ()))


def printed(one: object) -> bytes:
    return (repr(one) + str(one)).encode()


def pickled(one: object) -> bytes:
    try:
        return pickle.dumps(one)
    except Exception:  # noqa: BLE001  # what cannot be pickled gives nothing away
        return b""


async def test_nothing_of_an_open_desk_shows_or_pickles_a_key(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    """One debugging print of one object, or a queue that pickles what it is given."""
    with running_paper_server(STILL) as server:
        secrets = secrets_of(server)
        config = load_config(write_desk(tmp_path, server.url), environ=keys_of(server))
        async with desk_on(server, tmp_path) as desk:
            handle = await desk.submit(order())
            await until(lambda: handle.state.ended)
            server.faults.add(Fault.model_validate({"on": "request", "fault": "unauthorized"}))
            refused = await desk.submit(order(symbol="KO"))
            await until(lambda: refused.state.ended)
            walked = [one for root in (desk, config, handle, refused) for one in parts(root)]
            kinds = {type(one).__name__ for one in walked}
            shows = {type(one).__name__ for one in walked if found(printed(one), secrets)}
            gives = {type(one).__name__ for one in walked if found(pickled(one), secrets)}
            tasks = repr(asyncio.all_tasks()).encode()

        assert {"AlpacaAdapter", "Access", "DeskConfig", "Parts", "AlpacaStream"} <= kinds
        assert shows == set()
        # Pydantic's own seal, alone or in a table; what of ours holds one refuses to be pickled.
        assert gives <= {"SecretStr", "dict"}
        assert found(tasks + log.text.encode(), secrets) == []
        for sealed in (desk._parts.adapter, config, desk._parts.adapter.stream):
            with pytest.raises(TypeError):
                pickle.dumps(sealed)
