"""Alpaca's side of the trials with real processes: the real SDK, and a server of its own."""

import json
import subprocess
import sys
import urllib.request
import warnings
from collections import Counter
from dataclasses import replace as but
from decimal import Decimal
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    # Once, before the first fork: every child would need two seconds for it.
    import alpaca.trading.client  # noqa: F401

from desk.kill_fake import MARKET
from desk.killing import PATIENT, RISK, T_INFLIGHT, Points, Truth
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import DeskConfig
from fillwright.desk.opening import adapter_of
from fillwright.plugins import Registry
from fillwright.protocols import Adapter
from fillwright.types import Mode
from fillwright_alpaca.executor import AlpacaExecutor

ZYGOTE = Path(__file__).parents[1] / "fillwright_alpaca" / "server_zygote.py"
SERVER = {
    **MARKET,
    "multiplier": "1",
    "requests_per_minute": 1_000_000,
    "data_requests_per_minute": 1_000_000,
}
ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class Servers:
    """One fresh server after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE), json.dumps(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fresh(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def close(self) -> None:
        self._process.communicate(timeout=60)


class AlpacaScene:
    """Implement `Scene` on alpaca-py and a paper server."""

    def __init__(self, folder: Path, server: dict[str, Any]) -> None:
        self._folder = folder
        self._server = server

    def config(self) -> DeskConfig:
        return DeskConfig(
            mode=Mode.PAPER,
            broker="alpaca",
            journal="desk.db",
            checks=("risk",),
            folder=self._folder,
            broker_settings={
                "url": self._server["url"],
                "data_url": self._server["data_url"],
                "stream_url": self._server["stream_url"],
                "key_id": self._server["key"],
                "secret_key": self._server["secret"],
            },
            check_settings={"risk": RISK},
            desk=PATIENT,
        )

    def adapter(self, loaded: DeskConfig, registry: Registry) -> Adapter:
        made = adapter_of(loaded, registry, SystemClock(), SystemRng())
        made.executor.capabilities = but(
            made.executor.capabilities, t_inflight=T_INFLIGHT, requests_per_minute=1_000_000
        )
        return made

    def plant(self, points: Points) -> None:
        points.around_async(AlpacaExecutor, "submit", "request")

    def truth(self) -> Truth:
        orders = self._ask("/v2/orders?status=all&limit=500")
        fills = self._ask("/v2/account/activities/FILL?page_size=100")
        assert len(orders) < 500
        assert len(fills) < 100
        traded = Counter[str]()
        for one in fills:
            traded[one["symbol"]] += Decimal(one["qty"])  # type: ignore[assignment]
        return Truth(
            Counter(one["client_order_id"] for one in orders),
            {o["client_order_id"]: o["status"] for o in orders if o["status"] not in ENDED},
            {f"{one['order_id']}:{Decimal(one['cum_qty']).normalize():f}" for one in fills},
            traded,
            {p["symbol"]: Decimal(p["qty"]) for p in self._ask("/v2/positions")},
            Decimal(self._ask("/v2/account")["cash"]),
        )

    def _ask(self, path: str) -> Any:
        return ask_server(self._server, path)


def ask_server(server: dict[str, Any], path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the server itself, as nobody's desk; with a body it is told."""
    keys = {"APCA-API-KEY-ID": server["key"], "APCA-API-SECRET-KEY": server["secret"]}
    data = json.dumps(body).encode() if body is not None else None
    asked = urllib.request.Request(server["url"] + path, data, keys)  # noqa: S310
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(asked, timeout=60) as answer:
        return json.loads(answer.read())
