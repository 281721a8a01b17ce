"""Find one plugin by the name that the configuration gives: an entry point, or a file beside it.

Only what is named is imported. Other entry points of the group are listed and left alone.
"""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from fillwright.errors import ConfigError, PluginError, PluginNotFound, fault_text

#: The entry-point group of every plugin, the built-in ones included.
ENTRY_POINTS = "fillwright"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One line of `fillwright plugins`; `hooks` is empty for a plugin that is not loaded."""

    name: str
    #: The distribution's version; empty for a local file.
    version: str
    #: The entry point's module, or the file's path.
    source: str
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that was imported, with where it came from."""

    plugin: object
    info: PluginInfo


class _FreshLoader(SourceFileLoader):
    """Compile from the text each time: a cached file may be older than a quick second edit."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        raise OSError(f"{path} is never cached")


def available() -> tuple[PluginInfo, ...]:
    """Every entry point of the group, by name; imports nothing."""
    return tuple(
        PluginInfo(point.name, _version(point), point.value)
        for point in sorted(entry_points(group=ENTRY_POINTS))
    )


def is_file(name: str) -> bool:
    """Whether a configured name means a local file."""
    return name.endswith(".py")


def short_name(name: str) -> str:
    """What a configured plugin is called: a file by its stem, which is also its table's name."""
    return Path(name).stem if is_file(name) else name


def find(name: str, folder: Path) -> Found:
    """Import the one plugin called `name`; a path to a file starts at `folder`.

    Raises `PluginNotFound` or `PluginError`.
    """
    return _from_file(name, folder) if is_file(name) else _from_entry_point(name)


def not_importable(name: str, fault: BaseException) -> PluginError:
    """Say why a plugin cannot be imported, and which extra brings what is missing."""
    hint = ""
    if isinstance(fault, ImportError):
        extra = _extra(name)
        hint = f"; install it with: pip install '{extra}'" if extra else ""
        hint = "" if extra and extra in str(fault) else hint
    return PluginError(name, f"cannot be imported: {fault_text(fault)}{hint}")


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist else ""


def _extra(name: str) -> str:
    """The distribution's extra that is called like the plugin, as pip takes it."""
    for point in entry_points(group=ENTRY_POINTS, name=name):
        extras = point.dist.metadata.get_all("Provides-Extra") if point.dist else None
        if point.dist and name in (extras or ()):
            return f"{point.dist.name}[{name}]"
    return ""


def _from_entry_point(name: str) -> Found:
    points = sorted(entry_points(group=ENTRY_POINTS, name=name))
    if not points:
        raise PluginNotFound(name, [known.name for known in available()])
    if len(points) > 1:
        values = " and ".join(point.value for point in points)
        raise PluginError(name, f"is offered twice, by {values}; uninstall one of them")
    point = points[0]
    try:
        plugin = point.load()
    except (Exception, SystemExit) as fault:  # a stranger's module may raise anything
        raise not_importable(name, fault) from fault
    return Found(plugin, PluginInfo(name, _version(point), point.value))


def _from_file(name: str, folder: Path) -> Found:
    path = (folder / name).resolve()
    if not path.is_file():
        raise ConfigError(
            f"plugin {name}", f"there is no file {path}", "paths start at the folder of desk.toml"
        )
    title = short_name(name)
    module = _module(title, path)
    return Found(module, PluginInfo(title, "", str(path)))


def _module(title: str, path: Path) -> ModuleType:
    module_name = f"fillwright_local_{title}"
    loader = _FreshLoader(module_name, str(path))
    spec = ModuleSpec(module_name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their own module up there
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as fault:  # a stranger's file may raise anything
        del sys.modules[module_name]
        raise not_importable(title, fault) from fault
    return module
