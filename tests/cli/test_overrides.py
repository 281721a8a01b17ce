"""`grant`, `limit`, `arm` and `disarm` from a shell."""

import pytest

from cli.clikit import is_one_sentence, order, rest_at_the_broker, run_here, write_desk, write_plan
from cli.oddbroker import OddBroker
from fillwright.desk.arming import read_token
from fillwright.types import Mode

WHO = ("--by", "jane", "--reason", "index day")
GIVE = ("grant", "--check", "C01", "--scope", "desk", "--for", "30m", *WHO)


@pytest.fixture
def desk(tmp_path, capsys):
    """A desk that ran once, with a grant key."""
    path = write_desk(tmp_path, desk='grant_key_file = "grant.key"')
    rest_at_the_broker(path)
    assert run_here(capsys, "grant", "new-key", "-c", path).code == 0
    return path


def bought(tmp_path, capsys, desk, symbol):
    """Whether more than the limit of 100 shares can be bought."""
    path = write_plan(tmp_path, f"p-{symbol}", orders=[order(symbol, "150")])
    return run_here(capsys, "run", path, "-c", desk, "--json").code == 0


def test_a_grant_lets_pass_lists_and_is_revoked(tmp_path, capsys, desk) -> None:
    """What lets orders pass must be seen, and must end."""
    assert not bought(tmp_path, capsys, desk, "KO")
    given = run_here(capsys, *GIVE, "-c", desk, "--json")
    listed = run_here(capsys, "grant", "list", "-c", desk, "--json").document["grants"]

    assert given.code == 0, given
    assert [one["state"] for one in listed] == ["waiting"]
    assert bought(tmp_path, capsys, desk, "DIS")
    listed = run_here(capsys, "grant", "list", "-c", desk, "--json").document["grants"]
    assert [(one["check"], one["state"]) for one in listed] == [("C01", "counts")]

    gone = run_here(capsys, "grant", "revoke", listed[0]["id"], "--by", "joe", "-c", desk)
    assert gone.code == 0
    assert not bought(tmp_path, capsys, desk, "XOM")
    assert "No grant stands." in run_here(capsys, "grant", "list", "-c", desk).out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--check": "C 1"}, "--check"),
        ({"--scope": "symbol"}, "--scope"),
        ({"--scope": "symbol:ko"}, "symbol"),
        ({"--scope": "account:OTHER"}, "another account"),
        ({"--for": "soon"}, "--for"),
        ({"--for": "25h"}, "more than 24h"),
        ({"--by": " "}, "--by"),
        ({"--reason": ""}, "--reason"),
        ({"--up-to-usd": "-5"}, "--up-to-usd"),
        ({"--up-to-usd": "NaN"}, "--up-to-usd"),
    ],
)
def test_a_grant_that_is_not_clear_is_none(tmp_path, capsys, desk, changed, said) -> None:
    """A misspelt grant lets the wrong orders pass."""
    given = dict(zip(GIVE[1::2], GIVE[2::2], strict=True)) | changed
    arguments = [part for pair in given.items() for part in pair]

    outcome = run_here(capsys, "grant", *arguments, "-c", desk)

    assert outcome.code == 2
    assert said in outcome.err
    assert is_one_sentence(outcome.err)
    assert not (tmp_path / "desk.db.inbox").exists()


def test_without_a_key_there_is_no_grant(tmp_path, capsys, desk) -> None:
    """An unsigned grant is anybody's."""
    (tmp_path / "grant.key").chmod(0o644)
    open_key = run_here(capsys, *GIVE, "-c", desk)
    (tmp_path / "grant.key").unlink()
    none = run_here(capsys, *GIVE, "-c", desk)

    for outcome in (open_key, none):
        assert outcome.code == 2
        assert is_one_sentence(outcome.err)


def test_a_limit_is_changed_explained_and_revoked(tmp_path, capsys, desk) -> None:
    """Whoever looks at the limits must see the ones that count, and who said so."""
    setting = "risk.max_order_quantity.limit_shares"
    changed = run_here(capsys, "limit", "set", setting, "200", *WHO, "-c", desk, "--json")
    explained = run_here(capsys, "check-config", "--explain", "-c", desk, "--json").document

    assert changed.code == 0, changed
    assert changed.document["changed"]["old"] == '"100"'
    (limit,) = [
        one for one in explained["limits"] if (one["code"], one["scope"]) == ("C01", "general")
    ]
    assert limit["value"] == "200"
    assert limit["from"] == "changed by jane: index day"
    assert bought(tmp_path, capsys, desk, "KO")
    listed = run_here(capsys, "limit", "list", "-c", desk, "--json").document["limits"]
    assert [(one["setting"], one["state"]) for one in listed] == [(setting, "counts")]

    assert run_here(capsys, "limit", "revoke", setting, "--by", "joe", "-c", desk).code == 0
    assert not bought(tmp_path, capsys, desk, "DIS")
    assert "desk.toml says" in run_here(capsys, "limit", "list", "-c", desk).out


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("risk.max_order_quantity.limit_shares", "lots"),
        ("risk.max_order_quantity.limit", "5"),
        ("risk.no_such_control.limit", "5"),
        ("desk.max_in_flight", "5"),
        ("x", "5"),
    ],
)
def test_a_limit_that_its_control_refuses_is_not_changed(
    tmp_path, capsys, desk, setting, value
) -> None:
    """A limit that says nothing limits nothing."""
    outcome = run_here(capsys, "limit", "set", setting, value, *WHO, "-c", desk)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
    assert not (tmp_path / "desk.db.inbox").exists()


def test_what_was_not_changed_is_not_revoked(tmp_path, capsys, desk) -> None:
    """Told that it is revoked, nobody looks again."""
    for arguments in (("limit", "revoke", "risk.a.b"), ("grant", "revoke", "g-0")):
        outcome = run_here(capsys, *arguments, "--by", "joe", "-c", desk)

        assert outcome.code == 2
        assert is_one_sentence(outcome.err)


def test_arming_a_live_desk(odd, capsys) -> None:
    """The word live in a file is not a decision of today."""
    desk = odd(type("Live", (OddBroker,), {"endpoint": Mode.LIVE}))
    desk.write("live", 'expected_account_id = "ODD-1"')
    token = desk.path.parent / "desk.db.armed"

    armed = run_here(capsys, "arm", "--for", "8h", "--by", "jane", "-c", desk.path)

    assert armed.code == 0, armed
    assert token.stat().st_mode & 0o777 == 0o600
    assert (read_token(token).by, read_token(token).account) == ("jane", "ODD-1")
    assert run_here(capsys, "disarm", "-c", desk.path).code == 0
    assert not token.exists()
    assert "There is no arming token" in run_here(capsys, "disarm", "-c", desk.path).out


def test_a_desk_whose_account_differs_is_not_armed(odd, capsys) -> None:
    """The token would be for somebody else's money."""
    desk = odd(type("Live", (OddBroker,), {"endpoint": Mode.LIVE}))
    desk.write("live", 'expected_account_id = "ODD-2"')

    outcome = run_here(capsys, "arm", "--for", "8h", "--by", "jane", "-c", desk.path)

    assert outcome.code == 1
    assert "Not armed" in outcome.out
    assert not (desk.path.parent / "desk.db.armed").exists()


@pytest.mark.parametrize(
    ("mode", "arguments"),
    [
        ("paper", ("--for", "8h", "--by", "jane")),
        ("live", ("--for", "25h", "--by", "jane")),
        ("live", ("--for", "0h", "--by", "jane")),
        ("live", ("--for", "8h", "--by", " ")),
        ("live", ("--by", "jane")),
    ],
)
def test_arming_takes_a_live_desk_a_time_and_a_person(odd, capsys, mode, arguments) -> None:
    """Armed for ever by nobody is not armed."""
    desk = odd(OddBroker)
    desk.write(mode, 'expected_account_id = "ODD-1"')

    outcome = run_here(capsys, "arm", *arguments, "-c", desk.path)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)
