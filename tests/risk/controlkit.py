"""Ask one of the standard controls about one order, as the gate would."""

from typing import Any

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.risk.answers import ask
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import provide_checks
from risk.gatekit import quote

NAMES = {
    "C01": "max_order_quantity",
    "C02": "max_order_notional",
    "C03": "no_limit_configured",
    "C04": "price_collar",
    "C08": "max_long_position",
    "C09": "max_short_position",
    "C12": "buying_power",
    "C19": "duplicate_order",
    "C23": "restricted",
    "C25": "instrument_rules",
}
STALE = quote(age=60)
NAN = quote("NaN", "NaN")


def say(code: str, asked: Order, book: BookView, **table: Any) -> Verdict:
    """What one control says, asked as the gate asks it."""
    name = NAMES[code]
    checks = provide_checks({name: table} if table else {})
    (control,) = (check for check in checks if getattr(check, "name", "") == name)

    def call(asked: Order, book: BookView) -> object:
        method = control.check_order  # type: ignore[attr-defined]  # each control has it
        return method(asked) if code == "C23" else method(asked, book)

    return ask(call, asked, book)


def code_of(verdict: Verdict) -> str:
    return "" if verdict is ALLOW else verdict.code  # type: ignore[union-attr]  # not Allow


def passes(code: str, asked: Order, book: BookView, **table: Any) -> bool:
    verdict = say(code, asked, book, **table)
    assert code_of(verdict) in ("", code)
    return verdict is ALLOW
