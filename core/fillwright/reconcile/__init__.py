"""The ledger against the broker's books: what differs, as ordinary reports and decisions."""

from fillwright.reconcile.books import (
    absent,
    as_report,
    as_reports,
    foreign_key,
    inferred_fill,
    is_unborn,
    position_breaks,
)
from fillwright.reconcile.doubts import READS_TO_RESEND, Decision, Reads, judge

__all__ = [
    "READS_TO_RESEND",
    "Decision",
    "Reads",
    "absent",
    "as_report",
    "as_reports",
    "foreign_key",
    "inferred_fill",
    "is_unborn",
    "judge",
    "position_breaks",
]
