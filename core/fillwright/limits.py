"""Settings of checks with scopes: for a symbol, a strategy, an asset class, an account, or all.

Rules:
1. Each setting is looked up apart: the most specific table that has it counts, in the order
   symbol, strategy, asset class, account, general; also when it is the looser one.
2. Every table is judged when the desk starts, together with the general one. What cannot be read,
   and a scope that is none, raises `ConfigError` with its place.
3. While the rules of a symbol are not known, its asset class is nobody's: the general one counts.

One line makes them, and one asks: `Scoped(Settings, table, "spread")`, `limits.of(order, book)`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from fillwright.book import BookView
from fillwright.errors import ConfigError
from fillwright.logs import printable
from fillwright.orders import Order
from fillwright.types import AssetClass, Name, Symbol

T = TypeVar("T", bound=BaseModel)

_Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
#: The scopes, the most specific first, and what a name in each looks like.
SCOPES: Mapping[str, TypeAdapter[Any]] = {
    "symbol": TypeAdapter(Symbol),
    "strategy": TypeAdapter(Name),
    "asset_class": TypeAdapter(AssetClass),
    "account": TypeAdapter(_Account),
}
#: So many different answers are remembered.
_REMEMBERED = 4096

_Table = Mapping[str, Any]
_Whose = tuple[str | None, ...]


class Effective(NamedTuple):
    """One setting as it counts, and where it stands."""

    #: The full name of the setting, like `risk.max_order_notional.symbol.AAPL.limit_usd`.
    path: tuple[str, ...]
    #: The setting alone: `limit_usd`.
    setting: str
    #: "general", or a scope and a name: `symbol AAPL`.
    scope: str
    value: object
    #: Whether it is written somewhere; a default otherwise.
    given: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A control that a plugin has, on or off; a plugin lists its own in an attribute `offers`."""

    name: str
    code: str
    #: What it limits, in a few words.
    limits: str
    #: What to write to have it, where it is not on by itself.
    turn_on: str


class Scoped(Generic[T]):
    """The settings of one check; `where` is its table's name in desk.toml.

    Raises `ConfigError` for a table that `model` refuses, in any scope.
    """

    def __init__(self, model: type[T], table: _Table, where: str) -> None:
        self._model = model
        self._written = table
        self.where = where
        #: Replaced as a whole: a check that is being asked sees the old settings or the new ones.
        self._now = _Settings(model, table, where)

    @property
    def general(self) -> T:
        """What holds for all orders that no scope names."""
        return self._now.general

    def of(self, order: Order, book: BookView) -> T:
        """The settings that hold for this order."""
        now = self._now
        return now.named(order.symbol, order.strategy, book) if now.layers else now.general

    def named(self, symbol: str, strategy: str | None, book: BookView) -> T:
        """The settings that hold for a symbol and a strategy, where there is no order."""
        return self._now.named(symbol, strategy, book)

    def effective(self) -> Iterator[Effective]:
        """Every setting that counts for some order, the general ones first."""
        return self._now.effective()

    def written(self, path: tuple[str, ...]) -> object:
        """What the table says at this path, behind its name; None when it says nothing."""
        found: object = self._written
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def exchange(self, changes: Mapping[tuple[str, ...], object]) -> None:
        """Let these values count in place of what is written, by their paths, and no others.

        Raises `ConfigError`, and changes nothing then.
        """
        table: dict[str, Any] = dict(self._written)
        for path, value in changes.items():
            _put(table, path, value)
        self._now = _Settings(self._model, table, self.where)


def _put(table: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """Put a value into a table, with copies of the tables on the way."""
    for step in path[:-1]:
        inner = table.get(step)
        table[step] = dict(inner) if isinstance(inner, Mapping) else {}
        table = table[step]
    table[path[-1]] = value


class _Settings(Generic[T]):
    """One reading of a table, which does not change."""

    def __init__(self, model: type[T], table: _Table, where: str) -> None:
        taken = SCOPES.keys() & model.model_fields.keys()
        if taken:
            raise TypeError(f"{model.__name__}.{taken.pop()} has the name of a scope; rename it")
        self._model = model
        self._where = tuple(where.split("."))
        self._raw: _Table = {key: value for key, value in table.items() if key not in SCOPES}
        #: What holds for all orders that no scope names.
        self.general: T = self._read(self._raw, ())
        self.layers: dict[str, dict[str, _Table]] = {}
        for scope in SCOPES:
            if scope in table:
                self.layers[scope] = self._layer(scope, table[scope])
        self._known: dict[_Whose, T] = {}

    def named(self, symbol: str, strategy: str | None, book: BookView) -> T:
        """The settings that hold for a symbol and a strategy, where there is no order."""
        if not self.layers:
            return self.general
        instrument = book.instrument(symbol)
        kind = instrument.asset_class if instrument else None
        whose = (symbol, strategy, kind, book.account.account_id)
        found = self._known.get(whose)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known = {}
            found = self._known[whose] = self._merged(whose)
        return found

    def effective(self) -> Iterator[Effective]:
        """Every setting that counts for some order, the general ones first."""
        for setting in self._model.model_fields:
            value, given = getattr(self.general, setting), setting in self._raw
            yield Effective((*self._where, setting), setting, "general", value, given)
        for scope, names in self.layers.items():
            for name, raw in names.items():
                read = self._read({**self._raw, **raw}, (scope, name))
                for setting in raw:
                    path = (*self._where, scope, name, setting)
                    yield Effective(
                        path, setting, f"{scope} {name}", getattr(read, setting), given=True
                    )

    def _merged(self, whose: _Whose) -> T:
        raw = dict(self._raw)
        for scope, name in reversed(list(zip(SCOPES, whose, strict=True))):
            raw |= self.layers.get(scope, {}).get(name or "", {})
        return self._read(raw, ())

    def _layer(self, scope: str, names: object) -> dict[str, _Table]:
        if not isinstance(names, Mapping):
            raise self._wrong((scope,), "is not a table", f"Write [{self._shown((scope, 'NAME'))}]")
        found: dict[str, _Table] = {}
        for name, raw in names.items():
            path = (scope, str(name))
            try:
                SCOPES[scope].validate_python(name)
            except ValidationError:
                raise self._wrong(path, f"is no {scope.replace('_', ' ')}", _hint(scope)) from None
            if not isinstance(raw, Mapping):
                raise self._wrong(path, "is not a table", f"Write [{self._shown(path)}]")
            self._read({**self._raw, **raw}, path, frozenset(raw))
            found[str(name)] = raw
        return found

    def _read(self, raw: _Table, path: tuple[str, ...], own: frozenset[str] = frozenset()) -> T:
        try:
            return self._model.model_validate(dict(raw))
        except ValidationError as fault:
            first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
            loc = tuple(map(str, first["loc"]))
            at = path if not loc or loc[0] in own else ()
            if first["type"] == "extra_forbidden":
                problem, hint = "there is no such setting", self._meant(loc[-1])
            else:
                problem, hint = printable(first["msg"].removeprefix("Value error, ")), ""
            # Not chained: its text would repeat the input.
            raise self._wrong((*at, *loc), problem, hint) from None

    def _meant(self, name: str) -> str:
        known = [*self._model.model_fields, *SCOPES] if self._model.model_fields else []
        near = get_close_matches(name, known, n=1)
        if near:
            return f"Did you mean {near[0]}?"
        return f"Known are: {', '.join(known)}" if known else "It has no settings"

    def _wrong(self, path: tuple[str, ...], problem: str, hint: str = "") -> ConfigError:
        return ConfigError(self._shown(path), problem, hint)

    def _shown(self, path: tuple[str, ...]) -> str:
        return ".".join(printable(step)[:80] for step in (*self._where, *path))


def _hint(scope: str) -> str:
    if scope == "asset_class":
        return f"Known are: {', '.join(AssetClass)}"
    return 'Write it as the broker does, in quotes when it holds a dot: symbol."BRK.B"'
