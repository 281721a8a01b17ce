"""The page on Alpaca says what the adapter declares and does."""

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from docs.generated import BLOCKS, block_in
from docs.pages import DOCS, EXAMPLES
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import load_config
from fillwright.desk.opening import adapter_of, load_plugins
from fillwright_alpaca.outcomes import Proof, proof_of
from fillwright_alpaca.settings import AlpacaSettings
from fillwright_alpaca.wire import Failure, Outcome, Reply

PAGE = DOCS / "reference" / "alpaca.md"
KEYS = {
    "FILLWRIGHT_ALPACA__KEY_ID": "ABCDEFGHIJKLMNOP",
    "FILLWRIGHT_ALPACA__SECRET_KEY": "ABCDEFGHIJKLMNOPQRSTUVWX",
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = re.search(r"((?:^\|.*\n)+)", text, re.MULTILINE)
    assert table, heading
    lines = [line.strip().strip("|").split(" | ") for line in table[0].splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.parametrize(("page", "name"), BLOCKS, ids=[name for _, name in BLOCKS])
def test_a_generated_block_is_as_the_adapter_declares(page: Path, name: str) -> None:
    """Somebody builds on an order type that the desk refuses.

    `PYTHONPATH=tests python -m docs.generated` mends it.
    """
    assert block_in(page, name) == BLOCKS[page, name]()


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    """A timeout is chosen by the default that the page names."""
    told = {row[0].strip("`"): row[1] for row in rows("Settings")}

    assert told.keys() == AlpacaSettings.model_fields.keys()
    for name, field in AlpacaSettings.model_fields.items():
        default = field.default
        if isinstance(default, float):
            assert told[name] == f"`{default:g}`"
        elif default is not None:
            assert told[name] == f'`"{default}"`'


def outcome(status: str, code: str, message: str) -> Outcome:
    """What a row of the error catalogue describes."""
    if status == "none":
        return Failure(sent="may have left" in message, reason=message)
    body: dict[str, object] | None = {"message": message}
    if message in ("(HTML)", "(empty)"):
        body = None
    elif message == "(an order)":
        body = {"id": "1"}
    elif code != "-":
        body = {"message": message, "code": int(code)}
    text = "<html>" if message == "(HTML)" else ""
    return Reply(int(status), {}, body, text)


@pytest.mark.parametrize("row", rows("What an answer proves"), ids=lambda row: " ".join(row[:3]))
def test_each_row_of_the_error_catalogue_is_what_the_code_makes_of_it(row: list[str]) -> None:
    """An operator believes that an order was rejected, and it stands in the market."""
    status, code, message, proves = row

    assert proof_of(outcome(status, code, message)) == Proof(proves)


def test_every_proof_is_explained() -> None:
    """A word in the catalogue that nobody explains decides about money."""
    text = PAGE.read_text(encoding="utf-8")
    used = {row[3] for row in rows("What an answer proves")}

    assert used == set(Proof)
    assert all(f"\n| {proof} | " in text for proof in Proof)


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_the_example_is_a_desk_on_alpaca(tmp_path: Path, mode: str) -> None:
    """The first file that somebody copies for real money does not load."""
    text = (EXAMPLES / "alpaca.toml").read_text(encoding="utf-8")
    if mode == "live":
        text = text.replace('mode = "paper"', 'mode = "live"')
        text = text.replace('# expected_account_id = "PA..."', 'expected_account_id = "123"')
    (tmp_path / "desk.toml").write_text(text, encoding="utf-8")

    config = load_config(tmp_path / "desk.toml", environ=KEYS)
    adapter = adapter_of(config, load_plugins(config), SystemClock(), SystemRng())
    asyncio.run(adapter.close())

    assert adapter.executor.endpoint == config.mode == mode
    assert not {"key_id", "secret_key"} & tomllib.loads(text)["alpaca"].keys()
