"""Every fenced block of README and docs is tried, page by page, in the order of the page."""

import asyncio
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs.pages import DOCS, EXAMPLES, PAGES, Block, bench, blocks_of, page_name, python
from docs.shell import Shell
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import load_config
from fillwright.desk.opening import adapter_of, load_plugins
from fillwright.plans import parse_csv, parse_json
from fillwright.testing.venue import read_quotes
from fillwright_data.table import read as read_data

#: Output, drawings, and what needs a program that may not be there.
NOT_RUN = frozenset({"text", "console", "mermaid", "javascript"})
#: The only commands that are not run here. Set-up is tried by `.ci/run` in a clean copy; the others
#: make the empty folder that a test has anyway, and install what is installed here.
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e"
EXEMPT = frozenset(
    {
        f"{INSTALL} . && .venv/bin/fillwright run docs/examples/rebalance.json",
        f"{INSTALL} '.[dev]' && .venv/bin/python -m pytest -n auto --dist worksteal",
        "mkdir my-desk && cd my-desk",
        "mkdir my-checks && cd my-checks",
        "python3 -m venv .venv && . .venv/bin/activate",
        "pip install -q -e ../fillwright pytest hypothesis",
        "cp ../fillwright/docs/examples/rebalance.json .",
    }
)
#: What a part of a desk.toml is completed with.
BASE = {
    "mode": 'mode = "paper"',
    "broker": 'broker = "fake"',
    "journal": 'journal = "part.db"',
    "checks": 'checks = ["risk"]',
}


def try_python(block: Block, shell: Shell) -> None:
    path = shell.folder / (block.title or f"line_{block.line}.py")
    path.write_text(block.text, encoding="utf-8")

    done = python(path)

    assert done.returncode == 0, f"{block}:\n{done.stdout}{done.stderr}"


def try_toml(block: Block, shell: Shell) -> None:
    folder, text = shell.folder, shell.swapped(block.text)
    told = tomllib.loads(text)
    if block.title == "pyproject.toml":
        return
    path = folder / (block.title or f"line_{block.line}.toml")
    missing = [line for key, line in BASE.items() if key not in told] if not block.title else []
    path.write_text("\n".join([*missing, text]), encoding="utf-8")
    if block.title and not all((folder / c).exists() for c in told["checks"] if c[0] == "."):
        return  # the page goes on to write the check; a command after it loads both

    config = load_config(path, environ=shell.settings | keys_for(told))
    adapter = adapter_of(config, load_plugins(config), SystemClock(), SystemRng())
    asyncio.run(adapter.close())


def keys_for(told: dict[str, Any]) -> dict[str, str]:
    """Keys of the right shape, where the page has not got to its own yet; nobody is asked."""
    table = told.get("alpaca", {})
    if told.get("broker") != "alpaca" or "key_file" in table:
        return {}
    names = ("FILLWRIGHT_ALPACA__KEY_ID", "FILLWRIGHT_ALPACA__SECRET_KEY")
    return dict.fromkeys(names, "ABCDEFGHIJKLMNOP")


def try_json(block: Block, shell: Shell) -> None:
    path = shell.folder / (block.title or f"line_{block.line}.json")
    path.write_text(block.text, encoding="utf-8")

    parse_json(block.text, str(block))


def try_csv(block: Block, shell: Shell) -> None:
    path = shell.folder / (block.title or f"line_{block.line}.csv")
    path.write_text(block.text, encoding="utf-8")

    if block.text.startswith("time,"):
        read_quotes(path)
    elif block.text.startswith("symbol,time,"):
        assert read_data(path).data
    else:
        parse_csv(block.text, str(block))


def try_sh(block: Block, shell: Shell) -> None:
    for line in block.text.splitlines():
        if line.strip() and line not in EXEMPT:
            shell.line(line, str(block))


TRY = {
    "python": try_python,
    "toml": try_toml,
    "json": try_json,
    "csv": try_csv,
    "sh": try_sh,
}
WITH_BLOCKS = [page for page in PAGES if any(True for _ in blocks_of(page))]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=page_name)
def test_every_block_works(page: Path, tmp_path: Path) -> None:
    """Whoever copies a block from a page gets what the page says, not an error."""
    if page.parent != DOCS / "tutorial":  # which begins with an empty folder
        bench(tmp_path)
    elif "rebalance.json" in page.read_text(encoding="utf-8"):
        shutil.copy(EXAMPLES / "rebalance.json", tmp_path)

    with Shell(tmp_path) as shell:
        for block in blocks_of(page):
            assert block.language in TRY.keys() | NOT_RUN, f"{block}: what is {block.language!r}?"
            if block.language in TRY:
                TRY[block.language](block, shell)
