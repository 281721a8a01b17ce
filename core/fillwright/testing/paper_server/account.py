"""The account's balances as the API shows them."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

from fillwright.accounts import Account, Position
from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.configuration import configuration_of
from fillwright.testing.paper_server.hours import NEW_YORK, next_trading_day
from fillwright.testing.paper_server.moments import written
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.writing import answer, decimal_text
from fillwright.types import ZERO

_CENT = Decimal("0.01")
_WIDE = Context(prec=100)
_INITIAL = Decimal("0.5")
_MAINTENANCE = Decimal("0.3")
_REGULATION_T = Decimal(2)
#: Amounts of which this server knows none.
_NOTHING = (
    *("sma", "accrued_fees", "pending_transfer_in", "pending_transfer_out"),
    *("pending_reg_taf_fees", "intraday_adjustments"),
)


def get_account(call: Call) -> Answer:
    """`GET /v2/account`.

    The fields of the day trading rule (pattern_day_trader, daytrade_count,
    daytrading_buying_power) are gone since 2026-07-06.
    """
    return answer(
        200,
        {
            "id": call.account.account_id,
            "account_number": call.account.account_number,
            "currency": "USD",
            "created_at": written(call.venue.books.began),
            "admin_configurations": {},
            "user_configurations": None,
            "options_approved_level": 0,
            "options_trading_level": 0,
            "crypto_tier": 1,
            **_balances(call, call.venue.account()),
            **_of_yesterday(call),
            **dict.fromkeys(_NOTHING, "0"),
            **_flags(call),
        },
    )


def _balances(call: Call, account: Account) -> dict[str, Json]:
    books = call.venue.books
    long, short = _worth(account.positions.values())
    margin = (long - short) * _INITIAL
    power = account.buying_power
    own = min(books.cash - books.held, power)
    regulated = min((account.equity - margin) * _REGULATION_T - books.held, power)
    return {
        "multiplier": decimal_text(call.venue.settings.multiplier),
        "cash": _money(account.cash),
        "equity": _money(account.equity),
        "portfolio_value": _money(account.equity),
        "position_market_value": _money(long - short),
        "long_market_value": _money(long),
        "short_market_value": _money(short),
        "buying_power": _floor(power),
        "effective_buying_power": _floor(power),
        "regt_buying_power": _floor(regulated),
        "non_marginable_buying_power": _floor(own),
        "options_buying_power": _floor(own),
        "initial_margin": _money(margin),
        "maintenance_margin": _money((long - short) * _MAINTENANCE),
    }


def _of_yesterday(call: Call) -> dict[str, Json]:
    books = call.venue.books
    today = call.now.astimezone(NEW_YORK).date()
    prices = books.closing_prices
    worth = sum((abs(books.quantity(s)) * price for s, price in prices.items()), start=ZERO)
    return {
        "last_equity": _money(books.closing_equity),
        "last_maintenance_margin": _money(worth * _MAINTENANCE),
        "balance_asof": str(next_trading_day(call.venue.settings.hours, today, step=-1)),
    }


def _flags(call: Call) -> dict[str, Json]:
    configuration = configuration_of(call.venue)
    blocked = call.venue.books.blocked
    shorting = call.venue.settings.shorting and not configuration["no_shorting"]
    return {
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "trading_blocked": blocked,
        "account_blocked": blocked,
        "transfers_blocked": False,
        "trade_suspended_by_user": configuration["suspend_trade"],
        "shorting_enabled": shorting,
    }


def _worth(positions: Iterable[Position]) -> tuple[Decimal, Decimal]:
    """The value of what is long, and of what is short (below zero)."""
    values = [position.quantity * (position.market_price or ZERO) for position in positions]
    long = sum((value for value in values if value > 0), start=ZERO)
    return long, sum((value for value in values if value < 0), start=ZERO)


def _money(value: Decimal) -> str:
    """Whole cents, as a paper account shows them."""
    return str(value.quantize(_CENT, ROUND_HALF_EVEN, _WIDE) + ZERO)


def _floor(value: Decimal) -> str:
    """Whole cents, never more than there is."""
    return str(max(value, ZERO).quantize(_CENT, ROUND_DOWN, _WIDE))
