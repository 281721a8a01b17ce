"""`fillwright arm` and `disarm`: the token without which a live desk sends nothing."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault, one_line
from fillwright.cli.recording import said
from fillwright.cli.stopping import run_stoppable
from fillwright.clock import SystemClock, SystemIds, SystemRng
from fillwright.config import DeskConfig
from fillwright.desk.arming import LONGEST, Token, write_token
from fillwright.desk.doctor import Diagnosis, State, examine
from fillwright.errors import BadInput, NotArmed
from fillwright.journal.files import check_folder, prepare_folder
from fillwright.types import Mode

By = Annotated[str, typer.Option(help="The person who answers for it.")]
For = Annotated[
    str, typer.Option("--for", metavar="TIME", help="How long it holds, like 8h or 30m.")
]

#: What must be found in order before a desk is armed; what else fails is not about whose it is.
_AGREE = frozenset(
    {"configuration", "plugins", "adapter", "endpoint", "keys", "account_id", "binding"}
)
_TIME = re.compile(r"([1-9][0-9]{0,5})([smh])")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}


def arm(call: Call, *, by: By, lasting: For) -> Answer:
    """Let the live desk of this configuration send, for a while; also while it runs.

    Asks the broker whose account it is, and sends nothing. Exit codes: 0 armed, 1 what must agree
    does not, and nothing was armed; 2 bad input, or a paper desk, which needs no token.
    """
    who, time = said(by, "--by"), duration(lasting, "--for", LONGEST)
    config = call.loaded()
    if config.mode is not Mode.LIVE:
        raise UsageFault(f"{config.source} is a {config.mode} desk, which needs no arming token")
    clock = SystemClock()
    diagnosis = run_stoppable(lambda: examine(config, clock=clock, rng=SystemRng()))
    wrong = _disagreements(diagnosis)
    if wrong or diagnosis.account_id is None:
        told = one_line(f"Not armed: {'; '.join(wrong) or 'the account is not known'}.")
        return Answer({"armed": None, "problems": wrong}, [told], 1)
    now = clock.now()
    token = Token(
        mode=config.mode,
        broker=diagnosis.broker,
        account=diagnosis.account_id,
        journal=str(config.journal_path.resolve()),
        at=now,
        until=now + time,
        by=who,
        nonce=SystemIds().new("arm"),
    )
    _put(config, token)
    until = token.until.isoformat(timespec="seconds")
    lines = [one_line(f"Armed {token.binding} until {until} by {who}: {config.token_path}.")]
    document = {"armed": token.model_dump(mode="json"), "file": config.token_path, "problems": []}
    return Answer(document, lines, done=lines[0])


def _disagreements(diagnosis: Diagnosis) -> list[str]:
    return [
        f"{one.name}: {one.seen}"
        for one in diagnosis.findings
        if one.name in _AGREE and one.state in (State.FAILED, State.SKIPPED)
    ]


def _put(config: DeskConfig, token: Token) -> None:
    path = config.token_path
    network = config.desk.allow_network_journal
    prepare_folder(config.journal_path, network=network)
    check_folder(config.journal_path, network=network)
    try:
        write_token(path, token)
    except OSError as fault:
        raise NotArmed(f"the arming token {path} cannot be written: {fault.strerror}") from fault


def disarm(call: Call) -> Answer:
    """Take the arming token away: from its next request on the desk sends nothing, cancels too.

    Exit codes: 0 there is none now, 2 it cannot be removed.
    """
    config = call.loaded()
    path = config.token_path
    try:
        path.unlink()
    except FileNotFoundError:
        return Answer({"disarmed": False, "file": path}, [f"There is no arming token {path}."])
    except OSError as fault:
        raise BadInput(str(path), f"cannot be removed: {fault.strerror}") from fault
    told = f"Disarmed: {path} is removed. To stop new risk alone, use `fillwright halt --all`."
    return Answer({"disarmed": True, "file": path}, [told], done=told)


def duration(text: str, option: str, longest: timedelta) -> timedelta:
    """A time like 30m. Raises UsageFault."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UsageFault(f"{option} is no time; write it like 30m or 8h")
    time = int(found[1]) * _UNITS[found[2]]
    if time > longest:
        raise UsageFault(f"{option} is more than {longest.total_seconds() / 3600:g}h")
    return time
