"""What a halt must say before it is recorded: a scope, whom it holds, why, and who asked."""

from pydantic import TypeAdapter, ValidationError

from fillwright.errors import BadInput
from fillwright.ledger import Halted
from fillwright.types import Name, Symbol
from fillwright.verdicts import Scope

_NAMES: dict[Scope, TypeAdapter[str]] = {
    Scope.SYMBOL: TypeAdapter(Symbol),
    Scope.STRATEGY: TypeAdapter(Name),
}


def said(what: str, text: str) -> None:
    """Raise BadInput for a text that says nothing."""
    if not isinstance(text, str) or not text.strip():
        raise BadInput(what, "is empty", "It is kept in the journal for whoever asks later")


def checked_halt(halted: Halted) -> Halted:
    """The halt, if it can hold anybody. Raises BadInput."""
    if not isinstance(halted.scope, Scope):
        raise BadInput("scope", "is not a Scope", "Give Scope.SYMBOL, and the like")
    said("reason", halted.reason)
    said("by", halted.by)
    names = _NAMES.get(halted.scope)
    if names is None:
        return halted
    try:
        names.validate_python(halted.name)
    except ValidationError:
        hint = "Symbols are in upper case, like KO" if halted.scope is Scope.SYMBOL else ""
        raise BadInput(str(halted.scope), f"{halted.name[:40]!r} is no name of one", hint) from None
    return halted
