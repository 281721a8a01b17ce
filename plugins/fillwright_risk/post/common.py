"""What every post-execution control has: its name and id, its settings, and its reaction."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from fillwright.inputs import Need
from fillwright.limits import Scoped
from fillwright.verdicts import Halt, Reject, Scope, Warn
from fillwright_risk.common import Table


class Reaction(StrEnum):
    """What follows when a control finds something."""

    #: A warning in the log and the journal.
    WARN = "warn"
    #: An alert, and trading goes on.
    ALERT = "alert"
    #: An alert, and no new risk in this scope until a named person resumes.
    HALT_SYMBOL = "halt_symbol"
    HALT_STRATEGY = "halt_strategy"
    HALT_ACCOUNT = "halt_account"
    HALT_DESK = "halt_desk"


_SCOPES = {
    Reaction.HALT_SYMBOL: Scope.SYMBOL,
    Reaction.HALT_STRATEGY: Scope.STRATEGY,
    Reaction.HALT_ACCOUNT: Scope.ACCOUNT,
    Reaction.HALT_DESK: Scope.DESK,
}


class PostTable(Table):
    """What the table of any post-execution control may hold."""

    #: What follows when it finds something.
    reaction: Reaction = Reaction.ALERT


T = TypeVar("T", bound=Table)


class PostControl(Generic[T]):
    """One control: subclass it, say what stands below, write `check_execution` or `check_books`."""

    #: Its table in desk.toml.
    name: ClassVar[str]
    #: Its id, which stands in its verdicts.
    code: ClassVar[str]
    #: What it looks for, in a few words, for people.
    title: ClassVar[str]
    #: What its table may hold.
    table: ClassVar[type[Table]] = PostTable
    #: The table that counts when desk.toml has none; None: the control is off then.
    fallback: ClassVar[Mapping[str, object] | None] = {}
    #: The smallest table that turns it on.
    example: ClassVar[Mapping[str, object]] = {}
    #: The inputs without which it is not asked.
    needs: ClassVar[tuple[Need, ...]] = ()

    def __init__(self, limits: Scoped[T]) -> None:
        self.limits = limits

    def react(
        self, reaction: Reaction, measured: object, limit: object, text: str = ""
    ) -> Warn | Reject | Halt:
        """The verdict that this reaction is."""
        if reaction is Reaction.WARN:
            return Warn(self.code, measured=measured, limit=limit, text=text)
        if reaction is Reaction.ALERT:
            return Reject(self.code, measured=measured, limit=limit, text=text)
        scope = _SCOPES[reaction]
        return Halt(self.code, scope=scope, measured=measured, limit=limit, text=text)
