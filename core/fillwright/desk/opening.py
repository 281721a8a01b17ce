"""Open a desk: read the configuration, load its plugins, meet the broker, take the journal.

Each step says in a sentence of its own what went wrong; nothing was sent before it is done.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fillwright.clock import SystemClock, SystemIds, SystemRng
from fillwright.config import OWN_DATA, RESERVED, DeskConfig, load_config, table_name
from fillwright.desk.asides import InlineAside, ThreadAside
from fillwright.desk.desk import Desk
from fillwright.desk.guard import Guard
from fillwright.desk.killing import KillSwitch, check_place
from fillwright.desk.limiting import scoped_of
from fillwright.desk.market import account_of, let_go
from fillwright.desk.operator import Beside
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanSettings
from fillwright.desk.settings import Ports, Settings
from fillwright.desk.supply import Source
from fillwright.desk.watchers import Watchers
from fillwright.errors import ConfigError
from fillwright.hooks import AdapterRequest, DataRequest
from fillwright.journal import SqliteJournal, check_free
from fillwright.logs import get_logger
from fillwright.plans import Urgency
from fillwright.plugins import Registry
from fillwright.protocols import (
    Adapter,
    Binding,
    Clock,
    ClosePolicy,
    Ids,
    Journal,
    RateFeed,
    Rng,
)
from fillwright.risk import Asker, ThreadAsker

_log = get_logger(__name__)

#: A plugin may write its table's name as it stands in the file.
_BRACKETS = re.compile(r"^\[([^\]]+)\][:\s]*")
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
    #: The kill switch, where a program pulls it before it holds the desk.
    switch: KillSwitch | None = None
    #: The inbox, where a desk that only looks must not empty that of the real one.
    inbox: Path | None = None
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
    if given.journal is None:
        # Before the broker's own files are met, whose complaint would name the wrong one.
        check_free(config.journal_path)
    registry = load_plugins(config, given)
    rate = RateFeed()
    adapter = given.adapter or adapter_of(config, registry, given.clock, given.rng, rate)
    try:
        account = await account_of(adapter, given.clock)
        binding = Binding(config.mode, adapter.executor.broker, account.account_id)
        # Before there is a journal: one that is made for another's account is in the way for ever.
        Guard(config.mode, adapter.executor, account.account_id, config.expected_account_id).check(
            cancel=True
        )
        open_journal = given.journal or _sqlite(config)
        journal = open_journal(binding, given.clock)
    except BaseException:
        await let_go(adapter.close, given.clock)
        raise
    try:
        desk = _assembled(config, given, registry, adapter, journal)
        rate.listen(desk.heed_rate)
        await desk.start()
    except BaseException:
        await let_go(adapter.close, given.clock)
        await journal.aclose()
        raise
    _log.info("desk_opened", binding=str(binding), epoch=journal.epoch, source=config.source)
    return desk


def load_plugins(config: DeskConfig, given: Overrides | None = None) -> Registry:
    """Load the plugins that the configuration names, and freeze the registry."""
    settings: dict[str, Any] = {name: config.settings_of(name) for name in config.checks}
    settings |= {Path(name).stem: config.settings_of(name) for name in config.checks}
    with _naming_file(config, settings.keys()):
        registry = Registry.load(
            config.checks,
            folder=config.folder,
            settings=settings,
            broker=config.broker,
            data=config.data_plugins,
            pins=config.plugins,
            required=config.required,
        )
    for name, plugin in given.plugins if given else ():
        registry.register(plugin, name)
    registry.freeze()
    return registry


def broker_alone(config: DeskConfig) -> Registry:
    """Load the broker's plugin and no check: enough to ask the broker, never to trade."""
    pins = {name: pin for name, pin in config.plugins.items() if name == config.broker}
    registry = Registry.load((), folder=config.folder, broker=config.broker, pins=pins)
    registry.freeze()
    return registry


def adapter_of(
    config: DeskConfig, registry: Registry, clock: Clock, rng: Rng, rate: RateFeed | None = None
) -> Adapter:
    """Build the adapter that the configuration names; it asks nobody yet.

    Raises ConfigError, PluginError.
    """
    request = AdapterRequest(
        config.broker,
        config.mode,
        config.broker_settings,
        config.folder,
        clock,
        rng,
        rate or RateFeed(),
    )
    with _naming_file(config, (config.broker,)):
        return registry.adapter(request)


def sources_of(config: DeskConfig, registry: Registry, clock: Clock) -> list[Source]:
    """Build the sources of data that the configuration names; they ask nobody yet.

    Raises ConfigError, PluginError.
    """
    names = config.data_plugins
    with _naming_file(config, map(table_name, names)):
        return [
            Source(
                name,
                registry.provider(
                    DataRequest(
                        table_name(name), config.data_settings_of(name), config.folder, clock
                    )
                ),
            )
            for name in names
        ]


@contextmanager
def _naming_file(config: DeskConfig, tables: Iterable[str]) -> Iterator[None]:
    """Put the file before a fault about a plugin's own table: the plugin does not know it."""
    try:
        yield
    except ConfigError as fault:
        where = _BRACKETS.sub(r"\1.", fault.where).rstrip(".")
        if where.partition(".")[0] not in {*tables, *RESERVED}:
            raise
        # Not chained: this is the same fault, told in full.
        raise ConfigError(f"{config.source}: {where}", fault.problem, fault.hint) from None


def _sqlite(config: DeskConfig) -> OpenJournal:
    return lambda binding, clock: SqliteJournal.open(
        config.journal_path, binding, clock=clock, network=config.desk.allow_network_journal
    )


def _assembled(
    config: DeskConfig, given: Overrides, registry: Registry, adapter: Adapter, journal: Journal
) -> Desk:
    limits = config.desk.limits()
    ports = Ports(
        given.clock, given.ids, given.rng, given.asker or ThreadAsker(limits.check_deadline)
    )
    named = config.data.providers
    settings = Settings(
        limits,
        _plan_settings(config),
        config.desk.allow_resize,
        config.expected_account_id,
        max_age=config.data.max_age(),
        time_zone=config.desk.time_zone,
        broker_data_at=named.index(OWN_DATA) if OWN_DATA in named else 0,
        beside=beside(config, registry, given.switch, given.inbox),
    )
    parts = Parts(
        adapter,
        journal,
        journal.binding,
        ports=ports,
        settings=settings,
        checks=registry.checks,
        watchers=Watchers(
            registry.execution_checks,
            registry.observers,
            books=registry.books_checks,
            alerts=registry.alert_observers,
            aside=ThreadAside(limits.check_deadline) if given.asker is None else InlineAside(),
        ),
        sources=sources_of(config, registry, given.clock),
    )
    return Desk(parts)


def beside(
    config: DeskConfig,
    registry: Registry,
    switch: KillSwitch | None = None,
    inbox: Path | None = None,
) -> Beside:
    """The files that steer this desk. Raises BadInput for a kill file that cannot be made."""
    kill = config.kill_path.absolute()
    if config.desk.kill_file:
        check_place(kill)
    return Beside(
        config.journal_path.resolve(),
        switch or KillSwitch(kill),
        config.token_path.absolute(),
        inbox=inbox or config.inbox_path.absolute(),
        grant_key=config.grant_key_path,
        scoped=scoped_of(registry.loaded()),
        tampered=registry.tampered,
    )


def _plan_settings(config: DeskConfig) -> PlanSettings:
    seconds = config.plan.deadline_seconds
    return PlanSettings(
        deadlines={urgency: seconds.of(urgency) for urgency in Urgency},
        stale_orders=config.plan.stale_orders,
        funds_within=config.plan.funds_timeout_seconds,
        quote_max_age=config.desk.quote_max_age_seconds,
        collar=config.desk.limits().collar,
    )
