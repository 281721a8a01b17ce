"""`fillwright grant`: let one check's refusal pass, signed, in one scope, for a while."""

import secrets
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fillwright.cli.answers import Answer
from fillwright.cli.arming import For, duration
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.reading import view_of
from fillwright.cli.recording import binding_of, said
from fillwright.cli.tables import table
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.desk.granting import read_key, write_key
from fillwright.desk.halts import checked_halt
from fillwright.desk.inbox import leave, waiting
from fillwright.errors import GrantRefused
from fillwright.grants import CHECK_NAME, KEY_BYTES, LONGEST, Grant, signed
from fillwright.ledger import Granted, GrantRevoked, Halted
from fillwright.types import text_of
from fillwright.verdicts import Scope

By = Annotated[str, typer.Option(help="The person who answers for it.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with every order that passes by it.")]
_SCOPES = "symbol:AAPL, strategy:NAME, account or desk"


class Grants(TyperGroup):
    """Options without a verb give a grant: `fillwright grant --check C02 ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer's own classes
        """Put the verb before its options."""
        if args and args[0].startswith("-") and args[0] != "--help":
            args = ["give", *args]
        rest: list[str] = super().parse_args(ctx, args)
        return rest


def give(  # noqa: PLR0913  # each is an option of its own
    call: Call,
    *,
    check: Annotated[str, typer.Option(help="The check: its id (C02), or its name.")],
    scope: Annotated[str, typer.Option(help=f"Whom: {_SCOPES}.")],
    lasting: For,
    by: By,
    reason: Reason,
    up_to_usd: Annotated[
        str | None, typer.Option("--up-to-usd", help="Only orders worth at most this much.")
    ] = None,
) -> Answer:
    """Let orders pass that this one check refuses; a running desk takes it up within a second.

    No halt, no house rule, and no check that fails or lacks its data can be granted away. Exit
    codes: 0 given, 2 bad input, or no key; nothing changed.
    """
    if CHECK_NAME.fullmatch(check) is None:
        raise UsageFault("--check is no name of a check; write it like C02")
    config = call.loaded()
    key = read_key(config.grant_key_path)
    now = SystemClock().now()
    whom, name = _scope(scope, config)
    until = now + duration(lasting, "--for", LONGEST)
    who, why = said(by, "--by"), said(reason, "--reason")
    if whom in (Scope.SYMBOL, Scope.STRATEGY):
        checked_halt(Halted(now, whom, name, why, who))
    identity = f"g-{secrets.token_hex(8)}"
    binding, most = str(binding_of(config)), _usd(up_to_usd)
    grant = signed(Grant(identity, check, whom, name, now, until, who, why, binding, most), key)
    leave(config.inbox_path, Granted(now, grant), identity)
    told = one_line(
        f"Grant {identity}: {check} lets orders of {grant.whom} pass until "
        f"{until.isoformat(timespec='seconds')}. The desk takes it up when it runs."
    )
    return Answer({"grant": _document(grant, "waiting")}, [told], done=told)


def new_key(
    call: Call,
    path: Annotated[
        Path | None, typer.Argument(help="Where; else what desk.grant_key_file names.")
    ] = None,
) -> Answer:
    """Make the key that signs grants, for its owner alone to read.

    Exit codes: 0 made, 2 it is there already, or cannot be made.
    """
    target = path or call.loaded().grant_key_path
    if target is None:
        raise UsageFault("name a file, or set grant_key_file in [desk]")
    write_key(target, secrets.token_bytes(KEY_BYTES))
    told = f'Made {target}. Name it in [desk]: grant_key_file = "{target}".'
    return Answer({"key_file": target}, [one_line(told)], done=told)


def list_(call: Call) -> Answer:
    """Show the grants that count, and those that wait for the desk.

    Exit codes: 0 shown, 2 no journal, or one that cannot be read.
    """
    config = call.loaded()
    now = SystemClock().now()
    grants = [
        _document(one.grant, "counts" if now < one.grant.until else "ran out")
        for one in view_of(config.journal_path).ledger.controls.grants.values()
    ]
    lines = []
    for path, fact in waiting(config.inbox_path):
        if isinstance(fact, Granted):
            grants.append(_document(fact.grant, "waiting"))
        elif isinstance(fact, GrantRefused):
            lines.append(one_line(f"{path.name}: {fact}"))
    columns = ("id", "check", "scope", "up_to_usd", "until", "by", "state", "reason")
    rows = ([str(one[column] or "-") for column in columns] for one in grants)
    shown = [table(columns, rows)] if grants else ["No grant stands."]
    return Answer({"grants": grants}, [*shown, *lines])


def revoke(
    call: Call,
    grant: Annotated[str, typer.Argument(metavar="ID", help="The grant; see `grant list`.")],
    *,
    by: By,
) -> Answer:
    """End a grant; a running desk heeds it within a second.

    Exit codes: 0 revoked, 2 bad input, or no such grant.
    """
    who, config, now = said(by, "--by"), call.loaded(), SystemClock().now()
    known = set(view_of(config.journal_path).ledger.controls.grants)
    known |= {fact.grant.id for _, fact in waiting(config.inbox_path) if isinstance(fact, Granted)}
    if grant not in known:
        raise UsageFault(f"there is no grant {one_line(grant)[:40]}; see `fillwright grant list`")
    leave(config.inbox_path, GrantRevoked(now, grant, who), f"{grant}-revoked")
    told = f"Revoked {grant}. The desk heeds it when it runs."
    return Answer({"revoked": grant, "by": who}, [told], done=told)


def _scope(text: str, config: DeskConfig) -> tuple[Scope, str]:
    kind, _, name = text.partition(":")
    if kind == Scope.DESK and not name:
        return Scope.DESK, ""
    if kind == Scope.ACCOUNT:
        account = binding_of(config).account
        if name in ("", account):
            return Scope.ACCOUNT, account
        raise UsageFault(f"--scope names another account; this desk's is {account}")
    if kind in (Scope.SYMBOL, Scope.STRATEGY) and name:
        return Scope(kind), name
    raise UsageFault(f"--scope is none; write {_SCOPES}")


def _usd(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount <= 0:
        raise UsageFault("--up-to-usd is no amount above 0; write it like 60000")
    return amount


def _document(grant: Grant, state: str) -> dict[str, object]:
    return {
        "id": grant.id,
        "check": grant.check,
        "scope": grant.whom,
        "up_to_usd": text_of(grant.up_to_usd) if grant.up_to_usd is not None else None,
        "at": grant.at.isoformat(timespec="seconds"),
        "until": grant.until.isoformat(timespec="seconds"),
        "by": grant.by,
        "reason": grant.reason,
        "state": state,
    }
