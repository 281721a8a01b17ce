"""What can be looked at without asking the broker: plugins, journal, adapter, endpoint."""

from fillwright.desk.arming import read_token
from fillwright.desk.broker_data import BrokerClock
from fillwright.desk.doctor.asking import answered, need
from fillwright.desk.doctor.case import Case
from fillwright.desk.doctor.findings import Seen, failed, ok, skipped, warning
from fillwright.desk.opening import adapter_of, broker_alone, load_plugins, sources_of
from fillwright.desk.supply import check_supplied, wanted_of
from fillwright.errors import ConfigError, FillwrightError, JournalError, NotArmed
from fillwright.inputs import THE_DESKS_OWN
from fillwright.journal import Sight, look
from fillwright.ledger import BooksOpened, CursorMoved, Halted, Ledger, Resumed, decode
from fillwright.ledger.codec import KINDS
from fillwright.protocols import Capabilities, SessionSource
from fillwright.types import Mode
from fillwright.verdicts import Scope

#: What is read of a journal, by kind: the newest only, and all of it.
_NEWEST = (KINDS[BooksOpened], KINDS[CursorMoved])
_EVERY = (KINDS[Halted], KINDS[Resumed])
#: A halt of these leaves nothing that new risk may be taken in.
_WHOLE = frozenset({Scope.ACCOUNT, Scope.DESK})


async def configuration(case: Case) -> Seen:
    """It was read, or nothing else would be looked at."""
    config = case.config
    return ok(f"{config.source}: a {config.mode} desk on {config.broker}")


async def plugins(case: Case) -> Seen:
    """Whether everything that the configuration names can be loaded, and something may object."""
    try:
        registry = load_plugins(case.config)
    except FillwrightError as fault:
        return failed(str(fault), "Mend it: without all its checks no desk opens")
    case.registry = registry
    names = [check.name for check in registry.checks]
    if not names:
        return failed(
            "no plugin answers check_order, so nothing may leave",
            'Name one that does, like checks = ["risk"]',
        )
    return ok(f"{len(names)} checks: {', '.join(names)}")


async def journal(case: Case) -> Seen:
    """Whether the journal could be opened; nothing is made by looking."""
    try:
        network = case.config.desk.allow_network_journal
        case.journal = sight = look(
            case.config.journal_path, newest=_NEWEST, every=_EVERY, network=network
        )
        case.ledger = _folded(sight)
    except JournalError as fault:
        return failed(str(fault), "Do as it says, or name another file as `journal`")
    if sight.holder:
        return failed(
            f"{sight.path} is in use by {sight.holder}",
            "Stop that process, or name another journal: one desk at a time writes a journal",
        )
    return ok(*_described(sight))


def _described(sight: Sight) -> tuple[str, str]:
    if sight.binding is None:
        return (
            f"a new journal: {sight.path} is not there yet",
            "Nothing, if this desk has never run; else check how `journal` is spelt",
        )
    return f"{sight.path}, {sight.records} records of {sight.binding}", ""


def _folded(sight: Sight) -> Ledger:
    """A ledger that knows of nothing but the cursor of executions and the halts."""
    ledger = Ledger()
    for fact in (known for known in map(decode, sight.found) if known is not None):
        ledger.apply(fact)
    return ledger


async def halts(case: Case) -> Seen:
    """Whether somebody, or a check, halted new risk, and how that is lifted."""
    if case.ledger is None:
        return skipped("the journal cannot be read")
    standing = list(case.ledger.halts.values())
    if not standing:
        return ok("none stands")
    told = "; ".join(f"{h.scope} {h.name} by {h.by}: {h.reason}" for h in standing)
    advice = "Find the reason, then lift it: `fillwright resume`, --symbol, --strategy or --all"
    whole = any(halt.scope in _WHOLE for halt in standing)
    return failed(told, advice) if whole else warning(told, advice)


async def arming(case: Case) -> Seen:
    """Whether a live desk has a token that would let it send; what it is bound to, it asks then."""
    config = case.config
    if config.mode is not Mode.LIVE:
        return ok("a paper desk needs no token")
    advice = "Arm it when it is to trade: `fillwright arm --for 8h --by NAME`"
    try:
        token = read_token(config.token_path)
    except NotArmed as fault:
        return warning(str(fault), advice)
    until = token.until.isoformat(timespec="seconds")
    if token.until <= case.clock.now():
        return warning(f"the token ran out at {until}", advice)
    return ok(f"armed until {until} by {token.by}")


async def adapter(case: Case) -> Seen:
    """Whether the adapter can be built from its settings; building asks nobody."""
    config = case.config
    case.feed.listen(case.heard)
    try:
        registry = case.registry or broker_alone(config)
        made = adapter_of(config, registry, case.clock, case.rng, case.feed)
    except FillwrightError as fault:
        return failed(str(fault), f"Mend [{config.broker}], or install what is missing")
    case.built = made
    name = need(made.executor.broker, str, "executor.broker")
    need(made.executor.capabilities, Capabilities, "executor.capabilities")
    case.barred = "the adapter does not say which class of endpoint it speaks to"
    return ok(f"{name} is built")


async def data(case: Case) -> Seen:
    """Whether every check has a source for the data that it needs; no source is asked."""
    if case.registry is None:
        return skipped("the checks cannot be loaded")
    try:
        sources = sources_of(case.config, case.registry, case.clock)
    except FillwrightError as fault:
        return failed(str(fault), "Mend the provider's table, or take it out of [data] providers")
    supplied = {name for source in sources for name in source.provider.supplies} | THE_DESKS_OWN
    if isinstance(case.adapter, SessionSource):
        supplied |= BrokerClock.supplies
    for source in sources:
        await answered(source.provider.close, case.clock, case.patience.close)
    checks = (*case.registry.checks, *case.registry.execution_checks)
    try:
        check_supplied(checks, supplied)
    except ConfigError as fault:
        return failed(str(fault), "Without it the check could never be asked, so no desk opens")
    wanted = sorted(wanted_of(checks) & supplied)
    return ok(f"{', '.join(wanted)} are supplied" if wanted else "no check needs any")


async def endpoint(case: Case) -> Seen:
    """Whether requests would go to the class of endpoint that the mode names."""
    mode = case.config.mode
    spoken = need(case.adapter.executor.endpoint, Mode, "executor.endpoint")
    if spoken is not mode:
        case.barred = "the endpoint is of another class than the mode"
        return failed(
            f"mode is {mode}, and the adapter speaks to a {spoken} endpoint",
            f"Mend `mode`, or the endpoint in [{case.config.broker}]; no key was sent there",
        )
    case.barred = ""
    return ok(f"a {spoken} endpoint, as the mode says")
