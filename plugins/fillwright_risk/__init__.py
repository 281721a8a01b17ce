"""The standard controls: a small class per control, set up by the `[risk.*]` tables of desk.toml.

Each table is named like its control, and each limit has its unit in its name:

    [risk.max_order_notional]
    limit_usd = "50000"

    [risk.max_order_notional.symbol.KO]
    limit_usd = "80000"

Which orders a control lets through although they break its limit, because they only reduce a
position, is said in each class. Verdicts carry the control's id: C01, C02, ...
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fillwright.hooks import hookimpl
from fillwright_risk.build import build_checks, build_post_checks
from fillwright_risk.build import offers as _offers

__all__ = ["offers", "provide_checks"]

#: Every control that ships, on or off, and what turns it on.
offers = _offers()


@hookimpl
def provide_checks(settings: Mapping[str, Any]) -> Sequence[object]:
    """Build every control that is always on, and those whose table is there."""
    return [*build_checks(settings), *build_post_checks(settings)]
