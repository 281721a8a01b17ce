"""The examples are what they claim to be: short, complete, and alive."""

import json
import re
from pathlib import Path

import pytest

import fillwright as public
from docs.pages import DOCS, EXAMPLES, ROOT, bench, blocks_of, fillwright, python
from fillwright.config import load_config
from fillwright.plans import RebalancePlan, read_plan


@pytest.mark.parametrize(("name", "most"), [("my_checks.py", 12), ("embed.py", 20)])
def test_an_example_stays_short(name: str, most: int) -> None:
    """A newcomer who is promised a dozen lines counts them."""
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()

    assert len(lines) <= most


@pytest.mark.parametrize("name", ["my_checks.py", "embed.py"])
@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "tutorial" / "first-plan.md"])
def test_a_page_shows_the_example_itself(page: Path, name: str) -> None:
    """A page that shows an older version of an example teaches what no longer works."""
    shown = [block.text for block in blocks_of(page) if block.title == name]

    assert all(text == (EXAMPLES / name).read_text(encoding="utf-8") for text in shown)


def test_readme_shows_both_examples() -> None:
    """README is where a quant and an app's author look first."""
    titles = {block.title for block in blocks_of(ROOT / "README.md")}

    assert titles >= {"my_checks.py", "embed.py", "desk.toml"}


def test_the_app_prints_a_fill_and_the_same_one_again(tmp_path: Path) -> None:
    """An app that is started twice must not buy twice."""
    bench(tmp_path)

    first, again = python(tmp_path / "embed.py"), python(tmp_path / "embed.py")

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("FILLED 2 ")
    assert again.stdout == first.stdout


@pytest.mark.parametrize("config", ["", " -c desk.toml"])
@pytest.mark.parametrize("plan", ["rebalance.json", "basket.csv"])
def test_a_plan_is_carried_out(plan: str, config: str, tmp_path: Path) -> None:
    """The first command that anybody types must not end in a refusal."""
    bench(tmp_path)

    done, _ = fillwright(f"fillwright run {plan}{config} --json", tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "SUCCESS"


def test_the_same_plan_again_is_the_same_result(tmp_path: Path) -> None:
    """Whoever runs README's command twice must not have traded twice."""
    bench(tmp_path)

    first, _ = fillwright("fillwright run rebalance.json --json", tmp_path)
    again, _ = fillwright("fillwright run rebalance.json --json", tmp_path)

    assert again.stdout == first.stdout


def test_the_rebalance_shows_what_a_plan_can_hold() -> None:
    """The example is what a portfolio system's author compares his own plan with."""
    plan = read_plan(EXAMPLES / "rebalance.json")
    assert isinstance(plan, RebalancePlan)

    actions = {str(item.action) for item in plan.items}

    assert len(plan.items) >= 12
    assert actions == {"BUY", "SELL", "HOLD"}
    assert any(item.liquidates for item in plan.items)


def test_the_configuration_names_the_check_and_all_files_beside_it(tmp_path: Path) -> None:
    """A newcomer's copy of desk.toml must find its check, and keep its files in one folder."""
    bench(tmp_path)
    config = load_config(tmp_path / "desk.toml", environ={})

    assert "./my_checks.py" in config.checks
    assert config.journal_path.parent == tmp_path
    assert config.broker_settings["state"] == "fake-broker.db"


def test_examples_use_public_names_only() -> None:
    """What an example imports from the top must be promised there."""
    sources = [
        (EXAMPLES / name).read_text(encoding="utf-8") for name in ("my_checks.py", "embed.py")
    ]
    text = "".join(sources)
    lines = re.findall(r"^from fillwright import (.+)$", text, re.MULTILINE)
    names = {name.strip() for line in lines for name in line.split(",")}

    assert names <= set(public.__all__)
    assert "from fillwright." not in text


def test_readmes_first_two_commands_are_set_up_and_tests() -> None:
    """A stranger types the first block and a checker the marked one; both are found by place."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    marked = text.split("<!-- test-command -->\n")[1]
    commands = [block.text for block in blocks_of(ROOT / "README.md") if block.language == "sh"]
    first, second = commands[:2]

    assert first.endswith(".venv/bin/fillwright run docs/examples/rebalance.json\n")
    assert marked.startswith(f"```sh\n{second}```")
    assert second.endswith(".venv/bin/python -m pytest -n auto --dist worksteal\n")
