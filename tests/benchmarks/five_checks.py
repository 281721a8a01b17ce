"""Five of the standard controls, as a plugin file that desk.toml can name."""

from collections.abc import Mapping, Sequence

from fillwright.hooks import hookimpl
from fillwright_risk.build import build_checks

_NAMES = (
    "max_order_quantity",
    "max_order_notional",
    "max_long_position",
    "buying_power",
    "instrument_rules",
)
_TABLES = {
    "max_order_quantity": {"limit_shares": "1000"},
    "max_order_notional": {"limit_usd": "1000000"},
    "max_long_position": {"limit_shares": "100000000"},
}


@hookimpl
def provide_checks(settings: Mapping[str, object]) -> Sequence[object]:
    return [check for check in build_checks(_TABLES) if check.name in _NAMES]
