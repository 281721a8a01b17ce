"""Put a fault of our own into the desk for a while: one function, with some of its text changed.

The text that is to be changed must be there, so a fault whose place was rewritten says so instead
of doing nothing.
"""

import builtins
import dis
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

#: Where a changed function keeps its own text.
_SOURCE = "planted_source"


@dataclass(frozen=True)
class Change:
    """One function, and what its text says instead."""

    #: Module and name, like `fillwright.desk.carrier:Carrier._attempt`; of a function that another
    #: module imports by name, the module that does.
    where: str
    old: str
    new: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The function says the other thing inside."""
        module_name, _, path = self.where.partition(":")
        module = import_module(module_name)
        *owners, name = path.split(".")
        owner: Any = module
        for each in owners:
            owner = getattr(owner, each)
        real = inspect.getattr_static(owner, name)
        changed = rewritten(real, self.old, self.new)
        before = vars(owner)[name]
        setattr(owner, name, changed)
        try:
            yield
        finally:
            setattr(owner, name, before)


@dataclass(frozen=True)
class Mutant:
    """One fault of the protocol."""

    name: str
    #: What is wrong with it.
    harm: str
    changes: tuple[Change, ...]
    #: Knobs, and tables of `[risk]`: where all of them are off its text is not run, or there is
    #: nothing that it could break, and such seeds are passed over.
    only: tuple[str, ...] = ()


def mutant(
    name: str, harm: str, *changes: tuple[str, str, str], only: tuple[str, ...] = ()
) -> Mutant:
    return Mutant(name, harm, tuple(Change(*change) for change in changes), only)


def rewritten(real: Any, old: str, new: str) -> Any:
    """The same function with other text, in the same module."""
    plain = getattr(real, "fget", None) or getattr(real, "__func__", None) or real
    names = plain.__globals__
    # A function that was changed before stands in no file.
    source = getattr(plain, _SOURCE, None) or textwrap.dedent(inspect.getsource(plain))
    count = source.count(old)
    assert count == 1, f"{old!r} stands {count} times in {plain.__qualname__}"
    made: dict[str, Any] = {}
    source = source.replace(old, new)
    code = compile(source, f"<planted {plain.__qualname__}>", "exec")
    exec(code, names, made)  # noqa: S102  # it is our own source, changed by our own table
    changed = made[plain.__name__]
    setattr(getattr(changed, "fget", None) or changed, _SOURCE, source)
    # A fault that only fails by a name would be found by anybody.
    strangers = [name for name in _globals(changed.__code__) if name not in names]
    unknown = [name for name in strangers if not hasattr(builtins, name)]
    assert not unknown, f"{plain.__qualname__} does not know {unknown}"
    return changed


def _globals(code: Any) -> Iterator[str]:
    """Every name that a function and what is inside it look up in their module."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield str(instruction.argval)
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            yield from _globals(inner)


@contextmanager
def planted(*changes: Change) -> Iterator[None]:
    """All of them at once."""
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change.planted())
        yield
