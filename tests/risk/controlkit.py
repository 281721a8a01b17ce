"""Ask one of the standard controls about one order, as the gate would."""

from typing import Any

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.risk.answers import ask
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import provide_checks
from fillwright_risk.build import CONTROLS
from risk.gatekit import quote

#: The table of each id; of those that share one, the first.
NAMES = {control.code: control.name for control in reversed(CONTROLS)}
_OFF = {control.name for control in CONTROLS if control.fallback is None}
CODES = {control.name: control.code for control in CONTROLS}
STALE = quote(age=60)
NAN = quote("NaN", "NaN")


def say(code: str, asked: Order, book: BookView, **table: Any) -> Verdict:
    """What one control says, by its id or its table, asked as the gate asks it."""
    name = NAMES.get(code, code)
    checks = provide_checks({name: table} if table or name in _OFF else {})
    (control,) = (check for check in checks if getattr(check, "name", "") == name)

    return ask(control.check_order, asked, book)  # type: ignore[attr-defined]  # each has it


def code_of(verdict: Verdict) -> str:
    return "" if verdict is ALLOW else verdict.code  # type: ignore[union-attr]  # not Allow


def passes(code: str, asked: Order, book: BookView, **table: Any) -> bool:
    verdict = say(code, asked, book, **table)
    assert code_of(verdict) in ("", code, CODES.get(code))
    return verdict is ALLOW
