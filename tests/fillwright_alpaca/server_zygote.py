"""Run a paper server of its own for each line of input: `server_zygote.py SETTINGS_JSON`.

Everything is imported before the first fork, so that a server is there in milliseconds. Each line
ends the server before it; the new one says where it is in one line of JSON.
"""

import json
import os
import signal
import sys
import traceback

from fillwright.testing.paper_server import running, serve  # noqa: F401  # before the first fork


def _serve(settings: dict[str, object]) -> None:
    serve(
        settings,
        address={},
        state=None,
        ready=lambda told: print(json.dumps(told), flush=True),
        warn=lambda text: print(text, file=sys.stderr),
    )


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)


def main() -> None:
    """Serve until the input ends."""
    settings = json.loads(sys.argv[1])
    child = 0
    while sys.stdin.readline():
        if child:
            _end(child)
        child = os.fork()
        if not child:
            status = 1
            try:
                _serve(settings)
                status = 0
            except BaseException:  # noqa: BLE001  # the child must not go on as the parent
                traceback.print_exc()
            finally:
                os._exit(status)
    if child:
        _end(child)


if __name__ == "__main__":
    main()
