"""Settings with scopes: the most specific counts, and what cannot be read refuses to start."""

from typing import Any

import pytest

from fillwright.accounts import Instrument
from fillwright.book import BookView
from fillwright.errors import ConfigError
from fillwright.limits import SCOPES, Scoped
from fillwright.orders import Order
from fillwright.types import AssetClass, Notional, Quantity, Value
from risk.gatekit import D, order, view


class Settings(Value):
    limit_usd: Notional | None = None
    limit_shares: Quantity = D(10)


def scoped(**table: Any) -> Scoped[Settings]:
    return Scoped(Settings, table, "mine.size")


def usd(limits: Scoped[Settings], asked: Order | None = None, book: BookView | None = None) -> Any:
    return limits.of(asked or order(), book or view()).limit_usd


ALL = {
    "limit_usd": "1",
    "account": {"A1": {"limit_usd": "2"}},
    "asset_class": {"us_equity": {"limit_usd": "3"}},
    "strategy": {"alpha": {"limit_usd": "4"}},
    "symbol": {"AAPL": {"limit_usd": "5"}},
}


@pytest.mark.parametrize(
    ("without", "counts"),
    [
        ([], 5),
        (["symbol"], 4),
        (["symbol", "strategy"], 3),
        (["symbol", "strategy", "asset_class"], 2),
        (list(SCOPES), 1),
    ],
)
def test_the_most_specific_counts_also_when_it_is_looser(without: list[str], counts: int) -> None:
    """A general limit must neither loosen nor tighten what somebody set for one symbol."""
    table = {key: value for key, value in ALL.items() if key not in without}

    assert usd(Scoped(Settings, table, "mine"), order(strategy="alpha")) == counts


def test_what_holds_for_an_order_is_worked_out_once() -> None:
    """Laid together anew for every order, thirty controls take longer than the broker."""
    limits = scoped(limit_usd="1", symbol={"AAPL": {"limit_shares": "7"}})

    assert limits.of(order(), view()) is limits.of(order(quantity="3"), view())


def test_each_setting_is_looked_up_apart() -> None:
    """A limit in shares for one symbol must not take away its limit in dollars."""
    limits = scoped(
        limit_usd="1",
        symbol={"AAPL": {"limit_shares": "7"}},
        strategy={"alpha": {"limit_usd": "4"}},
    )
    both = limits.of(order(strategy="alpha"), view())

    assert (both.limit_shares, both.limit_usd) == (7, 4)
    assert limits.of(order(symbol="KO"), view()) == Settings(limit_usd="1")


def test_who_is_not_named_has_the_general_one() -> None:
    """Another strategy's limit is nobody else's."""
    limits = scoped(limit_usd="1", strategy={"alpha": {"limit_usd": "4"}}, account={"B2": {}})

    assert usd(limits) == 1
    assert usd(limits, order(strategy="beta")) == 1


def test_asset_classes_go_by_the_instrument() -> None:
    """A coin is not a share, whatever its name looks like."""
    limits = scoped(limit_usd="1", asset_class={"crypto": {"limit_usd": "3"}})
    coin = view(instrument=Instrument("AAPL", asset_class=AssetClass.CRYPTO))

    assert usd(limits, book=coin) == 3
    assert usd(limits) == 1
    assert usd(limits, book=view(instrument=None)) == 1


def test_a_thousand_strategies_cost_no_endless_memory() -> None:
    """Whoever names a strategy for each order must not fill the memory by it."""
    limits = scoped(limit_usd="1", symbol={"KO": {"limit_usd": "2"}})
    for n in range(10_000):
        limits.of(order(strategy=f"s{n}"), view())

    assert len(limits._now._known) <= 4096


@pytest.mark.parametrize(
    ("table", "where", "sentence"),
    [
        ({"limit_eur": "1"}, "mine.size.limit_eur", "no such setting. Did you mean limit_usd"),
        ({"symbols": {}}, "mine.size.symbols", "no such setting. Did you mean symbol?"),
        ({"limit_usd": 1}, "mine.size.limit_usd", "string"),
        ({"limit_usd": "nan"}, "mine.size.limit_usd", "finite"),
        ({"symbol": "AAPL"}, "mine.size.symbol", "not a table"),
        ({"symbol": {"AAPL": "1"}}, "mine.size.symbol.AAPL", "not a table. Write [mine.size.sy"),
        ({"symbol": {"aapl": {}}}, "mine.size.symbol.aapl", "is no symbol"),
        ({"asset_class": {"stocks": {}}}, "mine.size.asset_class.stocks", "Known are: us_equity"),
        ({"strategy": {"a b": {}}}, "mine.size.strategy.a b", "is no strategy"),
        ({"account": {"A\n1": {}}}, "mine.size.account.A\\n1", "is no account"),
        (
            {"symbol": {"AAPL": {"limit_us": "1"}}},
            "mine.size.symbol.AAPL.limit_us",
            "Did you mean limit_usd?",
        ),
        (
            {"symbol": {"AAPL": {"limit_usd": "0"}}},
            "mine.size.symbol.AAPL.limit_usd",
            "above zero",
        ),
    ],
)
def test_what_cannot_be_read_is_named(table: dict[str, Any], where: str, sentence: str) -> None:
    """A limit for a scope that is misspelt is no limit for anybody."""
    with pytest.raises(ConfigError) as caught:
        scoped(**table)

    assert caught.value.where == where
    assert sentence in str(caught.value)


def test_what_counts_is_listed_with_its_place() -> None:
    """Whoever must answer for the limits reads them off one list."""
    limits = scoped(limit_usd="1", symbol={"AAPL": {"limit_usd": "5"}})
    listed = [(".".join(e.path), e.scope, e.value, e.given) for e in limits.effective()]

    assert listed == [
        ("mine.size.limit_usd", "general", 1, True),
        ("mine.size.limit_shares", "general", 10, False),
        ("mine.size.symbol.AAPL.limit_usd", "symbol AAPL", 5, True),
    ]


def test_a_setting_may_not_be_called_like_a_scope() -> None:
    """One word for two things is one of them lost."""

    class Wrong(Value):
        symbol: str = ""

    with pytest.raises(TypeError, match=r"Wrong\.symbol has the name of a scope"):
        Scoped(Wrong, {}, "mine")


def test_many_scopes_are_looked_up_right_when_they_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A limit that is remembered for another symbol lets too much pass, or nothing."""
    monkeypatch.setattr("fillwright.limits._REMEMBERED", 2)
    limits = scoped(limit_usd="1", symbol={"AAPL": {"limit_usd": "5"}})
    names = ("AAPL", "B", "C", "D", "AAPL", "B")

    found = [limits.of(order(symbol=name), view()).limit_usd for name in names]

    assert found == [5, 1, 1, 1, 5, 1]
