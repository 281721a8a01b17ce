"""`halt`, `resume`, `cancel` and `reconcile`: what a person may do to a desk from a shell."""

import sqlite3

import pytest

from cli.clikit import (
    is_one_sentence,
    order,
    rest_at_the_broker,
    resting,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)

BY = ("--reason", "looks wrong", "--by", "jane")


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        (("--symbol", "AAPL"), {"AAPL"}),
        (("--strategy", "momentum"), {"MSFT"}),
        (("--all",), {"AAPL", "MSFT", "KO"}),
    ],
)
def test_a_halt_holds_until_a_named_person_resumes(tmp_path, capsys, scope, refused) -> None:
    """A halted desk trades on after its next start."""
    desk = write_desk(tmp_path)
    orders = [order("AAPL", "1"), order("MSFT", "1", strategy="momentum"), order("KO", "1")]
    rest_at_the_broker(desk)

    halted = run_here(capsys, "halt", *scope, *BY, "-c", desk, "--json")
    ran = run_here(capsys, "run", write_plan(tmp_path, orders=orders), "-c", desk, "--json")

    assert halted.code == 0
    assert halted.document["halted"]["by"] == "jane"
    assert {i["symbol"] for i in ran.document["items"] if i["status"] != "FILLED"} == refused
    assert "looks wrong" in next(i["reason"] for i in ran.document["items"] if i["reason"])

    lifted = run_here(capsys, "resume", *scope, "--by", "joe", "-c", desk, "--json")
    # The same orders again within seconds would be a slip (C19), also in another process.
    more = [one | {"quantity": "2"} for one in orders]
    again = run_here(capsys, "run", write_plan(tmp_path, "p-2", orders=more), "-c", desk, "--json")
    assert lifted.document["by"] == "joe"
    assert again.code == 0


def test_a_halt_before_the_first_order(tmp_path, capsys) -> None:
    """A new desk cannot be halted before it trades."""
    desk = write_desk(tmp_path)

    assert run_here(capsys, "halt", "--all", *BY, "-c", desk).code == 0

    assert run_here(capsys, "run", write_plan(tmp_path), "-c", desk).code == 1
    assert venue_orders(tmp_path) == []


def test_a_halt_needs_no_broker(tmp_path, capsys) -> None:
    """The broker is down, and so nobody can say that nothing shall be sent when it is back."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    write_desk(tmp_path, fake='faults = [{on="account", fault="unavailable"}]')

    assert run_here(capsys, "halt", "--all", *BY, "-c", desk).code == 0


def test_a_resume_of_nothing_changes_nothing(tmp_path, capsys) -> None:
    """A misspelt symbol is resumed, and the halted one is thought to trade again."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    run_here(capsys, "halt", "--symbol", "AAPL", *BY, "-c", desk)
    before = (tmp_path / "desk.db").read_bytes()

    outcome = run_here(capsys, "resume", "--symbol", "AAPLE", "--by", "joe", "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert "standing are: symbol AAPL" in outcome.err
    assert (tmp_path / "desk.db").read_bytes() == before


@pytest.mark.parametrize(
    "scope", [(), ("--all", "--symbol", "AAPL"), ("--symbol", " "), ("--all", "--by", " ")]
)
def test_a_halt_names_one_scope_and_a_person(tmp_path, capsys, scope) -> None:
    """A halt that nobody signed cannot be asked about."""
    outcome = run_here(capsys, "halt", *BY, *scope)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)


def test_one_order_is_canceled_by_the_beginning_of_its_id(tmp_path, capsys) -> None:
    """An id of 35 letters is typed wrong in a hurry."""
    desk = write_desk(tmp_path)
    first, second = rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))

    outcome = run_here(capsys, "cancel", first[:12], "-c", desk, "--json")

    assert outcome.code == 0, outcome
    assert [one["status"] for one in outcome.document["orders"]] == ["CANCELED"]
    by_id = {one["client_order_id"]: one["status"] for one in venue_orders(tmp_path)}
    assert by_id == {first: "CANCELED", second: "NEW"}


def test_every_open_order_is_canceled(tmp_path, capsys) -> None:
    """One that was overlooked fills overnight."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))

    outcome = run_here(capsys, "cancel", "--all", "-c", desk)

    assert outcome.code == 0, outcome
    assert "2 of 2 orders canceled" in outcome.out
    assert {one["status"] for one in venue_orders(tmp_path)} == {"CANCELED"}
    assert "No order is open" in run_here(capsys, "cancel", "--all", "-c", desk).out


@pytest.mark.parametrize("wanted", ["fw-", "fw-nosuch", ""])
def test_an_order_that_is_not_meant_clearly_is_not_canceled(tmp_path, capsys, wanted) -> None:
    """The wrong order is canceled."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))

    outcome = run_here(capsys, "cancel", wanted, "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert {one["status"] for one in venue_orders(tmp_path)} == {"NEW"}


def test_an_order_that_ended_cannot_be_canceled(tmp_path, capsys) -> None:
    """It says canceled, and it was filled."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path, orders=[order("AAPL", "1")]), "-c", desk)
    (done,) = venue_orders(tmp_path)

    outcome = run_here(capsys, "cancel", done["client_order_id"], "-c", desk)

    assert outcome.code == 2
    assert "is FILLED; it cannot be changed" in outcome.err


def test_a_cancel_without_an_answer_exits_4(tmp_path, capsys) -> None:
    """An order is thought to be gone, and fills."""
    desk = write_desk(tmp_path)
    (waiting,) = rest_at_the_broker(desk, resting("AAPL"))
    write_desk(tmp_path, fake='faults = [{on="cancel", fault="drop_request"}]')

    outcome = run_here(capsys, "cancel", waiting, "--wait", "0.2", "-c", desk)

    assert outcome.code == 4
    assert "not confirmed yet" in outcome.out
    assert [one["status"] for one in venue_orders(tmp_path)] == ["NEW"]


def test_reconcile_books_what_happened_meanwhile(tmp_path, capsys) -> None:
    """The broker filled an order while no desk ran, and the books do not show it."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))
    _cancel_behind_the_desk(tmp_path)

    outcome = run_here(capsys, "reconcile", "-c", desk, "--json")

    assert outcome.code == 0, outcome
    assert outcome.document["in_doubt"] == 0
    assert len(outcome.document["open_orders"]) == 1
    assert [one["status"] for one in outcome.document["changed"]] == ["CANCELED"]


def test_a_person_accepts_what_the_broker_holds(tmp_path, capsys) -> None:
    """After a split the books differ for ever, and every comparison halts the symbol anew."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path, target_quantities={"AAPL": "5"}), "-c", desk)
    _split_behind_the_desk(tmp_path)
    accept = ("reconcile", "--accept", "AAPL", *BY, "-c", desk)

    taken = run_here(capsys, *accept, "--json")
    again = run_here(capsys, *accept)
    shown = run_here(capsys, "positions", "-c", desk, "--json")

    assert taken.code == 0, taken
    assert (taken.document["was"], taken.document["now"]) == ("5", "10")
    assert (taken.document["by"], taken.document["reason"]) == ("jane", "looks wrong")
    assert again.code == 2
    assert "ledger and broker agree" in again.err
    assert "10" in str(shown.document)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--accept", "AAPL", "--by", "jane"), "--reason is empty"),
        (("--accept", "AAPL", "--reason", "split"), "--by is empty"),
        (("--by", "jane"), "go with --accept"),
        (("--accept", "aapl", *BY), "is no symbol"),
    ],
)
def test_an_acceptance_says_what_who_and_why(tmp_path, capsys, options, sentence) -> None:
    """An adjustment of the books without a name is one that nobody made."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)

    outcome = run_here(capsys, "reconcile", *options, "-c", desk)

    assert outcome.code == 2
    assert sentence in outcome.err
    assert is_one_sentence(outcome.err)


def _split_behind_the_desk(tmp_path) -> None:
    """Two shares for one, and no execution that says so."""
    database = sqlite3.connect(tmp_path / "venue.db")
    with database:
        database.execute("UPDATE holdings SET quantity = '10' WHERE symbol = 'AAPL'")
    database.close()


def _cancel_behind_the_desk(tmp_path) -> None:
    """What a person does on the broker's own page."""
    database = sqlite3.connect(tmp_path / "venue.db")
    with database:
        database.execute(
            "UPDATE orders SET body = json_set(body, '$.status', 'CANCELED') "
            "WHERE json_extract(body, '$.symbol') = 'AAPL'"
        )
    database.close()
