"""What the doctor's tests share: a desk on the broker made by hand, and its findings."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import oddbroker
from cli.clikit import RISK
from cli.oddbroker import OddBroker
from fillwright.config import load_config
from fillwright.desk.doctor import Diagnosis, Finding, examine
from fillwright.testing import ManualClock, SeededRng


def findings(document: Any) -> dict[str, Any]:
    return {one["name"]: one for one in document["findings"]}


def states(diagnosis: Diagnosis) -> dict[str, str]:
    return {finding.name: finding.state.value for finding in diagnosis.findings}


def named(diagnosis: Diagnosis, name: str) -> Finding:
    return next(finding for finding in diagnosis.findings if finding.name == name)


def odd_desks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., "Desk"]:
    """Install the broker made by hand: give its class and what is odd about it, and get a desk."""
    site = folder / "site" / "oddbroker-1.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: oddbroker\nVersion: 1.0\n")
    (site / "entry_points.txt").write_text("[fillwright]\nodd = cli.oddbroker\n")
    monkeypatch.syspath_prepend(str(site.parent))

    def make(broker: type[OddBroker] = OddBroker, **strange: Any) -> Desk:
        return Desk(folder, monkeypatch, broker, strange)

    return make


class Desk:
    """A desk.toml on the odd broker, and the broker once it is built."""

    def __init__(self, folder: Path, monkeypatch: Any, broker: type[OddBroker], odd: Any) -> None:
        self.path = folder / "desk.toml"
        self.clock = ManualClock()
        self.built: OddBroker | None = None
        self.write()

        def build(request: Any) -> OddBroker:
            self.built = broker(request, **odd)
            return self.built

        monkeypatch.setattr(oddbroker, "build", build)

    def write(self, mode: str = "paper", top: str = "", desk: str = "", table: str = "") -> None:
        self.path.write_text(
            f'mode = "{mode}"\nbroker = "odd"\njournal = "desk.db"\nchecks = ["risk"]\n{top}\n'
            f"[desk]\n{desk}\n[odd]\n{table}\n{RISK}"
        )

    async def examined(self, **options: Any) -> Diagnosis:
        """The diagnosis, on a clock that runs as fast as everybody sleeps."""
        config = load_config(self.path, environ={}, account_unknown=True)
        task = asyncio.create_task(examine(config, clock=self.clock, rng=SeededRng(1), **options))
        while not task.done():
            await self.clock.run_for(0.5)
        return task.result()

    @property
    def broker(self) -> OddBroker:
        assert self.built is not None
        return self.built
