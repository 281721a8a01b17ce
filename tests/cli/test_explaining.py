"""`check-config --explain`: each limit with its line, what has none, and where data comes from."""

from typing import Any

from cli.clikit import run_here, write_desk
from fillwright_risk.build import CONTROLS

SCOPES = """
[risk.max_order_notional.symbol.KO]
limit_usd = "900"
[risk.max_order_notional.asset_class]
crypto = { limit_usd = "10" }
"""
NEEDY = """
from datetime import timedelta
from fillwright import ALLOW, hookimpl
from fillwright.inputs import Input, needs

@hookimpl
@needs(Input.ADV)
def check_order(order):
    return ALLOW
"""


def explained(capsys: Any, desk: Any) -> tuple[Any, str]:
    as_json = run_here(capsys, "check-config", "--explain", "-c", desk, "--json")
    told = run_here(capsys, "check-config", "--explain", "-c", desk)
    assert (as_json.code, told.code) == (0, 0), as_json.err + told.err
    return as_json.document, told.out


def test_every_limit_is_told_with_its_scope_and_its_line(tmp_path: Any, capsys: Any) -> None:
    """Whoever answers for the limits must see the one that counts, and find it."""
    desk = write_desk(tmp_path)
    desk.write_text(desk.read_text() + SCOPES)
    lines = desk.read_text().splitlines()

    document, told = explained(capsys, desk)

    found = {
        (one["check"], one["scope"], one["setting"]): (one["value"], one["from"])
        for one in document["limits"]
    }
    size = "risk.max_order_notional"
    general, special = lines.index('limit_usd = "50000"') + 1, lines.index('limit_usd = "900"') + 1
    crypto = lines.index('crypto = { limit_usd = "10" }') + 1
    assert found[size, "general", "limit_usd"] == ("50000", f"{desk}, line {general}")
    assert found[size, "symbol KO", "limit_usd"] == ("900", f"{desk}, line {special}")
    assert found[size, "asset_class crypto", "limit_usd"] == ("10", f"{desk}, line {crypto}")
    assert found[size, "general", "collar_pct"] == ("5", "default")
    assert found["risk.max_short_position", "general", "limit_shares"] == ("0", "default")
    assert f"{desk}, line {special}" in told


def test_what_is_not_limited_is_told_with_what_would_limit_it(tmp_path: Any, capsys: Any) -> None:
    """A control that nobody knows of is a control that nobody turned on."""
    document, told = explained(capsys, write_desk(tmp_path))

    off = {one["code"]: one["turn_on"] for one in document["not_limited"]}
    shown = {one["code"] for one in document["limits"]}
    settings = {c.code for c in CONTROLS if c.table.model_fields}
    assert off["C08"] == 'write [risk.max_long_position] with limit_usd = "100000"'
    assert "to limit it, write [risk.restricted] with symbols" in told
    assert settings <= off.keys() | shown


def test_a_control_that_is_on_without_a_value_is_told_too(tmp_path: Any, capsys: Any) -> None:
    """A table that is there and holds no limit looks like one."""
    desk = write_desk(tmp_path)
    desk.write_text(desk.read_text() + '\n[risk.max_long_position]\nlimit_usd = "1"\n')

    document, _ = explained(capsys, desk)

    assert {
        "name": "risk.max_long_position.limit_shares",
        "code": "C08",
        "limits": "limit_shares of risk.max_long_position",
        "turn_on": "write risk.max_long_position.limit_shares",
    } in document["not_limited"]


def test_inputs_are_told_with_their_age_and_who_supplies_them(tmp_path: Any, capsys: Any) -> None:
    """Whose number a limit rests on is part of the limit."""
    (tmp_path / "needy.py").write_text(NEEDY)
    (tmp_path / "market.csv").write_text("symbol,time,adv\nKO,2026-11-20T21:00:00Z,1\n")
    desk = write_desk(tmp_path, checks='"risk", "./needy.py"')
    desk.write_text(
        desk.read_text()
        + '[data]\nproviders = ["csv"]\nmax_age_seconds = { adv = 100.0 }\n'
        + '[csv]\nfiles = ["market.csv"]\n'
    )

    document, told = explained(capsys, desk)

    (adv,) = (one for one in document["inputs"] if one["name"] == "adv")
    assert (adv["max_age_seconds"], adv["suppliers"]) == (100.0, ["csv"])
    assert "needy" in adv["checks"]
    assert "supplied by" in told


def test_an_input_that_nobody_supplies_is_told(tmp_path: Any, capsys: Any) -> None:
    """Without `ssr` each short sale is refused, and nobody sees why before the first one."""
    desk = write_desk(tmp_path)
    desk.write_text(desk.read_text() + "[risk.short_sale]\n")
    document, told = explained(capsys, desk)

    inputs = {one["name"]: one for one in document["inputs"]}
    assert (inputs["ssr"]["suppliers"], inputs["ssr"]["checks"]) == ([], ["risk.short_sale"])
    assert any("ssr" in line and "nobody" in line for line in told.splitlines())


def test_a_check_that_nothing_can_supply_is_found_before_the_run(
    tmp_path: Any, capsys: Any
) -> None:
    """The check says that all is well, and the desk then does not start."""
    (tmp_path / "needy.py").write_text(NEEDY)
    desk = write_desk(tmp_path, checks='"risk", "./needy.py"')

    outcome = run_here(capsys, "check-config", "-c", desk)

    assert outcome.code == 2
    assert "check needy: needs adv, and nothing supplies it" in outcome.err


def test_a_bad_line_of_a_data_file_is_found_before_the_run(tmp_path: Any, capsys: Any) -> None:
    """Yesterday's export was cut short, and the market opens in a minute."""
    (tmp_path / "market.csv").write_text("symbol,time,adv\nKO,2026-11-20T21:00:00Z\n")
    desk = write_desk(tmp_path)
    desk.write_text(
        desk.read_text() + '[data]\nproviders = ["csv"]\n[csv]\nfiles = ["market.csv"]\n'
    )

    outcome = run_here(capsys, "check-config", "-c", desk)

    assert outcome.code == 2
    assert "market.csv, line 2: has 2 cells" in outcome.err
