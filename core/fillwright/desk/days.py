"""The trading day: when it began, and what was gained and lost since.

Rules:
1. A day begins at midnight of the configured time zone.
2. Its first account is journaled, and every higher one after it, so that a restart forgets
   neither what the day is measured from nor its peak.
3. An equity that is no number says nothing: there is no profit and loss then.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from fillwright.accounts import Account
from fillwright.desk.keeper import Keeper
from fillwright.inputs import Datum, Input, ProfitAndLoss
from fillwright.ledger import DayOpened, EquityPeaked
from fillwright.protocols import Clock


class DayBook:
    """Follow the account through the day."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        clock: Clock,
        zone: str,
        make_durable: Callable[[int], object],
    ) -> None:
        self._keeper = keeper
        self._make_durable = make_durable
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._begins = self._ends = datetime.min.replace(tzinfo=UTC)

    def begins(self, now: datetime) -> datetime:
        """When the trading day of this moment began."""
        if not self._begins <= now < self._ends:
            day = now.astimezone(self._zone).date()
            self._begins, self._ends = (
                datetime.combine(one, time(), self._zone).astimezone(UTC)
                for one in (day, day + timedelta(days=1))
            )
        return self._begins

    def heard(self, account: Account) -> Datum | None:
        """Take the account in; the day's profit and loss by it, where there is one."""
        if not self._keeper.ledger.opened:
            return None  # the journal begins with the books, and they are not open yet
        equity = account.equity
        if not equity.is_finite():
            return None
        now = self._clock.now()
        self._record(now, equity)
        known = self._keeper.ledger.day
        assert known is not None  # noqa: S101  # it was recorded just now
        last = account.last_equity
        base = last if last is not None and last.is_finite() else known.equity
        pnl = ProfitAndLoss(equity, base, known.peak)
        return Datum(Input.PNL, "", pnl, account.as_of, "the account")

    def _record(self, now: datetime, equity: Decimal) -> None:
        today = now.astimezone(self._zone).date().isoformat()
        known = self._keeper.ledger.day
        # A clock that was set back over midnight must not begin an old day anew.
        if known is None or known.day < today:
            self._write(DayOpened(now, today, equity))
        elif equity > known.peak:
            self._write(EquityPeaked(now, equity))

    def _write(self, fact: DayOpened | EquityPeaked) -> None:
        seq, _ = self._keeper.write(fact)
        self._make_durable(seq)
