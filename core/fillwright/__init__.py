"""Carry a trading decision to a broker, through risk checks, exactly once.

The names below are the public ones. Each is imported when it is first asked for, so that
`import fillwright` costs nothing to a program that only wants a few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fillwright.accounts import Account, Instrument, Position, Quote
    from fillwright.alerts import Alert, Level
    from fillwright.book import BookView
    from fillwright.config import DeskConfig, load_config
    from fillwright.desk.desk import Desk
    from fillwright.desk.opening import Overrides, open_desk
    from fillwright.door import execute
    from fillwright.errors import FillwrightError
    from fillwright.findings import Finding
    from fillwright.history import Deed
    from fillwright.hooks import AdapterRequest, DataRequest, hookimpl
    from fillwright.inputs import Datum, Input, Window, needs
    from fillwright.limits import Scoped
    from fillwright.orders import Order, OrderChange, StopLoss, TakeProfit
    from fillwright.plans import (
        Basket,
        ExecutionResult,
        ItemResult,
        OrderLine,
        Plan,
        PlanStatus,
        RebalanceItem,
        RebalancePlan,
        TargetQuantities,
        TargetValues,
        TargetWeights,
        read_plan,
    )
    from fillwright.protocols import ClosePolicy, ExecutionManager, OrderHandle
    from fillwright.reports import Anomaly, Execution
    from fillwright.states import OrderState
    from fillwright.types import (
        Mode,
        OrderClass,
        OrdStatus,
        OrdType,
        Side,
        TimeInForce,
    )
    from fillwright.verdicts import ALLOW, Allow, Halt, Reject, Resize, Scope, Verdict, Warn

    __version__: str

#: Where each public name lives.
_HOMES = {
    "alerts": ("Alert", "Level"),
    "accounts": ("Account", "Instrument", "Position", "Quote"),
    "book": ("BookView",),
    "config": ("DeskConfig", "load_config"),
    "desk.desk": ("Desk",),
    "desk.opening": ("Overrides", "open_desk"),
    "door": ("execute",),
    "errors": ("FillwrightError",),
    "findings": ("Finding",),
    "history": ("Deed",),
    "hooks": ("AdapterRequest", "DataRequest", "hookimpl"),
    "inputs": ("Datum", "Input", "Window", "needs"),
    "limits": ("Scoped",),
    "orders": ("Order", "OrderChange", "StopLoss", "TakeProfit"),
    "plans": (
        "Basket",
        "ExecutionResult",
        "ItemResult",
        "OrderLine",
        "Plan",
        "PlanStatus",
        "RebalanceItem",
        "RebalancePlan",
        "TargetQuantities",
        "TargetValues",
        "TargetWeights",
        "read_plan",
    ),
    "protocols": ("ClosePolicy", "ExecutionManager", "OrderHandle"),
    "reports": ("Anomaly", "Execution"),
    "states": ("OrderState",),
    "types": ("Mode", "OrdStatus", "OrdType", "OrderClass", "Side", "TimeInForce"),
    "verdicts": ("ALLOW", "Allow", "Halt", "Reject", "Resize", "Scope", "Verdict", "Warn"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ALLOW",
    "Account",
    "AdapterRequest",
    "Alert",
    "Allow",
    "Anomaly",
    "Basket",
    "BookView",
    "ClosePolicy",
    "DataRequest",
    "Datum",
    "Deed",
    "Desk",
    "DeskConfig",
    "Execution",
    "ExecutionManager",
    "ExecutionResult",
    "FillwrightError",
    "Finding",
    "Halt",
    "Input",
    "Instrument",
    "ItemResult",
    "Level",
    "Mode",
    "OrdStatus",
    "OrdType",
    "Order",
    "OrderChange",
    "OrderClass",
    "OrderHandle",
    "OrderLine",
    "OrderState",
    "Overrides",
    "Plan",
    "PlanStatus",
    "Position",
    "Quote",
    "RebalanceItem",
    "RebalancePlan",
    "Reject",
    "Resize",
    "Scope",
    "Scoped",
    "Side",
    "StopLoss",
    "TakeProfit",
    "TargetQuantities",
    "TargetValues",
    "TargetWeights",
    "TimeInForce",
    "Verdict",
    "Warn",
    "Window",
    "__version__",
    "execute",
    "hookimpl",
    "load_config",
    "needs",
    "open_desk",
    "read_plan",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("fillwright")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'fillwright' has no attribute {name!r}")
    found = getattr(import_module(f"fillwright.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
