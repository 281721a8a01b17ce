"""How far a run is, in one line: drawn anew on a screen, written once a minute elsewhere."""

import time
from dataclasses import dataclass, field
from typing import Final, TextIO

_BAR: Final = 24
#: How often a line is written where there is no screen, in seconds.
_EVERY: Final = 60.0
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass
class Progress:
    """Tell of a run of so many seeds while it goes on."""

    seeds: int
    out: TextIO
    #: Seeds that are done, those of earlier runs included.
    done: int = 0
    violations: int = 0
    #: How many of them were done before this run began.
    before: int = 0
    began: float = field(default_factory=time.monotonic)
    #: Somebody wants it to end.
    stopped: bool = False
    _told: float = field(default_factory=time.monotonic)

    @property
    def line(self) -> str:
        """Bar, count, rate, violations, and how long the rest takes."""
        filled = int(_BAR * self.done / max(self.seeds, 1))
        bar = "#" * filled + "-" * (_BAR - filled)
        rate = (self.done - self.before) / max(time.monotonic() - self.began, 0.001)
        line = (
            f"[{bar}] {self.done} of {self.seeds} seeds, {rate:.1f} a second, "
            f"{self.violations} violations"
        )
        left = self.seeds - self.done
        return f"{line}, {_span(left / rate)} left" if left and rate else line

    def show(self) -> None:
        """Draw the line anew on a screen; elsewhere write it now and then."""
        if self.out.isatty():
            self.out.write(f"\r{self.line}\x1b[K")
            self.out.flush()
        elif time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self.say(self.line)

    def stop(self, *_signal: object) -> None:
        """End soon, in good order."""
        self.stopped = True

    def say(self, text: str) -> None:
        """A line that stays."""
        start = "\r\x1b[K" if self.out.isatty() else ""
        self.out.write(f"{start}{text}\n")
        self.out.flush()


def _span(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(seconds, 1):.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR / _MINUTE:.0f} min"
