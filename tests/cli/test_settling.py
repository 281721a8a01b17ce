"""`settle`: a person closes the order that waits for one, and no other."""

import asyncio

import pytest

from cli.clikit import is_one_sentence, rest_at_the_broker, resting, run_here, write_desk
from fillwright.cli.recording import record
from fillwright.clock import SystemClock
from fillwright.config import load_config
from fillwright.desk.desk import Desk
from fillwright.errors import NotCancelable
from fillwright.ledger import Doubted, HandedOver, Sent, Staged
from fillwright.orders import Order, client_order_id_for, content_hash
from fillwright.states import Action
from fillwright.types import IntentId

LOOKED = ("--reason", "not in the broker's list", "--by", "jane")


@pytest.fixture
def desk(tmp_path):
    path = write_desk(tmp_path)
    rest_at_the_broker(path, resting("MSFT"))
    return path


def write(desk, *facts):
    asyncio.run(record(load_config(desk), facts))


@pytest.fixture
def in_doubt(desk):
    """An order that may have been sent, and about which the broker never said a word."""
    now = SystemClock().now()
    order = Order(symbol="AAPL", side="BUY", quantity="1", intent_id="mine")
    key, digest = client_order_id_for("FAKE-1", IntentId("mine")), content_hash(order)
    write(
        desk,
        Staged(key, now, order, digest),
        Sent(key, now, digest, now, order.quantity, None),
        Doubted(key, now, Action.SUBMIT, "no answer"),
    )
    return key


@pytest.fixture
def waiting(desk, in_doubt):
    """The same, handed over to a person."""
    write(desk, HandedOver(in_doubt, SystemClock().now(), "nobody can tell"))
    return in_doubt


def test_what_a_person_looked_up_is_closed(desk, waiting, capsys) -> None:
    """An order that waits for ever blocks its symbol for ever."""
    before = run_here(capsys, "orders", "-c", desk, "--json")
    settled = run_here(capsys, "settle", waiting[:8], *LOOKED, "-c", desk, "--json")
    after = run_here(capsys, "orders", "-c", desk, "--json")

    assert waiting in {one["client_order_id"] for one in before.document["orders"]}
    assert (settled.code, settled.document) == (0, {"settled": waiting, "by": "jane"})
    assert waiting not in {one["client_order_id"] for one in after.document["orders"]}


def test_an_order_that_waits_for_nobody_is_left_alone(desk, capsys) -> None:
    """Closed by a slip, an order that works at the broker is forgotten."""
    (working,) = run_here(capsys, "orders", "-c", desk, "--json").document["orders"]

    refused = run_here(capsys, "settle", working["client_order_id"], *LOOKED, "-c", desk)

    assert refused.code == 2
    assert "waits for nobody" in refused.err
    assert is_one_sentence(refused.err)
    assert len(run_here(capsys, "orders", "-c", desk, "--json").document["orders"]) == 1


def test_who_settles_says_why(desk, waiting, capsys) -> None:
    """Months later nobody knows who looked, and at what."""
    refused = run_here(capsys, "settle", waiting, "--reason", " ", "--by", "j", "-c", desk)

    assert refused.code == 2
    assert "--reason is empty" in refused.err


def test_what_stays_in_doubt_is_named_with_what_to_do(desk, in_doubt, capsys) -> None:
    """Reconciled, and the order that may have arrived is not spoken of."""
    told = run_here(capsys, "reconcile", "--wait", "0.2", "-c", desk)

    assert told.code == 4
    assert in_doubt[:8] in told.out
    assert "Ask again later" in told.out


def test_an_order_that_cannot_be_canceled_keeps_none_of_the_others(
    desk, capsys, monkeypatch
) -> None:
    """One that filled a moment ago, and everything else stays open."""
    rest_at_the_broker(desk, resting("AAPL"))
    cancel, refused = Desk.cancel, []

    async def once(self, key):
        if not refused:
            refused.append(key)
            raise NotCancelable(key, "FILLED")
        return await cancel(self, key)

    monkeypatch.setattr(Desk, "cancel", once)
    told = run_here(capsys, "cancel", "--all", "--wait", "0.5", "-c", desk, "--json")

    states = {one["client_order_id"]: one["status"] for one in told.document["orders"]}
    assert sorted(states.values()) == ["CANCELED", "NEW"]
    assert states[refused[0]] == "NEW"
    assert told.code == 4


def test_a_first_reconcile_says_that_it_began_a_journal(tmp_path, capsys) -> None:
    """A slip in the journal's name begins a new one, and the old orders seem to be gone."""
    told = run_here(capsys, "reconcile", "-c", write_desk(tmp_path))

    assert told.code == 0
    assert str(tmp_path / "desk.db") in told.out
