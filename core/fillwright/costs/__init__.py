"""What executions cost against the market, from the journal alone: T11, transaction cost analysis.

Rules:
1. A cost is above zero when it was against us, for buys and for sells alike.
2. What has no quote is counted apart and left out, never guessed.
3. Busts and corrections count as they stand at the end of the journal.
"""

from fillwright.costs.measures import Costs, FillCost, OrderCost
from fillwright.costs.tally import CostReport, tally

__all__ = ["CostReport", "Costs", "FillCost", "OrderCost", "tally"]
