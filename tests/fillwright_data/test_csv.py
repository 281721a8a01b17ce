"""Data from a file: every cell is read as what it is, and a bad line is named by file and line."""

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fillwright.errors import ConfigError
from fillwright.hooks import DataRequest
from fillwright.inputs import Input, Locate, Session, SessionState
from fillwright.testing import ManualClock
from fillwright_data.csv_file import CsvData, provide_data

GOOD = """symbol,time,adv,sector,locate,session,my_score,note
AAPL,2026-11-20T21:00:00Z,51000000,technology,easy,open,1.5,fine
BRK.B,2026-11-20T16:00:00-05:00,4000000,financials,2500,halted,,
KO,2026-11-20T21:00:00Z,,,,,,
"""
Write = Callable[..., CsvData]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def build(tmp_path: Path, clock: ManualClock) -> Write:
    def built(*texts: str, **settings: Any) -> CsvData:
        names = [f"market{n}.csv" for n in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (tmp_path / name).write_text(text, encoding="utf-8")
        table = {"files": names} | settings
        made = provide_data(DataRequest("csv", table, tmp_path, clock))
        assert isinstance(made, CsvData)
        return made

    return built


async def test_each_cell_is_read_as_what_its_column_holds(build: Write) -> None:
    """A share count that is read as text, or a price as a float, is a limit on something else."""
    data = build(GOOD)

    async def value(name: str, symbol: str) -> object:
        datum = await data.fetch(name, symbol)
        return datum and datum.value

    assert await value(Input.ADV, "AAPL") == Decimal(51_000_000)
    assert await value(Input.SECTOR, "BRK.B") == "financials"
    assert await value(Input.LOCATE, "AAPL") == Locate(easy=True)
    assert await value(Input.LOCATE, "BRK.B") == Locate(Decimal(2500))
    assert await value(Input.SESSION, "BRK.B") == Session(SessionState.HALTED)
    assert await value("my_score", "AAPL") == Decimal("1.5")
    assert await value("note", "AAPL") == "fine"
    assert await value(Input.ADV, "KO") is None
    assert await value(Input.ADV, "MSFT") is None
    assert set(data.supplies) == {"adv", "sector", "locate", "session", "my_score", "note"}


async def test_a_datum_has_the_time_that_its_line_gives(build: Write) -> None:
    """The time of the file would make a forgotten line look fresh."""
    datum = await build(GOOD).fetch(Input.ADV, "BRK.B")

    assert datum is not None
    assert datum.at.isoformat() == "2026-11-20T21:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("symbol,adv\n", 1, "there is no column time"),
        ("", 1, "there is no column symbol"),
        ("symbol,time,adv,adv\n", 1, "two columns have the same name"),
        ("symbol,time,ADV\n", 1, "no name of an input"),
        ("symbol,time,quote\n", 1, "the desk's own"),
        ("symbol,time,skew\n", 1, "the desk's own"),
        ("symbol,time,adv\naapl,2026-11-20T21:00:00Z,1\n", 2, "'aapl' is no symbol"),
        ("symbol,time,adv\nKO,yesterday,1\n", 2, "'yesterday' is no time"),
        ("symbol,time,adv\nKO,2026-11-20T21:00:00,1\n", 2, "the time has no offset"),
        ("symbol,time,adv\nKO,2026-11-20T21:00:00Z,many\n", 2, "adv: 'many' is not a decimal"),
        ("symbol,time,adv\nKO,2026-11-20T21:00:00Z,nan\n", 2, "adv: NaN is not a finite number"),
        ("symbol,time,adv\nKO,2026-11-20T21:00:00Z,-1\n", 2, "adv is below zero"),
        ("symbol,time,session\nKO,2026-11-20T21:00:00Z,shut\n", 2, "must be one of open, extended"),
        ("symbol,time,adv\n\nKO,2026-11-20T21:00:00Z\n", 3, "has 2 cells, and there are 3 columns"),
        (
            "symbol,time,adv\nKO,2026-11-20T21:00:00Z,1\nKO,2026-11-20T21:00:00Z,2\n",
            3,
            "KO stands in line 2 already",
        ),
        ('symbol,time,adv\nKO,2026-11-20T21:00:00Z,"1\n', 2, "is not CSV"),
    ],
)
def test_a_bad_line_is_named(
    build: Write, tmp_path: Path, text: str, line: int, sentence: str
) -> None:
    """A line that is skipped is a symbol without its limit."""
    with pytest.raises(ConfigError) as caught:
        build(text)

    assert caught.value.where == f"{tmp_path / 'market0.csv'}, line {line}"
    assert sentence in caught.value.problem


def test_a_symbol_may_not_stand_in_two_files(build: Write) -> None:
    """Of two volumes, nobody could say which one is meant."""
    line = "symbol,time,adv\nKO,2026-11-20T21:00:00Z,1\n"

    with pytest.raises(ConfigError, match=r"adv of KO stands in .*market0\.csv too"):
        build(line, line)


async def test_several_files_add_up(build: Write) -> None:
    """Sectors come once a month, volumes every night: from two programs."""
    data = build(
        "symbol,time,adv\nKO,2026-11-20T21:00:00Z,1\n",
        "symbol,time,sector\nKO,2026-11-01T21:00:00Z,staples\n",
    )

    assert await data.fetch(Input.ADV, "KO") is not None
    assert await data.fetch(Input.SECTOR, "KO") is not None


async def test_a_file_that_changed_is_read_again(
    build: Write, tmp_path: Path, clock: ManualClock
) -> None:
    """A desk that must be restarted for yesterday's volumes trades on the day before's."""
    data = build("symbol,time,adv\nKO,2026-11-20T21:00:00Z,1\n")
    path = tmp_path / "market0.csv"
    path.write_text("symbol,time,adv\nKO,2026-11-23T21:00:00Z,22\n")
    await clock.run_for(2)
    datum = await data.fetch(Input.ADV, "KO")
    assert datum is not None
    assert datum.value == 22

    path.write_text("symbol,time,adv\nKO,never,333\n")
    await clock.run_for(2)
    with pytest.raises(ConfigError, match=r"market0\.csv, line 2: 'never' is no time"):
        await data.fetch(Input.ADV, "KO")
    path.unlink()
    await clock.run_for(2)
    with pytest.raises(ConfigError, match="cannot be read"):
        await data.fetch(Input.ADV, "KO")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"files": []}, "csv.files: has too few entries"),
        ({"file": ["a.csv"]}, "csv.file: is not a setting. Did you mean files?"),
        ({"files": ["nowhere.csv"]}, "nowhere.csv: there is no such file. See [csv] files"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    build: Write, settings: dict[str, Any], sentence: str
) -> None:
    """A misspelt setting is a file that nobody reads."""
    with pytest.raises(ConfigError) as caught:
        build(**({"files": ["any.csv"]} if "file" in settings else {}), **settings)

    assert sentence in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    """Bytes that are guessed at are symbols that nobody named."""
    (tmp_path / "market.csv").write_bytes(b"symbol,time,note\nKO,2026-11-20T21:00:00Z,\xff\n")
    request = DataRequest("csv", {"files": ["market.csv"]}, tmp_path, clock)

    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8"):
        provide_data(request)
    assert os.listdir(tmp_path) == ["market.csv"]  # noqa: PTH208  # names alone
