"""The paper server: Alpaca's Trading API on a local port, for tests and demos without an account.

`PaperServer` runs in the caller's loop, `running_paper_server` in a thread of its own. aiohttp, the
extra `fillwright[paper-server]`, is needed once a server starts.
"""

from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.paper_server.faults import PLACES, Fault, Faults, Kind, On
from fillwright.testing.paper_server.movable_clock import MovableClock
from fillwright.testing.paper_server.process import serve
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.seen import Seen, SeenLog
from fillwright.testing.paper_server.server import Address, PaperServer, running_paper_server
from fillwright.testing.paper_server.settings import PaperServerSettings

__all__ = [
    "PLACES",
    "Address",
    "Answer",
    "Exchange",
    "Fault",
    "Faults",
    "Kind",
    "MovableClock",
    "On",
    "PaperAccount",
    "PaperServer",
    "PaperServerSettings",
    "Request",
    "Seen",
    "SeenLog",
    "running_paper_server",
    "serve",
]
