"""Read desk.toml: the one file that names mode, broker, journal and checks."""

from fillwright.config.load import (
    config_schema,
    default_config,
    default_text,
    load_config,
)
from fillwright.config.model import (
    CONFIG_VARIABLE,
    DeadlineSeconds,
    DeskConfig,
    DeskSettings,
    PlanSettings,
    table_name,
)
from fillwright.config.secrets import seal
from fillwright.config.sentences import explain

__all__ = [
    "CONFIG_VARIABLE",
    "DeadlineSeconds",
    "DeskConfig",
    "DeskSettings",
    "PlanSettings",
    "config_schema",
    "default_config",
    "default_text",
    "explain",
    "load_config",
    "seal",
    "table_name",
]
