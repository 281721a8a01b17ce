"""The process that forks and kills, on the fake broker: `kill_worker.py FOLDER`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from desk.kill_fake import FakeScene
from desk.killing import work

if __name__ == "__main__":
    work(FakeScene, Path(sys.argv[1]))
