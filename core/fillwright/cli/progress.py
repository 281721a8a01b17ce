"""Watch orders while a desk works; on a terminal, show how far it is."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from fillwright.cli.output import console_for
from fillwright.hooks import hookimpl
from fillwright.reports import Anomaly
from fillwright.states import OrderState
from fillwright.types import ClientOrderId, OrdStatus

#: The watcher's name among the desk's plugins.
NAME = "progress"
_UNSENT = frozenset({OrdStatus.STAGED, OrdStatus.REFUSED})


class Watcher:
    """An observer plugin that keeps the newest state of every order that moved."""

    def __init__(self) -> None:
        self.states: dict[ClientOrderId, OrderState] = {}
        self.anomalies: list[Anomaly] = []

    @hookimpl
    def order_changed(self, order: OrderState, anomalies: Sequence[Anomaly]) -> None:
        """Keep it."""
        self.states[order.client_order_id] = order
        self.anomalies.extend(anomalies)

    def plugins(self) -> tuple[tuple[str, object], ...]:
        """Itself, as `Overrides` takes it."""
        return ((NAME, self),)

    def line(self) -> str:
        """How far it is, in one line."""
        states = list(self.states.values())
        sent = [state for state in states if state.status not in _UNSENT]
        words = [f"{len(sent)} orders sent"]
        for count, word in (
            (sum(s.status is OrdStatus.FILLED for s in states), "filled"),
            (sum(s.status is OrdStatus.PARTIALLY_FILLED for s in states), "partly filled"),
            (sum(s.status is OrdStatus.REFUSED for s in states), "refused"),
            (sum(s.status is OrdStatus.REJECTED for s in states), "rejected"),
            (sum(s.in_doubt for s in states), "in doubt"),
        ):
            if count:
                words.append(f"{count} {word}")
        return ", ".join(words)


@contextmanager
def shown(title: str, watcher: Watcher, *, quiet: bool) -> Iterator[None]:
    """Show the watcher's line on stderr while the block runs, if stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    spinner = Spinner("dots")

    def line() -> Spinner:
        spinner.update(text=Text(f"{title}: {watcher.line()}"))
        return spinner

    console = console_for(sys.stderr, terminal=True)
    with Live(console=console, get_renderable=line, transient=True), _logs_above():
        yield


@contextmanager
def _logs_above() -> Iterator[None]:
    """Let log lines go through what rich has put in stderr's place, so that they stay whole."""
    moved = [
        (handler, handler.setStream(sys.stderr))
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__
    ]
    try:
        yield
    finally:
        for handler, stream in moved:
            handler.setStream(stream or sys.__stderr__)
