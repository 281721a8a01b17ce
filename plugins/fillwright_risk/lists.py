"""What may be traded at all: C23."""

from typing import Self

from pydantic import Field, model_validator

from fillwright.hooks import hookimpl
from fillwright.orders import Order
from fillwright.types import Side, Symbol
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


class Restricted(Control):
    """C23: refuse a restricted symbol, and one that is not on the allow list.

    It holds for orders that only reduce, too; `sides` is the way to let them pass.
    """

    name = "restricted"
    code = "C23"

    def __init__(self, table: RestrictedTable) -> None:
        self._table = table

    @hookimpl
    def check_order(self, order: Order) -> Verdict:
        """Look the symbol up in both lists."""
        table = self._table
        if order.side not in table.sides:
            return ALLOW
        if order.symbol in table.symbols:
            return self.refuse(order.symbol, "not in risk.restricted.symbols")
        if table.allow_only is not None and order.symbol not in table.allow_only:
            return self.refuse(order.symbol, "in risk.restricted.allow_only")
        return ALLOW
