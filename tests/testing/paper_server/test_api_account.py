"""The account: balances, flags, and the configuration with what it forbids."""

from uuid import UUID

import pytest

from testing.paper_server.api_tools import Api, D, limit

_GONE = {
    *("pattern_day_trader", "daytrade_count", "daytrading_buying_power"),
    *("pdt_check", "dtbp_check"),
}


def test_a_new_paper_account():
    """A client reads its limits here before it sends the first order."""
    account = Api().found("/v2/account")

    assert UUID(account["id"])
    assert account["account_number"].startswith("PA3")
    assert (account["status"], account["crypto_status"]) == ("ACTIVE", "ACTIVE")
    assert (account["currency"], account["multiplier"]) == ("USD", "4")
    assert (account["cash"], account["equity"], account["last_equity"]) == ("100000.00",) * 3
    assert (account["buying_power"], account["regt_buying_power"]) == ("400000.00", "200000.00")
    assert account["shorting_enabled"] is True
    assert account["created_at"] == "2026-03-02T15:00:00.000000000Z"
    assert account["balance_asof"] == "2026-03-01"
    flags = ("trading_blocked", "account_blocked", "transfers_blocked", "trade_suspended_by_user")
    assert [account[name] for name in flags] == [False] * 4
    assert not _GONE & set(account)
    texts = {name for name, value in account.items() if isinstance(value, str)}
    assert {"buying_power", "cash", "equity", "sma", "accrued_fees"} <= texts


def test_balances_follow_the_trades():
    """A balance that lags lets a client spend the same dollar twice."""
    api = Api(multiplier="2", cash="10000", positions={"KO": "-10"})
    api.quote("AAPL", "99", "101")
    api.quote("KO", "70", "70")
    api.sent("buy 10 AAPL")
    api.sent("buy 5 AAPL", **limit("90"))
    account = api.found("/v2/account")

    assert (account["cash"], account["long_market_value"]) == ("8990.00", "1000.00")
    assert (account["short_market_value"], account["equity"]) == ("-700.00", "9290.00")
    assert account["portfolio_value"] == account["equity"]
    assert account["position_market_value"] == "1700.00"
    assert (account["initial_margin"], account["maintenance_margin"]) == ("850.00", "510.00")
    # (equity - initial_margin) * 2, less what the open buy holds.
    assert account["buying_power"] == "16430.00"
    assert account["non_marginable_buying_power"] == "8540.00"
    assert account["last_equity"] == "9320.00"


def test_a_cash_account():
    """Without margin, buying power is the cash that no open order holds."""
    api = Api(multiplier="1", cash="1000.555")
    api.sent("buy 2 AAPL", **limit("100.10"))
    account = api.found("/v2/account")

    assert (account["multiplier"], account["cash"]) == ("1", "1000.56")
    assert (account["buying_power"], account["regt_buying_power"]) == ("800.35", "800.35")


def test_equity_of_the_day_before():
    """A loss limit for the day begins with the equity of the day before."""
    api = Api(positions={"AAPL": "10"})
    api.quote("AAPL", "239.99", "240.01")
    api.clock.advance(86_400)
    api.quote("AAPL", "249.99", "250.01")
    account = api.found("/v2/account")

    assert (account["last_equity"], account["equity"]) == ("102400.00", "102500.00")
    assert account["last_maintenance_margin"] == "720.00"


def test_a_blocked_account_says_so():
    """A client that does not see the block sends orders into it all day."""
    api = Api()
    api.venue.control.block()
    account = api.found("/v2/account")

    assert (account["trading_blocked"], account["account_blocked"]) == (True, True)


def test_the_configuration_is_kept_and_merged():
    """A PATCH that resets what it does not name would switch shorting back on."""
    api = Api()
    usual = api.found("/v2/account/configurations")
    assert usual["no_shorting"] is False
    assert not _GONE & set(usual)
    reply = api.ask("PATCH", "/v2/account/configurations", {"no_shorting": True, "pdt_check": "x"})
    again = api.ask("PATCH", "/v2/account/configurations", {"trade_confirm_email": "none"})

    assert reply.json == usual | {"no_shorting": True}
    assert again.json == usual | {"no_shorting": True, "trade_confirm_email": "none"}
    assert api.found("/v2/account/configurations") == again.json
    assert api.found("/v2/account")["shorting_enabled"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"no_shorting": "perhaps"},
        {"max_margin_multiplier": "3"},
        {"trade_confirm_email": "some"},
        {"max_options_trading_level": 4},
        {"max_options_trading_level": 1.5},
    ],
)
def test_configurations_that_do_not_exist(change):
    """A switch that is taken and means nothing gives false comfort."""
    api = Api()
    before = api.found("/v2/account/configurations")

    assert api.ask("PATCH", "/v2/account/configurations", change).status == 422
    assert api.found("/v2/account/configurations") == before


@pytest.mark.parametrize(
    ("change", "refused", "taken"),
    [
        ({"suspend_trade": True}, "buy 1 AAPL", None),
        ({"no_shorting": True}, "sell 1 MSFT", "sell 1 AAPL"),
        ({"fractional_trading": False}, "buy 0.5 AAPL", "buy 1 AAPL"),
        ({"fractional_trading": False}, "buy $50 AAPL", "buy 1 BTC/USD"),
    ],
)
def test_what_the_configuration_forbids(change, refused, taken):
    """A switch of the owner must hold against the owner's own programs."""
    api = Api(positions={"AAPL": "5"})
    api.ask("PATCH", "/v2/account/configurations", change)
    reply = api.post(refused)

    assert (reply.status, reply.json["code"]) == (403, 40310000)
    assert taken is None or api.post(taken).status == 200
    assert api.found("/v2/account")["trade_suspended_by_user"] is bool(change.get("suspend_trade"))


def test_cents_are_never_rounded_up_in_buying_power():
    """Buying power that is a cent too high is refused at the broker."""
    api = Api(multiplier="1", cash="100.009")

    assert api.found("/v2/account")["buying_power"] == "100.00"
    assert D(api.found("/v2/account")["cash"]) == D("100.01")
