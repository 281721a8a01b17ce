"""What an earlier process recorded and may not have shown to every consumer before it ended."""

from collections.abc import Iterable

from fillwright.desk.dropcopy import DropCopy
from fillwright.ledger import Alerted, Change, Judged
from fillwright.ledger.codec import KINDS
from fillwright.protocols import Journal

#: How long a start waits for whoever is shown it, in seconds.
TOLD_WITHIN = 10.0


class Recall:
    """Collect it while the journal is replayed; consumers that are new missed nothing."""

    def __init__(self, journal: Journal, consumers: Iterable[str], drop_copy: DropCopy) -> None:
        newest = journal.last(KINDS[Judged])
        upto = newest.body.get("upto", {}) if newest else {}
        known = upto if isinstance(upto, dict) else {}
        cursors = [seq for name in consumers if isinstance(seq := known.get(name), int)]
        #: Everybody has seen what stands up to here; None: nobody is behind.
        self._seen = min(cursors, default=None)
        self.missed: list[tuple[int, Change]] = []
        #: The newest record that was replayed.
        self.newest = 0
        self._drop_copy = drop_copy

    def heard(self, seq: int, change: Change) -> None:
        """Take note of one replayed fact."""
        self.newest = seq
        self._drop_copy.heard(seq, change)
        if self._seen is None or seq <= self._seen:
            return
        if change.execution is not None or isinstance(change.fact, Alerted):
            self.missed.append((seq, change))
