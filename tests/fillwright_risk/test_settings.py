"""The `[risk.*]` tables: strangers are refused with their place, and defaults are strict."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fillwright.errors import ConfigError
from fillwright.plugins import Registry
from fillwright_risk import provide_checks
from fillwright_risk.build import TABLES
from fillwright_risk.common import Control

ALWAYS = [
    "max_order_quantity",
    "max_order_notional",
    "no_limit_configured",
    "price_collar",
    "max_short_position",
    "buying_power",
    "parent_quantity",
    "order_rate",
    "duplicate_order",
    "anti_slicing",
    "open_orders",
    "instrument_rules",
    "market_session",
    "quote_quality",
    "self_trade",
    "error_rate",
    "clock_skew",
]


def names(settings: dict[str, Any]) -> list[str]:
    made = [check for check in provide_checks(settings) if isinstance(check, Control)]
    return [check.name for check in made]


def test_the_standard_controls_are_on_without_a_table() -> None:
    """A control that must be asked for is a control that is forgotten."""
    assert names({}) == ALWAYS


def test_tables_turn_the_others_on() -> None:
    """Controls without a sensible default wait for their owner's word."""
    tables = {"max_long_position": {"limit_shares": "1"}, "restricted": {"symbols": ["A"]}}

    assert set(names(tables)) == {*ALWAYS, "max_long_position", "restricted"}


@pytest.mark.parametrize(
    ("toml", "where", "sentence"),
    [
        ("[max_order_size]\nlimit_usd='1'", "risk.max_order_size", "no such control. Did you mean"),
        ("enabled = true", "risk.enabled", "no such control. Known are"),
        ("price_collar = 10", "risk.price_collar", "not a table. Write [risk.price_collar]"),
        (
            "[price_collar]\nmax_away='10'",
            "risk.price_collar.max_away",
            "no such setting. Did you mean max_away_pct",
        ),
        ("[buying_power]\nlimit_usd='1'", "risk.buying_power.limit_usd", "It has no settings"),
        ("[max_order_notional]\nlimit_usd=50000", "risk.max_order_notional.limit_usd", "string"),
        ("[max_order_notional]\nlimit_usd=1.5", "risk.max_order_notional.limit_usd", "string"),
        ("[max_order_notional]\nlimit_usd='NaN'", "risk.max_order_notional.limit_usd", "finite"),
        ("[max_order_notional]\nlimit_usd='0'", "risk.max_order_notional.limit_usd", "above zero"),
        ("[max_order_notional]\ncollar_pct='100'", "risk.max_order_notional.collar_pct", "less"),
        ("[max_short_position]\nlimit_shares='-1'", "risk.max_short_position.limit_shares", "zero"),
        ("[duplicate_order]\nwindow_seconds=-1", "risk.duplicate_order.window_seconds", "0"),
        ("[duplicate_order]\nwindow_seconds=nan", "risk.duplicate_order.window_seconds", "finite"),
        ("[restricted]\nsymbols=['aapl']", "risk.restricted.symbols.0", "pattern"),
        ("[restricted]\nsides=['BUY']", "risk.restricted", "give symbols or allow_only"),
        ("[max_long_position]", "risk.max_long_position", "give limit_shares or limit_usd"),
        (
            "[max_order_quantity.symbol.AAPL]\nlimit_shares=5",
            "risk.max_order_quantity.symbol.AAPL.limit_shares",
            "string",
        ),
    ],
)
def test_what_cannot_be_used_is_named(toml: str, where: str, sentence: str) -> None:
    """A misspelt limit that is silently left out is no limit."""
    with pytest.raises(ConfigError) as caught:
        provide_checks(tomllib.loads(toml))

    assert caught.value.where == where
    assert sentence in str(caught.value)


def test_every_table_and_setting_says_its_unit() -> None:
    """A limit of 50000 of what?"""
    units = ("_usd", "_shares", "_pct", "_seconds", "_per_second", "_per_minute", "_per_fill")
    counts = ("_orders", "_messages", "_rejects", "_rejects_in_a_row", "_doubts")
    lists = {"symbols", "allow_only", "sides", "strategies", "asset_classes", "closed_takes"}
    plain = lists | {"reaction", "halt", "extended_when_closed", "price_test"}
    fields = {field for table in TABLES.values() for field in table.model_fields}

    assert {field for field in fields if not field.endswith((*units, *counts))} == plain


def test_they_come_in_like_a_stranger_s(tmp_path: Path) -> None:
    """If our own controls needed a door of their own, the plugin door would rot."""
    settings = {"risk": {"max_order_notional": {"limit_usd": "50000"}}}
    registry = Registry.load(["risk"], folder=tmp_path, settings=settings)

    assert [check.name for check in registry.checks] == [f"risk.{name}" for name in ALWAYS]
    with pytest.raises(ConfigError, match=r"risk\.max_order_notional\.limit"):
        Registry.load(
            ["risk"],
            folder=tmp_path,
            settings={"risk": {"max_order_notional": {"limit": "50000"}}},
        )
