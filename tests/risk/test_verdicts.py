"""What a verdict says of itself: code, facts and who said it, for the journal and for people."""

from decimal import Decimal

import pytest

from fillwright.verdicts import Halt, Reason, Reject, Resize, Scope, Warn

D = Decimal
FACTS = {"measured": D("1.50"), "limit": D("1E+2"), "text": "why"}
SPEAKING = (
    Warn("C", **FACTS),
    Reject("C", **FACTS),
    Resize("C", quantity=D(5), **FACTS),
    Halt("C", scope=Scope.DESK, **FACTS),
)


@pytest.mark.parametrize("verdict", SPEAKING, ids=lambda v: type(v).__name__)
def test_a_reason_carries_every_fact(verdict: Warn | Reject | Resize | Halt) -> None:
    """A refusal whose numbers or name were lost cannot be checked by anybody."""
    warns = isinstance(verdict, Warn)

    assert verdict.reason("mine") == Reason("C", "1.5", "100", "why", "mine", warns)
    assert verdict.reason().check == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (D("1.50"), "1.5"),
        (D("1E+2"), "100"),
        (D("NaN"), "NaN"),
        (D("Infinity"), "Infinity"),
        ("x", "x"),
        (3, "3"),
        (None, "None"),
    ],
)
def test_what_was_measured_is_shown_as_a_person_writes_it(value: object, shown: str) -> None:
    """A limit in scientific writing is misread by a factor of ten."""
    reason = Reject("C", measured=value, limit=value).reason()

    assert (reason.measured, reason.limit, reason.text) == (shown, shown, "")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason("C", "1", "0"), "C: measured 1, limit 0"),
        (Reason("C", "1", "0", "why"), "C: measured 1, limit 0 (why)"),
        (Reason("C", "1", "0", "", "mine"), "C: measured 1, limit 0"),
        (Reason("CHECK_HUNG", "1", "0", "", "mine"), "CHECK_HUNG [mine]: measured 1, limit 0"),
        (Reason("CHECK_HUNG", "1", "0"), "CHECK_HUNG: measured 1, limit 0"),
        (Reason("C", "1", "0", "why", "", True), "warning C: measured 1, limit 0 (why)"),
    ],
)
def test_a_reason_reads_as_a_sentence(reason: Reason, text: str) -> None:
    """Whoever is refused must learn by which check, and by how much."""
    assert str(reason) == text
