"""Examine a desk: one probe after another, each bounded in time, and nothing is sent.

Rules:
1. A probe that fails does not stop the others; one that needs what is missing is skipped.
2. Questions only. No order, cancel or replace, and no file is made by looking.
3. Where mode and endpoint disagree, or the keys are refused, the broker is asked no more.
4. Whatever an adapter does, it is a finding: it raises, hangs, or answers with something else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from fillwright.config import DeskConfig
from fillwright.desk.doctor import account, books, house, market
from fillwright.desk.doctor.asking import Unsound, answered, is_refusal
from fillwright.desk.doctor.case import Case
from fillwright.desk.doctor.findings import Diagnosis, Finding, Seen, State, failed, skipped
from fillwright.desk.tasks import NoAnswer
from fillwright.errors import BrokerUnavailable, fault_text
from fillwright.logs import get_logger
from fillwright.protocols import Clock, Rng

_log = get_logger(__name__)

_NOT_NOW = "Look again later; if it stays, check the network and the broker's own status page"
_WRONG = "The adapter breaks its promise: tell whoever wrote it"
_MAY_NOT = "Let the broker give these keys the right to read this"


class Need(StrEnum):
    """What a probe cannot do without."""

    NOTHING = "nothing"
    ADAPTER = "adapter"
    #: The adapter, and that it may be asked.
    BROKER = "broker"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at."""

    name: str
    look: Callable[[Case], Awaitable[Seen]]
    need: Need


PROBES = (
    Probe("configuration", house.configuration, Need.NOTHING),
    Probe("plugins", house.plugins, Need.NOTHING),
    Probe("journal", house.journal, Need.NOTHING),
    Probe("halts", house.halts, Need.NOTHING),
    Probe("arming", house.arming, Need.NOTHING),
    Probe("adapter", house.adapter, Need.NOTHING),
    Probe("data", house.data, Need.ADAPTER),
    Probe("endpoint", house.endpoint, Need.ADAPTER),
    Probe("keys", account.keys, Need.BROKER),
    Probe("account_id", account.account_id, Need.ACCOUNT),
    Probe("account", account.account, Need.ACCOUNT),
    Probe("binding", account.binding, Need.ADAPTER),
    Probe("clock", market.clock, Need.BROKER),
    Probe("market", market.market, Need.BROKER),
    Probe("positions", account.positions, Need.ACCOUNT),
    Probe("open_orders", books.open_orders, Need.BROKER),
    Probe("executions", books.executions, Need.BROKER),
    Probe("quote", market.quote, Need.BROKER),
    Probe("stream", books.stream, Need.BROKER),
    Probe("rate_limit", books.rate_limit, Need.BROKER),
)


async def examine(
    config: DeskConfig,
    *,
    clock: Clock,
    rng: Rng,
    symbol: str | None = None,
    begun: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """Find out whether a desk with this configuration could trade now, and send nothing.

    `symbol` is the one whose quote is asked for; None takes one that is held, or a well-known one.
    `begun` hears the name of each finding before it is looked for.
    """
    case = Case(config, clock, rng, symbol)
    findings: list[Finding] = []
    try:
        for probe in PROBES:
            begun(probe.name)
            lacking = _lacking(case, probe.need)
            seen = skipped(lacking) if lacking else await _looked(case, probe)
            findings.append(seen.named(probe.name))
    finally:
        await _close(case)
    return Diagnosis(
        source=config.source,
        mode=config.mode,
        broker=config.broker,
        account_id=case.account.account_id if case.account else None,
        ready=all(finding.state is not State.FAILED for finding in findings),
        findings=tuple(findings),
    )


def _lacking(case: Case, need: Need) -> str:
    """Why a probe cannot run; empty when it can."""
    if need is Need.NOTHING:
        return ""
    if case.built is None:
        return "the adapter could not be built"
    if need is Need.ADAPTER:
        return ""
    if case.barred:
        return case.barred
    return "the account is not known" if need is Need.ACCOUNT and case.account is None else ""


async def _looked(case: Case, probe: Probe) -> Seen:
    try:
        return await probe.look(case)
    except NoAnswer as fault:
        return failed(str(fault), _NOT_NOW)
    except Unsound as fault:
        return failed(str(fault), _WRONG)
    except BrokerUnavailable as fault:
        return failed(str(fault), _MAY_NOT if is_refusal(fault) else _NOT_NOW)
    except Exception as fault:  # noqa: BLE001 - an adapter may raise anything, and it is a finding
        return failed(fault_text(fault), _WRONG)


async def _close(case: Case) -> None:
    """Let go of the adapter; one that cannot be closed has been examined all the same."""
    made = case.built
    if made is None:
        return

    async def stream() -> None:
        await made.stream.close()

    async def adapter() -> None:
        await made.close()

    for close in (stream, adapter):
        try:
            await answered(close, case.clock, case.patience.close)
        except Exception as fault:  # noqa: BLE001 - whatever it raises, nothing is left to ask
            _log.warning("adapter_unclosed", part=close.__name__, reason=fault_text(fault))
