"""Pins and required plugins: what desk.toml says a plugin is, it is, or nothing leaves."""

import base64
import hashlib
from importlib.metadata import EntryPoint

import pytest

from cli.clikit import RISK, is_one_sentence, run_here
from desk.kit import World
from fillwright.config import PluginPin
from fillwright.desk.operator import Beside
from fillwright.errors import PluginError
from fillwright.plugins import Registry, pins
from fillwright.types import OrdStatus
from fillwright.verdicts import Scope

CODE = (
    "from fillwright.hooks import hookimpl\nfrom fillwright.verdicts import ALLOW\n"
    "@hookimpl\ndef check_order(order):\n    return ALLOW\n"
)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A distribution with one plugin and a RECORD, as pip leaves it."""
    site = tmp_path / "site"
    info = site / "stranger-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "stranger_check.py").write_text(CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[fillwright]\nstranger = stranger_check\n")
    digest = hashlib.sha256(CODE.encode()).digest()
    said = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    record = f"stranger_check.py,sha256={said},{len(CODE)}\nstranger-1.2.dist-info/RECORD,,\n"
    (info / "RECORD").write_text(record)
    monkeypatch.syspath_prepend(str(site))
    return site, hashlib.sha256(record.encode()).hexdigest()


def write(tmp_path, top="", plugins="", checks='"risk", "stranger"'):
    path = tmp_path / "desk.toml"
    path.write_text(
        f'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\nchecks = [{checks}]\n{top}\n'
        f"{plugins}\n{RISK}"
    )
    return path


def checked(tmp_path, capsys, **given):
    return run_here(capsys, "check-config", "-c", write(tmp_path, **given))


def test_what_matches_loads(tmp_path, capsys, stranger) -> None:
    """A pin that never fits is taken out."""
    pins = f'[plugins.stranger]\nversion="1.2"\ndistribution="stranger"\nsha256="{stranger[1]}"'
    top = 'required = ["stranger", "risk.max_order_notional"]'

    outcome = checked(tmp_path, capsys, plugins=pins, top=top)

    assert outcome.code == 0, outcome


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"plugins": '[plugins.stranger]\nversion = "1.3"'}, "pinned to version 1.3"),
        ({"plugins": '[plugins.stranger]\ndistribution = "other"'}, "pinned to distribution"),
        ({"plugins": f'[plugins.stranger]\nsha256 = "{"0" * 64}"'}, "pinned to sha256"),
        ({"plugins": '[plugins.stranger]\nsha256 = "abc"'}, "plugins.stranger.sha256"),
        ({"plugins": '[plugins.stranger]\nverison = "1.2"'}, "plugins.stranger.verison"),
        ({"plugins": '[plugins.strange]\nversion = "1.2"'}, "not named anywhere"),
        ({"plugins": '[plugins.gone]\nversion = "1"', "checks": '"risk", "gone"'}, "not installed"),
        (
            {"plugins": '[plugins.gone]\nsha256 = "' + "0" * 64 + '"', "checks": '"./gone.py"'},
            "there is no file",
        ),
        (
            {"plugins": '[plugins.mine]\nversion = "1"', "checks": '"./mine.py"'},
            "is a file, so only its sha256 can be pinned",
        ),
        ({"top": 'required = ["risk.order_rate_of_nothing"]'}, "is required"),
        ({"top": 'required = ["stranger"]', "checks": '"risk"'}, "is required"),
    ],
)
def test_what_does_not_match_loads_nothing(tmp_path, capsys, stranger, given, said) -> None:
    """Another version of a check is another check."""
    outcome = checked(tmp_path, capsys, **given)

    assert outcome.code == 2
    assert said in outcome.err
    assert is_one_sentence(outcome.err)


def test_a_version_alone_is_a_pin(tmp_path, capsys, stranger) -> None:
    """Who pins no hash has pinned nothing: then the version would not matter either."""
    outcome = checked(tmp_path, capsys, plugins='[plugins.stranger]\nversion = "1.2"')

    assert outcome.code == 0, outcome


def test_a_file_of_a_pinned_plugin_that_is_gone_is_not_passed_over(
    tmp_path, capsys, stranger
) -> None:
    """What cannot be looked at may be anything, an older copy further down the path included."""
    site, digest = stranger
    (site / "stranger_check.py").unlink()

    outcome = checked(tmp_path, capsys, plugins=f'[plugins.stranger]\nsha256 = "{digest}"')

    assert outcome.code == 2
    assert "is pinned, and stranger_check.py cannot be read" in outcome.err


def test_an_entry_point_of_no_distribution_has_nothing_to_be_pinned_to(
    tmp_path, monkeypatch
) -> None:
    """A pin that cannot be compared and passes is no pin."""
    point = EntryPoint("stranger", "stranger_check", "fillwright")
    monkeypatch.setattr(pins, "entry_points", lambda **_: [point])

    with pytest.raises(PluginError, match="belongs to no installed distribution"):
        pins.check_pin("stranger", tmp_path, {"stranger": PluginPin(version="1.2")})


def test_a_changed_file_of_a_pinned_plugin_is_not_imported(tmp_path, capsys, stranger) -> None:
    """Its RECORD is as it was, and its code is not."""
    site, digest = stranger
    ran = tmp_path / "ran"
    (site / "stranger_check.py").write_text(f"open({str(ran)!r}, 'w')\n{CODE}")

    outcome = checked(tmp_path, capsys, plugins=f'[plugins.stranger]\nsha256 = "{digest}"')

    assert outcome.code == 2
    assert "was changed" in outcome.err
    assert not ran.exists()


def test_a_file_is_pinned_by_its_own_hash(tmp_path, capsys) -> None:
    """The check beside desk.toml is one keystroke away from another one."""
    (tmp_path / "mine.py").write_text(CODE)
    digest = hashlib.sha256(CODE.encode()).hexdigest()
    given = {"checks": '"risk", "./mine.py"', "plugins": f'[plugins.mine]\nsha256 = "{digest}"'}
    assert checked(tmp_path, capsys, **given).code == 0

    (tmp_path / "mine.py").write_text(f"{CODE}#\n")
    outcome = checked(tmp_path, capsys, **given)

    assert outcome.code == 2
    assert "pinned to sha256" in outcome.err


async def test_a_change_after_the_start_halts_the_desk(tmp_path):
    """A check that takes another one out of the registry, and nobody notices."""
    registry = Registry.load(["risk"], folder=tmp_path)
    registry.freeze()
    world = World(beside=Beside(tampered=registry.tampered))
    try:
        await world.ready()
        assert (await world.submit()).state.status is OrdStatus.FILLED
        with pytest.raises(PluginError):
            registry.manager.unregister(name="risk.price_collar")

        assert (await world.submit(symbol="KO")).state.status is OrdStatus.REFUSED
        (halt,) = world.desk.halts
        assert (halt.scope, halt.by) == (Scope.DESK, "plugins")
        assert "risk.price_collar was to be unregistered" in halt.reason
    finally:
        await world.end()


async def test_a_plugin_that_is_gone_halts_the_desk_for_as_long_as_it_is(tmp_path):
    """Taken out past the registry's own door, it is missing all the same."""
    registry = Registry.load(["risk"], folder=tmp_path)
    registry.freeze()
    world = World(beside=Beside(tampered=registry.tampered))
    try:
        await world.ready()
        del registry.manager._name2plugin["risk.price_collar"]
        assert (await world.submit()).state.status is OrdStatus.REFUSED
        await world.desk.resume(Scope.DESK, by="jane")

        assert (await world.submit(symbol="KO")).state.status is OrdStatus.REFUSED
    finally:
        await world.end()
