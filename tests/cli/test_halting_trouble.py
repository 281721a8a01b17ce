"""`halt` in trouble: what was not canceled and what was not sold is told."""

import pytest

from cli.clikit import (
    is_one_sentence,
    rest_at_the_broker,
    resting,
    run_here,
    venue_orders,
    write_desk,
    write_plan,
)
from cli.test_halting import BY, RUNNING, process, records
from fillwright.cli import aftermath, granting, halting
from fillwright.cli.explaining import _shown_inputs, _text
from fillwright.cli.output import _plain, _silence
from fillwright.cli.tables import residual_text, shown_quantity
from fillwright.config import load_config
from fillwright.errors import BrokerUnavailable, JournalError
from fillwright.plans import Residual, Why

FLAT = ("halt", "--all", "--cancel", "--flatten", "--yes-flatten", "FAKE-1", *BY)


def failing(*_given, **_named):
    raise BrokerUnavailable("anything", "no answer")


def test_a_halt_that_cannot_cancel_stands_and_says_so(tmp_path, capsys, monkeypatch) -> None:
    """The broker is gone: told as failed, the halt that does stand is taken for none."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk, resting("AAPL"))
    monkeypatch.setattr(halting, "run_stoppable", failing)

    halted = run_here(capsys, "halt", "--all", "--cancel", *BY, "-c", desk)

    assert halted.code == 3
    assert "nothing could be canceled" in halted.out
    assert len(records(tmp_path, "halted")) == 1


def test_before_the_first_journal_a_halt_that_fails_is_none(tmp_path, capsys, monkeypatch) -> None:
    """It is recorded nowhere, and whoever halted goes home."""
    desk = write_desk(tmp_path)
    monkeypatch.setattr(halting, "run_stoppable", failing)

    halted = run_here(capsys, "halt", "--all", *BY, "-c", desk)

    assert halted.code != 0
    assert "Halted" not in halted.out
    assert is_one_sentence(halted.err)


def test_nothing_is_sold_against_an_order_that_is_still_open(tmp_path, capsys, monkeypatch) -> None:
    """It sells as well: what is sold twice is a short position."""
    desk = write_desk(tmp_path, fake="pending_steps = 1000")
    rest_at_the_broker(desk, resting("AAPL"))

    halted = run_here(capsys, *FLAT, "--wait", "0.2", "-c", desk)

    assert halted.code == 4
    assert "orders are still open: nothing sold" in halted.out
    assert {one["side"] for one in venue_orders(tmp_path)} == {"BUY"}


def test_a_sale_that_fails_half_way_is_told(tmp_path, capsys, monkeypatch) -> None:
    """Half of it is sold, and the answer reads as if all of it were."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    run, calls = halting.run_stoppable, []

    def once(*given):
        calls.append(given)
        return run(*given) if len(calls) == 1 else failing()

    monkeypatch.setattr(halting, "run_stoppable", once)
    halted = run_here(capsys, *FLAT, "-c", desk)

    assert len(calls) == 2
    assert halted.code != 0
    assert "not all was sold" in halted.out


def test_the_wrong_account_at_the_terminal_sells_nothing(tmp_path, capsys, monkeypatch) -> None:
    """Whoever types another account's name stands before the wrong desk."""
    desk = write_desk(tmp_path)
    run_here(capsys, "run", write_plan(tmp_path), "-c", desk)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "LIVE-1")

    declined = run_here(capsys, "halt", "--all", "--cancel", "--flatten", *BY, "-c", desk)

    assert declined.code == 3
    assert {one["side"] for one in venue_orders(tmp_path)} == {"BUY"}


def test_a_flat_account_asks_nobody_and_says_that_it_is_flat(tmp_path, capsys, monkeypatch) -> None:
    """Asked to confirm the sale of nothing, people learn to confirm."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk, resting("AAPL"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", failing)

    halted = run_here(capsys, "halt", "--all", "--cancel", "--flatten", *BY, "-c", desk)

    assert halted.code == 0, halted
    assert "No position is held." in halted.out


def test_beside_a_running_desk_its_open_orders_are_shown(tmp_path, capsys) -> None:
    """Halted and not canceled: what is open goes on trading, and has to be seen."""
    desk = write_desk(tmp_path)
    (ours,) = rest_at_the_broker(desk, resting("AAPL"))
    with process(RUNNING, desk):
        halted = run_here(capsys, "halt", "--all", *BY, "--wait", "60", "-c", desk)

    assert halted.code == 0, halted
    assert "1 orders are open." in halted.out
    assert ours[:8] in halted.out


def test_beside_a_running_desk_without_orders_nothing_is_said_of_them(tmp_path, capsys) -> None:
    """Nobody asked for a cancel: told that no order is open, somebody thinks that one was."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    with process(RUNNING, desk):
        halted = run_here(capsys, "halt", "--all", *BY, "--wait", "60", "-c", desk)

    assert halted.code == 0, halted
    assert "order" not in halted.out


def test_a_kill_file_that_cannot_be_made_beside_a_running_desk(
    tmp_path, capsys, monkeypatch
) -> None:
    """The desk goes on, and the answer names the process that has to be stopped."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)

    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(halting, "pull_file", full)
    with process(RUNNING, desk) as child:
        halted = run_here(capsys, "halt", "--all", *BY, "-c", desk)

    assert halted.code == 2
    assert f"process {child.pid}" in halted.err
    assert is_one_sentence(halted.err)


# ---------------------------------------------------------------------- what cannot be read


def test_a_journal_that_cannot_be_read_afterwards_is_no_proof(tmp_path, monkeypatch) -> None:
    """Told that nothing was sent, somebody sends it again."""
    config = load_config(write_desk(tmp_path))

    def damaged(*_given, **_named):
        raise JournalError("damaged")

    monkeypatch.setattr(aftermath, "sent_in", damaged)
    monkeypatch.setattr(aftermath, "view_of", damaged)

    assert aftermath._sent(config, 1)
    assert aftermath._view(config) is None
    assert "cannot be read to say what became of them" in aftermath._left(None, fenced=False)


def test_a_halt_is_looked_for_until_the_journal_can_be_read(tmp_path, monkeypatch) -> None:
    """Half a page in the moment of a write, and a halt that stands is told as not recorded."""
    config = load_config(write_desk(tmp_path))

    def damaged(*_given, **_named):
        raise JournalError("half a page")

    monkeypatch.setattr(halting, "view_of", damaged)

    assert halting._seen(config, 0.0, cancel=True) is None


def test_an_order_that_outlasts_the_wait_is_shown_as_open(tmp_path, capsys) -> None:
    """A look that waits for the last cancel shows nothing, or never ends."""
    desk = write_desk(tmp_path)
    (waiting,) = rest_at_the_broker(desk, resting("AAPL"))
    run_here(capsys, "halt", "--all", *BY, "-c", desk)

    view = halting._seen(load_config(desk), 0.0, cancel=True)

    assert [state.client_order_id for state in view.orders] == [waiting]


# ---------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("value", "text"),
    [((), "none"), (("a", "b"), "a, b"), (frozenset({"b", "a"}), "a, b"), (7, "7")],
)
def test_a_list_in_a_setting_is_shown_as_people_write_it(value: object, text: str) -> None:
    """Brackets and quotes that nobody wrote are looked for in desk.toml."""
    assert _text(value) == text


def test_what_is_not_known_is_shown_as_that() -> None:
    """A blank in a column of amounts is read as nothing at all."""
    assert shown_quantity(None) == "-"
    assert _shown_inputs([]) == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Residual(why=Why.NO_FUNDS), "no_funds"),
        (Residual(why=Why.NO_FUNDS, quantity="3"), "no_funds (3)"),
        (Residual(why=Why.NO_FUNDS, text="5 is there", quantity="3"), "no_funds: 5 is there (3)"),
    ],
)
def test_what_would_not_trade_is_told_with_its_size(part: Residual, said: str) -> None:
    """A reason without a size: was it one share, or all of them."""
    assert residual_text(part) == said


def test_what_has_no_place_in_an_answer_is_no_answer() -> None:
    """A number through binary float is another number for whoever reads it."""
    with pytest.raises(TypeError, match="float has no place in a JSON answer"):
        _plain(1.5)


def test_a_stream_without_a_file_is_left_alone() -> None:
    """An app that catches our output must not lose its own."""

    class Nowhere:
        def fileno(self):
            raise OSError("no file")

    assert _silence(Nowhere()) is None  # type: ignore[func-returns-value]  # that it returns


@pytest.mark.parametrize("text", ["", "much", "NaN", "-5", "0"])
def test_an_amount_that_is_none_is_told(text: str) -> None:
    """A bound that is read as no bound lets everything pass."""
    with pytest.raises(Exception, match="no amount above 0"):
        granting._usd(text)
