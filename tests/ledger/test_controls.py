"""How a desk is steered and watched, folded: what stands after each fact, and what does not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fillwright.alerts import Alert, Level
from fillwright.grants import Grant
from fillwright.ledger import (
    AlertCleared,
    Alerted,
    Armed,
    BooksOpened,
    CashAdjusted,
    CursorMoved,
    Day,
    DayOpened,
    Disarmed,
    EquityPeaked,
    Fact,
    Granted,
    GrantRevoked,
    Halted,
    HeldAlready,
    Judged,
    Ledger,
    LimitChanged,
    LimitRevoked,
    PositionAdjusted,
    Resumed,
)
from fillwright.reports import Cursor
from fillwright.types import ExecutionId
from fillwright.verdicts import Scope

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HALT = Halted(NOW, Scope.SYMBOL, "XYZ", "odd", "ann")
OTHER = Halted(NOW, Scope.STRATEGY, "XYZ", "odd", "ann")
ARMED = Armed(NOW, "ann", NOW + timedelta(hours=1), "n-1")
GRANT = Grant("g-1", "C02", Scope.DESK, "", NOW, NOW, "ann", "why", "paper")
LIMIT = LimitChanged(NOW, "l-1", "risk.a", '"2"', '"1"', '"1"', "ann", "why")


def folded(*facts: Fact) -> Ledger:
    ledger = Ledger()
    for fact in facts:
        change = ledger.apply(fact)
        assert change == (fact, None, None, None, ())
    return ledger


def alert(name: str, stands: str = "", check: str = "t") -> Alert:
    return Alert(name, Level.WARNING, "T01", check, "XYZ", "1", "0", "", NOW, NOW, stands=stands)


def test_a_halt_stands_until_that_one_is_lifted() -> None:
    """Lifted with another of the same name, a halted strategy would trade on."""
    held = folded(HALT, OTHER)
    assert held.halts == {(Scope.SYMBOL, "XYZ"): HALT, (Scope.STRATEGY, "XYZ"): OTHER}

    for scope, left in ((Scope.SYMBOL, OTHER), (Scope.STRATEGY, HALT)):
        ledger = folded(HALT, OTHER, Resumed(NOW, scope, "XYZ", "ann"))
        assert list(ledger.halts.values()) == [left]
    assert folded(HALT, Resumed(NOW, Scope.SYMBOL, "ABC", "ann")).halts


def test_a_token_that_ended_never_arms_again() -> None:
    """A used token that counts as new would send live orders that nobody agreed to."""
    armed, ended = folded(ARMED), folded(ARMED, Disarmed(NOW, "n-1", "over"))

    assert folded().controls.armed is None
    assert (armed.controls.armed, armed.controls.spent) == (ARMED, set())
    assert (ended.controls.armed, ended.controls.spent) == (None, {"n-1"})


def test_a_grant_counts_once() -> None:
    """A revoked grant that may be shown again overrides a check for ever."""
    given = folded(Granted(NOW, GRANT)).controls
    taken = folded(Granted(NOW, GRANT), GrantRevoked(NOW, "g-1", "ann")).controls
    never = folded(GrantRevoked(NOW, "g-2", "ann")).controls

    assert (given.grants, given.known_grants) == ({"g-1": Granted(NOW, GRANT)}, {"g-1"})
    assert (taken.grants, taken.known_grants) == ({}, {"g-1"})
    assert (never.grants, never.known_grants) == ({}, {"g-2"})


def test_a_changed_limit_counts_until_it_is_revoked() -> None:
    """A limit that comes back by itself, or stays for good, is not what was decided."""
    changed = folded(LIMIT).controls
    revoked = folded(LIMIT, LimitRevoked(NOW, "risk.a", "ann")).controls

    assert (changed.limits, changed.known_limits) == ({"risk.a": LIMIT}, {"l-1"})
    assert (revoked.limits, revoked.known_limits) == ({}, {"l-1"})
    assert folded(LimitRevoked(NOW, "risk.a", "ann")).controls.limits == {}


def test_an_alert_stands_until_it_is_cleared() -> None:
    """A difference that is told as over while it lasts is looked at by nobody."""
    standing, event = alert("a-1", "position"), alert("a-2")

    raised = folded(Alerted(NOW, standing), Alerted(NOW, event)).watched
    cleared = folded(Alerted(NOW, standing), AlertCleared(NOW, "a-1")).watched

    assert (raised.standing, raised.judged) == ({"a-1": standing}, {})
    assert cleared.standing == {}
    assert folded(AlertCleared(NOW, "a-9")).watched.standing == {}


def test_how_far_each_control_came_is_kept_with_its_alerts() -> None:
    """A fill that is judged twice is reported twice, and one that is skipped never."""
    facts = [
        Judged(NOW, {"t": 3, "gone": 2}),
        Judged(NOW, {"t": 4, "u": 1}),
        Alerted(NOW, alert("a-1"), 7),
        Alerted(NOW, alert("a-2", check="u")),
    ]

    assert folded(*facts).watched.judged == {"t": 7, "u": 1}


def test_the_books_open_with_what_the_account_held() -> None:
    """Opened with less, everything that follows is off by that much."""
    held = {"XYZ": D(3)}
    ledger = folded(BooksOpened(NOW, D(7), held, cursor=Cursor("c-1")))

    assert (ledger.cash, ledger.positions, ledger.opened) == (D(7), held, True)
    assert (ledger.cursor, ledger.earlier_cursor) == ("c-1", None)
    assert ledger.positions is not held
    assert (Ledger().opened, Ledger().cash, Ledger().cursor, Ledger().day) == (False, 0, None, None)


def test_adjusted_books_are_the_brokers_word() -> None:
    """Added instead of set, an adjustment doubles the difference."""
    ledger = folded(
        BooksOpened(NOW, D(7), {"XYZ": D(3), "ABC": D(1)}),
        PositionAdjusted(NOW, "XYZ", D(5), "ann"),
        CashAdjusted(NOW, D(9), "ann"),
    )

    assert (ledger.positions, ledger.cash) == ({"XYZ": D(5), "ABC": D(1)}, D(9))


def test_what_the_opening_books_held_already_is_taken_out_once() -> None:
    """Set instead of taken out, what traded meanwhile would be gone as well."""
    ledger = folded(
        BooksOpened(NOW, D(7), {"XYZ": D(3)}),
        HeldAlready(NOW, (ExecutionId("e-1"),), {"XYZ": D(2), "ABC": D(-1)}, D(-20)),
    )

    assert (ledger.positions, ledger.cash) == ({"XYZ": D(1), "ABC": D(1)}, D(27))


def test_executions_are_asked_for_from_one_cursor_earlier() -> None:
    """Without the overlap a fill that a list was late with is never asked for."""
    facts = [CursorMoved(NOW, Cursor(name)) for name in ("c-1", "c-2")]
    ledger = folded(BooksOpened(NOW, D(0), {}, cursor=Cursor("c-0")), *facts)

    assert (ledger.earlier_cursor, ledger.cursor) == ("c-1", "c-2")


@pytest.mark.parametrize(
    ("peaks", "peak"), [((), "100"), (("120",), "120"), (("120", "130"), "130")]
)
def test_a_day_is_measured_from_its_first_account_and_its_best(
    peaks: tuple[str, ...], peak: str
) -> None:
    """Measured from anywhere else, a daily loss limit holds at the wrong place."""
    facts = [EquityPeaked(NOW, D(one)) for one in peaks]
    ledger = folded(DayOpened(NOW, "2026-11-23", D(100)), *facts)

    assert ledger.day == Day("2026-11-23", D(100), D(peak))
    assert folded(EquityPeaked(NOW, D(5))).day is None
