"""The same calls give the same bytes, and a restart changes nothing that is shown."""

import stat
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.errors import ConfigError
from fillwright.testing import ManualClock
from fillwright.testing.paper_server.request import Request
from testing.paper_server.api_tools import Api, D, keys_of, limit

_PATHS = (
    *("/v2/account", "/v2/account/configurations", "/v2/positions", "/v2/clock"),
    *("/v2/account/activities/FILL", "/v2/assets"),
    *("/v2/stocks/AAPL/trades/latest", "/v1beta3/crypto/us/latest/trades"),
)
_LISTS = {"status": "all", "limit": "500", "nested": "true", "symbols": ""}
_LEGS = {"take_profit": {"limit_price": "400"}, "stop_loss": {"stop_price": "90"}}


def _picture(api: Api) -> list[bytes]:
    """Everything that an account shows, byte for byte."""
    shown = []
    for account in api.exchange.accounts.values():
        for path in _PATHS:
            query = {"symbols": "BTC/USD"} if "crypto" in path else {}
            request = Request("GET", path, query, keys_of(account))
            shown.append(api.exchange.handle(request).body)
        for nested in ("false", "true"):
            query = _LISTS | {"nested": nested}
            request = Request("GET", "/v2/orders", query, keys_of(account))
            shown.append(api.exchange.handle(request).body)
    return shown


def _trade(api: Api) -> None:
    api.sent("buy 10 AAPL", client_order_id="full")
    api.sent("buy 25 AAPL", client_order_id="part")
    api.sent("buy $1000.50 NVDA")
    api.sent("buy 12 AMZN", order_class="bracket", **_LEGS)
    api.sent("sell 9 MSFT", type="trailing_stop", trail_percent="2.5")
    api.sent(
        "sell 5 KO", order_class="oco", type="limit", **_LEGS | {"stop_loss": {"stop_price": "20"}}
    )
    old = api.sent("buy 1 TSLA", **limit("50"))
    api.patch(old, limit_price="51")
    gone = api.sent("buy 1 TSLA", **limit("40"))
    api.cancel(gone)
    api.sent("buy 0.25 BTC/USD")
    api.clock.advance(1.25)
    api.venue.step()
    api.ask("PATCH", "/v2/account/configurations", {"trade_confirm_email": "none"})
    api.venue.control.bust(api.venue.executions().items[0].execution.execution_id)


_SETTINGS = {"depth": "10", "positions": {"MSFT": "9", "KO": "5"}, "accounts": 2}


@pytest.mark.parametrize("pending_steps", [0, 3])
def test_a_restart_changes_nothing_that_is_shown(tmp_path, pending_steps):
    """A broker whose books differ after a restart makes a desk doubt its own."""
    state = tmp_path / "paper.db"
    api = Api(state=state, pending_steps=pending_steps, **_SETTINGS)
    _trade(api)
    before = _picture(api)
    api.exchange.close()
    again = Api(state=state, clock=api.clock, pending_steps=pending_steps, **_SETTINGS)

    assert _picture(again) == before
    assert again.events == []
    refused = again.post("buy 1 AAPL", client_order_id="full")
    assert refused.told == (422, 40010001, "client_order_id must be unique")
    known = {order["client_order_id"] for order in again.orders(status="all", limit=500)}
    assert again.sent("buy 1 KO", time_in_force="ioc")["client_order_id"] not in known
    again.exchange.close()


def test_page_tokens_outlive_a_restart(tmp_path):
    """A cursor in a journal that the broker no longer knows would fetch everything anew."""
    state = tmp_path / "paper.db"
    api = Api(state=state)
    for _ in range(5):
        api.sent("buy 1 AAPL")
    token = api.fills()[1]["id"]
    api.exchange.close()
    again = Api(state=state, clock=api.clock)

    assert len(again.fills(page_token=token)) == 3
    assert len(again.fills(page_token=token, direction="asc")) == 1
    again.exchange.close()


def test_each_account_has_its_file(tmp_path):
    """An account that is added must be there again without being added again."""
    state = tmp_path / "paper.db"
    api = Api(state=state)
    rich = api.exchange.add_account(cash=D(5_000_000))
    api.exchange.close()
    files = sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".db")
    again = Api(state=state, clock=api.clock)

    assert files == ["paper-2.db", "paper.db"]
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in files} == {0o600}
    assert list(again.exchange.accounts) == [api.account.key, rich.key]
    other = again.exchange.accounts[rich.key]
    assert again.ask("GET", "/v2/account", account=other).json["cash"] == "5000000.00"
    again.exchange.close()


def test_another_seed_does_not_take_the_files_over(tmp_path):
    """Other keys on the same books would let a stranger trade an old account."""
    state = tmp_path / "paper.db"
    Api(state=state).exchange.close()

    with pytest.raises(ConfigError, match="belongs to version and account"):
        Api(state=state, seed=8)


def test_a_state_that_cannot_be_written_is_a_server_error(tmp_path):
    """An answer that the books do not back must not look like an acceptance."""
    api = Api(state=tmp_path / "paper.db")
    api.exchange.close()
    reply = api.post("buy 1 AAPL")

    assert (reply.status, reply.json["code"]) == (500, 50010000)


_MOVES = st.lists(
    st.tuples(
        st.sampled_from(["buy 7 AAPL", "sell 3 AAPL", "buy $75 MSFT", "buy 0.1 BTC/USD"]),
        st.sampled_from([None, "100", "300"]),
        st.sampled_from([0, 0.05, 3, 4000]),
    ),
    max_size=12,
)


@given(_MOVES, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_same_calls_give_the_same_bytes(moves, seed):
    """A failure that cannot be repeated cannot be repaired."""

    def play() -> tuple[list[bytes], list]:
        api = Api(seed=seed, step=0.05, volatility="1", depth="5")
        for text, price, seconds in moves:
            api.clock.advance(seconds)
            api.post(text, **({} if price is None else {"type": "limit", "limit_price": price}))
        api.exchange.advance()
        return _picture(api), api.events

    assert play() == play()


def test_time_passes_with_the_clock_alone():
    """A server that moves by itself cannot be part of a simulation."""
    clock = ManualClock()
    api = Api(clock=clock, step=0.05, depth="5", volatility="0")
    order = api.sent("buy 12 AAPL")
    assert api.order(order)["filled_qty"] == "5"
    assert api.order(order)["filled_qty"] == "5"
    clock.advance(timedelta(seconds=0.1).total_seconds())
    assert api.told == ["new", "partial_fill"]
    api.exchange.advance()

    assert api.told == ["new", "partial_fill", "partial_fill", "fill"]
    assert api.order(order)["filled_qty"] == "12"
