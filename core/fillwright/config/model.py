"""The values of desk.toml, checked and frozen.

Rules:
1. What is not known is refused; what moves money has no default.
2. A duration has its unit in its name; a decimal is a string.
3. The messages here are fixed texts: none shows what was written.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from fillwright.config.pins import PluginPin
from fillwright.config.secrets import seal
from fillwright.inputs import INPUT_NAME, MAX_AGE, Input
from fillwright.plans import StaleOrders, Urgency
from fillwright.protocols import ClosePolicy, Limits, OnDisconnect
from fillwright.types import Mode, NonNegative, Value, plain

#: What a plugin may be called.
PLUGIN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
#: The environment variable that names the file.
CONFIG_VARIABLE = "FILLWRIGHT_CONFIG"
#: In the validation's context: a live desk need not name its account, since it is only looked at.
ACCOUNT_UNKNOWN = "account_unknown"
#: Tables and keys of our own; no plugin may be called so.
RESERVED = frozenset(
    {
        "mode",
        "broker",
        "journal",
        "checks",
        "expected_account_id",
        "desk",
        "plan",
        "data",
        "plugins",
        "required",
    }
)

#: What stands for the broker's own data among the providers.
OWN_DATA = "broker"
#: The time zone of a desk that names none.
NEW_YORK = "America/New_York"
_DEFAULT = Limits()
_HUNDRED = Decimal(100)


def _wrong(text: str) -> NoReturn:
    raise PydanticCustomError("desk_setting", text)


def _below_hundred(percent: Decimal) -> Decimal:
    if percent >= _HUNDRED:
        _wrong("must be below 100")
    return percent


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _wrong(f'must be the name of a time zone, like "{NEW_YORK}"')
    return name


def _plain_path(path: str) -> str:
    if path and (not path.strip() or not path.isprintable() or path.endswith(("/", "\\"))):
        _wrong('must be the path of a file, like "desk.kill"')
    if "://" in path or path.startswith((":", "~", "file:")):
        _wrong('must be the path of a file, like "desk.kill"')
    return path


_Percent = Annotated[NonNegative, AfterValidator(_below_hundred)]


def table_name(check: str) -> str:
    """The table of desk.toml that belongs to a check: `risk`, and `my_checks` for a file."""
    return PurePath(check).stem if check.endswith(".py") else check


class DeskSettings(Value):
    """`[desk]`: how long the desk waits, in seconds, and how much it holds."""

    send_deadline_seconds: float = Field(_DEFAULT.send_deadline, ge=0.1, le=600, strict=True)
    check_deadline_seconds: float = Field(_DEFAULT.check_deadline, ge=0.001, le=60, strict=True)
    quote_max_age_seconds: float = Field(_DEFAULT.quote_max_age, ge=0.1, le=3600, strict=True)
    reconcile_every_seconds: float = Field(_DEFAULT.reconcile_every, ge=1, le=3600, strict=True)
    #: No report for this long while orders are in flight: ask the broker.
    silence_seconds: float = Field(_DEFAULT.silence, ge=0.1, le=600, strict=True)
    ready_within_seconds: float = Field(_DEFAULT.ready_within, ge=0.1, le=600, strict=True)
    max_in_flight: int = Field(_DEFAULT.max_in_flight, ge=1, le=100_000, strict=True)
    #: How far a market order may fill from the reference price, for worst-case exposure.
    collar_pct: _Percent = plain(_DEFAULT.collar * _HUNDRED)
    close_policy: ClosePolicy = ClosePolicy.KEEP
    #: What happens to open orders once the stream was down for `disconnect_after_seconds`.
    on_disconnect: OnDisconnect = OnDisconnect.KEEP
    disconnect_after_seconds: float = Field(_DEFAULT.disconnect_after, ge=0.1, le=3600, strict=True)
    #: Whether a check may shrink an order instead of refusing it.
    allow_resize: bool = Field(default=False, strict=True)
    #: Whether the journal may lie on a network file system, where its lock is no promise.
    allow_network_journal: bool = Field(default=False, strict=True)
    #: At whose midnight a trading day begins.
    time_zone: Annotated[str, AfterValidator(_zone)] = NEW_YORK

    #: While this file exists no new risk leaves; empty: the journal's name and ".kill".
    kill_file: Annotated[str, AfterValidator(_plain_path)] = ""
    #: The key that signs grants; empty: there are none.
    grant_key_file: Annotated[str, AfterValidator(_plain_path)] = ""

    def limits(self) -> Limits:
        """The same, as the desk takes it."""
        return Limits(
            send_deadline=self.send_deadline_seconds,
            check_deadline=self.check_deadline_seconds,
            quote_max_age=self.quote_max_age_seconds,
            reconcile_every=self.reconcile_every_seconds,
            silence=self.silence_seconds,
            ready_within=self.ready_within_seconds,
            max_in_flight=self.max_in_flight,
            collar=self.collar_pct / _HUNDRED,
            on_disconnect=self.on_disconnect,
            disconnect_after=self.disconnect_after_seconds,
        )


def _known_ages(ages: dict[str, float]) -> dict[str, float]:
    for name in ages:
        if name == Input.QUOTE:
            _wrong("a quote's age is desk.quote_max_age_seconds; set it there")
        if INPUT_NAME.fullmatch(name) is None:
            _wrong("an input is named in lower case, like adv")
    return ages


#: Seconds; a year is longer than anything keeps its worth.
_Age = Annotated[float, Field(gt=0, le=31_536_000, strict=True, allow_inf_nan=False)]


class DataSettings(Value):
    """`[data]`: where data for checks comes from, and how old it may be."""

    #: Plugins, in the order in which they are asked; "broker" stands for the broker's own data,
    #: which is asked first when it is not named.
    providers: tuple[str, ...] = ()
    #: By input; the others keep their defaults.
    max_age_seconds: Annotated[dict[str, _Age], AfterValidator(_known_ages)] = Field(
        default_factory=dict
    )

    def max_age(self) -> Mapping[str, timedelta]:
        """How old each input may be."""
        given = {n: timedelta(seconds=seconds) for n, seconds in self.max_age_seconds.items()}
        return {**MAX_AGE, **given}

    @field_validator("providers")
    @classmethod
    def _are_plugins(cls, providers: tuple[str, ...]) -> tuple[str, ...]:
        for name in providers:
            is_file = name.endswith(".py") and "/" in name
            if not is_file and not PLUGIN_NAME.fullmatch(name):
                _wrong('each must be the name of a plugin or a file like "./my_data.py"')
        if len(set(map(table_name, providers))) < len(providers):
            _wrong("two of them have the same name, and so the same table")
        return providers


class DeadlineSeconds(Value):
    """`[plan.deadline_seconds]`: how long a plan may work, by its urgency."""

    low: float = Field(900.0, ge=1, le=86_400, strict=True)
    normal: float = Field(300.0, ge=1, le=86_400, strict=True)
    high: float = Field(120.0, ge=1, le=86_400, strict=True)
    urgent: float = Field(45.0, ge=1, le=86_400, strict=True)

    def of(self, urgency: Urgency) -> float:
        """The seconds for one urgency."""
        seconds: float = getattr(self, urgency.lower())
        return seconds


class PlanSettings(Value):
    """`[plan]`: how plans are carried out."""

    stale_orders: StaleOrders = StaleOrders.CANCEL_OURS
    #: How long buys wait for the sells' proceeds to become buying power.
    funds_timeout_seconds: float = Field(30.0, ge=0, le=86_400, strict=True)
    deadline_seconds: DeadlineSeconds = DeadlineSeconds()


class DeskConfig(Value):
    """All of desk.toml, with the environment's share already in it."""

    mode: Mode
    broker: str
    #: As it is written; `journal_path` is where the file lies.
    journal: str
    checks: tuple[str, ...]
    #: The account that a live desk must find at the broker.
    expected_account_id: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None
    ) = Field(default=None, validate_default=True)
    desk: DeskSettings = DeskSettings()
    plan: PlanSettings = PlanSettings()
    data: DataSettings = DataSettings()
    #: What plugins must be, by their names.
    plugins: dict[str, PluginPin] = Field(default_factory=dict)
    #: Plugins and checks without which nothing may leave, like "risk.max_order_notional".
    required: tuple[str, ...] = ()
    #: Where relative paths start: the folder of the file.
    folder: Path = Path()
    #: What errors call this configuration: the path of the file.
    source: str = "the configuration"
    #: The broker's own table, secrets sealed.
    broker_settings: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)
    #: The tables of checks and of providers of data, by `table_name`.
    check_settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, repr=False, exclude=True
    )

    @property
    def journal_path(self) -> Path:
        """The journal's file."""
        return self.folder / self.journal

    @property
    def kill_path(self) -> Path:
        """The kill file."""
        return self._beside(".kill", self.desk.kill_file)

    @property
    def token_path(self) -> Path:
        """The arming token of a live desk."""
        return self._beside(".armed")

    @property
    def inbox_path(self) -> Path:
        """The folder in which a person leaves grants and changes of limits."""
        return self._beside(".inbox")

    @property
    def grant_key_path(self) -> Path | None:
        """The key that signs grants; None when there is none."""
        return self.folder / self.desk.grant_key_file if self.desk.grant_key_file else None

    def _beside(self, suffix: str, named: str = "") -> Path:
        path = self.journal_path
        return self.folder / named if named else path.with_name(path.name + suffix)

    def settings_of(self, check: str) -> Mapping[str, Any]:
        """The table of one of `checks`; empty when the file has none."""
        return self.check_settings.get(table_name(check), {})

    def data_settings_of(self, provider: str) -> Mapping[str, Any]:
        """The table of one provider of data; the broker's plugin may be one."""
        if table_name(provider) == self.broker:
            return self.broker_settings
        return self.settings_of(provider)

    @property
    def data_plugins(self) -> tuple[str, ...]:
        """The plugins that supply data."""
        return tuple(name for name in self.data.providers if name != OWN_DATA)

    @field_validator("broker")
    @classmethod
    def _is_plugin(cls, broker: str) -> str:
        if not PLUGIN_NAME.fullmatch(broker):
            _wrong('must be the name of a plugin, like "fake"')
        if broker in RESERVED:
            _wrong("is named like one of our own settings")
        return broker

    @field_validator("journal")
    @classmethod
    def _is_file(cls, journal: str) -> str:
        if journal.startswith(("postgresql:", "postgres:")):
            _wrong("a PostgreSQL journal is not available yet; name a file")
        if "://" in journal or journal.startswith((":", "~", "file:")):
            _wrong('must be the path of a file, like "desk.db"')
        if not journal.strip() or not journal.isprintable() or journal.endswith(("/", "\\")):
            _wrong('must be the path of a file, like "desk.db"')
        return journal

    @field_validator("checks")
    @classmethod
    def _are_checks(cls, checks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not checks:
            _wrong("must name at least one check; without checks nothing may leave")
        for check in checks:
            if check.endswith(".py"):
                if "/" not in check:
                    _wrong('a file is written with its folder, like "./my_checks.py"')
            elif not PLUGIN_NAME.fullmatch(check):
                _wrong('each must be the name of a plugin or a file like "./my_checks.py"')
        tables = Counter(map(table_name, checks))
        if max(tables.values()) > 1:
            _wrong("two of them have the same name, and so the same table")
        if RESERVED & tables.keys():
            _wrong("one of them is named like one of our own settings")
        if info.data.get("broker") in tables:
            _wrong("one of them has the broker's name, and so the broker's table with its secrets")
        return checks

    @field_validator("expected_account_id")
    @classmethod
    def _live_names_its_account(cls, account: str | None, info: ValidationInfo) -> str | None:
        known = not (info.context or {}).get(ACCOUNT_UNKNOWN)
        if known and account is None and info.data.get("mode") is Mode.LIVE:
            _wrong('is missing; mode = "live" needs the account that the broker must report')
        return account

    @field_validator("broker_settings")
    @classmethod
    def _sealed(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return seal(settings)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a desk's configuration may hold secrets, so it cannot be pickled")


#: The settings of each of our own tables, by the path to it.
SETTINGS: Mapping[tuple[int | str, ...], frozenset[str]] = {
    ("desk",): frozenset(DeskSettings.model_fields),
    ("plan",): frozenset(PlanSettings.model_fields),
    ("plan", "deadline_seconds"): frozenset(DeadlineSeconds.model_fields),
    ("data",): frozenset(DataSettings.model_fields),
}
