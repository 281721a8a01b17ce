"""`check-config --explain`: every limit that counts, where it comes from, and what has none."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from fillwright.cli.limiting import changes_of
from fillwright.cli.tables import table
from fillwright.clock import SystemClock
from fillwright.config import OWN_DATA, DeskConfig, default_text
from fillwright.config.load import DEFAULT_SOURCE
from fillwright.config.places import line_of, lines_of
from fillwright.desk.broker_data import BrokerClock
from fillwright.desk.limiting import LimitBook, path_of, scoped_of
from fillwright.desk.opening import sources_of
from fillwright.desk.supply import check_supplied, wanted_of
from fillwright.errors import FillwrightError
from fillwright.inputs import OTHER_MAX_AGE, THE_DESKS_OWN
from fillwright.limits import Effective, Offer, Scoped
from fillwright.plugins import NamedHook, Registry
from fillwright.protocols import Adapter, SessionSource

#: Says where a setting stands, by its full name.
Origin = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True, slots=True)
class Limit:
    """One effective limit of one check that is loaded."""

    check: str
    code: str
    effective: Effective
    origin: str


@dataclass(frozen=True, slots=True)
class Needed:
    """One input that loaded checks need, or would look at if anything supplied it."""

    name: str
    max_age_seconds: float
    suppliers: tuple[str, ...]
    checks: tuple[str, ...]


def data_of(config: DeskConfig, registry: Registry, adapter: Adapter) -> Mapping[str, list[str]]:
    """Which input is supplied by whom; the providers are built and asked nothing.

    Raises ConfigError for a check that needs what nothing supplies.
    """
    sources = sources_of(config, registry, SystemClock())
    for source in sources:
        asyncio.run(_closed(source.provider.close))
    supplied: dict[str, list[str]] = {name: ["the desk"] for name in THE_DESKS_OWN}
    if isinstance(adapter, SessionSource):
        supplied |= {name: [OWN_DATA] for name in BrokerClock.supplies}
    for source in sources:
        for name in source.provider.supplies:
            supplied.setdefault(name, []).append(source.name)
    check_supplied(_asked(registry), supplied)
    return supplied


async def _closed(close: Callable[[], Any]) -> None:
    await close()


def explained(
    config: DeskConfig, registry: Registry, supplied: Mapping[str, Sequence[str]]
) -> tuple[dict[str, object], list[RenderableType]]:
    """The part of the answer that is about limits: for JSON, and for people."""
    every = list(_limits(registry, _changed(config, registry, _origins(config))))
    limits = [one for one in every if one.effective.value is not None]
    off = [*_off(registry), *_unset(every)]
    needed = list(_needed(config, registry, supplied))
    document: dict[str, object] = {
        "limits": [_limit_document(one) for one in limits],
        "not_limited": [
            {"name": o.name, "code": o.code, "limits": o.limits, "turn_on": o.turn_on} for o in off
        ],
        "inputs": [
            {
                "name": one.name,
                "max_age_seconds": one.max_age_seconds,
                "suppliers": list(one.suppliers),
                "checks": list(one.checks),
            }
            for one in needed
        ],
    }
    return document, [*_shown_limits(limits), *_shown_off(off), *_shown_inputs(needed)]


def _asked(registry: Registry) -> tuple[NamedHook, ...]:
    return (*registry.checks, *registry.execution_checks, *registry.books_checks)


def _limits(registry: Registry, origin: Origin) -> Iterator[Limit]:
    for check in dict.fromkeys(one.name for one in _asked(registry)):
        plugin = registry.plugin(check)
        scoped, code = getattr(plugin, "limits", None), getattr(plugin, "code", "")
        if isinstance(scoped, Scoped):
            for one in scoped.effective():
                yield Limit(check, code, one, origin(one.path))


def _unset(limits: Iterable[Limit]) -> Iterator[Offer]:
    """The limits of loaded checks that have no value for most orders."""
    for one in limits:
        if one.effective.value is None:
            setting = one.effective.setting
            what, write = f"{setting} of {one.check}", f"write {'.'.join(one.effective.path)}"
            yield Offer(f"{one.check}.{setting}", one.code, what, write)


def _off(registry: Registry) -> Iterator[Offer]:
    """What loaded plugins have and these settings leave out."""
    loaded = {info.name for info in registry.listing()}
    for name in sorted(loaded):
        for offer in getattr(registry.plugin(name), "offers", ()):
            if isinstance(offer, Offer) and f"{name}.{offer.name}" not in loaded:
                yield offer


def _needed(
    config: DeskConfig, registry: Registry, supplied: Mapping[str, Sequence[str]]
) -> Iterator[Needed]:
    ages, asked = config.data.max_age(), _asked(registry)
    for name in sorted(wanted_of(asked)):
        checks = tuple(check.name for check in asked if name in wanted_of([check]))
        age = ages.get(name, OTHER_MAX_AGE).total_seconds()
        yield Needed(name, age, tuple(supplied.get(name, ())), checks)


def _origins(config: DeskConfig) -> Origin:
    """Where settings stand, by the file's own lines where it can be read."""
    built_in = config.source == DEFAULT_SOURCE
    try:
        text = default_text() if built_in else Path(config.source).read_text("utf-8-sig")
        lines = lines_of(text)
    except (OSError, ValueError):
        lines = {}

    def origin(path: tuple[str, ...]) -> str:
        if not _written(config.check_settings, path):
            return "default"
        line = line_of(lines, path)
        return config.source if line is None else f"{config.source}, line {line}"

    return origin


def _changed(config: DeskConfig, registry: Registry, origin: Origin) -> Origin:
    """Let what was changed at run time count, and name who changed it."""
    changes: dict[tuple[str, ...], str] = {}
    book = LimitBook(scoped_of(registry.loaded()))
    for change in changes_of(config):
        try:
            book.put(change)
        except FillwrightError:
            continue  # it lapses when the desk takes it up
        changes[path_of(change.path)] = f"changed by {change.by}: {change.reason}"
    return lambda path: changes.get(path) or origin(path)


def _written(tables: object, path: Iterable[str]) -> bool:
    for step in path:
        if not isinstance(tables, Mapping) or step not in tables:
            return False
        tables = tables[step]
    return True


def _limit_document(limit: Limit) -> dict[str, object]:
    one = limit.effective
    return {
        "check": limit.check,
        "code": limit.code,
        "scope": one.scope,
        "setting": one.setting,
        "value": _text(one.value),
        "from": limit.origin,
    }


def _shown_limits(limits: Sequence[Limit]) -> list[RenderableType]:
    rows = [
        (
            one.check,
            one.code or "-",
            one.effective.scope,
            one.effective.setting,
            _text(one.effective.value),
            one.origin,
        )
        for one in limits
    ]
    return [table(("limit of", "code", "scope", "setting", "value", "from"), rows), ""]


def _shown_off(off: Sequence[Offer]) -> list[RenderableType]:
    lines: list[RenderableType] = [
        f"not limited: {one.limits} ({one.code}); to limit it, {one.turn_on}" for one in off
    ]
    return [*lines, ""] if lines else []


def _shown_inputs(needed: Sequence[Needed]) -> list[RenderableType]:
    if not needed:
        return []
    rows = [
        (
            one.name,
            f"{one.max_age_seconds:g} s",
            ", ".join(one.suppliers) or "nobody",
            ", ".join(one.checks),
        )
        for one in needed
    ]
    return [table(("input", "at most", "supplied by", "needed by"), rows), ""]


def _text(value: object) -> str:
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
