"""Five of the standard controls, as a plugin file that desk.toml can name."""

from collections.abc import Mapping, Sequence

from fillwright.hooks import hookimpl
from fillwright_risk.credit import BuyingPower
from fillwright_risk.instrument import InstrumentRules
from fillwright_risk.position import MaxLongPosition, MaxLongPositionTable
from fillwright_risk.size import (
    MaxOrderNotional,
    MaxOrderNotionalTable,
    MaxOrderQuantity,
    MaxOrderQuantityTable,
)


@hookimpl
def provide_checks(settings: Mapping[str, object]) -> Sequence[object]:
    return [
        MaxOrderQuantity(MaxOrderQuantityTable(limit_shares="1000")),
        MaxOrderNotional(MaxOrderNotionalTable(limit_usd="1000000")),
        MaxLongPosition(MaxLongPositionTable(limit_shares="100000000")),
        BuyingPower(),
        InstrumentRules(),
    ]
