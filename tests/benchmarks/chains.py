"""What a chain of checks costs one order: alone, and through the gate, beside an empty chain.

Each call is timed apart, in CPU time, which other programs on the machine touch least. The chains
take turns order by order, so that a busy moment slows all of them. How uneven the machine is stands
below: a fixed sum, timed in the same turns.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.measuring import WARM, quantile
from benchmarks.scenes import Kind, chain_of, order_of, still_facts
from fillwright.clock import SystemClock
from fillwright.orders import content_hash
from fillwright.risk import Gate, Proposal, ThreadAsker
from fillwright.risk.judge import Batch, Judge, Question
from fillwright.types import ClientOrderId

#: What is aimed at for the longest chain: microseconds of CPU, p99, on a quiet machine.
AIM = 250
LONGEST = (25, Kind.STANDARD, 0)
#: How many checks of which kind, and on how many positions.
CHAINS = (
    (0, Kind.LIMIT, 0),
    (25, Kind.LIMIT, 0),
    (25, Kind.INFORMED, 0),
    LONGEST,
    (25, Kind.STANDARD, 100),
)
#: About as long as a chain takes.
_FIXED = range(2000)

Chain = tuple[int, Kind, int]


@dataclass(frozen=True)
class Costs:
    """CPU microseconds of one kind of call, sorted."""

    name: str
    each: Sequence[float]

    @property
    def p50(self) -> float:
        return quantile(self.each, 0.5)

    @property
    def p99(self) -> float:
        return quantile(self.each, 0.99)

    @property
    def best(self) -> float:
        """The first hundredth: a calm moment."""
        return quantile(self.each, 0.01)


def proposal_of(number: int) -> Proposal:
    order = order_of(number)
    deadline = datetime.now(UTC) + timedelta(hours=1)
    return Proposal(order, ClientOrderId(str(number)), content_hash(order), deadline)


def alone(count: int) -> tuple[Sequence[Costs], Costs]:
    """The judge with each chain, and the fixed sum."""
    facts = {chain: still_facts(chain[2]) for chain in CHAINS}
    judges = {chain: Judge(chain_of(chain[1], chain[0])) for chain in CHAINS}
    spent: dict[Chain, list[float]] = {chain: [] for chain in CHAINS}
    fixed: list[float] = []
    for number in range(-WARM, count):
        proposal = proposal_of(number)
        for chain, judge in judges.items():
            known = facts[chain]
            question = Question(proposal, known.book_for(proposal), vars(proposal.order).copy())
            batch = Batch([question], known.calm)
            spent[chain].append(_timed(lambda judge=judge, batch=batch: judge.run(batch)))
            if batch.judged[0].decision.may_leave != bool(chain[0]):
                raise AssertionError(batch.judged)
        fixed.append(_timed(lambda: sum(_FIXED)))
    return [_costs(name(chain), times) for chain, times in spent.items()], _costs("sum", fixed)


async def through_the_gate(count: int) -> Sequence[Costs]:
    """The same, asked one at a time through a gate with its thread, as in a desk."""
    gates = {
        chain: Gate(
            chain_of(chain[1], chain[0]),
            ThreadAsker(5.0),
            facts=still_facts(chain[2]),
            clock=SystemClock(),
        )
        for chain in CHAINS
    }
    spent: dict[Chain, list[float]] = {chain: [] for chain in CHAINS}
    for number in range(-WARM, count):
        proposal = proposal_of(number)
        for chain, gate in gates.items():
            begun = time.process_time_ns()
            answer = await gate.ask(proposal)
            spent[chain].append((time.process_time_ns() - begun) / 1000)
            if answer.decision.may_leave != bool(chain[0]):
                raise AssertionError(answer)
    for gate in gates.values():
        gate.close()
    return [_costs(name(chain), times) for chain, times in spent.items()]


def name(chain: Chain) -> str:
    checks, kind, positions = chain
    if not checks:
        return "empty, which refuses"
    return f"{checks} {kind}" + (f", {positions} held" if positions else "")


def report(count: int) -> str:
    """The table, the aim, and how uneven the machine was."""
    chains, fixed = alone(count)
    gated = asyncio.run(through_the_gate(count))
    text = "\n" + _table("chain alone", chains) + _table("chain through the gate", gated)
    longest = next(one for one in chains if one.name == name(LONGEST))
    text += (
        f"\n{longest.name}, alone: p99 {longest.p99:.0f} us of CPU; aimed at {AIM} at most, on a "
        f"quiet machine\nthis machine: a fixed sum took {fixed.p50 / fixed.best:.2f} times its "
        f"calmest time at p50 and {fixed.p99 / fixed.best:.2f} times at p99; 1.0 is quiet\n"
    )
    return text


def _table(title: str, costs: Sequence[Costs]) -> str:
    empty = costs[0].p50
    text = f"{title:34}{'CPU us: calm':>14}{'p50':>8}{'p99':>8}{'p50 times empty':>18}\n"
    for one in costs:
        text += f"  {one.name:32}{one.best:>14.0f}{one.p50:>8.0f}{one.p99:>8.0f}"
        text += f"{one.p50 / empty:>18.1f}\n"
    return text


def _timed(work: Callable[[], object]) -> float:
    begun = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun) / 1000


def _costs(title: str, times: Sequence[float]) -> Costs:
    return Costs(title, sorted(times[WARM:]))


SIZES: Mapping[str, int] = {"quick": 100, "usual": 3_000, "full": 10_000}
