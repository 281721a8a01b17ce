"""What several controls share: settings that refuse strangers, and refusals in one shape."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, TypeGuard

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.types import Value
from fillwright.verdicts import Reject, Resize

#: What a refusal measured when a control could not measure at all.
UNKNOWN = "unknown"
HUNDRED = Decimal(100)


class Table(Value):
    """The settings of one control: frozen, and unknown fields are refused."""


class Control:
    """One control; `name` is its table in desk.toml, `code` stands in its verdicts."""

    name: ClassVar[str]
    code: ClassVar[str]

    def refuse(self, measured: object, limit: object, text: str = "") -> Reject:
        """A refusal with this control's code."""
        return Reject(self.code, measured=measured, limit=limit, text=text)

    def unknown(self, what: str, limit: object) -> Reject:
        """A refusal because something that is needed is not known."""
        return self.refuse(UNKNOWN, limit, f"{what}; nothing unknown is let through")

    def shrink(
        self, order: Order, book: BookView, total: Decimal, limit: object
    ) -> Reject | Resize:
        """Ask for `total`, rounded to what may be ordered; refuse when nothing would be left."""
        instrument = book.instrument(order.symbol)
        rounded = instrument.round_quantity(total) if instrument else total
        if order.quantity is None or rounded <= book.already_filled or rounded >= order.quantity:
            measured = order.notional if order.quantity is None else order.quantity
            return self.refuse(measured, limit)
        return Resize(self.code, quantity=rounded, measured=order.quantity, limit=limit)


def known(value: Decimal | None) -> TypeGuard[Decimal]:
    """Whether it is a number that may be reckoned with."""
    return value is not None and value.is_finite()


def limit_for(
    symbol: str, by_symbol: Mapping[str, Decimal], general: Decimal | None
) -> Decimal | None:
    """The symbol's own limit, else the general one."""
    return by_symbol.get(symbol, general)
