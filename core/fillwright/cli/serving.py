"""`fillwright paper-server`: an emulated Alpaca on a local port, until a signal comes."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import typer

from fillwright.cli.answers import Stream
from fillwright.cli.calls import Call
from fillwright.cli.faults import UsageFault
from fillwright.cli.output import complain
from fillwright.errors import PluginError
from fillwright.plugins.sources import find

_PLUGIN = "paper-server"


@runtime_checkable
class _Server(Protocol):
    """The room of the paper server, which lies above this one and is found by its name."""

    def serve(
        self,
        settings: Mapping[str, Any],
        *,
        address: Mapping[str, Any],
        state: Path | None,
        ready: Callable[[Mapping[str, object]], None],
        warn: Callable[[str], None],
    ) -> None:
        """Serve until SIGINT or SIGTERM."""


def paper_server(  # noqa: PLR0913  # each is an option of its own
    call: Call,
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 0,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen where other machines can reach it.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the accounts live on; else they are forgotten."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses keys, ids and price paths.")] = 7,
    accounts: Annotated[int, typer.Option(help="How many there are.")] = 1,
    cash: Annotated[
        str | None, typer.Option(metavar="USD", help="What each account begins with.")
    ] = None,
    position: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL=QTY", help="May be given several times.")
    ] = None,
    hours: Annotated[str, typer.Option(metavar="always|us", help="When it trades.")] = "always",
    quotes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Prices from a CSV file.")
    ] = None,
    replay: Annotated[
        str, typer.Option(metavar="clock|start", help="How the file's times are read.")
    ] = "clock",
) -> Stream:
    """Serve Alpaca's Trading API on a local port, with accounts that hold no money.

    When it is ready it prints one JSON line on stdout: url, stream_url, data_url, key, secret, and
    the accounts. It serves until SIGTERM or SIGINT. Configuration is not read.
    Exit codes: 0 a signal stopped it, 2 bad options, or a port or a file that cannot be used.
    """
    del call
    settings: dict[str, Any] = {"seed": seed, "accounts": accounts, "hours": hours}
    settings |= {"positions": dict(_held(text) for text in position or ()), "replay": replay}
    settings |= {name: v for name, v in (("cash", cash), ("quotes", quotes)) if v is not None}
    address = {"host": host, "port": port, "remote": allow_remote}
    _room().serve(settings, address=address, state=state, ready=_announce, warn=_warn)
    return Stream((), ())


def _room() -> _Server:
    found = find(_PLUGIN, Path()).plugin
    if not isinstance(found, _Server):
        raise PluginError(_PLUGIN, "is not the paper server of this distribution")
    return found


def _held(text: str) -> tuple[str, str]:
    symbol, sign, quantity = text.partition("=")
    if not (symbol and sign and quantity):
        raise UsageFault(f"--position {text!r}: write it as SYMBOL=QTY, like AAPL=10")
    return symbol, quantity


def _warn(sentence: str) -> None:
    complain(f"warning: {sentence}")


def _announce(place: Mapping[str, object]) -> None:
    """Tell where the server is, in one line that a script can read at once."""
    try:
        sys.stdout.write(json.dumps(place) + "\n")
        sys.stdout.flush()
    except OSError as fault:
        raise UsageFault(f"stdout, where the keys are told, cannot be written: {fault}") from fault
