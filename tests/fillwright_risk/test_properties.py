"""Whatever the order and the book: a tighter limit never allows more."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fillwright.book import BookView, Exposure
from fillwright.orders import Order
from fillwright.risk import Outcome, merge
from fillwright.risk.answers import ask
from fillwright.types import Side
from fillwright.verdicts import ALLOW
from fillwright_risk import provide_checks
from risk.gatekit import D, account, limit_order, order, quote, view

_orders = st.one_of(
    st.builds(lambda s, q: order(s, str(q)), st.sampled_from(Side), st.integers(1, 60)),
    st.builds(
        lambda s, q, p: limit_order(str(p), s, str(q)),
        st.sampled_from(Side),
        st.integers(1, 60),
        st.integers(1, 300),
    ),
    st.builds(
        lambda s, n: order(s, None, notional=str(n)), st.sampled_from(Side), st.integers(1, 6000)
    ),
)
_books = st.builds(
    lambda position, buys, sells, power, filled, age: view(
        held=Exposure(D(position), D(buys), D(sells), D(buys * 100), D(sells * 100)),
        account=account(str(power)),
        already_filled=D(filled),
        price=quote(age=age),
    ),
    st.integers(-40, 40),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(-100, 8000),
    st.integers(0, 1).map(lambda n: n * 5),
    st.sampled_from([0, 0, 0, 60]),
)
_SETTINGS = {
    "max_order_quantity": "limit_shares",
    "max_order_notional": "limit_usd",
    "price_collar": "max_away_pct",
    "max_long_position": "limit_shares",
    "max_short_position": "limit_shares",
}


def allowed(table: str, setting: str, limit: int, asked: Order, book: BookView) -> Any:
    """How much of the order one control lets through, with resizing allowed."""
    checks = provide_checks({table: {setting: str(limit)}})
    (control,) = (check for check in checks if getattr(check, "name", "") == table)
    verdict = ask(control.check_order, asked, book)  # type: ignore[attr-defined]  # each has it
    decision = merge(
        [(table, verdict)], quantity=asked.quantity, floor=book.already_filled, allow_resize=True
    )
    if verdict is ALLOW:
        return asked.quantity or asked.notional
    return decision.quantity if decision.outcome is Outcome.RESIZE else 0


@given(
    st.sampled_from(sorted(_SETTINGS)), _orders, _books, st.integers(1, 5000), st.integers(1, 5000)
)
def test_tightening_never_allows_more(
    table: str, asked: Order, book: BookView, one: int, other: int
) -> None:
    """A user who lowers a limit must never find that more gets through."""
    tight, loose = sorted((one, other))

    assert allowed(table, _SETTINGS[table], tight, asked, book) <= allowed(
        table, _SETTINGS[table], loose, asked, book
    )


@given(st.sampled_from(["max_long_position", "max_short_position"]), _orders, _books)
def test_what_passes_keeps_the_position_within(table: str, asked: Order, book: BookView) -> None:
    """Whatever fills first, the worst case stays inside the limit, or the order only reduces."""
    limit, held = 50, book.exposure("AAPL")
    passed = allowed(table, "limit_shares", limit, asked, book)
    if not passed or asked.quantity is None or book.reduces(asked):
        return

    rest = max(passed - book.already_filled, 0)
    if table == "max_long_position" and asked.side is Side.BUY:
        assert held.position + held.open_buys + rest <= limit
    if table == "max_short_position" and asked.side is Side.SELL:
        assert held.position - held.open_sells - rest >= -limit


@given(_orders, _books)
def test_what_only_reduces_is_never_trapped(asked: Order, book: BookView) -> None:
    """With every limit at its tightest, a sound order that reduces still gets out."""
    tables = {
        "max_order_quantity": {"limit_shares": "0.001"},
        "max_order_notional": {"limit_usd": "0.01"},
        "max_long_position": {"limit_shares": "0.001"},
        "price_collar": {"max_away_pct": "1000"},
    }
    if not book.reduces(asked):
        return

    for check in provide_checks(tables):
        asking = getattr(check, "check_order", None)
        assert asking is None or ask(asking, asked, book) is ALLOW, check
