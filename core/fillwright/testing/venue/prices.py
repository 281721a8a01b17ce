"""Where quotes come from: a seeded path that is a pure function of the step, or a CSV file."""

import csv
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol

from fillwright.errors import ConfigError
from fillwright.testing.venue.instruments import Listing
from fillwright.types import ZERO, AssetClass, decimal_from

_COLUMNS = ("time", "symbol", "bid", "ask", "bid_size", "ask_size")
#: Waves that add up to a path: length in steps, height in hundred-millionths of the price.
_WAVES = ((24, 12_000), (500, 80_000), (14_000, 500_000), (300_000, 2_500_000))
_WHOLE = 100_000_000
_HALF = 1 << 31
#: Displayed at a touch, in dollars: the least, and how much more it may be.
_SHOWN, _SHOWN_MORE = 30_000, 60_000


class Touch(NamedTuple):
    """The best bid and ask with their displayed sizes; a side without interest is None."""

    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal
    ask_size: Decimal


NOTHING = Touch(None, None, ZERO, ZERO)


class QuotePath(Protocol):
    """The market outside: what stands at the touch at each step."""

    def at(self, listing: Listing, step: int, now: datetime) -> Touch:
        """The touch at `step`, which began at `now`; the same arguments, the same answer."""


@lru_cache(maxsize=8192)
def _knot(seed: int, symbol: str, wave: int, index: int) -> int:
    """A number in [-2^31, 2^31) that looks random and is always the same."""
    digest = blake2b(f"{seed}/{symbol}/{wave}/{index}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") - _HALF


class SeededPath:
    """Prices that wander around the base price; integers only, so every machine agrees."""

    def __init__(self, seed: int, volatility: Decimal, depth: Decimal | None) -> None:
        self._seed = seed
        self._percent = int(volatility * 100)
        self._depth = depth

    def at(self, listing: Listing, step: int, now: datetime) -> Touch:  # noqa: ARG002 (protocol)
        """The touch at `step`."""
        symbol = listing.instrument.symbol
        tick = listing.instrument.tick_at(listing.price)
        base = int(listing.price / tick)
        middle = max(base * (_WHOLE + self._offset(symbol, step)) // _WHOLE, 2)
        spread = max(1, middle // 10_000)
        bid = middle - (spread + 1) // 2
        return Touch(
            bid * tick,
            (bid + spread) * tick,
            self._size(listing, step, 101),
            self._size(listing, step, 102),
        )

    def _offset(self, symbol: str, step: int) -> int:
        total = 0
        for wave, (length, height) in enumerate(_WAVES):
            index, part = divmod(step, length)
            left = _knot(self._seed, symbol, wave, index)
            right = _knot(self._seed, symbol, wave, index + 1)
            total += (left * (length - part) + right * part) * height // (length * _HALF)
        return total * self._percent // 100

    def _size(self, listing: Listing, step: int, side: int) -> Decimal:
        if self._depth is not None:
            return self._depth
        more = (_knot(self._seed, listing.instrument.symbol, side, step) + _HALF) >> 16
        dollars = _SHOWN + _SHOWN_MORE * more // 65_536
        if listing.instrument.asset_class is AssetClass.CRYPTO:
            return Decimal(int(dollars * 10_000 / listing.price)) / 10_000
        return Decimal(max(1, int(dollars / listing.price)))


class FilePath:
    """Quotes of a CSV file; the last row of a symbol stands until the next one's time."""

    def __init__(self, rows: Mapping[str, list[tuple[datetime, Touch]]]) -> None:
        self._times = {symbol: [time for time, _ in found] for symbol, found in rows.items()}
        self._touches = {symbol: [touch for _, touch in found] for symbol, found in rows.items()}
        self.first = min(times[0] for times in self._times.values())
        self.shift = timedelta(0)

    def symbols(self) -> dict[str, Decimal]:
        """Every symbol with a price that it had."""
        return {s: touches[0].ask or Decimal(1) for s, touches in self._touches.items()}

    def at(self, listing: Listing, step: int, now: datetime) -> Touch:  # noqa: ARG002 (protocol)
        """The row that stands at `now`."""
        times = self._times.get(listing.instrument.symbol)
        if times is None:
            return NOTHING
        found = bisect_right(times, now - self.shift)
        return self._touches[listing.instrument.symbol][found - 1] if found else NOTHING


def read_quotes(path: Path) -> FilePath:
    """Read a quotes file.

    Raises ConfigError, which names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as fault:
        raise ConfigError(str(path), f"cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise ConfigError(str(path), "is not UTF-8 text") from fault
    table = csv.reader(lines)
    if tuple(next(table, ())) != _COLUMNS:
        raise ConfigError(f"{path}:1", f"the first line must be {','.join(_COLUMNS)}")
    rows: dict[str, list[tuple[datetime, Touch]]] = {}
    for cells in table:
        try:
            time, symbol, touch = _row(cells)
        except ValueError as fault:
            raise ConfigError(f"{path}:{table.line_num}", str(fault)) from fault
        found = rows.setdefault(symbol, [])
        if found and found[-1][0] > time:
            raise ConfigError(f"{path}:{table.line_num}", f"{symbol} goes back in time")
        found.append((time, touch))
    if not rows:
        raise ConfigError(str(path), "has no quotes")
    return FilePath(rows)


def _row(cells: list[str]) -> tuple[datetime, str, Touch]:
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of {len(_COLUMNS)}")
    time = datetime.fromisoformat(cells[0])
    if time.tzinfo is None:
        raise ValueError("time has no offset; write it as 2026-11-23T09:30:00Z")
    prices = [_number(name, cell) for name, cell in zip(_COLUMNS[2:], cells[2:], strict=True)]
    bid, ask, bid_size, ask_size = prices
    return time, cells[1], Touch(bid or None, ask or None, bid_size or ZERO, ask_size or ZERO)


def _number(name: str, cell: str) -> Decimal | None:
    if not cell.strip():
        return None
    try:
        value = decimal_from(cell)
    except ValueError as fault:
        raise ValueError(f"{name}: {fault}") from fault
    if value < 0:
        raise ValueError(f"{name}: {value} is below zero")
    return value
