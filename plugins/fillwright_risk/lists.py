"""What may be traded at all: C23, and by whom: C24."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import AssetClass, Name, Side, Symbol
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import Control, Table


class RestrictedTable(Table):
    """`[risk.restricted]`; the control is on when the table is there."""

    #: Symbols that may not be traded.
    symbols: frozenset[Symbol] = frozenset()
    #: When given, no other symbol may be traded.
    allow_only: frozenset[Symbol] | None = None
    #: The sides that this holds for: ["BUY"] lets what is held be sold.
    sides: frozenset[Side] = Field(default=frozenset(Side), min_length=1)

    @model_validator(mode="after")
    def _some_list(self) -> Self:
        if not self.symbols and self.allow_only is None:
            raise ValueError("give symbols or allow_only")
        return self


class PermissionTable(Table):
    """`[risk.permission]`; the control is on when the table is there.

    What one strategy may do stands in `[risk.permission.strategy.NAME]`.
    """

    #: The strategies that may trade; without it every strategy may, and orders without one.
    strategies: frozenset[Name] | None = None
    #: What may be traded; without it every symbol.
    symbols: frozenset[Symbol] | None = None
    asset_classes: frozenset[AssetClass] = Field(default=frozenset(AssetClass), min_length=1)
    sides: frozenset[Side] = Field(default=frozenset(Side), min_length=1)


class Restricted(Control[RestrictedTable]):
    """C23: refuse a restricted symbol, and one that is not on the allow list.

    It holds for orders that only reduce, too; `sides` is the way to let them pass.
    """

    name = "restricted"
    code = "C23"
    title = "symbols that may not trade"
    table = RestrictedTable
    example: ClassVar[Mapping[str, object]] = {"symbols": ["GME"]}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look the symbol up in both lists."""
        table = self.limits.of(order, book)
        if order.side not in table.sides:
            return ALLOW
        if order.symbol in table.symbols:
            return self.refuse(order.symbol, "not in risk.restricted.symbols")
        if table.allow_only is not None and order.symbol not in table.allow_only:
            return self.refuse(order.symbol, "in risk.restricted.allow_only")
        return ALLOW


class Permission(Control[PermissionTable]):
    """C24: refuse what the order's strategy may not trade.

    It holds for orders that only reduce, too, since a stranger may not touch what is held; but
    one without a strategy that only reduces passes, so that a person can take risk off.
    """

    name = "permission"
    code = "C24"
    title = "what a strategy may trade"
    table = PermissionTable
    example: ClassVar[Mapping[str, object]] = {"asset_classes": ["us_equity"]}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look strategy, symbol, kind and side up."""
        table = self.limits.of(order, book)
        rules = book.instrument(order.symbol)
        kind = rules.asset_class if rules else None
        asked = (
            (order.strategy, table.strategies, "strategies"),
            (order.symbol, table.symbols, "symbols"),
            (kind, table.asset_classes, "asset_classes"),
            (order.side, table.sides, "sides"),
        )
        for measured, allowed, setting in asked:
            if allowed is None or measured in allowed:
                continue
            if order.strategy is None and book.reduces(order):
                return ALLOW
            return self.refuse(measured or f"no {setting}", f"in risk.permission.{setting}")
        return ALLOW
