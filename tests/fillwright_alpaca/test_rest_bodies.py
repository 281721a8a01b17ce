"""Our orders and changes written as Alpaca's."""

import pytest

from alpacakit.rest import NAME, approved, changed
from fillwright_alpaca.bodies import Unwritable, change_body, order_body


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"type": "limit", "qty": "3", "limit_price": "10.07", "time_in_force": "day"}),
        (
            {"type": "MARKET", "limit_price": None, "quantity": "0.557436865"},
            {"type": "market", "qty": "0.557436865"},
        ),
        (
            {"type": "MARKET", "limit_price": None, "quantity": None, "notional": "250.50"},
            {"type": "market", "notional": "250.5"},
        ),
        (
            {"type": "STOP", "limit_price": None, "stop_price": "9", "time_in_force": "GTC"},
            {"type": "stop", "stop_price": "9", "time_in_force": "gtc"},
        ),
        (
            {"type": "STOP_LIMIT", "stop_price": "10.5"},
            {"type": "stop_limit", "stop_price": "10.5", "limit_price": "10.07"},
        ),
        (
            {"type": "TRAILING_STOP", "limit_price": None, "trail_percent": "1.5"},
            {"type": "trailing_stop", "trail_percent": "1.5"},
        ),
        (
            {"type": "TRAILING_STOP", "limit_price": None, "trail_price": "0.10"},
            {"type": "trailing_stop", "trail_price": "0.1"},
        ),
        ({"extended_hours": True}, {"extended_hours": True}),
        ({"time_in_force": "OPG"}, {"time_in_force": "opg"}),
        (
            {
                "order_class": "BRACKET",
                "take_profit": {"limit_price": "11"},
                "stop_loss": {"stop_price": "9", "limit_price": "8.9"},
            },
            {
                "order_class": "bracket",
                "limit_price": "10.07",
                "take_profit": {"limit_price": "11"},
                "stop_loss": {"stop_price": "9", "limit_price": "8.9"},
            },
        ),
        (
            {"order_class": "OTO", "stop_loss": {"stop_price": "9"}},
            {"order_class": "oto", "stop_loss": {"stop_price": "9"}},
        ),
    ],
)
def test_an_order_is_written_in_text(fields: dict, expected: dict) -> None:
    """A number that goes out as a binary float is another price."""
    body = order_body(approved(**fields).order, NAME)

    always = {"symbol": "AAPL", "side": "buy", "client_order_id": NAME}
    assert body == body | expected | always
    assert all(isinstance(body.get(k, ""), str) for k in ("qty", "notional", "limit_price"))
    assert set(body) <= {
        *expected, *always, "type", "time_in_force", "qty", "limit_price", "order_class"
    }  # fmt: skip


def test_an_oco_carries_its_limit_once() -> None:
    """Alpaca takes the limit of an OCO from its take_profit, and refuses it beside."""
    asked = approved(
        side="SELL",
        order_class="OCO",
        limit_price="11",
        take_profit={"limit_price": "11"},
        stop_loss={"stop_price": "9"},
    )

    body = order_body(asked.order, NAME)

    assert (body["type"], body["order_class"], body["side"]) == ("limit", "oco", "sell")
    assert "limit_price" not in body
    assert body["take_profit"] == {"limit_price": "11"}


def test_what_alpaca_has_no_word_for_is_not_written() -> None:
    """An order good till a date would go out as something else."""
    asked = approved(time_in_force="GTD", expire_time="2026-12-01T00:00:00Z")

    with pytest.raises(Unwritable, match="GTD"):
        order_body(asked.order, NAME)


def test_a_change_names_what_changes_and_nothing_else() -> None:
    """A field that is repeated in a replace may be refused, or set back."""
    body = change_body(changed(quantity="5", limit_price="10.10"))

    assert body == {"client_order_id": f"{NAME}-r1", "qty": "5", "limit_price": "10.1"}
    assert change_body(changed(trail_percent="2"))["trail"] == "2"
    assert change_body(changed(time_in_force="GTC"))["time_in_force"] == "gtc"
