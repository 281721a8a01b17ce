"""Let a verified grant turn one check's refusal into a remark, which names the grant. Pure.

Rules:
1. Only what the check itself answered can be granted away, and only a Reject or a Resize: never a
   Halt, a fault of the check, a check that was not asked for lack of data, or a house rule.
2. A refusal that measured nothing stands: a grant lets a known excess pass, not an unknown one.
"""

from collections.abc import Iterable
from decimal import Decimal

from fillwright.book import BookView
from fillwright.grants import Grant
from fillwright.orders import Order
from fillwright.risk.answers import CHECK_BAD_VERDICT, CHECK_HUNG, CHECK_NO_VERDICT, CHECK_RAISED
from fillwright.risk.deeds import worth
from fillwright.risk.overlay import exposure_of
from fillwright.verdicts import Reject, Resize, Verdict, Warn

_FAULTS = frozenset({CHECK_RAISED, CHECK_NO_VERDICT, CHECK_BAD_VERDICT, CHECK_HUNG})
#: What a check says that it measured when it could not.
_UNKNOWN = frozenset({"", "unknown", "none", "nan"})


def granted(
    verdict: Verdict,
    check: tuple[str, str],
    order: Order,
    book: BookView,
    grants: Iterable[Grant],
) -> Verdict:
    """The verdict of the check with this name and id, or the remark that a grant makes of it."""
    if not isinstance(verdict, Reject | Resize) or verdict.code in _FAULTS:
        return verdict
    if not _is_known(verdict.measured):
        return verdict
    name, code = check
    mine = [one for one in grants if one.check == name or one.check == code == verdict.code]
    if not mine:
        return verdict
    worst, account = _worst(order, book), book.account.account_id
    for grant in mine:
        if grant.covers(order, account, worst, book.now):
            text = f"let pass by {grant.by}, grant {grant.id}: {grant.reason}"
            return Warn(verdict.code, measured=verdict.measured, limit=verdict.limit, text=text)
    return verdict


def _is_known(measured: object) -> bool:
    if isinstance(measured, Decimal):
        return measured.is_finite()
    return str(measured).strip().lower() not in _UNKNOWN


def _worst(order: Order, book: BookView) -> Decimal | None:
    worst = worth(order, book, exposure_of(order, book))
    return worst if worst is not None and worst.is_finite() else None
