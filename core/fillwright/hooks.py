"""The hooks: every place where somebody else's code is asked. All synchronous, all pure, few.

Each docstring has four clauses: when it is called, what its results mean, what raising means,
and what an implementation may not do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from fillwright.alerts import Alert
from fillwright.book import BookView
from fillwright.findings import Finding
from fillwright.inputs import DataProvider
from fillwright.orders import Order
from fillwright.protocols import Adapter, Clock, RateFeed, Rng
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
    #: Where the adapter tells what the broker's rate headers say.
    rate: RateFeed = field(default_factory=RateFeed)


@hookspec
def provide_adapter(request: AdapterRequest) -> Adapter:  # type: ignore[empty-body]
    """Build the adapter for one broker account.

    Called:   once at start, on the plugin that `broker` in desk.toml names, and on no other.
    Results:  the desk owns the adapter and closes it.
    Raising:  the desk does not start; a `ConfigError` reaches the user as it is.
    May not:  connect or wait; that happens when the desk asks the first question.
    """


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What a provider of data is built from: its own table of desk.toml, and the time."""

    name: str
    settings: Mapping[str, Any]
    #: Where relative paths in the settings start: the folder of desk.toml.
    folder: Path
    clock: Clock


@hookspec
def provide_data(request: DataRequest) -> DataProvider:  # type: ignore[empty-body]
    """Build a source of data that checks need: average volumes, sectors, locates, your own.

    Called:   once at start, on each plugin that `[data] providers` in desk.toml names.
    Results:  the desk asks it in the background for the inputs that it says it supplies, and
              closes it; of several the first with a fresh answer counts.
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

    Called:   once per execution, after it is durable in the journal; again after a restart when
              what it said was not recorded before the process ended.
    Results:  a Halt latches its scope and is an alert, and so are Reject and Warn; Allow is silent.
    Raising:  is reported as an alert; the fill and the ledger stay as they are. Hanging, too, and
              then it is not called again before a restart.
    May not:  await, do I/O, or change what it was given.
    """


@hookspec
def check_books(finding: Finding, book: BookView) -> Verdict:  # type: ignore[empty-body]
    """Look at a difference between the ledger and the broker's books, and say what follows.

    Called:   after each comparison with the broker's books, once per finding: what differs in
              positions, cash and executions, each foreign order, each order of ours that works.
    Results:  a Halt latches its scope and is an alert, and so are Reject and Warn; Allow is silent.
              The same answer to the same finding is told once, until it is over.
    Raising:  is reported as an alert; the ledger stays as it is. Hanging, too, and then it is not
              called again before a restart.
    May not:  await, do I/O, or change what it was given.
    """


@hookspec
def alert_raised(alert: Alert) -> None:
    """Hear of an alert: a control found something that somebody should look at.

    Called:   after each alert is durable in the journal, in order, in a thread of the plugins. Over
              a crash it may be called again, with the same `alert_id`.
    Results:  none are read.
    Raising:  is logged with the plugin's name; nothing else happens. Hanging, too, and then it is
              not called again before a restart.
    May not:  await or wait; hand long work to a thread or loop of its own.
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
