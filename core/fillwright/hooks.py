"""The hooks: every place where somebody else's code is asked. All synchronous, all pure, few.

Each docstring has four clauses: when it is called, what its results mean, what raising means,
and what an implementation may not do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.protocols import Adapter, Clock, Rng
from fillwright.reports import Anomaly, Execution
from fillwright.states import OrderState
from fillwright.types import Mode
from fillwright.verdicts import Verdict

if TYPE_CHECKING:
    import typer

PROJECT = "fillwright"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class AdapterRequest:
    """What an adapter is built from: its own table of desk.toml, and the desk's ports."""

    name: str
    mode: Mode
    settings: Mapping[str, Any]
    #: Where relative paths in the settings start: the folder of desk.toml.
    folder: Path
    clock: Clock
    rng: Rng


@hookspec
def provide_adapter(request: AdapterRequest) -> Adapter:  # type: ignore[empty-body]
    """Build the adapter for one broker account.

    Called:   once at start, on the plugin that `broker` in desk.toml names, and on no other.
    Results:  the desk owns the adapter and closes it.
    Raising:  the desk does not start; a `ConfigError` reaches the user as it is.
    May not:  connect or wait; that happens when the desk asks the first question.
    """


@hookspec
def provide_checks(settings: Mapping[str, Any]) -> Sequence[object]:  # type: ignore[empty-body]
    """Build the plugin's checks from its own table of desk.toml.

    Called:   once at start, on each plugin that `checks` names and that implements it.
    Results:  each object is registered as a plugin of its own and asked apart; its `name`
              attribute, or else its class name, is shown in verdicts.
    Raising:  the desk does not start; a `ConfigError` reaches the user as it is.
    May not:  do I/O; ignore a setting that it does not know.
    """


@hookspec
def check_order(order: Order, book: BookView) -> Verdict:  # type: ignore[empty-body]
    """Say whether `order` may leave.

    Called:   once per new or changed order, before anything is journaled as sent.
    Results:  every configured check is asked; the most severe verdict wins, all reasons stay.
    Raising:  counts as a refusal, and so does any answer that is not a Verdict, and none at all.
    May not:  await, do I/O, keep or change what it was given, or be a hook wrapper.
    """


@hookspec
def check_execution(order: OrderState, execution: Execution, book: BookView) -> Verdict:  # type: ignore[empty-body]
    """Look at a fill that is already booked, and say whether trading may go on.

    Called:   once per execution, after it is durable in the journal.
    Results:  a Halt latches its scope; a Reject is reported as an alert; Allow is silent.
    Raising:  is reported as an alert; the fill and the ledger stay as they are.
    May not:  await, do I/O, or change what it was given.
    """


@hookspec
def order_changed(order: OrderState, anomalies: Sequence[Anomaly]) -> None:
    """Watch an order's life.

    Called:   after each change of an order is in the journal, in order per order.
    Results:  none are read.
    Raising:  is logged with the plugin's name; nothing else happens.
    May not:  await or block; hand long work to a thread of its own.
    """


@hookspec
def provide_tactic(name: str, settings: Mapping[str, Any]) -> object:
    """Build the tactic that a plan or an item names.

    Called:   once at start per configured tactic, on the plugin that carries its name.
    Results:  the tactic works one parent order through the same gate as any other.
    Raising:  the desk does not start.
    May not:  connect, wait, or send.
    """


@hookspec
def add_commands(app: "typer.Typer") -> None:
    """Add commands to the command line.

    Called:   once when the command line starts, on plugins that a local desk.toml names.
    Results:  none are read.
    Raising:  is printed with the plugin's name; the other commands stay.
    May not:  take the name of a command that exists.
    """
