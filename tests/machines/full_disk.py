"""Run a plan with its journal on a tmpfs of its own until that is full, free it, and run it again.

`unshare -m full_disk.py FOLDER ROOM...`: the mounts are this process's alone and go with it. The
venue's state stays on the folder's disk. It prints one JSON document, with a trial for each room.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from desk.kill_fake import FAKE, FakeScene
from desk.killing import PLAN, hurry, look, unrecorded
from fillwright.cli.app import run_command
from machines.child import Child

SIZE = 8 * 2**20
DESK = """mode = "paper"
broker = "fake"
journal = "{journal}"
checks = ["risk"]

[fake]
state = "venue.db"
cash = "60000"
volatility = "0"
depth = "7"
step = 0.004
latency = {{ min = 0.001, max = 0.006 }}
positions = {{ {positions} }}

[risk.max_order_notional]
limit_usd = "50000"

[risk.max_long_position]
limit_usd = "60000"
"""


def mount(place: Path, size: int) -> None:
    """Mount a tmpfs there. Raises OSError where that is not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(place), b"tmpfs", 0, f"size={size},mode=0700".encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(place))


def write_desk(folder: Path, journal: Path) -> None:
    """The desk of the kill suite's scene, with its journal elsewhere."""
    held = ", ".join(f'{symbol} = "{quantity}"' for symbol, quantity in FAKE["positions"].items())
    (folder / "desk.toml").write_text(DESK.format(journal=journal, positions=held))


def command() -> int:
    """`fillwright run` on the desk of the current folder."""
    hurry()
    return run_command(["run", str(PLAN), "-c", "desk.toml", "--json"])


def trial(folder: Path, room: int) -> dict[str, Any]:
    """Fill up all but `room` bytes, run, free it, and run again."""
    folder.mkdir(mode=0o700)
    os.chdir(folder)
    small = folder / "small"
    small.mkdir(mode=0o700)
    mount(small, SIZE)
    write_desk(folder, small / "desk.db")
    ballast = small / "ballast"
    ballast.write_bytes(bytes(SIZE - room))
    scene = FakeScene(folder)

    first = Child("first", folder, command).ended()
    free = os.statvfs(small)
    left = scene.truth() if (folder / "venue.db").exists() else None
    early = unrecorded(left, small) if left else []
    ballast.unlink()
    second = Child("second", folder, command).ended()
    truth = scene.truth()
    return {
        "first": first,
        "free": free.f_bavail * free.f_bsize,
        "orders": dict(left.orders) if left else {},
        "second": second,
        "orders_after": dict(truth.orders),
        "problems": early + look(truth, small),
    }


if __name__ == "__main__":
    base = Path(sys.argv[1])
    print(json.dumps([trial(base / room, int(room)) for room in sys.argv[2:]]))
