"""Hold what the configuration named: loaded one by one, verified, asked apart, frozen at start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

from pluggy import PluginValidationError

from fillwright import hooks
from fillwright.config import PluginPin
from fillwright.errors import ConfigError, FillwrightError, PluginError, fault_text
from fillwright.hooks import AdapterRequest, DataRequest
from fillwright.inputs import INPUT_NAME, THE_DESKS_OWN, DataProvider
from fillwright.logs import get_logger
from fillwright.plugins.manager import FrozenManager
from fillwright.plugins.pins import check_pin
from fillwright.plugins.sources import (
    Found,
    PluginInfo,
    available,
    not_importable,
    short_name,
)
from fillwright.plugins.sources import find as found_by
from fillwright.plugins.verify import NamedHook, implementations
from fillwright.protocols import Adapter

_log = get_logger(__name__)
#: What a plugin that `checks` names must have at least one of.
_CHECKING = frozenset(
    {"check_order", "check_execution", "check_books", "order_changed", "alert_raised"}
)
_NO_SETTINGS: Mapping[str, Any] = {}


class Registry:
    """The plugins of one desk.

    `settings` holds the plugins' own tables of desk.toml by plugin name. With `trace`, every
    call that goes through the registry's hooks is logged with its result.
    """

    def __init__(self, *, settings: Mapping[str, Any] = _NO_SETTINGS, trace: bool = False) -> None:
        self.manager = FrozenManager()
        self.manager.add_hookspecs(hooks)
        self._settings = settings
        self._trace = trace
        self._hooks: tuple[NamedHook, ...] = ()
        self._listing: tuple[PluginInfo, ...] = ()
        #: What was registered when the registry was frozen.
        self._kept: tuple[tuple[str, object], ...] = ()

    @classmethod
    def load(  # noqa: PLR0913  # what desk.toml says about plugins
        cls,
        names: Sequence[str],
        *,
        folder: Path,
        settings: Mapping[str, Any] = _NO_SETTINGS,
        broker: str = "",
        data: Sequence[str] = (),
        trace: bool = False,
        pins: Mapping[str, PluginPin] = _NO_SETTINGS,
        required: Sequence[str] = (),
    ) -> Self:
        """Load the plugins that `checks`, `broker` and `data` of desk.toml name, and no other.

        Raises `PluginNotFound`, `PluginError`, `ConfigError`.
        """
        registry = cls(settings=settings, trace=trace)

        def find(name: str, folder: Path) -> Found:
            check_pin(name, folder, pins)
            return found_by(name, folder)

        for name in dict.fromkeys(names):
            found = find(name, folder)
            registry._add(found.plugin, found.info, checking=True)
        if broker and all(info.name != broker for info in registry._listing):
            found = find(broker, folder)
            registry._add(found.plugin, found.info, checking=False)
        for name in dict.fromkeys(data):
            if all(info.name != short_name(name) for info in registry._listing):
                found = find(name, folder)
                registry._add(found.plugin, found.info, checking=False)
        registry._require(required, pins)
        return registry

    def register(self, plugin: object, name: str) -> None:
        """Add an object of the embedding program as a check, before start."""
        source = getattr(plugin, "__name__", type(plugin).__qualname__)
        self._add(plugin, PluginInfo(name, "", source), checking=True)

    def freeze(self) -> None:
        """Take no more changes: from now on (un)registering raises `PluginError`."""
        self.manager.freeze()
        self._kept = tuple(
            (info.name, self.manager.get_plugin(info.name)) for info in self._listing
        )

    @property
    def checks(self) -> tuple[NamedHook, ...]:
        """Every `check_order`, in the order of the configuration; `call(order, book)`."""
        return self.hooks("check_order")

    @property
    def execution_checks(self) -> tuple[NamedHook, ...]:
        """Every `check_execution`; `call(order, execution, book)`."""
        return self.hooks("check_execution")

    @property
    def observers(self) -> tuple[NamedHook, ...]:
        """Every `order_changed`; `call(order, anomalies)`."""
        return self.hooks("order_changed")

    @property
    def books_checks(self) -> tuple[NamedHook, ...]:
        """Every `check_books`; `call(finding, book)`."""
        return self.hooks("check_books")

    @property
    def alert_observers(self) -> tuple[NamedHook, ...]:
        """Every `alert_raised`; `call(alert)`."""
        return self.hooks("alert_raised")

    def hooks(self, hook: str) -> tuple[NamedHook, ...]:
        """Every implementation of one hook, in the order of the configuration."""
        return tuple(one for one in self._hooks if one.hook == hook)

    def adapter(self, request: AdapterRequest) -> Adapter:
        """Build the adapter of the plugin called `request.name`."""
        name = short_name(request.name)
        makers = [one for one in self.hooks("provide_adapter") if one.name == name]
        if not makers:
            raise PluginError(name, "has no provide_adapter, so it cannot be the broker")
        made = _built(makers[0], request)
        if not all(hasattr(made, part) for part in ("executor", "stream", "quotes", "close")):
            raise PluginError(
                name,
                f"provide_adapter returned {type(made).__name__}; an adapter has executor, "
                "stream, quotes and close()",
            )
        return cast("Adapter", made)

    def provider(self, request: DataRequest) -> DataProvider:
        """Build the source of data of the plugin called `request.name`."""
        name = short_name(request.name)
        makers = [one for one in self.hooks("provide_data") if one.name == name]
        if not makers:
            raise PluginError(name, "has no provide_data, so it supplies no data")
        made = _built(makers[0], request)
        if not all(hasattr(made, part) for part in ("supplies", "fetch", "close")):
            raise PluginError(
                name,
                f"provide_data returned {type(made).__name__}; a provider has supplies, "
                "fetch() and close()",
            )
        provider = cast("DataProvider", made)
        for supplied in provider.supplies:
            if supplied in THE_DESKS_OWN or INPUT_NAME.fullmatch(supplied) is None:
                raise PluginError(
                    name, f"supplies {supplied!r}, which is the desk's own or no name of an input"
                )
        return provider

    def plugin(self, name: str) -> object | None:
        """The object that was loaded under this name."""
        found: object | None = self.manager.get_plugin(name)
        return found

    def tampered(self) -> str:
        """What was done to the registry since the start, told once; empty when nothing was.

        A plugin that is gone is told every time.
        """
        if self.manager.attempts:
            return self.manager.attempts.pop(0)
        for name, plugin in self._kept:
            if self.manager.get_plugin(name) is not plugin:
                return f"plugin {name} is no longer registered"
        return ""

    def _require(self, required: Sequence[str], pins: Mapping[str, PluginPin]) -> None:
        loaded = {info.name for info in self._listing}
        for name in required:
            if name not in loaded:
                raise PluginError(name, "is required and not loaded; see `checks` and its table")
        for name in pins:
            if name not in loaded:
                raise PluginError(name, "is pinned under [plugins], and is not named anywhere")

    def loaded(self) -> tuple[object, ...]:
        """Every object that is loaded, provided checks included."""
        return tuple(self.manager.get_plugin(info.name) for info in self._listing)

    def listing(self) -> tuple[PluginInfo, ...]:
        """What is loaded: name, version, source, hooks; provided checks behind their plugin."""
        return self._listing

    def installed(self) -> tuple[PluginInfo, ...]:
        """What is installed and not loaded; nothing of it was imported."""
        loaded = {info.source for info in self._listing}
        return tuple(info for info in available() if info.source not in loaded)

    def _add(self, plugin: object, info: PluginInfo, *, checking: bool) -> None:
        name = info.name
        found = implementations(plugin, name)
        self._register(plugin, name)
        kept = tuple(self._traced(one) for one in found)
        self._hooks += kept
        self._listing += (replace(info, hooks=tuple(one.hook for one in kept)),)
        if not checking:
            return
        maker = next((one for one in kept if one.hook == "provide_checks"), None)
        provided = self._provide(maker, info) if maker else 0
        if not provided and _CHECKING.isdisjoint(one.hook for one in kept):
            has = ", ".join(one.hook for one in kept)
            raise PluginError(name, f"is named as a check and yields none; it has only {has}")

    def _provide(self, maker: NamedHook, info: PluginInfo) -> int:
        settings = self._settings.get(info.name, _NO_SETTINGS)
        if not isinstance(settings, Mapping):
            raise ConfigError(info.name, f"is not a table; write [{info.name}]")
        checks = _built(maker, settings)
        if isinstance(checks, str | bytes | Mapping) or not isinstance(checks, Sequence):
            raise PluginError(
                info.name, f"provide_checks returned {type(checks).__name__}, not a list of checks"
            )
        for check in checks:
            own = getattr(check, "name", None) or type(check).__name__
            part = PluginInfo(f"{info.name}.{own}", info.version, info.source)
            self._add(check, part, checking=True)
        return len(checks)

    def _register(self, plugin: object, name: str) -> None:
        try:
            self.manager.register(plugin, name)
            self.manager.check_pending()
        except PluginValidationError as fault:
            raise PluginError(name, fault_text(fault)) from fault
        except ValueError as fault:
            raise PluginError(name, "is there already; give each plugin one name") from fault

    def _traced(self, one: NamedHook) -> NamedHook:
        return replace(one, call=_logged(one)) if self._trace else one


def _built(maker: NamedHook, given: object) -> object:
    """Ask a plugin to build something; its own faults come back under its name."""
    try:
        return maker.call(given)
    except FillwrightError:
        raise
    except ImportError as fault:
        raise not_importable(maker.name, fault) from fault
    except Exception as fault:  # a stranger's code may raise anything
        raise PluginError(maker.name, f"{maker.hook} failed: {fault_text(fault)}") from fault


def _logged(one: NamedHook) -> Callable[..., Any]:
    def call(*given: object) -> object:
        try:
            result = one.call(*given)
        except BaseException as fault:
            _log.debug("hook_raised", plugin=one.name, hook=one.hook, fault=fault_text(fault))
            raise
        _log.debug("hook_called", plugin=one.name, hook=one.hook, result=_shown(result))
        return result

    return call


def _shown(result: object) -> str:
    """A verdict in full; of anything else the type alone, for an adapter may hold secrets."""
    known = type(result).__module__ == "fillwright.verdicts"
    return repr(result) if known else type(result).__name__
