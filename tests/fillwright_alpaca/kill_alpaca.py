"""The kill suite's process that forks and kills, on Alpaca: `kill_alpaca.py FOLDER`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from desk.killing import work
from machines.alpaca_scene import AlpacaScene, Servers


def main() -> None:
    """Answer jobs until the input ends."""
    servers = Servers()
    try:
        work(lambda folder: AlpacaScene(folder, servers.fresh()), Path(sys.argv[1]))
    finally:
        servers.close()


if __name__ == "__main__":
    main()
