"""Read the sources for what would make two runs of one seed differ.

Found are: the wall clock, chance and fresh names taken from anywhere but the injected ports, a
sleep that no clock owns, threads, and iteration over sets, whose order depends on the process.
What kind of thing an expression is, is read from annotations and assignments of the same file.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Modules that give time, chance, names or threads.
MODULES = frozenset({"time", "random", "uuid", "secrets", "threading", "multiprocessing", "sched"})
#: The same as functions of modules that are harmless besides.
CALLS = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "os.urandom",
        "asyncio.sleep",
        "asyncio.to_thread",
        "asyncio.all_tasks",
    }
)
#: Whoever asks in this way does not hear the order.
_DEAF = frozenset({"sorted", "len", "any", "all", "sum", "min", "max", "set", "frozenset", "bool"})
_HEARS = frozenset(
    {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "deque", "reversed"}
)
_HEARING = frozenset({"join", "fromkeys", "extend"})
_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
_SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_SETS = frozenset({"set", "frozenset", "AbstractSet", "MutableSet"})


@dataclass(frozen=True, order=True)
class Finding:
    """One place."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def findings(root: Path) -> list[Finding]:
    """Everything that is found under a folder, paths from there on."""
    found: list[Finding] = []
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        found += read(file.read_text(encoding="utf-8"), name)
    return found


def read(source: str, name: str = "") -> list[Finding]:
    """Everything that is found in one source text."""
    tree = ast.parse(source)
    outer = [node for node in tree.body if not isinstance(node, _SCOPES)]
    attributes = [(word, value) for word, value in _bindings([tree]) if "." in word]
    attributes += _fields(tree)
    reader = _Reader(name, _set_names([*_bindings(outer), *attributes], frozenset()))
    reader.visit(tree)
    return sorted(set(reader.found))


def _fields(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What classes declare in their bodies, as their methods call it."""
    for node in ast.walk(tree):
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.AnnAssign):
                yield f"self.{_dotted(line.target)}", line.annotation


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _set_names(bindings: Sequence[tuple[str, ast.expr]], known: frozenset[str]) -> frozenset[str]:
    """The names that hold sets, as far as the text says so."""
    names = known
    while True:
        more = {name for name, value in bindings if _is_set(value, names)}
        if more <= names:
            return names
        names |= more


def _bindings(trees: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Each name with what is assigned to it, or with its annotation."""
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.AnnAssign):
            yield _dotted(node.target), node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield node.arg, node.annotation
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield _dotted(target), node.value
        elif isinstance(node, ast.NamedExpr):
            yield _dotted(node.target), node.value


def _is_set(node: ast.expr, names: frozenset[str]) -> bool:
    """Whether an expression, or an annotation, is a set."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Subscript):
        return _dotted(node.value) in _SETS
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _SET_METHODS:
            return _is_set(function.value, names)
        return _dotted(function) in {"set", "frozenset", "asyncio.all_tasks"}
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, names) or _is_set(node.orelse, names)
    return _dotted(node) in names | _SETS


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


@dataclass
class _Reader(ast.NodeVisitor):
    file: str
    names: frozenset[str]
    found: list[Finding] = field(default_factory=list)
    _deaf: int = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._scope(node)

    def _scope(self, node: ast.AST) -> None:
        """A function's own names hide those outside."""
        outer, bindings = self.names, list(_bindings([node]))
        own = {name for name, _ in bindings if "." not in name}
        self.names = _set_names(bindings, outer - own)
        self.generic_visit(node)
        self.names = outer

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] in MODULES:
                self._find(node, f"import {alias.name}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").partition(".")[0] in MODULES:
            self._find(node, f"from {node.module} import ...")

    def visit_For(self, node: ast.For) -> None:
        self._iterated(node.iter)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._iterated(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if not self._deaf:
            self._iterated(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _dotted(node.func)
        if name in CALLS and not _yields(node):
            self._find(node, f"{name}()")
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        hears = name in _HEARS or method in _HEARING
        if hears and not self._deaf:
            for argument in node.args[:1] if method == "fromkeys" else node.args:
                self._iterated(argument)
        self._within(node, deaf=name in _DEAF)

    def visit_Set(self, node: ast.Set) -> None:
        self._within(node, deaf=True)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._within(node, deaf=True)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if not self._deaf:
            self._iterated(node.iter)
        self.generic_visit(node)

    def _within(self, node: ast.AST, *, deaf: bool) -> None:
        self._deaf += deaf
        self.generic_visit(node)
        self._deaf -= deaf

    def _iterated(self, node: ast.expr) -> None:
        if _is_set(node, self.names):
            self._find(node, f"iterates over a set: {ast.unparse(node)[:60]}")

    def _find(self, node: ast.AST, what: str) -> None:
        self.found.append(Finding(self.file, getattr(node, "lineno", 0), what))


def _yields(node: ast.Call) -> bool:
    """`asyncio.sleep(0)` gives the turn away and waits for no clock."""
    first = node.args[0] if node.args else None
    return isinstance(first, ast.Constant) and first.value == 0
