"""Plugins: found by the name that the configuration gives, checked, and frozen after start."""

from fillwright.plugins.registry import Registry
from fillwright.plugins.sources import ENTRY_POINTS, PluginInfo
from fillwright.plugins.verify import NamedHook

__all__ = ["ENTRY_POINTS", "NamedHook", "PluginInfo", "Registry"]
