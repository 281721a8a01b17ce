"""The page of incidents, from the tests' own words: `PYTHONPATH=tests python -m incidents.page`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent.parent / "docs" / "explanation" / "incidents.md"
_PARTS = re.compile(r"(?P<what>.+?)\n\nThere: (?P<there>.+?)\nHere: (?P<here>.+)", re.DOTALL)
_HEAD = """# Incidents

What went wrong in other systems, by name, and what happens here. Each row is a test that plays
the incident on a real desk: against the fake broker with its faults, or over sockets with the
broker's own SDK. The page is made from the tests' own words by `python -m incidents.page` (with
`PYTHONPATH=tests`), and a test compares them.

A number is the issue or pull request of the project named. "There" says what the reports tell;
none of it was reproduced on those systems.
"""


class Incident(NamedTuple):
    """One incident: whose, what happened there, what happens here, and its test."""

    name: str
    there: str
    here: str
    test: str


def incidents(file: Path) -> Iterator[Incident]:
    """The incidents of one kind. Raises ValueError for a test that tells none."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            told = _PARTS.fullmatch(ast.get_docstring(node) or "")
            if told is None:
                raise ValueError(f"{file.name}::{node.name} tells no incident: What, There, Here")
            what, there, here = (" ".join(p.split()) for p in told.group("what", "there", "here"))
            name, _, what = what.partition(": ")
            happened = f"{_sentence(what)} {_sentence(there)}"
            yield Incident(name, happened, _sentence(here), f"{file.name}::{node.name}")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def kinds() -> Iterator[tuple[str, list[Incident]]]:
    """Every kind, by its title."""
    for file in sorted(FOLDER.glob("test_*.py")):
        title = (ast.get_docstring(ast.parse(file.read_text())) or "").rstrip(".")
        if file.name != "test_page.py":
            yield title, list(incidents(file))


def page() -> str:
    """The whole page."""
    blocks = [_HEAD]
    for title, found in kinds():
        rows = [
            f"| {one.name} | {one.there} | {one.here} | `{one.test}` |".replace("::", "`<br>`")
            for one in found
        ]
        head = [
            "| name | what happened there | what happens here | test |",
            "| --- | --- | --- | --- |",
        ]
        blocks.append("\n".join([f"## {title}", "", *head, *rows, ""]))
    return "\n".join(blocks)


if __name__ == "__main__":
    PAGE.write_text(page())
