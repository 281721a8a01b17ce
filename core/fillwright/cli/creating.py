"""`fillwright new check`: write a check and its test, ready to be changed.

Rules:
1. Nothing that is there is ever overwritten: both files are new, or none is written.
2. A name must work as a module, as a table of desk.toml, and beside every other name there.
"""

import keyword
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.faults import one_line
from fillwright.config import RESERVED, default_config
from fillwright.desk.opening import load_plugins
from fillwright.errors import BadInput
from fillwright.limits import Offer
from fillwright.plugins.sources import available

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What it is called in the templates.
_PLACEHOLDER = "my_check"
#: How much of a bad name is shown.
_SHOWN = 40


class Kind(StrEnum):
    """What the check is to show."""

    PLAIN = "plain"
    STATE = "state"
    DATA = "data"
    RESIZE = "resize"
    POST = "post"


def check(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Like my_check.")],
    *,
    kind: Annotated[
        Kind,
        typer.Option(
            help="plain: a limit for one order. state: what was done before counts. data: it "
            "needs data. resize: it makes orders smaller. post: it halts after a fill."
        ),
    ] = Kind.PLAIN,
) -> Answer:
    """Write NAME.py and test_NAME.py into this folder: a check that works, and its test.

    Exit codes: 0 both were written, 2 a name that cannot be used, a file that is there already,
    or a folder that cannot be written; nothing was written then.
    """
    del call
    _check_name(name)
    code, test = (_text(f"{kind}{part}.txt", name) for part in ("", "_test"))
    paths = (Path(f"{name}.py"), Path(f"test_{name}.py"))
    _check_free(name, paths)
    _write(dict(zip(paths, (code, test), strict=True)))
    settings = _desk_toml(code)
    document: dict[str, object] = {
        "files": [str(path) for path in paths],
        "kind": kind.value,
        "desk_toml": settings,
    }
    wrote = f"Wrote {paths[0]} and {paths[1]}."
    return Answer(document, [wrote, *_next(name, kind, settings)], done=wrote)


def _next(name: str, kind: Kind, settings: str) -> Sequence[str]:
    plan = "--plan plan.json -c desk.toml"
    look = f"fillwright check try {name}.py {plan}"
    if kind is Kind.POST:
        look = "fillwright run plan.json -c desk.toml"
    return (
        "",
        "Test it:",
        "    pip install pytest hypothesis",
        f"    python -m pytest test_{name}.py",
        "Switch it on in desk.toml, with limits of your own:",
        *(f"    {line}".rstrip() for line in settings.splitlines()),
        "See what it says to a plan:",
        f"    {look}",
    )


def _text(template: str, name: str) -> str:
    source = files("fillwright.cli").joinpath("templates", template)
    text = source.read_text(encoding="utf-8").replace(_PLACEHOLDER, name)
    return text.replace(_PLACEHOLDER.upper(), name.upper())


def _desk_toml(code: str) -> str:
    """The lines of desk.toml that stand, indented, in the docstring of a check."""
    said = code.split('"""')[1].split("In desk.toml:\n")[1]
    return "\n".join(line[4:] for line in said.strip("\n").splitlines())


# -------------------------------------------------------------------- the name


def _check_name(name: str) -> None:
    """Raise BadInput for a name that could not be used."""
    problem, hint = _flaw(name)
    if problem:
        shown = one_line(name) if len(name) <= _SHOWN else f"{one_line(name[:_SHOWN])}..."
        raise BadInput(f"check {shown!r}", problem, hint)


def _flaw(name: str) -> tuple[str, str]:
    """What is wrong with a name, and what to do; both empty when nothing is."""
    if not name.strip():
        return "has no name", "Write it like my_check"
    if _NAME.fullmatch(name) is None:
        rule = "A name is a lower-case letter and then at most 39 letters, digits and underscores"
        return "cannot be a name", f"{rule}{_meant(name)}"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a word of Python's own", f"Write it like {name}_check"
    if name.startswith("test_") or name == "conftest":
        return "would be taken for a test by pytest", "Write it like my_check"
    if name in RESERVED:
        return "is a table or setting of desk.toml", f"Write it like {name}_check"
    code = _standard().get(name)
    if code:
        return f"is the standard control {code}", f"Switch it on with [risk.{name}]"
    if name in {info.name for info in available()}:
        return "is an installed plugin", f"Write it like {name}_check"
    if _is_module(name):
        return "is a Python module that the file would hide", f"Write it like {name}_check"
    return "", ""


def _meant(name: str) -> str:
    """The name as it could be, where that is clear."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", Path(name).name)
    near = words.lower().strip("_").removesuffix("_py")
    usable = _NAME.fullmatch(near) is not None and not keyword.iskeyword(near)
    return f"; did you mean {near}?" if usable else ""


def _standard() -> dict[str, str]:
    """The names of the standard controls, with their ids."""
    offers = (
        getattr(plugin, "offers", ()) for plugin in load_plugins(default_config(Path())).loaded()
    )
    return {one.name: one.code for some in offers for one in some if isinstance(one, Offer)}


def _is_module(name: str) -> bool:
    """Whether Python has a module of this name that does not lie in this folder."""
    if name in sys.stdlib_module_names:
        return True
    found = find_spec(name)
    origin = found.origin if found is not None else None
    return found is not None and (origin is None or Path(origin).parent != Path.cwd())


# -------------------------------------------------------------------- the files


def _check_free(name: str, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.exists() or path.is_symlink():
            hint = f"Nothing was written; choose another name than {name}, or move it away"
            raise BadInput(str(path), "is there already", hint)


def _write(texts: dict[Path, str]) -> None:
    """Write all of them, or none. Raises BadInput."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as fault:
        for half in written:
            half.unlink(missing_ok=True)
        hint = "Nothing was written; go to a folder of your own"
        problem = f"cannot be written: {fault.strerror or fault}"
        raise BadInput(str(path), problem, hint) from fault
