"""An approval made anywhere else would be an order that nobody checked."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MINTED = {"ApprovedOrder", "ApprovedChange"}
GATE = ROOT / "core/fillwright/risk/gate.py"


def minted_in(source: str) -> set[str]:
    """The approvals that this source constructs, by whatever name it imports them."""
    tree = ast.parse(source)
    names = {name: name for name in MINTED}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname: a.name for a in node.names if a.asname and a.name in MINTED}
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = set()
    for function in called:
        name = function.attr if isinstance(function, ast.Attribute) else None
        name = function.id if isinstance(function, ast.Name) else name
        if name in names:
            found.add(names[name])
    return found


def test_only_the_gate_constructs_approvals() -> None:
    """An adapter or a desk that mints its own approval goes round every check."""
    sources = [p for room in ("core", "plugins", "contrib") for p in (ROOT / room).rglob("*.py")]
    minting = {path for path in sources if minted_in(path.read_text(encoding="utf-8"))}

    assert minting == {GATE}


def test_the_reader_sees_through_other_names() -> None:
    """A search that an alias defeats would prove nothing."""
    aliased = "from fillwright.verdicts import ApprovedOrder as A\nA(1)"

    assert minted_in(aliased) == {"ApprovedOrder"}
    assert minted_in("import v\nv.ApprovedChange(1)") == {"ApprovedChange"}
    assert minted_in("x: ApprovedOrder") == set()
