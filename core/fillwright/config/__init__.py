"""Read desk.toml: the one file that names mode, broker, journal and checks."""

from fillwright.config.load import (
    config_schema,
    default_config,
    default_text,
    load_config,
)
from fillwright.config.model import (
    CONFIG_VARIABLE,
    NEW_YORK,
    OWN_DATA,
    RESERVED,
    DataSettings,
    DeadlineSeconds,
    DeskConfig,
    DeskSettings,
    PlanSettings,
    table_name,
)
from fillwright.config.pins import PluginPin
from fillwright.config.secrets import seal
from fillwright.config.sentences import explain, explain_table

__all__ = [
    "CONFIG_VARIABLE",
    "NEW_YORK",
    "OWN_DATA",
    "RESERVED",
    "DataSettings",
    "DeadlineSeconds",
    "DeskConfig",
    "DeskSettings",
    "PlanSettings",
    "PluginPin",
    "config_schema",
    "default_config",
    "default_text",
    "explain",
    "explain_table",
    "load_config",
    "seal",
    "table_name",
]
