"""The command line: the only room that prints."""

import sys
from typing import NoReturn

#: What a shell sees of a program that Ctrl-C ended: 128 and the signal's number.
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        # Half a second of imports, in which somebody may change his mind.
        from fillwright.cli.app import run_command  # noqa: PLC0415

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        code = _INTERRUPTED
    sys.exit(code)
