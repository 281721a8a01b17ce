"""What a command answers when it is interrupted, cannot write, or finds what somebody left."""

import asyncio
import io
import signal
import sys
import threading
from types import SimpleNamespace

import pytest

import fillwright.cli
from cli.clikit import (
    is_one_sentence,
    rest_at_the_broker,
    resting,
    run_here,
    write_desk,
    write_plan,
)
from fillwright.cli import arming, doctoring, output, serving, stopping
from fillwright.cli.calls import terminable
from fillwright.cli.explaining import _origins, data_of
from fillwright.cli.faults import Terminated, problem_of
from fillwright.cli.journals import _save
from fillwright.cli.previewing import _ready, _SilentExecutor
from fillwright.cli.stopping import Hold, Stopped, killable, run_stoppable
from fillwright.config import load_config
from fillwright.desk.killing import KillSwitch, check_place
from fillwright.errors import (
    BadInput,
    JournalDamaged,
    NotArmed,
    NotSent,
    PluginError,
)

WHO = ("--by", "jane", "--reason", "index day")


def elsewhere(work):
    """Do it in another thread, as a program does that embeds us."""
    box = []
    thread = threading.Thread(target=lambda: box.append(work()))
    thread.start()
    thread.join(60)
    return box[0]


# ---------------------------------------------------------------------- signals


def test_ctrl_c_while_it_still_imports_is_no_traceback(monkeypatch) -> None:
    """Somebody changes his mind in the first half second, and believes that something broke."""

    def interrupted(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("fillwright.cli.app.run_command", interrupted)
    with pytest.raises(SystemExit) as ended:
        fillwright.cli.main()

    assert ended.value.code == 128 + signal.SIGINT


def test_sigterm_ends_a_command_as_ctrl_c_does() -> None:
    """A service manager that stops a command finds it dead in the middle of a write."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is before
    assert [problem_of(fault).facts for fault in (Terminated(), KeyboardInterrupt())] == [
        {"signal": "SIGTERM"},
        {"signal": "SIGINT"},
    ]


def test_in_an_embedding_program_the_signals_are_its_own() -> None:
    """A library that takes the signals of its host keeps the host from ending."""
    before = [signal.getsignal(n) for n in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)]

    async def work():
        return "done"

    def embedded():
        with killable(KillSwitch()):
            return run_stoppable(work)

    assert elsewhere(embedded) == "done"
    assert [signal.getsignal(n) for n in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)] == before


def test_the_second_signal_ends_what_does_not_heed_the_first(monkeypatch, capsys) -> None:
    """A broker that hangs keeps the process; a kill in its place loses what the tasks know."""
    monkeypatch.setattr(stopping, "_PATIENCE", 0.05)
    noted = []

    async def beside():
        try:
            await asyncio.Event().wait()
        finally:
            noted.append("noted")

    async def work():
        noted.append(asyncio.create_task(beside()))
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.Event().wait()

    with pytest.raises(Stopped):
        run_stoppable(work)

    assert noted[1:] == ["noted"]


async def test_a_desk_without_a_journal_has_nothing_to_write_out() -> None:
    """The second Ctrl-C before the journal is open ends in a fault of its own."""
    await stopping._flush(Hold())


# ---------------------------------------------------------------------- files


def unwritable(*_given, **_named):
    raise OSError(28, "No space left on device")


def test_a_token_that_cannot_be_written_arms_nothing(tmp_path, monkeypatch) -> None:
    """Somebody believes that the desk is armed, and it sends nothing on the day."""
    config = load_config(write_desk(tmp_path))
    monkeypatch.setattr(arming, "write_token", unwritable)

    with pytest.raises(NotArmed, match="cannot be written: No space left"):
        arming._put(config, SimpleNamespace())


def test_what_stands_in_the_place_of_a_token_is_told(tmp_path, capsys) -> None:
    """Believed disarmed, the desk goes on sending."""
    desk = write_desk(tmp_path)
    load_config(desk).token_path.mkdir()

    refused = run_here(capsys, "disarm", "-c", desk)

    assert refused.code == 2
    assert "cannot be removed" in refused.err
    assert is_one_sentence(refused.err)


def test_an_export_that_breaks_off_leaves_no_file(tmp_path) -> None:
    """Half of a journal, handed to an auditor as the whole of it."""

    def lines():
        yield "{}"
        raise JournalDamaged("desk.db", 2, "it is missing")

    with pytest.raises(JournalDamaged):
        _save(tmp_path / "out.jsonl", lines())

    assert list(tmp_path.iterdir()) == []


def test_a_kill_file_that_cannot_be_looked_for_is_told(tmp_path) -> None:
    """Found out in the emergency, it is too late."""
    check_place(tmp_path / "kill")
    with pytest.raises(BadInput):
        check_place(tmp_path / ("x" * 300) / "kill")


def test_without_a_key_file_a_new_key_needs_a_name(tmp_path, capsys) -> None:
    """A key in a file that nobody chose lies where nobody guards it."""
    refused = run_here(capsys, "grant", "new-key", "-c", write_desk(tmp_path))

    assert refused.code == 2
    assert "name a file, or set grant_key_file" in refused.err


def test_what_cannot_be_used_in_the_inbox_is_listed(tmp_path, capsys) -> None:
    """Refused by the desk tomorrow, and nobody has seen it today."""
    desk = write_desk(tmp_path, desk='grant_key_file = "grant.key"')
    rest_at_the_broker(desk)
    run_here(capsys, "grant", "new-key", "-c", desk)
    give = ("grant", "--check", "C01", "--scope", "account:FAKE-1", "--for", "30m", *WHO)
    assert run_here(capsys, *give, "-c", desk).code == 0
    inbox = load_config(desk).inbox_path
    (inbox / "aa.json").write_text("rubbish")
    limit = ("limit", "set", "risk.max_order_quantity.limit_shares", "200", *WHO)
    assert run_here(capsys, *limit, "-c", desk).code == 0

    listed = run_here(capsys, "grant", "list", "-c", desk)

    assert "account FAKE-1" in listed.out
    assert "aa.json: " in listed.out


def test_a_change_that_desk_toml_has_overtaken_counts_for_nobody(tmp_path, capsys) -> None:
    """Explained as if it counted, a limit is believed to be twice as high as it is."""
    desk = write_desk(tmp_path)
    rest_at_the_broker(desk)
    setting = "risk.max_order_quantity.limit_shares"
    assert run_here(capsys, "limit", "set", setting, "200", *WHO, "-c", desk).code == 0
    desk.write_text(desk.read_text().replace('limit_shares = "100"', 'limit_shares = "50"'))

    explained = run_here(capsys, "check-config", "--explain", "-c", desk)
    again = run_here(capsys, "limit", "set", setting, "300", *WHO, "-c", desk, "--json")

    assert "changed by jane" not in explained.out
    assert again.document["changed"]["old"] == '"50"'


def test_a_file_that_went_meanwhile_has_no_lines(tmp_path) -> None:
    """The settings are known; only where they stand is not."""
    desk = write_desk(tmp_path)
    config = load_config(desk)
    desk.unlink()

    assert _origins(config)(("risk", "max_order_quantity", "limit_shares")) == str(desk)


def test_a_broker_without_a_clock_supplies_no_session(tmp_path) -> None:
    """Shown as supplied, the check that needs it refuses every order."""
    config = load_config(write_desk(tmp_path))
    registry = SimpleNamespace(checks=(), execution_checks=(), books_checks=())

    supplied = data_of(config, registry, SimpleNamespace())

    assert "session" not in supplied


# ---------------------------------------------------------------------- streams


def test_a_progress_line_is_for_a_terminal(monkeypatch) -> None:
    """A minute of silence looks like a command that hangs."""
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", shown)
    with doctoring._progress(quiet=False) as tell:
        tell("account")

    assert "doctor" in shown.getvalue()


def test_an_answer_goes_to_whatever_stands_for_stdout() -> None:
    """An app that catches the answer in memory gets a fault in its place."""
    caught = io.StringIO()
    output._put(["one", "two"], caught)

    assert caught.getvalue().startswith("one")


def test_a_server_whose_keys_nobody_can_read_does_not_serve(monkeypatch) -> None:
    """It runs on, and nobody knows its keys."""
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=unwritable))

    with pytest.raises(Exception, match="where the keys are told, cannot be written"):
        serving._announce({"url": "x"})


def test_another_plugin_under_the_servers_name_is_not_started(monkeypatch) -> None:
    """A stranger's server that calls itself paper takes the keys."""
    monkeypatch.setattr(serving, "find", lambda *_: SimpleNamespace(plugin=object()))

    with pytest.raises(PluginError, match="is not the paper server of this distribution"):
        serving._room()


# ---------------------------------------------------------------------- dry runs


async def test_a_dry_run_has_no_way_to_the_broker() -> None:
    """One request out of a rehearsal is a trade that nobody asked for."""
    inner = SimpleNamespace(broker="x", endpoint="paper", capabilities=None)

    async def find(_key):
        return "found"

    inner.find = find
    silent = _SilentExecutor(inner)
    asked = SimpleNamespace(client_order_id="fw-1")

    for request in (silent.submit(asked), silent.cancel(asked), silent.replace(asked, asked)):
        with pytest.raises(NotSent):
            await request
    assert await silent.find("fw-1") == "found"


async def test_a_dry_run_waits_for_the_books_only_so_long() -> None:
    """A broker that does not answer keeps a rehearsal for ever."""
    await _ready(SimpleNamespace(obstacles="the stream is down", clock=_Asleep()), 0.01)


class _Asleep:
    async def sleep(self, _seconds):
        await asyncio.Event().wait()


def test_a_dry_run_counts_the_sells_and_knows_what_was_begun(tmp_path, capsys) -> None:
    """Without the proceeds, every rebalance looks as if it could not be paid for."""
    desk = write_desk(tmp_path, fake='[fake.positions]\nKO = "50"\n')
    plan = write_plan(tmp_path, target_quantities={"KO": "0", "AAPL": "1"})

    shown = run_here(capsys, "run", plan, "--dry-run", "-c", desk)

    assert "more from the sells" in shown.out


# ---------------------------------------------------------------------- reconcile and cancel


def test_one_order_that_cannot_be_canceled_says_why(tmp_path, capsys) -> None:
    """Counted as one of many, the only order that was meant is passed over in silence."""
    desk = write_desk(tmp_path)
    first, second = rest_at_the_broker(desk, resting("AAPL"), resting("MSFT"))
    assert run_here(capsys, "cancel", first, "-c", desk).code == 0

    again = run_here(capsys, "cancel", first, "-c", desk)
    rest = run_here(capsys, "cancel", "--all", "-c", desk)

    assert again.code == 2
    assert is_one_sentence(again.err)
    assert rest.code == 0
    assert second[:8] in rest.out


def test_a_check_whose_table_is_missing_says_where_it_belongs(tmp_path, capsys) -> None:
    """A quant's first try ends with a setting that he was never told of."""
    desk = write_desk(tmp_path)
    check = tmp_path / "mine.py"
    check.write_text(
        "from fillwright import hookimpl\nfrom fillwright.errors import ConfigError\n"
        "@hookimpl\ndef provide_checks(settings):\n"
        "    raise ConfigError('mine.limit', 'is missing')\n"
    )
    tried = run_here(capsys, "check", "try", check, "--plan", write_plan(tmp_path), "-c", desk)

    assert tried.code == 2
    assert "has no table [mine]" in tried.err
