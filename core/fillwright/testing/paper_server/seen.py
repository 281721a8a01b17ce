"""What the server saw: every request and every attempt to open the stream, for tests that count."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from fillwright.testing.paper_server.faults import On

#: Older ones are forgotten.
KEPT = 10_000


@dataclass(slots=True)
class Seen:
    """One request, or one attempt to open the stream (`on` is `connect`)."""

    number: int
    at: datetime
    on: On
    method: str
    path: str
    #: The key id that came with it; empty when none did.
    key: str = ""
    client_order_id: str = ""
    #: What was answered; None while nothing is, which a fault can make last.
    status: int | None = None
    #: The fault that struck.
    fault: str = ""


class SeenLog:
    """The newest `KEPT` entries, oldest first; safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: deque[Seen] = deque(maxlen=KEPT)
        self._written = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Seen]:
        with self._lock:
            return iter(tuple(self._entries))

    def write(self, at: datetime, on: On, method: str, path: str) -> Seen:
        """Make an entry as soon as it arrived; who answers completes it."""
        with self._lock:
            self._written += 1
            entry = Seen(self._written, at, on, method, path)
            self._entries.append(entry)
            return entry

    def of(self, on: On, client_order_id: str | None = None) -> list[Seen]:
        """The entries of one kind, of one order if it is named."""
        return [
            entry
            for entry in self
            if entry.on is on and client_order_id in (None, entry.client_order_id)
        ]

    def clear(self) -> None:
        """Forget all entries; the numbers go on."""
        with self._lock:
            self._entries.clear()
