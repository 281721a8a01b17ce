"""What the verbs that write a journal share: whom they mean, and one way to write facts."""

from collections.abc import Sequence

from fillwright.cli.faults import UsageFault
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig
from fillwright.journal import JournalReader, SqliteJournal
from fillwright.ledger import Fact, encode
from fillwright.protocols import Binding
from fillwright.verdicts import Scope

#: Behind what came about when the answer itself cannot be written.
KEPT = "The journal has it: see `fillwright orders --all` and `fillwright journal show`"


async def record(config: DeskConfig, facts: Sequence[Fact]) -> None:
    """Write into a journal without asking the broker, which may be the reason for the halt."""
    path = config.journal_path
    journal = SqliteJournal.open(
        path,
        binding_of(config),
        clock=SystemClock(),
        network=config.desk.allow_network_journal,
    )
    try:
        for fact in facts:
            seq = journal.append(*encode(fact))
        await journal.durable(seq)
    finally:
        await journal.aclose()


def binding_of(config: DeskConfig) -> Binding:
    """Whose journal it is, as far as the configuration has a word on that; else as it says."""
    with JournalReader.open(config.journal_path) as reader:
        bound = reader.binding
    return Binding(config.mode, bound.broker, config.expected_account_id or bound.account)


def scope_of(symbol: str | None, strategy: str | None, *, everything: bool) -> tuple[Scope, str]:
    """The one scope that is meant. Raises UsageFault."""
    if (symbol is not None) + (strategy is not None) + everything != 1:
        raise UsageFault("give exactly one of --symbol, --strategy and --all")
    if symbol is not None:
        return Scope.SYMBOL, said(symbol, "--symbol")
    if strategy is not None:
        return Scope.STRATEGY, strategy
    return Scope.DESK, ""


def said(text: str, option: str) -> str:
    """The text of an option. Raises UsageFault when it says nothing."""
    if not text.strip():
        raise UsageFault(f"{option} is empty; it is kept in the journal for whoever asks later")
    return text.strip()
