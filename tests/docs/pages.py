"""The pages of the documentation, their fenced blocks, and a folder in which blocks are tried."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^(`{3,})\s*([^\n`]*)\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
#: A command that is expected to end with another code than 0 says so behind it.
_EXIT = re.compile(r"#\s*exit (\d+)\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `title` is the file that the reader is told to write."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Every fenced block of a page in its order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        words = found[2].split()
        title = next((w.removeprefix("title=") for w in words if w.startswith("title=")), "")
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, words[0] if words else "", title, found[3])


def page_name(page: Path) -> str:
    """How a page is called in the names of tests."""
    return page.relative_to(ROOT).as_posix()


def bench(folder: Path) -> None:
    """Lay the examples out as a reader has them: beside him, and under docs/examples."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    shutil.copytree(EXAMPLES, folder / "docs" / "examples")


def environment() -> dict[str, str]:
    """The environment of a child, in English and without our own variables."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("FILLWRIGHT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{plain.get('PATH', '')}"
    return plain | {"COLUMNS": "120", "LC_ALL": "C.UTF-8", "PATH": path}


def run(
    command: list[str], folder: Path, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one program in `folder`."""
    return subprocess.run(
        command,
        cwd=folder,
        env=variables or environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def python(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python file in its own folder."""
    return run([sys.executable, path.name], path.parent)


def fillwright(
    line: str, folder: Path, variables: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run one line that begins with `fillwright`; what came, and the code that it announces."""
    said = _EXIT.search(line)
    words = shlex.split(line, comments=True)
    done = run([sys.executable, "-m", *words], folder, variables)
    return done, int(said[1]) if said else 0
