"""Every default of the standard controls, in one place; each is the strict side of usual."""

from decimal import Decimal

#: C01 without a table of its own: shares or coins in one order. C02 has no default on purpose:
#: what an order may cost is the owner's to say, and until it is said C03 refuses.
MAX_ORDER_SHARES = Decimal(10_000)
#: C02: percent above the quote at which a market order is valued.
ORDER_COLLAR_PCT = Decimal(5)
#: C04: percent that a price may stand away from the quote, to either side.
MAX_AWAY_PCT = Decimal(10)
#: C09: shares short; none.
MAX_SHORT_SHARES = Decimal(0)
#: C19: seconds in which the same order again counts as a slip.
DUPLICATE_WINDOW_SECONDS = 5.0
#: C16: submits of one symbol, of one strategy, and of the account, in a second and in a minute.
SYMBOL_PER_SECOND = 50
SYMBOL_PER_MINUTE = 500
STRATEGY_PER_SECOND = 100
STRATEGY_PER_MINUTE = 1000
ACCOUNT_PER_SECOND = 200
ACCOUNT_PER_MINUTE = 2000
#: C16: refusals by this very control in a minute, from which on the submitter has run away.
RUNAWAY_PER_MINUTE = 1000
#: C21: seconds in which what was refused for its size may not come back in parts.
SLICING_WINDOW_SECONDS = 60
#: C22: open orders of one symbol and side, and of the account. Brokers refuse more per side.
OPEN_PER_SIDE = 20
OPEN_PER_ACCOUNT = 500
#: C27: percent between bid and ask, of the middle.
MAX_SPREAD_PCT = Decimal(5)
#: C30: percent of a position's value that must be covered by equity, long and short.
MAINTENANCE_PCT = Decimal(25)
SHORT_MAINTENANCE_PCT = Decimal(30)
#: C33: in so many seconds so many rejects by the broker, so many unknown outcomes, and so many
#: orders in a row that were rejected.
ERROR_WINDOW_SECONDS = 60
MAX_REJECTS = 20
MAX_DOUBTS = 5
MAX_REJECTS_IN_A_ROW = 5
#: C39: seconds between the broker's clock and ours.
MAX_SKEW_SECONDS = Decimal(5)
#: T06: percent that a fill may be worse than the quote at arrival, and at its own time.
MAX_ARRIVAL_PCT = Decimal(5)
MAX_QUOTE_PCT = Decimal(2)
#: T09: seconds without an answer, and without another fill of an order that is partly filled.
IN_FLIGHT_SECONDS = 60
STALLED_SECONDS = 900
