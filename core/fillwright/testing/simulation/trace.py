"""What happened in a scenario, event by event, and one hash over all of it."""

from collections.abc import Callable, Iterator
from hashlib import sha256


class Trace:
    """Keep every event with its virtual time; two runs of one seed have the same hash.

    What is `hidden`, like the name of a folder that differs in each run, stands nowhere in it.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self.hidden = ""
        self._events: list[tuple[float, str, str]] = []

    def note(self, what: str, text: str = "") -> None:
        """Something happened: a word for what, and the rest of the sentence."""
        now = self._time()
        if self.hidden:
            text = text.replace(self.hidden, "")
        self._events.append((now, what, text))

    @property
    def digest(self) -> str:
        """The hash over everything so far, in hex."""
        lines = (f"{now:.6f} {what} {text}\n" for now, what, text in self._events)
        return sha256("".join(lines).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._events)

    def lines(self, last: int | None = None) -> Iterator[str]:
        """The timeline as text, or the end of it."""
        events = self._events if last is None else self._events[-last:]
        for at, what, text in events:
            yield f"{at:10.3f}  {what:<10}  {text}".rstrip()
