"""What a report, an order and the doctor say of what is not there."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from cli.clikit import (
    write_desk,
)
from cli.doctorkit import named
from fillwright.cli.previewing import _sentences
from fillwright.cli.reporting import _said
from fillwright.cli.running import _done
from fillwright.cli.stopping import Hold
from fillwright.cli.tables import _ordered, what_of
from fillwright.cli.trying import _size, _unasked, _untouched
from fillwright.config import load_config
from fillwright.desk.arming import Token, write_token
from fillwright.desk.doctor.account import _known
from fillwright.desk.doctor.case import Case
from fillwright.desk.planning import PlanPreview, PreviewLine
from fillwright.orders import Order
from fillwright.testing import ManualClock, SeededRng

WHO = ("--by", "jane", "--reason", "index day")


# ---------------------------------------------------------------------- in words


def test_a_report_says_what_it_could_not_measure() -> None:
    """An average over what could be measured is taken for one over all of it."""
    total = SimpleNamespace(orders=3, fills=4, without_arrival=1, without_quote=2)

    assert _said(SimpleNamespace(total=total)) == (
        "3 orders, 4 fills. 1 traded orders have no quote at arrival. "
        "2 fills have no quote at their time."
    )


def test_a_plan_that_placed_nothing_has_nothing_that_stands() -> None:
    """Told that something stands, somebody looks for orders that there are not."""
    assert _done(SimpleNamespace(orders_placed=0), Hold()) == ""


def test_a_fill_without_its_execution_is_told_with_the_order() -> None:
    """Shares that the broker claims and does not list are shown as nothing."""
    state = SimpleNamespace(manual=False, pending=(), missing=Decimal(3))

    assert what_of(state) == "3 filled without an execution yet"


def test_an_order_by_notional_is_shown_in_dollars() -> None:
    """A blank where the amount stands, and the order looks like one of nothing."""
    asked = Order(symbol="KO", side="BUY", notional="500")

    assert (_ordered(None, asked.notional), _size(asked)) == ("$500", "$500")
    assert (_ordered(None, None), _ordered(Decimal(3), None)) == ("-", "3")


def test_an_order_that_no_check_was_asked_about_says_who_refused_it() -> None:
    """Without a name, the quant looks for the fault in his own check."""
    asked = Order(symbol="KO", side="BUY", quantity="5")
    line = PreviewLine(symbol="KO", side="BUY", asked="5", order=asked, verdict="REJECT")

    tried = _unasked(line, asked)

    assert [(said.check, said.verdict) for said in tried.said] == [("gate", "REJECT")]


def test_only_the_fake_brokers_account_is_copied(odd, tmp_path) -> None:
    """A try on another broker needs no venue of ours, and makes none."""
    config = load_config(odd().path)
    with _untouched(config) as changed:
        assert changed.broker_settings == config.broker_settings
        assert changed.checks == ()


def test_a_dry_run_of_a_plan_that_was_begun_says_so() -> None:
    """Sized anew in the rehearsal, it would not be what a run does."""
    shown = PlanPreview(plan_id="p", item_count=1, known="started", available="1", proceeds="0")

    assert any("was begun: a run would go on" in line for line in _sentences(shown))


# ---------------------------------------------------------------------- the doctor


@pytest.mark.parametrize(
    ("hours", "state", "said"),
    [(None, "warning", "no arming token"), (-1, "warning", "ran out"), (2, "ok", "armed until")],
)
async def test_the_doctor_says_for_how_long_a_live_desk_is_armed(odd, hours, state, said) -> None:
    """Found out at the open, half an hour is lost."""
    desk = odd()
    desk.write(mode="live", top='expected_account_id = "ODD-1"')
    config, now = load_config(desk.path), desk.clock.now()
    if hours is not None:
        token = Token.model_validate(
            {
                "mode": "live",
                "broker": "odd",
                "account": "ODD-1",
                "journal": str(config.journal_path),
                "at": now - timedelta(hours=2),
                "until": now + timedelta(hours=hours),
                "by": "jane",
                "nonce": "arm-0123456789abcdef",
            }
        )
        write_token(config.token_path, token)

    finding = named(await desk.examined(), "arming")

    assert (finding.state.value, said in finding.seen) == (state, True)


async def test_a_provider_that_cannot_be_built_is_a_finding(odd) -> None:
    """One wrong path in a table, and nothing else of the desk is examined."""
    desk = odd()
    desk.write(top='[data]\nproviders = ["csv"]\n[csv]\nnowhere = 1')

    finding = named(await desk.examined(), "data")

    assert finding.state.value == "failed"
    assert "Mend the provider's table" in finding.advice


async def test_a_provider_is_built_to_be_looked_at_and_closed_again(odd, tmp_path) -> None:
    """Left open, its socket keeps the doctor from ending."""
    (tmp_path / "feed.py").write_text(
        "from pathlib import Path\nfrom fillwright import hookimpl\n"
        "class Feed:\n"
        "    supplies = frozenset({'mine'})\n"
        "    async def fetch(self, name, symbol):\n"
        "        raise AssertionError('nothing is asked')\n"
        "    async def close(self):\n"
        "        Path('closed').touch()\n"
        "@hookimpl\ndef provide_data(request):\n    return Feed()\n"
    )
    desk = odd()
    desk.write(top='[data]\nproviders = ["./feed.py"]')

    finding = named(await desk.examined(), "data")

    assert finding.state.value == "ok"
    assert (tmp_path / "closed").exists()


def test_a_probe_out_of_its_turn_is_a_fault_of_ours(tmp_path) -> None:
    """A probe that runs without its facts would report on a desk that there is not."""
    case = Case(load_config(write_desk(tmp_path)), ManualClock(), SeededRng(1))

    with pytest.raises(RuntimeError, match="without the adapter"):
        _ = case.adapter
    with pytest.raises(RuntimeError, match="without the account"):
        _known(case)
