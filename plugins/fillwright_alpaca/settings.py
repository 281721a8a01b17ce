"""The `[alpaca]` table of desk.toml, and what the adapter makes of it.

Rules:
1. A key is SecretStr from the moment it is read, and known to the logs before anybody uses it.
2. No sentence here shows what was written.
3. Nothing is repeated by itself, so there is no setting for retries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import Field, SecretStr, ValidationError

from fillwright.config import explain
from fillwright.errors import ConfigError
from fillwright.types import Mode, Value
from fillwright_alpaca.credentials import credential
from fillwright_alpaca.endpoints import BadUrl, checked_proxy, is_local, mode_of, resolve

Feed = Literal["iex", "sip", "delayed_sip", "otc", "boats", "overnight"]


class AlpacaSettings(Value):
    """What may stand in the table; durations in seconds."""

    key_id: SecretStr | None = None
    secret_key: SecretStr | None = None
    #: Files with mode 0600 in place of the two.
    key_file: Path | None = None
    #: Sealed by the desk, as everything is that is called a secret.
    secret_file: SecretStr | None = None
    #: Where they are not given, mode says where; a server on this machine is asked for everything.
    url: str | None = None
    data_url: str | None = None
    stream_url: str | None = None
    #: Whose quotes stocks are priced by.
    feed: Feed = "iex"
    connect_timeout_seconds: float = Field(3.0, ge=0.05, le=60, strict=True)
    #: The longest silence of a server within an answer.
    read_timeout_seconds: float = Field(8.0, ge=0.05, le=120, strict=True)
    #: For all of one request, its wait for a free worker included.
    total_timeout_seconds: float = Field(10.0, ge=0.05, le=300, strict=True)
    #: How long a proxy between here and there may hold a request back and still pass it on.
    proxy_timeout_seconds: float = Field(60.0, ge=0, le=3600, strict=True)
    #: An HTTP proxy for requests and the stream; those that the environment names are not used.
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """All that a request needs: where to, as whom, and how long."""

    url: str
    data_url: str
    stream_url: str
    key: SecretStr = field(repr=False)
    secret: SecretStr = field(repr=False)
    feed: str
    connect_timeout: float
    read_timeout: float
    total_timeout: float
    proxy_timeout: float
    proxy: str | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("Alpaca's keys are not copied or pickled")


def read_settings(name: str, table: Mapping[str, Any], folder: Path, mode: Mode) -> Access:
    """Read the table, paths from `folder` on.

    Raises ConfigError, which names the table and the field.
    """
    try:
        settings = AlpacaSettings.model_validate(dict(table))
    except ValidationError as fault:
        told = explain(fault, f"[{name}]", {(): AlpacaSettings.model_fields})
        where = told.where.replace(": ", " ", 1)
        # Not chained: pydantic's finding holds what was written.
        raise ConfigError(where, told.problem, told.hint) from None
    try:
        ends = resolve(mode, settings.url, settings.data_url, settings.stream_url)
        proxy = checked_proxy(settings.proxy) if settings.proxy is not None else None
    except BadUrl as fault:
        raise ConfigError(f"[{name}] {fault.setting}", fault.problem) from None
    _check_mode(name, mode, ends.url, ends.stream_url)
    return Access(
        url=ends.url,
        data_url=ends.data_url,
        stream_url=ends.stream_url,
        key=credential(name, "key_id", settings.key_id, _key_file(settings, folder)),
        secret=credential(name, "secret_key", settings.secret_key, _secret_file(settings, folder)),
        feed=settings.feed,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        total_timeout=settings.total_timeout_seconds,
        proxy_timeout=settings.proxy_timeout_seconds,
        proxy=None if is_local(ends.url) else proxy,
    )


def _check_mode(name: str, mode: Mode, url: str, stream_url: str) -> None:
    for setting, given in (("url", url), ("stream_url", stream_url)):
        kind = mode_of(given)
        if kind is not mode:
            raise ConfigError(
                f"[{name}] {setting}",
                f"is a {kind} endpoint, and mode is {mode}",
                "Make them agree; without the setting it follows the mode",
            )


def _key_file(settings: AlpacaSettings, folder: Path) -> Path | None:
    return folder / settings.key_file if settings.key_file is not None else None


def _secret_file(settings: AlpacaSettings, folder: Path) -> Path | None:
    path = settings.secret_file
    return folder / path.get_secret_value() if path is not None else None
