"""One intent's lane: its order at the desk, its requests on the way, its entry at the broker.

Rules:
1. A request that left may arrive at any time after that, any number of times, or never; a copy of
   one that was refused is refused again. Only where the broker refuses no repeated id does the
   network copy nothing.
2. A request's answer reaches the one who waits for it, or nobody.
3. Behind the fence a replace is on its way no more: that is what the fence is. A submit may still
   arrive, because its id is proof against it.
4. A process that is killed loses what was not durable, or did not: both are tried.
"""

from enum import IntEnum
from typing import NamedTuple

from fillwright.testing.simulation.search.venue import EMPTY, Entry


class Way(IntEnum):
    """How far a request is, for the one who waits for its answer."""

    IDLE = 0
    OUT = 1
    #: Answered, and the answer is on its way back.
    TAKEN = 2
    REFUSED = 3
    KNOWN = 4


class Copy(IntEnum):
    """A submit in the network, whoever waits for it."""

    NEVER = 0
    OUT = 1
    REFUSED = 2
    #: Arrived, where nothing arrives twice.
    SPENT = 3


class Lane(NamedTuple):
    """One intent at one moment; orders are numbers of the bench."""

    up: bool = True
    #: The order as the desk has it, and as the disk has it.
    live: int = 0
    durable: int = 0
    entry: Entry = EMPTY
    submit: Way = Way.IDLE
    #: Whether the submit that is waited for is one of the same bytes again.
    again: bool = False
    cancel: Way = Way.IDLE
    replace: Way = Way.IDLE
    first: Copy = Copy.NEVER
    second: Copy = Copy.NEVER
    #: A cancel, a replace, that may still arrive.
    canceling: bool = False
    replacing: bool = False
    #: Reads behind the fence, and whether it may not be sent again by this process.
    clean: int = 0
    found: int = 0
    refused: bool = False
    #: What its owner has asked for already.
    cancel_asked: bool = False
    replace_asked: bool = False


class Effect(IntEnum):
    """What a move does to the other lane."""

    NONE = 0
    #: Everything that was written is durable now.
    SYNC = 1
    #: And then the process is killed.
    KILL = 2


class Move(NamedTuple):
    """One thing that may happen next."""

    label: str
    lane: Lane
    effect: Effect = Effect.NONE
    #: The invariant that it breaks.
    wrong: str = ""


def killed(lane: Lane, *, kept: bool) -> Lane:
    """The process is gone; what was not durable is lost, or was written all the same."""
    order = lane.live if kept else lane.durable
    return lane._replace(
        up=False,
        live=order,
        durable=order,
        submit=Way.IDLE,
        again=False,
        cancel=Way.IDLE,
        replace=Way.IDLE,
        clean=0,
        found=0,
        refused=False,
    )


def synced(lane: Lane) -> Lane:
    """Everything is on the disk."""
    return lane._replace(durable=lane.live)


def put(lane: Lane, name: str, value: object) -> Lane:
    """The lane with one field changed."""
    return lane._replace(**{name: value})  # type: ignore[arg-type]  # the callers know its type
