"""Read a CSV file of data for checks: one line per symbol, one column per input.

Rules:
1. The columns `symbol` and `time` must be there; every other one is called like its input. An empty
   cell says nothing.
2. A line that cannot be read is named by file and line, and none of its file counts.
3. A symbol stands in one line of one file only: of two, nobody could say which is meant.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter, ValidationError

from fillwright.errors import ConfigError
from fillwright.inputs import (
    ACCOUNT_WIDE,
    INPUT_NAME,
    THE_DESKS_OWN,
    Datum,
    Input,
    Locate,
    Session,
    SessionState,
    Ssr,
    flaw,
)
from fillwright.types import Symbol, decimal_from

if TYPE_CHECKING:
    import _csv

SYMBOL, TIME = "symbol", "time"
#: In bytes; a longer file is not a table of symbols.
MAX_BYTES = 64 << 20
#: What a cell of `locate` says for a symbol that needs no locate.
EASY = "easy"

Key = tuple[str, str]
_symbols: TypeAdapter[str] = TypeAdapter(Symbol)


class Table(NamedTuple):
    """One file: the inputs that it has columns for, and every datum by input and symbol."""

    inputs: Sequence[str]
    data: Mapping[Key, Datum]


def read(path: Path) -> Table:
    """All that a file says. Raises ConfigError, with the line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(str(path), "is longer than 64 MiB", "Is it a table of symbols?")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise ConfigError(str(path), f"cannot be read: {reason}") from fault
    reader = csv.reader(text.splitlines(), strict=True)
    names = _head(next(reader, []), path)
    found: dict[Key, Datum] = {}
    first_at: dict[str, int] = {}
    for number, row in _rows(reader, names, path):
        data = list(_data(row, f"{path}, line {number}"))
        symbol = row[SYMBOL].strip()
        if symbol in first_at:
            problem = f"{symbol} stands in line {first_at[symbol]} already"
            raise ConfigError(f"{path}, line {number}", problem)
        first_at[symbol] = number
        found |= {(datum.name, datum.symbol): datum for datum in data}
    return Table([name for name in names if name not in _KEYS], found)


def _rows(
    reader: "_csv.Reader", names: Sequence[str], path: Path
) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                problem = f"has {len(cells)} cells, and there are {len(names)} columns"
                raise ConfigError(f"{path}, line {reader.line_num}", problem)
            yield reader.line_num, dict(zip(names, cells, strict=True))
    except csv.Error as fault:
        raise ConfigError(f"{path}, line {reader.line_num}", f"is not CSV: {fault}") from fault


def _head(cells: Sequence[str], path: Path) -> Sequence[str]:
    names = [cell.strip() for cell in cells]
    where = f"{path}, line 1"
    for name in (SYMBOL, TIME):
        if name not in names:
            raise ConfigError(where, f"there is no column {name}", "Write symbol,time,adv,...")
    if len(set(names)) < len(names):
        raise ConfigError(where, "two columns have the same name")
    for name in names:
        if name in THE_DESKS_OWN or name in ACCOUNT_WIDE:
            raise ConfigError(where, f"{name} is the desk's own, and comes from no file")
        if INPUT_NAME.fullmatch(name) is None:
            raise ConfigError(where, f"{name!r} is no name of an input", "Use lower case: adv")
    return names


def _data(row: Mapping[str, str], where: str) -> Iterator[Datum]:
    try:
        symbol = _symbols.validate_python(row[SYMBOL].strip())
    except ValidationError:
        raise ConfigError(where, f"{row[SYMBOL][:40]!r} is no symbol") from None
    at = _time(row[TIME].strip(), where)
    for name, cell in row.items():
        if name not in _KEYS and cell.strip():
            yield Datum(name, symbol, _value(name, cell.strip(), where), at)


def _time(written: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigError(where, f"{written[:40]!r} is no time", _TIME_HINT) from None
    if at.tzinfo is None:
        raise ConfigError(where, "the time has no offset", _TIME_HINT)
    return at.astimezone(UTC)


def _value(name: str, cell: str, where: str) -> object:
    read_cell = _READERS.get(name, _anything)
    try:
        value = read_cell(cell)
    except ValueError as fault:
        raise ConfigError(where, f"{name}: {fault}") from fault
    wrong = flaw(name, value)
    if wrong:
        raise ConfigError(where, f"{name} {wrong}")
    return value


def _anything(cell: str) -> object:
    """A number where it is one, else text."""
    try:
        return decimal_from(cell)
    except ValueError:
        return cell


def _locate(cell: str) -> Locate:
    return Locate(easy=True) if cell == EASY else Locate(decimal_from(cell))


def _session(cell: str) -> Session:
    try:
        return Session(SessionState(cell))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(SessionState)}") from None


def _ssr(cell: str) -> Ssr:
    try:
        return Ssr(cell)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Ssr)}") from None


_READERS: Mapping[str, Callable[[str], object]] = {
    Input.ADV: decimal_from,
    Input.VOLUME: decimal_from,
    Input.SECTOR: str,
    Input.LOCATE: _locate,
    Input.SESSION: _session,
    Input.SSR: _ssr,
}
_KEYS = frozenset({SYMBOL, TIME})
_TIME_HINT = "Write it as 2026-11-23T09:30:00Z"
