"""Stop a real `fillwright run` with SIGSTOP, let another take its journal over, and let it go on.

A single-threaded process that forks: `pausing.py FOLDER`. It reads jobs as JSON lines and answers
each with what the paper server saw of the first process, how both ended, and what does not hold.
"""

import asyncio
import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from desk.killing import PLAN, Points, hurry, look, unrecorded
from fillwright.cli.app import run_command
from fillwright.config import load_config
from fillwright.desk.opening import Overrides, load_plugins, open_desk
from fillwright.desk.wire import Wire
from fillwright.errors import JournalError
from fillwright.journal import SqliteJournal
from fillwright.plans import read_plan
from fillwright.protocols import Binding, Clock
from fillwright_alpaca import capabilities
from fillwright_alpaca.calls import Ticket
from fillwright_alpaca.executor import AlpacaExecutor
from fillwright_alpaca.translate import SdkClient
from fillwright_alpaca.wire import Outcome, Request
from machines.alpaca_scene import AlpacaScene, Servers, ask_server
from machines.child import Child

#: In seconds, for one request of the desk; also how long a paused one can still leave.
TOTAL = 1.5
#: Of the server's record: what can make or change an order.
ORDERS = frozenset({"submit", "cancel", "cancel_all", "replace"})
DESK = """mode = "paper"
broker = "alpaca"
journal = "desk.db"
checks = ["risk"]

[alpaca]
url = "{url}"
read_timeout_seconds = {total}
total_timeout_seconds = {total}
proxy_timeout_seconds = 0.0

[risk.max_order_notional]
limit_usd = "50000"

[risk.max_long_position]
limit_usd = "60000"

[risk.error_rate]
max_doubts = 1000
"""


def plant(points: Points) -> None:
    """Every place between the record of an order and its bytes, besides those of the kill suite."""
    points.plant()
    points.around(Wire, "check", "look")
    points.around_async(AlpacaExecutor, "submit", "request")
    plant_departure(points)


def plant_departure(points: Points) -> None:
    """Around the last looks of a submit: one as its headers leave, one as its body does.

    Submits take turns, so that no other one is behind its last look when one is paused before it.
    """
    here, turn = threading.local(), threading.Lock()
    real_request, real_depart = SdkClient.request, Ticket.depart

    def request(client: SdkClient, ticket: Ticket, asked: Request) -> Outcome:
        here.method = asked.method
        if asked.method != "POST":
            return real_request(client, ticket, asked)
        with turn:
            return real_request(client, ticket, asked)

    def depart(ticket: Ticket, cut: Callable[[], None] | None = None) -> None:
        if here.method != "POST":
            real_depart(ticket, cut)
        elif ticket.left:
            points.reach("before body")
            real_depart(ticket, cut)
            points.reach("after body")
        else:
            points.reach("before departure")
            real_depart(ticket, cut)
            points.reach("after departure")

    SdkClient.request, Ticket.depart = request, depart  # type: ignore[method-assign]


def hasten() -> None:
    """Wait for nothing longer than it takes on this machine."""
    hurry()
    capabilities._SETTLING = 0.1


def command(stop_at: str = "") -> int:
    """`fillwright run` on the desk of the current folder, stopped at a point."""
    hasten()
    points = Points(stop_at, signal.SIGSTOP)
    plant(points)
    code = run_command(["run", str(PLAN), "-c", "desk.toml", "--json"])
    Path("points.json").write_text(json.dumps(points.seen))
    return code


def embedding() -> int:
    """The same from a program that was told to take the journal over."""
    hasten()
    loaded = load_config(Path("desk.toml"))

    def take_over(binding: Binding, clock: Clock) -> SqliteJournal:
        return SqliteJournal.open(loaded.journal_path, binding, clock=clock, takeover=True)

    async def run() -> int:
        async with open_desk(loaded, overrides=Overrides(journal=take_over)) as desk:
            result = await desk.execute(read_plan(PLAN))
        print(result.model_dump_json())
        return result.exit_code

    try:
        return asyncio.run(run())
    except JournalError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2


class Trial:
    """One account, one journal, and the two who want it."""

    def __init__(self, folder: Path, server: dict[str, Any]) -> None:
        self._folder = folder
        self._server = server
        self._scene = AlpacaScene(folder, server)
        os.chdir(folder)
        os.environ["FILLWRIGHT_ALPACA__KEY_ID"] = server["key"]
        os.environ["FILLWRIGHT_ALPACA__SECRET_KEY"] = server["secret"]

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Stop the first, let the second work, wake the first, and look at everything."""
        self.write_desk(job.get("patience", TOTAL))
        first = Child("first", self._folder, lambda: command(job["stop_at"]))
        answer: dict[str, Any] = {"stopped": first.stopped(), "problems": []}
        if answer["stopped"]:
            answer["problems"] = unrecorded(self._scene.truth(), self._folder)
            answer |= self._paused(first, job)
        answer["first"] = first.ended()
        answer["after"] = self._since(answer.pop("known", {}))
        if answer["first"]["code"] != 0 and answer.get("second", {"code": 2})["code"] != 0:
            # Nobody finished it: somebody runs it again when the first is gone.
            answer["again"] = Child("again", self._folder, command).ended()
        points = self._folder / "points.json"
        answer["points"] = json.loads(points.read_text()) if points.exists() else {}
        answer["problems"] += look(self._scene.truth(), self._folder)
        return answer

    def write_desk(self, total: float) -> None:
        """Say how long one request may take, in seconds."""
        text = DESK.format(url=self._server["url"], total=total)
        (self._folder / "desk.toml").write_text(text)

    def _paused(self, first: Child, job: dict[str, Any]) -> dict[str, Any]:
        """What happens while the first one stands still."""
        if job["way"] == "nobody":
            # Longer than a request of its own may take.
            time.sleep(2 * TOTAL)
            first.go_on()
            return {}
        # What a broker does with a connection that answers no ping, after a minute or so.
        ask_server(self._server, "/_control/stream", {"fault": "cut"})
        before = self._known()
        self.write_desk(TOTAL)
        second = self._second(job["way"])
        between, known = self._since(before), self._known()
        first.go_on()
        return {"second": second, "between": between, "known": known}

    def _second(self, way: str) -> dict[str, Any]:
        if way == "removed":
            (self._folder / "desk.db.lock").unlink()
        work = embedding if way == "told" else command
        return Child("second", self._folder, work).ended()

    def _seen(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = ask_server(self._server, "/_control/requests")
        return [one for one in told if one["on"] in ORDERS]

    def _known(self) -> dict[int, int | None]:
        """Every request until now, and what it was answered."""
        return {one["number"]: one["status"] for one in self._seen()}

    def _since(self, known: dict[int, int | None]) -> list[dict[str, Any]]:
        """What is new, or was answered since: half a request is seen, and has no answer."""
        return [o for o in self._seen() if known.get(o["number"], 0) != o["status"]]


def main() -> None:
    """Answer jobs until the input ends."""
    servers, base = Servers(), Path(sys.argv[1])
    prepared = False
    try:
        for number, line in enumerate(sys.stdin):
            folder = base / f"trial-{number}"
            folder.mkdir(mode=0o700)
            trial = Trial(folder, servers.fresh())
            trial.write_desk(TOTAL)
            if not prepared:
                # Before the first fork: every child would spend seconds on it.
                load_plugins(load_config(Path("desk.toml")))
                gc.freeze()
                prepared = True
            answer = trial.run(json.loads(line))
            os.chdir(base)
            if not answer["problems"]:
                shutil.rmtree(folder)
            print(json.dumps(answer), flush=True)
    finally:
        servers.close()


if __name__ == "__main__":
    main()
