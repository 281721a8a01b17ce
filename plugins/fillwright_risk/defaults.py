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
