"""The page on the paper server names all that there is, and its commands do what it says."""

import inspect
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.pages import DOCS, blocks_of, environment, run
from fillwright.cli.serving import paper_server
from fillwright.testing.paper_server import (
    PLACES,
    Kind,
    On,
    PaperServer,
    PaperServerSettings,
    running_paper_server,
)
from fillwright.testing.paper_server.control import TABLE
from fillwright.testing.paper_server.staff import WORDS
from fillwright.testing.venue import VenueSettings

PAGE = DOCS / "how-to" / "paper-server.md"
TEXT = PAGE.read_text(encoding="utf-8")
SAID = "http://127.0.0.1:8377"
#: How the page sums places up.
GROUPS = {"requests": "submit", "stream": "connect", "requests that change something": "submit"}


def row(*cells: str) -> list[str]:
    """The cells of the table row that begins with these."""
    start = " | ".join(re.escape(f"`{cell}`") for cell in cells)
    found = re.search(rf"^\| {start} \|(.*)\|$", TEXT, re.MULTILINE)
    assert found, f"there is no row for {cells}"
    return [cell.strip() for cell in found[1].split(" | ")]


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_is_documented_where_it_strikes(kind: Kind) -> None:
    """A fault that nobody knows of is never tried, and one that never strikes proves nothing."""
    where = row(kind)[0]
    told = {
        GROUPS.get(name, name) for name in (where if where in GROUPS else "", *where.split(", "))
    }

    assert {On(name) for name in told if name in set(On)} <= PLACES[kind]
    assert (On.SUBMIT in PLACES[kind]) == ("requests" in where)
    assert (On.CONNECT in PLACES[kind]) == ("connect" in where or "stream" in where)
    assert (On.MESSAGE in PLACES[kind]) == ("message" in where or "stream" in where)
    assert (On.AUTHENTICATE in PLACES[kind]) == ("authenticate" in where or "stream" in where)


@pytest.mark.parametrize("on", On)
def test_every_place_is_documented(on: On) -> None:
    """A script's author chooses from this list."""
    rows = re.findall(r"^\| (`.*?) \| .* \|$", TEXT.split("| `on` | what |")[1], re.MULTILINE)

    assert any(f"`{on}`" in first for first in rows)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in TABLE])
def test_every_control_is_documented(method: str, path: str) -> None:
    """Whoever writes a client of the control endpoint has nothing but this table."""
    row(f"{method} {path}")


def test_every_word_for_an_order_is_documented() -> None:
    """A word that is not known is a state that nobody tries."""
    told = row("POST /orders/{id}/{word}")[-1]

    assert re.findall(r"`(\w+)`", told) == list(WORDS)


@pytest.mark.parametrize(
    "name", [n for n in inspect.signature(paper_server).parameters if n != "context"]
)
def test_every_option_is_documented(name: str) -> None:
    """An option's default decides what a demo shows."""
    shared = {"config", "json", "log_level", "log_json", "debug"}
    if name not in {*shared, "call"}:
        row(f"--{name.replace('_', '-')}")


OWN = PaperServerSettings.model_fields.keys() - VenueSettings.model_fields.keys() | {"multiplier"}


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    """A server that behaves unexpectedly makes a test prove the wrong thing."""
    default = str(PaperServerSettings.model_fields[name].default).lower()

    assert row(name)[0] == f"`{default}`"


def commands() -> list[str]:
    blocks = [block.text for block in blocks_of(PAGE) if block.language == "console"]
    return [line.removeprefix("$ ") for text in blocks for line in text.splitlines()]


def test_the_lines_for_curl_get_answers(tmp_path: Path) -> None:
    """The first thing that a visitor does is to copy a line."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    keys, *lines = [line for line in commands() if not line.startswith("pip ")]
    settings = PaperServerSettings.model_validate({"positions": {"KO": "10"}})
    with running_paper_server(settings) as server:
        script = "\n".join([keys, "set -o pipefail", *lines]).replace(SAID, server.url)
        answers = script.replace("curl -s", "curl -s --noproxy '*' -w '\\n'")
        done = run(["bash", "-ec", answers], tmp_path)

    account, order, position = map(json.loads, done.stdout.splitlines())
    assert (account["status"], order["status"], position["qty"]) == ("ACTIVE", "pending_new", "9")


def test_the_keys_in_the_page_are_those_of_the_default_seed() -> None:
    """Keys that open nothing end a first try at once."""
    keys = next(line for line in commands() if line.startswith("KEYS="))
    words = shlex.split(keys.removeprefix("KEYS="))[0]
    with running_paper_server() as server:
        expected = [f"APCA-API-KEY-ID:{server.account.key}"]
        expected.append(f"APCA-API-SECRET-KEY:{server.account.secret}")

    assert [word for word in words.split() if word != "-H"] == expected


def test_the_script_for_node_buys(tmp_path: Path) -> None:
    """A page that promises other languages must not be wrong in the first."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node here")
    (block,) = [block for block in blocks_of(PAGE) if block.language == "javascript"]
    (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    with running_paper_server() as server:
        account = server.account
        place = {"url": server.url, "key": account.key, "secret": account.secret}
        (tmp_path / "paper-server.json").write_text(json.dumps(place))
        done = subprocess.run(
            ["node", block.title],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert (done.stdout, done.stderr) == ("pending_new\n", "")


def test_the_table_of_names_is_what_a_server_has() -> None:
    """A name in the page that is not there is an AttributeError in somebody's test."""
    table = TEXT.split("| name | what |")[1].split("\n\n")[0]
    names = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    said = {name for cell in names for name in re.findall(r"`(\w+)", cell)}

    server = PaperServer(PaperServerSettings())
    assert said >= {"url", "faults", "requests"}
    assert [name for name in said if not (hasattr(PaperServer, name) or name in vars(server))] == []
