"""`cancel --all --everyone`: every open order of the account, whoever placed it."""

from cli.clikit import (
    is_one_sentence,
    rest_at_the_broker,
    resting,
    run_here,
    venue_orders,
    write_desk,
)


def another_desk(tmp_path):
    """Another desk on the same account: its orders are nobody's here."""
    desk = write_desk(tmp_path, name="other.toml")
    desk.write_text(desk.read_text().replace("desk.db", "other.db"))
    return desk


def statuses(tmp_path) -> dict[str, str]:
    return {one["client_order_id"]: one["status"] for one in venue_orders(tmp_path)}


def test_others_orders_are_canceled_only_with_everyone(tmp_path, capsys) -> None:
    """Somebody else's orders are his; and in the emergency none may be left."""
    desk, other = write_desk(tmp_path), another_desk(tmp_path)
    (theirs,) = rest_at_the_broker(other, resting("MSFT"))
    (ours,) = rest_at_the_broker(desk, resting("AAPL"))

    kept = run_here(capsys, "cancel", "--all", "-c", desk)
    left = statuses(tmp_path)
    swept = run_here(capsys, "cancel", "--all", "--everyone", "-c", desk, "--json")

    assert (kept.code, swept.code) == (0, 0), swept
    assert left == {ours: "CANCELED", theirs: "NEW"}
    assert statuses(tmp_path) == {ours: "CANCELED", theirs: "CANCELED"}
    assert [one["client_order_id"] for one in swept.document["orders"]] == [theirs]


def test_everyone_needs_no_journal_that_knows_them(tmp_path, capsys) -> None:
    """The desk's machine is gone, its orders are not: a new one must be able to cancel them."""
    rest_at_the_broker(another_desk(tmp_path), resting("AAPL"), resting("MSFT"))
    desk = write_desk(tmp_path)

    swept = run_here(capsys, "cancel", "--all", "--everyone", "-c", desk)

    assert swept.code == 0, swept
    assert "2 of 2 orders canceled" in swept.out
    assert set(statuses(tmp_path).values()) == {"CANCELED"}


def test_an_empty_account_is_said_to_be_one(tmp_path, capsys) -> None:
    """Success without a word would be taken for orders that were canceled."""
    desk = write_desk(tmp_path)

    assert "No order is open." in run_here(capsys, "cancel", "--all", "--everyone", "-c", desk).out


def test_everyone_goes_with_all(tmp_path, capsys) -> None:
    """A slip must not cancel a colleague's order, nor do less than was meant in silence."""
    desk = write_desk(tmp_path)
    (ours,) = rest_at_the_broker(desk, resting("AAPL"))

    for arguments in (("--everyone",), (ours, "--everyone"), (ours, "--all", "--everyone")):
        outcome = run_here(capsys, "cancel", *arguments, "-c", desk)

        assert outcome.code == 2
        assert is_one_sentence(outcome.err)
    assert statuses(tmp_path) == {ours: "NEW"}


def test_a_sweep_without_an_answer_exits_4(tmp_path, capsys) -> None:
    """An account that is thought to be quiet trades on."""
    desk = write_desk(tmp_path)
    (waiting,) = rest_at_the_broker(desk, resting("AAPL"))
    lost = '{on="cancel_all", fault="drop_request"}, {on="cancel", fault="drop_request"}'
    write_desk(tmp_path, fake=f"faults = [{lost}]")

    outcome = run_here(
        capsys, "cancel", "--all", "--everyone", "--wait", "0.2", "-c", tmp_path / "desk.toml"
    )

    assert outcome.code == 4, outcome
    assert "not confirmed yet" in outcome.out
    assert statuses(tmp_path) == {waiting: "NEW"}
