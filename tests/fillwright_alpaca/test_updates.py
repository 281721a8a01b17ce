"""One trade update at a time: what its event says, and what cannot be read."""

import pytest

from alpacakit.telling import reports, told
from alpacakit.updates import START, AlpacaOrder, D, frame, order_id
from fillwright.reports import Gap, Source
from fillwright.types import ExecType, OrdStatus, Side
from fillwright_alpaca.frames import EVENTS, MAX_FRAME, messages
from fillwright_alpaca.messages import Unreadable
from fillwright_alpaca.updates import Updates

# ---------------------------------------------------------------------- events


@pytest.mark.parametrize(
    ("event", "status", "kind"),
    [
        ("pending_new", "pending_new", ExecType.PENDING_NEW),
        ("accepted", "accepted", ExecType.NEW),
        ("new", "new", ExecType.NEW),
        ("held", "held", ExecType.PENDING_NEW),
        ("canceled", "canceled", ExecType.CANCELED),
        ("canceled", "expired", ExecType.CANCELED),
        ("expired", "expired", ExecType.EXPIRED),
        ("rejected", "rejected", ExecType.REJECTED),
        ("done_for_day", "done_for_day", ExecType.DONE_FOR_DAY),
        ("calculated", "calculated", ExecType.ORDER_STATUS),
        ("pending_cancel", "pending_cancel", ExecType.PENDING_CANCEL),
        ("pending_replace", "pending_replace", ExecType.PENDING_REPLACE),
        ("order_cancel_rejected", "new", ExecType.CANCEL_REJECTED),
        ("order_replace_rejected", "new", ExecType.REPLACE_REJECTED),
        ("stopped", "stopped", ExecType.STOPPED),
        ("suspended", "suspended", ExecType.SUSPENDED),
        ("restated", "new", ExecType.RESTATED),
    ],
)
def test_every_event_without_an_execution(event, status, kind):
    """An event that is taken for another ends an order that lives, or keeps one that ended."""
    sent = AlpacaOrder().event(event, status)

    (said,) = reports(Updates(), sent)

    assert said.exec_type is kind
    assert said.client_order_id == "fw-1"
    assert said.broker_order_id == order_id()
    assert said.side is Side.BUY
    assert said.evidence.source is Source.STREAM
    assert said.transact_time.microsecond == 10_000  # nine decimals are cut, not refused


def test_every_event_that_is_documented_is_known():
    """A documented event that is a gap holds all trading whenever it comes."""
    documented = {
        *("accepted", "pending_new", "new", "partial_fill", "fill", "canceled", "expired"),
        *("done_for_day", "rejected", "replaced", "pending_cancel", "pending_replace", "stopped"),
        *("suspended", "calculated", "held", "order_cancel_rejected", "order_replace_rejected"),
        *("restated", "trade_bust", "trade_correct"),
    }

    assert documented == set(EVENTS)


def test_an_unknown_event_is_a_gap_and_the_order_is_told():
    """A new word of the broker that is dropped hides whatever it said."""
    sent = AlpacaOrder().event("trade_settled", "partially_filled")

    gap, said = told(Updates(), sent)

    assert "trade_settled" in gap.reason
    assert said.exec_type is ExecType.ORDER_STATUS
    assert said.status is OrdStatus.PARTIALLY_FILLED


def test_an_unknown_status_loses_no_fill():
    """The SDK drops the message whole (alpaca-py #340, #436): the fill would be missed."""
    sent = AlpacaOrder().fill("3", "99.5")
    sent["order"]["status"] = "partially_filled_pending_review"

    (said,) = reports(Updates(), sent)

    assert said.exec_type is ExecType.TRADE
    assert said.execution.quantity == D(3)
    assert said.status is OrdStatus.PARTIALLY_FILLED
    assert "partially_filled_pending_review" in said.text


def test_an_end_that_the_order_denies_is_a_gap():
    """An order that is buried on a mistaken word goes on trading unseen."""
    gap, said = told(Updates(), AlpacaOrder().event("canceled", "new"))

    assert "canceled" in gap.reason
    assert said.exec_type is ExecType.ORDER_STATUS
    assert said.status is OrdStatus.NEW


def test_no_client_order_id():
    """An order without a name of its own, placed by hand, still moves the position."""
    (said,) = reports(Updates(), AlpacaOrder(client_order_id=None).fill("10", "99"))

    assert said.client_order_id is None
    assert said.broker_order_id == order_id()
    assert said.execution.quantity == D(10)


# ---------------------------------------------------------------------- frames


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"\xff\xfe{",
        b'{"a": NaN}',
        b'{"a": 1e99999999999999999999}',
        b'{"a": "\\ud800"}',
        '{"a": "\ud800"}',
        b"[" * 100_000,
        b'"' + b"x" * MAX_FRAME + b'"',
        b"\x82\xa6stream",
        b'{"stream": "trade_updates", "data": {"event": ' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
)
def test_frames_that_cannot_be_read(bad):
    """A frame that ends the reader ends every fill behind it (alpaca-py before 0.44)."""
    with pytest.raises(Unreadable, match="cannot be read"):
        messages(bad)


def test_text_and_binary_frames_and_lists():
    """The paper endpoint sends binary frames; the live one is not documented."""
    text = frame(AlpacaOrder().event("new"))

    one = messages(text)

    assert messages(text.encode()) == one
    assert messages(f"[{text}, 3, {text}]") == [*one, {}, *one]
    assert messages("[]") == []
    assert messages("null") == messages("7") == messages('"x"') == [{}]


def test_numbers_are_exact():
    """A quantity that passed through a binary float is off by a little, for ever."""
    order = AlpacaOrder(quantity="0.3")
    text = frame(order.fill("0.3", "0.1")).replace('"0.3"', "0.3").replace('"0.1"', "0.1")

    (said,) = Updates().take(messages(text)[0]["data"], START)

    assert (said.execution.quantity, said.execution.price) == (D("0.3"), D("0.1"))


@pytest.mark.parametrize(
    "data", [None, [], "text", {}, {"order": None}, {"order": {}}, {"order": []}]
)
def test_updates_that_cannot_be_read(data):
    """Something came and nobody knows what: trading waits until the books were compared."""
    (gap,) = Updates().take(data, START)

    assert isinstance(gap, Gap)
    assert "cannot be read" in gap.reason
