"""Headers that end where headers end: the standard library takes a cut connection for their end.

What was cut off inside a number would be believed: a limit of 200 requests that became 2.
"""

from http.client import HTTPResponse, RemoteDisconnected
from typing import Any


class _Lines:
    """A response's bytes, and whether a line of its head was cut off."""

    def __init__(self, source: Any) -> None:  # noqa: ANN401  # a buffered reader
        self.source = source
        self.cut = False

    def readline(self, *given: Any) -> bytes:  # noqa: ANN401  # passed on
        """Read a line, the last of which must be whole as well."""
        line: bytes = self.source.readline(*given)
        self.cut = self.cut or not line.endswith(b"\n")
        return line

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # the reader's
        return getattr(self.source, name)


class WholeHead(HTTPResponse):
    """A response that raises `RemoteDisconnected` when its head was cut off."""

    def begin(self) -> None:
        """Read the status and the headers, to the empty line behind them."""
        lines = _Lines(self.fp)
        self.fp: Any = lines
        super().begin()
        # A response without a body has let go of its connection already.
        if self.fp is lines:
            self.fp = lines.source
        if lines.cut:
            self.close()
            raise RemoteDisconnected("the connection ended within the headers")
