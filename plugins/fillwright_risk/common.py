"""What every control has: its name and id, its settings, and refusals in one shape."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeGuard, TypeVar

from fillwright.book import BookView
from fillwright.inputs import Need, Window
from fillwright.limits import Scoped
from fillwright.orders import Order
from fillwright.types import Value
from fillwright.verdicts import ALLOW, Allow, Reject, Resize, Warn

#: What a refusal measured when a control could not measure at all.
UNKNOWN = "unknown"
HUNDRED = Decimal(100)
#: How long the orders of one plan or parent are counted together.
WEEK = Window(timedelta(days=7))


class Table(Value):
    """The settings of one control: frozen, and unknown fields are refused."""


T = TypeVar("T", bound=Table)


class Control(Generic[T]):
    """One control: subclass it, say what stands below, write `check_order`, list it in `build`."""

    #: Its table in desk.toml.
    name: ClassVar[str]
    #: Its id, which stands in its verdicts.
    code: ClassVar[str]
    #: What it limits, in a few words, for people.
    title: ClassVar[str]
    #: What its table may hold.
    table: ClassVar[type[Table]] = Table
    #: The table that counts when desk.toml has none; None: the control is off then.
    fallback: ClassVar[Mapping[str, object] | None] = None
    #: The smallest table that turns it on: shown to people, and used by the tests of all controls.
    example: ClassVar[Mapping[str, object]] = {}
    #: The inputs without which it is not asked, and how far back it looks.
    needs: ClassVar[tuple[Need, ...]] = ()
    #: What it looks at where something supplies it; where nothing does, it can do without.
    wants: ClassVar[tuple[Need, ...]] = ()
    #: Whether it never allows more of what it refused when it was less; a property tries it.
    monotone: ClassVar[bool] = True

    def __init__(self, limits: Scoped[T]) -> None:
        self.limits = limits

    @property
    def on(self) -> bool:
        """Whether these settings leave anything to check."""
        return True

    def join(self, others: Mapping[str, "Control[Any]"]) -> None:
        """Get to know the controls that are on, by name."""

    def refuse(self, measured: object, limit: object, text: str = "") -> Reject:
        """A refusal with this control's code."""
        return Reject(self.code, measured=measured, limit=limit, text=text)

    def warn(self, measured: object, limit: object, text: str = "") -> Warn:
        """A remark with this control's code, which stops nothing."""
        return Warn(self.code, measured=measured, limit=limit, text=text)

    def unknown(self, what: str, limit: object) -> Reject:
        """A refusal because something that is needed is not known."""
        return self.refuse(UNKNOWN, limit, f"{what}; nothing unknown is let through")

    def with_cost(
        self,
        order: Order,
        book: BookView,
        total: Decimal | None,
        limit: Decimal | None,
        text: str = "",
    ) -> Allow | Reject:
        """Hold `total` and the most that the order may cost to `limit`; what reduces passes."""
        cost = book.worst_cost(order)
        if total is not None and cost is not None and limit is not None:
            together = total + cost
            if together.is_finite() and limit.is_finite() and together <= limit:
                return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(limit):
            return self.unknown("the account's figures are not known", "a number")
        if not known(cost):
            return self.unknown("the order's cost needs a fresh quote", limit)
        if not known(total):
            return self.unknown("a position or an earlier order has no known value", limit)
        return self.refuse(total + cost, limit, text)

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
