"""Quote paths and quote files."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.errors import ConfigError
from fillwright.testing import ManualClock, Venue, VenueSettings
from fillwright.testing.venue import LISTINGS, Replay, SeededPath
from testing.venue_tools import Bench, D, touch

_NOW = datetime(2026, 3, 2, tzinfo=UTC)
_HEAD = "time,symbol,bid,ask,bid_size,ask_size\n"


@given(
    st.integers(0, 2**40),
    st.sampled_from(sorted(LISTINGS)),
    st.integers(0, 10**6),
)
def test_seeded_quotes_are_sound_and_repeat(step, symbol, seed):
    """A crossed, sizeless or off-tick quote would refuse or misprice every order."""
    listing = LISTINGS[symbol]
    touch = SeededPath(seed, D(1), None).at(listing, step, _NOW)
    assert touch == SeededPath(seed, D(1), None).at(listing, step, _NOW)
    assert 0 < touch.bid < touch.ask
    assert touch.bid_size > 0
    assert touch.ask_size > 0
    assert not touch.ask % listing.instrument.tick_at(touch.ask)
    assert abs(touch.ask / listing.price - 1) < D("0.05")
    assert (touch.ask - touch.bid) / touch.ask < D("0.002")


def test_seeds_differ_and_paths_move():
    """A path that stands still tests nothing; one seed for all would be no seed."""
    listing = LISTINGS["AAPL"]
    one, other = (SeededPath(seed, D(1), None) for seed in (1, 2))
    asks = [one.at(listing, step, _NOW).ask for step in range(0, 2000, 20)]
    assert len(set(asks)) > 10
    assert asks != [other.at(listing, step, _NOW).ask for step in range(0, 2000, 20)]
    still = SeededPath(1, D(0), D(7))
    assert {still.at(listing, step, _NOW) for step in range(100)} == {still.at(listing, 0, _NOW)}
    assert still.at(listing, 0, _NOW).ask_size == 7


def _file(tmp_path, text):
    path = tmp_path / "quotes.csv"
    path.write_text(text)
    return path


def test_a_quotes_file_is_followed(tmp_path):
    """A row that counts before its time lets a test look into the future."""
    path = _file(
        tmp_path,
        _HEAD + "2026-03-02T15:00:00Z,AAPL,10,10.01,100,200\n"
        "2026-03-02T15:00:10Z,AAPL,11,,300,0\n"
        "2026-03-02T15:00:00Z,ZZZ,5,5.01,1,1\n",
    )
    bench = Bench(quotes=path, step=1)
    assert bench.venue.quote("AAPL").ask_size == 200
    assert bench.venue.quote("ZZZ").bid == 5
    assert bench.venue.quote("MSFT").bid is None
    bench.clock.advance(9)
    assert bench.venue.quote("AAPL").bid == 10
    bench.clock.advance(1)
    quote = bench.venue.quote("AAPL")
    assert (quote.bid, quote.ask) == (11, None)
    assert quote.at == bench.clock.now()


def test_an_old_file_can_be_replayed_from_the_start(tmp_path):
    """A recorded day is of no use if only its last row is ever seen."""
    path = _file(
        tmp_path,
        _HEAD + "2020-01-01T00:00:00Z,AAPL,10,10.01,1,1\n2020-01-01T00:01:00Z,AAPL,20,20.01,1,1\n",
    )
    bench = Bench(quotes=path, step=1, replay=Replay.START)
    assert bench.venue.quote("AAPL").bid == 10
    bench.clock.advance(60)
    assert bench.venue.quote("AAPL").bid == 20


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("time,symbol\n", ":1", "the first line must be time,symbol,bid"),
        ("", ":1", "the first line must be"),
        (_HEAD, "quotes.csv", "has no quotes"),
        (_HEAD + "2026-03-02T15:00:00Z,A,1,2,3\n", ":2", "5 columns instead of 6"),
        (_HEAD + "2026-03-02T15:00:00,A,1,2,3,4\n", ":2", "no offset"),
        (_HEAD + "yesterday,A,1,2,3,4\n", ":2", "Invalid isoformat"),
        (_HEAD + "2026-03-02T15:00:00Z,A,one,2,3,4\n", ":2", "bid: 'one' is not a decimal"),
        (_HEAD + "2026-03-02T15:00:00Z,A,NaN,2,3,4\n", ":2", "not a finite number"),
        (_HEAD + "2026-03-02T15:00:00Z,A,-1,2,3,4\n", ":2", "below zero"),
        (
            _HEAD + "2026-03-02T15:00:01Z,A,1,2,3,4\n2026-03-02T15:00:00Z,A,1,2,3,4\n",
            ":3",
            "back in time",
        ),
    ],
)
def test_a_bad_quotes_file_says_where(tmp_path, text, where, said):
    """A file error without its line costs an hour."""
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as bad:
        Bench(quotes=path)
    assert bad.value.where.endswith(where)
    assert "quotes.csv" in bad.value.where
    assert said in bad.value.problem


def test_a_missing_quotes_file(tmp_path):
    """A missing file must be a sentence, not a traceback."""
    with pytest.raises(ConfigError, match=r"nowhere\.csv: cannot be read: No such file"):
        Bench(quotes=tmp_path / "nowhere.csv")


def test_instruments_can_be_changed_and_added():
    """A test that cannot make its own instrument tests only ours."""
    settings = {
        "AAPL": {"fractionable": False, "tick": "0.05"},
        "XYZ": {"price": "0.50", "lot": "100"},
    }
    venue = Bench(instruments=settings).venue
    assert not venue.instrument("AAPL").fractionable
    assert venue.instrument("AAPL").shortable
    assert venue.instrument("XYZ").lot == 100
    assert venue.quote("XYZ").bid < 1


def test_an_unlisted_opening_position_is_named():
    """A position in nothing cannot be valued."""
    with pytest.raises(ConfigError, match="NOSUCH is not listed"):
        Bench(positions={"NOSUCH": "1"})


def test_a_set_quote_can_look_stale():
    """A desk that is never shown a stale quote was never tried."""
    bench = Bench()
    old = bench.clock.now() - timedelta(minutes=1)
    bench.venue.set_quote("AAPL", touch("1", "2"), at=old)
    bench.venue.step()
    assert bench.venue.quote("AAPL").at == old
    bench.venue.set_quote("AAPL", None)
    assert bench.venue.quote("AAPL").at == bench.clock.now()


def test_time_moves_the_market_by_itself():
    """A market order larger than the touch must go on without anybody's help."""
    clock = ManualClock()
    venue = Venue(VenueSettings(step=0.05, depth=D(10)), clock)
    bench = Bench()
    bench.venue = venue
    order = bench.send("BUY 25 AAPL")
    assert order.filled == 10
    clock.advance(0.05)
    venue.advance()
    assert order.filled == 20
    clock.advance(0.01)
    venue.advance()
    assert order.filled == 20
    clock.advance(3600)
    venue.advance()
    assert order.filled == 25


@pytest.mark.parametrize("symbol", ["AAPL", "SPY", "F", "BTC/USD", "NVR"])
def test_typical_demo_orders_fill_in_a_few_steps(symbol):
    """A demo that hangs in front of a newcomer is the last thing they see."""
    bench = Bench(seed=7)
    price = bench.venue.quote(symbol).ask
    amount = max(1, int(20_000 / price)) if "/" not in symbol else "0.2"
    order = bench.send(f"BUY {amount} {symbol}")
    bench.venue.step(2)
    assert order.status.value == "FILLED"
