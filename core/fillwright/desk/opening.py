"""Open a desk: read the configuration, load its plugins, meet the broker, take the journal.

Each step says in a sentence of its own what went wrong; nothing was sent before it is done.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fillwright.clock import SystemClock, SystemIds, SystemRng
from fillwright.config import DeskConfig, load_config
from fillwright.desk.desk import Desk
from fillwright.desk.parts import Parts, Ports, Settings
from fillwright.desk.planning import PlanSettings
from fillwright.desk.watchers import Watchers
from fillwright.hooks import AdapterRequest
from fillwright.journal import SqliteJournal
from fillwright.logs import get_logger
from fillwright.plans import Urgency
from fillwright.plugins import Registry
from fillwright.protocols import Adapter, Binding, Clock, ClosePolicy, Ids, Journal, Rng
from fillwright.risk import Asker, ThreadAsker

_log = get_logger(__name__)

#: Makes the journal, once it is known whose it is.
OpenJournal = Callable[[Binding, Clock], Journal]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a test or an embedding program brings itself, in place of what the config names."""

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    rng: Rng = field(default_factory=SystemRng)
    adapter: Adapter | None = None
    journal: OpenJournal | None = None
    asker: Asker | None = None
    #: Further plugins by name: objects with hook implementations.
    plugins: Sequence[tuple[str, object]] = ()


@asynccontextmanager
async def open_desk(
    config: str | Path | DeskConfig | None = None,
    *,
    environ: dict[str, str] | None = None,
    overrides: Overrides | None = None,
    close_policy: ClosePolicy | None = None,
) -> AsyncIterator[Desk]:
    """Open the desk that `config` describes, and close it in the end.

    Without a config: the built-in one, on the fake broker, with its files under `.fillwright/`.
    Raises ConfigError, PluginError, JournalError, GuardError, BrokerUnavailable.
    """
    loaded = config if isinstance(config, DeskConfig) else _load(config, environ)
    desk = await _opened(loaded, overrides or Overrides())
    try:
        yield desk
    finally:
        await desk.aclose(close_policy or loaded.desk.close_policy)


def _load(config: str | Path | None, environ: dict[str, str] | None) -> DeskConfig:
    return load_config(Path(config) if config is not None else None, environ=environ)


async def _opened(config: DeskConfig, given: Overrides) -> Desk:
    registry = load_plugins(config, given)
    adapter = given.adapter or registry.adapter(
        AdapterRequest(
            config.broker,
            config.mode,
            config.broker_settings,
            config.folder,
            given.clock,
            given.rng,
        )
    )
    try:
        account = await adapter.executor.account()
        binding = Binding(config.mode, adapter.executor.broker, account.account_id)
        open_journal = given.journal or _sqlite(config)
        journal = open_journal(binding, given.clock)
    except BaseException:
        await adapter.close()
        raise
    try:
        desk = _assembled(config, given, registry, adapter, journal)
        await desk.start()
    except BaseException:
        await adapter.close()
        await journal.aclose()
        raise
    _log.info("desk_opened", binding=str(binding), epoch=journal.epoch, source=config.source)
    return desk


def load_plugins(config: DeskConfig, given: Overrides | None = None) -> Registry:
    """Load the plugins that the configuration names, and freeze the registry."""
    settings: dict[str, Any] = {name: config.settings_of(name) for name in config.checks}
    settings |= {Path(name).stem: config.settings_of(name) for name in config.checks}
    registry = Registry.load(
        config.checks, folder=config.folder, settings=settings, broker=config.broker
    )
    for name, plugin in given.plugins if given else ():
        registry.register(plugin, name)
    registry.freeze()
    return registry


def _sqlite(config: DeskConfig) -> OpenJournal:
    return lambda binding, clock: SqliteJournal.open(config.journal_path, binding, clock=clock)


def _assembled(
    config: DeskConfig, given: Overrides, registry: Registry, adapter: Adapter, journal: Journal
) -> Desk:
    limits = config.desk.limits()
    ports = Ports(
        given.clock, given.ids, given.rng, given.asker or ThreadAsker(limits.check_deadline)
    )
    settings = Settings(
        limits, _plan_settings(config), config.desk.allow_resize, config.expected_account_id
    )
    parts = Parts(
        adapter,
        journal,
        journal.binding,
        ports=ports,
        settings=settings,
        checks=registry.checks,
        watchers=Watchers(registry.execution_checks, registry.observers),
    )
    return Desk(parts)


def _plan_settings(config: DeskConfig) -> PlanSettings:
    seconds = config.plan.deadline_seconds
    return PlanSettings(
        deadlines={urgency: seconds.of(urgency) for urgency in Urgency},
        stale_orders=config.plan.stale_orders,
        funds_within=config.plan.funds_timeout_seconds,
        quote_max_age=config.desk.quote_max_age_seconds,
        collar=config.desk.limits().collar,
    )
