"""Every fenced block of README and docs is tried, page by page, in the order of the page."""

import tomllib
from pathlib import Path

import pytest

from docs.pages import DOCS, PAGES, Block, bench, blocks_of, fillwright, page_name, python
from fillwright.config import load_config
from fillwright.desk.opening import load_plugins
from fillwright.plans import parse_csv, parse_json
from fillwright.testing.fake_broker import read_settings
from fillwright.testing.venue import read_quotes

#: Output, and drawings: nothing to run.
NOT_RUN = frozenset({"text", "console", "mermaid"})
#: The only commands that are not run here. Set-up is tried by `.ci/run` in a clean copy; the third
#: makes the empty folder that a test has anyway.
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e"
EXEMPT = frozenset(
    {
        f"{INSTALL} . && .venv/bin/fillwright run docs/examples/rebalance.json",
        f"{INSTALL} '.[dev]' && .venv/bin/python -m pytest",
        "mkdir my-desk && cd my-desk",
    }
)
#: What a part of a desk.toml is completed with.
BASE = {
    "mode": 'mode = "paper"',
    "broker": 'broker = "fake"',
    "journal": 'journal = "part.db"',
    "checks": 'checks = ["risk"]',
}


def try_python(block: Block, folder: Path) -> None:
    path = folder / (block.title or f"line_{block.line}.py")
    path.write_text(block.text, encoding="utf-8")

    done = python(path)

    assert done.returncode == 0, f"{block}:\n{done.stdout}{done.stderr}"


def try_toml(block: Block, folder: Path) -> None:
    told = tomllib.loads(block.text)
    if block.title == "pyproject.toml":
        return
    path = folder / (block.title or f"line_{block.line}.toml")
    missing = [line for key, line in BASE.items() if key not in told] if not block.title else []
    path.write_text("\n".join([*missing, block.text]), encoding="utf-8")
    if block.title and not all((folder / c).exists() for c in told["checks"] if c[0] == "."):
        return  # the page goes on to write the check; a command after it loads both

    config = load_config(path, environ={})
    load_plugins(config)
    read_settings("fake", config.broker_settings, folder)


def try_json(block: Block, folder: Path) -> None:
    (folder / (block.title or f"line_{block.line}.json")).write_text(block.text, encoding="utf-8")

    parse_json(block.text, str(block))


def try_csv(block: Block, folder: Path) -> None:
    path = folder / (block.title or f"line_{block.line}.csv")
    path.write_text(block.text, encoding="utf-8")

    if block.text.startswith("time,"):
        read_quotes(path)
    else:
        parse_csv(block.text, str(block))


def try_sh(block: Block, folder: Path) -> None:
    for line in block.text.splitlines():
        if not line.strip() or line in EXEMPT:
            continue
        assert line.startswith("fillwright "), f"{block}: nobody runs {line!r}"

        done, announced = fillwright(line, folder)

        assert done.returncode == announced, f"{block}: {line}\n{done.stdout}{done.stderr}"


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

    for block in blocks_of(page):
        assert block.language in TRY.keys() | NOT_RUN, f"{block}: what is {block.language!r}?"
        if block.language in TRY:
            TRY[block.language](block, tmp_path)
