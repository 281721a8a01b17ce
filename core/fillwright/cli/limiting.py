"""`fillwright limit`: change a limit while the desk runs, and take that back."""

import secrets
from typing import Annotated

import typer

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.reading import view_of
from fillwright.cli.recording import said
from fillwright.cli.tables import table
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.inbox import leave, waiting
from fillwright.desk.limiting import LimitBook, scoped_of
from fillwright.desk.opening import load_plugins
from fillwright.errors import FillwrightError
from fillwright.ledger import LimitChanged, LimitRevoked

By = Annotated[str, typer.Option(help="The person who answers for it.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the journal.")]
Setting = Annotated[
    str, typer.Argument(help="Its full name, like risk.max_order_notional.limit_usd.")
]


def set_(
    call: Call,
    setting: Setting,
    value: Annotated[str, typer.Argument(help="The new value, like 60000.")],
    *,
    by: By,
    reason: Reason,
) -> Answer:
    """Change one limit; a running desk heeds it within a second, and it lives over restarts.

    It counts until it is revoked, or until desk.toml says something else there. Exit codes: 0
    changed, 2 bad input, or the control refuses it; nothing changed.
    """
    who, why, config = said(by, "--by"), said(reason, "--reason"), call.loaded()
    now = SystemClock().now()
    new, old, written = limits_now(config).judged(setting, value)
    change = LimitChanged(now, f"l-{secrets.token_hex(8)}", setting, new, old, written, who, why)
    leave(config.inbox_path, change, change.id)
    told = one_line(f"{setting} is {new}, was {old or 'not set'}. The desk heeds it when it runs.")
    return Answer({"changed": _document(change, "waiting")}, [told], done=told)


def list_(call: Call) -> Answer:
    """Show the limits that are not what desk.toml says.

    Exit codes: 0 shown, 2 no journal, or one that cannot be read.
    """
    config = call.loaded()
    changes = [
        _document(one, "counts")
        for one in view_of(config.journal_path).ledger.controls.limits.values()
    ]
    changes += [_document(one, "waiting") for one in _waiting(config)]
    columns = ("setting", "value", "old", "written", "by", "at", "state", "reason")
    rows = ([str(one[column] or "-") for column in columns] for one in changes)
    shown = table(columns, rows) if changes else "Every limit is what desk.toml says."
    return Answer({"limits": changes}, [shown])


def revoke(call: Call, setting: Setting, *, by: By, reason: Reason = "revoked") -> Answer:
    """Let desk.toml count again for one limit; a running desk heeds it within a second.

    Exit codes: 0 revoked, 2 bad input, or it was not changed.
    """
    who, config, now = said(by, "--by"), call.loaded(), SystemClock().now()
    known = {one.path for one in _waiting(config)}
    known |= view_of(config.journal_path).ledger.controls.limits.keys()
    if setting not in known:
        raise UsageFault(f"{one_line(setting)[:80]} is not changed; see `fillwright limit list`")
    fact = LimitRevoked(now, setting, who, said(reason, "--reason"))
    leave(config.inbox_path, fact, f"l-{secrets.token_hex(8)}-revoked")
    told = one_line(f"{setting} is what desk.toml says again. The desk heeds it when it runs.")
    return Answer({"revoked": setting, "by": who}, [told], done=told)


def limits_now(config: DeskConfig) -> LimitBook:
    """The limits as the desk has them, with the changes that it has or will take up.

    Raises ConfigError, PluginError.
    """
    book = LimitBook(scoped_of(load_plugins(config).loaded()))
    for change in changes_of(config):
        try:
            book.put(change)
        except FillwrightError:
            continue  # it lapses when the desk takes it up
    return book


def changes_of(config: DeskConfig) -> list[LimitChanged]:
    """The changes that count, and those that wait for the desk, in their order."""
    if not config.journal_path.exists():
        return _waiting(config)
    recorded = view_of(config.journal_path).ledger.controls.limits
    return [*recorded.values(), *_waiting(config)]


def _waiting(config: DeskConfig) -> list[LimitChanged]:
    return [fact for _, fact in waiting(config.inbox_path) if isinstance(fact, LimitChanged)]


def _document(change: LimitChanged, state: str) -> dict[str, object]:
    return {
        "setting": change.path,
        "value": change.value,
        "old": change.old,
        "written": change.written,
        "by": change.by,
        "reason": change.reason,
        "at": change.at.isoformat(timespec="seconds"),
        "id": change.id,
        "state": state,
    }
