"""From the `[risk.*]` tables of desk.toml to the controls."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError

from fillwright.errors import ConfigError
from fillwright_risk import defaults
from fillwright_risk.common import Control, Table
from fillwright_risk.credit import BuyingPower, BuyingPowerTable
from fillwright_risk.duplicate import DuplicateOrder, DuplicateOrderTable
from fillwright_risk.instrument import InstrumentRules, InstrumentRulesTable
from fillwright_risk.lists import Restricted, RestrictedTable
from fillwright_risk.position import (
    MaxLongPosition,
    MaxLongPositionTable,
    MaxShortPosition,
    MaxShortPositionTable,
)
from fillwright_risk.price import PriceCollar, PriceCollarTable
from fillwright_risk.size import (
    MaxOrderNotional,
    MaxOrderNotionalTable,
    MaxOrderQuantity,
    MaxOrderQuantityTable,
    NoLimitConfigured,
)

T = TypeVar("T", bound=Table)

#: Every table that may stand under `[risk]`.
TABLES: Mapping[str, type[Table]] = {
    MaxOrderQuantity.name: MaxOrderQuantityTable,
    MaxOrderNotional.name: MaxOrderNotionalTable,
    PriceCollar.name: PriceCollarTable,
    MaxLongPosition.name: MaxLongPositionTable,
    MaxShortPosition.name: MaxShortPositionTable,
    BuyingPower.name: BuyingPowerTable,
    DuplicateOrder.name: DuplicateOrderTable,
    Restricted.name: RestrictedTable,
    InstrumentRules.name: InstrumentRulesTable,
}


def build_checks(settings: Mapping[str, Any]) -> Sequence[Control]:
    """Build the controls in the order of their ids. Raises `ConfigError`."""
    tables = {name: _read(name, value) for name, value in settings.items()}
    quantity = MaxOrderQuantity(
        _of(tables, MaxOrderQuantityTable)
        or MaxOrderQuantityTable(limit_shares=defaults.MAX_ORDER_SHARES)
    )
    notional = MaxOrderNotional(_of(tables, MaxOrderNotionalTable) or MaxOrderNotionalTable())
    duplicate = _of(tables, DuplicateOrderTable) or DuplicateOrderTable()
    long, restricted = _of(tables, MaxLongPositionTable), _of(tables, RestrictedTable)
    controls: list[Control | None] = [
        quantity,
        notional,
        NoLimitConfigured(quantity, notional),
        PriceCollar(_of(tables, PriceCollarTable) or PriceCollarTable()),
        MaxLongPosition(long) if long else None,
        MaxShortPosition(_of(tables, MaxShortPositionTable) or MaxShortPositionTable()),
        BuyingPower(),
        DuplicateOrder(duplicate) if duplicate.window_seconds else None,
        Restricted(restricted) if restricted else None,
        InstrumentRules(),
    ]
    return [control for control in controls if control is not None]


def _of(tables: Mapping[str, Table], kind: type[T]) -> T | None:
    return next((table for table in tables.values() if isinstance(table, kind)), None)


def _read(name: str, value: object) -> Table:
    model = TABLES.get(name)
    if model is None:
        raise ConfigError(f"risk.{name}", "there is no such control", _meant(name, TABLES))
    if not isinstance(value, Mapping):
        raise ConfigError(f"risk.{name}", "is not a table", f"Write [risk.{name}]")
    try:
        return model.model_validate(dict(value))
    except ValidationError as fault:
        raise _sentence(name, model, fault) from None  # its text would repeat the input


def _sentence(name: str, model: type[Table], fault: ValidationError) -> ConfigError:
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(("risk", name, *map(str, first["loc"])))
    if first["type"] == "extra_forbidden":
        return ConfigError(
            where, "there is no such setting", _meant(str(first["loc"][-1]), model.model_fields)
        )
    return ConfigError(where, first["msg"].removeprefix("Value error, "))


def _meant(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known are: {', '.join(known)}" if known else "It has no settings"
