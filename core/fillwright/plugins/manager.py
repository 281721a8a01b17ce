"""pluggy's manager, which takes no change after start."""

from types import ModuleType
from typing import NoReturn

import pluggy

from fillwright.errors import PluginError
from fillwright.hooks import PROJECT


class FrozenManager(pluggy.PluginManager):
    """A plugin manager that refuses every change of what is registered once it is frozen.

    The gate holds its own tuple of checks, so even a change forced past this one is not asked.
    """

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self._frozen = False
        #: Attempts to change what is registered after start, in a sentence each.
        self.attempts: list[str] = []

    @property
    def frozen(self) -> bool:
        """Whether the desk has started."""
        return self._frozen

    def freeze(self) -> None:
        """Take no more changes, for good."""
        self.check_pending()
        self._frozen = True

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register before start."""
        if self._frozen:
            self._refuse(name or self.get_canonical_name(plugin), "registered")
        return super().register(plugin, name)

    def unregister(self, plugin: object = None, name: str | None = None) -> object:
        """Unregister before start."""
        if self._frozen:
            self._refuse(name or str(self.get_name(plugin)), "unregistered")
        return super().unregister(plugin, name)

    def set_blocked(self, name: str) -> None:
        """Block a name before start."""
        if self._frozen:
            self._refuse(name, "blocked")
        super().set_blocked(name)

    def unblock(self, name: str) -> bool:
        """Unblock a name before start."""
        if self._frozen:
            self._refuse(name, "unblocked")
        return super().unblock(name)

    def add_hookspecs(self, module_or_class: ModuleType | type) -> None:
        """Add hooks before start."""
        if self._frozen:
            self._refuse(str(module_or_class), "given new hooks")
        super().add_hookspecs(module_or_class)

    def load_setuptools_entrypoints(self, group: str, name: str | None = None) -> NoReturn:
        """Never: a whole group is not loaded, and one plugin comes through the registry."""
        self._refuse(name or group, "loaded past the registry")

    def _refuse(self, name: str, what: str) -> NoReturn:
        if self._frozen:
            self.attempts.append(f"plugin {name} was to be {what} while the desk runs")
        raise PluginError(name, f"cannot be {what} while the desk runs; name it in desk.toml")
