"""From the `[risk.*]` tables of desk.toml to the controls."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from fillwright.errors import ConfigError
from fillwright.limits import Offer, Scoped
from fillwright_risk.capital import BasketNotional, DailyCapital
from fillwright_risk.common import Control, Table
from fillwright_risk.credit import BuyingPower, MarginExcess, SettledCash
from fillwright_risk.drift import PriceDrift
from fillwright_risk.duplicate import DuplicateOrder
from fillwright_risk.instrument import InstrumentRules
from fillwright_risk.lists import Permission, Restricted
from fillwright_risk.loss import DailyLoss, ErrorRate
from fillwright_risk.market import ClockSkew, MarketSession, QuoteQuality
from fillwright_risk.market_rules import SelfTrade, ShortSale
from fillwright_risk.open_orders import OpenOrders
from fillwright_risk.parent import ParentQuantity
from fillwright_risk.portfolio import Concentration, GrossExposure, NetExposure, SectorExposure
from fillwright_risk.position import MaxLongPosition, MaxShortPosition
from fillwright_risk.post import POST_CONTROLS, PostControl
from fillwright_risk.price import PriceCollar
from fillwright_risk.rate import MessageRate, OrderRate
from fillwright_risk.repeats import AntiSlicing, RepeatedExecution
from fillwright_risk.size import MaxOrderNotional, MaxOrderQuantity, NoLimitConfigured
from fillwright_risk.volume import AverageVolume, Participation

#: Every control, in the order of the ids.
CONTROLS: tuple[type[Control[Any]], ...] = (
    MaxOrderQuantity,
    MaxOrderNotional,
    NoLimitConfigured,
    PriceCollar,
    PriceDrift,
    AverageVolume,
    Participation,
    MaxLongPosition,
    MaxShortPosition,
    GrossExposure,
    NetExposure,
    Concentration,
    SectorExposure,
    BuyingPower,
    DailyCapital,
    BasketNotional,
    ParentQuantity,
    OrderRate,
    MessageRate,
    RepeatedExecution,
    DuplicateOrder,
    AntiSlicing,
    OpenOrders,
    Restricted,
    Permission,
    InstrumentRules,
    MarketSession,
    QuoteQuality,
    ShortSale,
    SelfTrade,
    MarginExcess,
    SettledCash,
    DailyLoss,
    ErrorRate,
    ClockSkew,
)
_ALL: tuple[type[Control[Any]] | type[PostControl[Any]], ...] = (*CONTROLS, *POST_CONTROLS)
#: Every table that may stand under `[risk]`.
TABLES: Mapping[str, type[Table]] = {control.name: control.table for control in _ALL}


def build_checks(settings: Mapping[str, Any]) -> Sequence[Control[Any]]:
    """Build the controls that are on, in the order of their ids. Raises `ConfigError`."""
    for name, value in settings.items():
        _refuse_stranger(name, value)
    built = [made for control in CONTROLS if (made := _built(control, settings)) and made.on]
    by_name = {control.name: control for control in built}
    for control in built:
        control.join(by_name)
    return built


def build_post_checks(settings: Mapping[str, Any]) -> Sequence[PostControl[Any]]:
    """Build the post-execution controls that are on, in the same way. Raises `ConfigError`."""
    built = []
    for control in POST_CONTROLS:
        table = settings.get(control.name, control.fallback)
        if table is not None:
            built.append(control(Scoped(control.table, table, f"risk.{control.name}")))
    return built


def offers() -> Sequence[Offer]:
    """Every control, and what turns it on."""
    return [
        Offer(
            one.name,
            one.code,
            one.title,
            f"write [risk.{one.name}] with {_written(one.example)}",
        )
        for one in _ALL
    ]


def _built(control: type[Control[Any]], settings: Mapping[str, Any]) -> Control[Any] | None:
    table = settings.get(control.name, control.fallback)
    if table is None:
        return None
    return control(Scoped(control.table, table, f"risk.{control.name}"))


def _refuse_stranger(name: str, value: object) -> None:
    if name not in TABLES:
        near = get_close_matches(name, TABLES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(TABLES)}"
        raise ConfigError(f"risk.{name}", "there is no such control", hint)
    if not isinstance(value, Mapping):
        raise ConfigError(f"risk.{name}", "is not a table", f"Write [risk.{name}]")


def _written(example: Mapping[str, object]) -> str:
    pairs = [f"{key} = {json.dumps(value)}" for key, value in example.items()]
    return ", ".join(pairs) or "nothing in it"
