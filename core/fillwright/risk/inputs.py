"""Whether a check may be asked: everything that it declared must be here and fresh. Pure.

Rules:
1. A check is not asked while an input that it declared is absent, too old, or no sound value: the
   order is refused under the check's own code, and the reason names the input.
2. An order that only reduces is not stopped by a missing input, so that risk can be taken off
   when a source of data fails; what keeps the check from being asked stays as a warning. A check
   that raises, hangs or gives no verdict does stop it: that is a fault, not a lack of data.
"""

from collections.abc import Collection, Iterable

from fillwright.book import BookView
from fillwright.inputs import ACCOUNT_WIDE, Input, Need, Window, flaw
from fillwright.orders import Order
from fillwright.verdicts import Reject, Warn


def declared(check: object) -> tuple[str, ...]:
    """The inputs that a check needs for the order's symbol, by name."""
    wanted: Iterable[Need] = getattr(check, "needs", ())
    return tuple(str(one) for one in wanted if not isinstance(one, Window))


def absent(inputs: Iterable[str], symbol: str, book: BookView) -> list[str]:
    """Those of these inputs that are not here."""
    return [name for name in inputs if not book.has(name, symbol)]


def told(missing: Iterable[str], symbol: str, book: BookView) -> str:
    """How the missing inputs stand, in a few words each."""
    return ", ".join(_state(name, symbol, book) for name in missing)


def lacking(missing: Collection[str], code: str, order: Order, book: BookView) -> Reject | Warn:
    """Why a check cannot be asked about this order: these of its inputs are not here."""
    measured = told(missing, order.symbol, book)
    limit = ", ".join(f"{name} at most {_allowed(name, book)} s old" for name in missing)
    if book.reduces(order):
        return Warn(code, measured=measured, limit=limit, text="not asked; the order only reduces")
    return Reject(code, measured=measured, limit=limit, text="not asked without it; see [data]")


def _state(name: str, symbol: str, book: BookView) -> str:
    """How the input stands, in a few words."""
    whose = name if name in ACCOUNT_WIDE else f"{name} of {symbol}"
    if name == Input.QUOTE:
        return f"no fresh {whose}"
    if name == Input.INSTRUMENT:
        return f"no {whose}" if book.instrument(symbol) is None else f"old {whose}"
    datum = book.supplied.held(name, symbol)
    if datum is None:
        return f"no {whose}"
    wrong = flaw(name, datum.value)
    if wrong:
        return f"{whose} {wrong}"
    return f"{whose} is {(book.now - datum.at).total_seconds():.0f} s old"


def _allowed(name: str, book: BookView) -> str:
    age = book.quote_max_age if name == Input.QUOTE else book.supplied.age_of(name)
    return f"{age.total_seconds():g}"
