"""A desk that cannot be opened leaves nothing behind, and says where the fault stands."""

import pytest

from cli.clikit import write_desk
from fillwright import open_desk
from fillwright.config import load_config
from fillwright.desk.desk import Desk
from fillwright.desk.opening import load_plugins
from fillwright.errors import BrokerUnavailable, ConfigError


async def test_a_start_that_fails_lets_go_of_the_journal(tmp_path, monkeypatch) -> None:
    """The lock stays, and the same process cannot try again when the broker is back."""
    path = write_desk(tmp_path)

    async def fails(_self):
        raise BrokerUnavailable("the account", "no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "start", fails)
        with pytest.raises(BrokerUnavailable):
            async with open_desk(path):
                pytest.fail("it never opened")

    async with open_desk(path) as desk:
        assert desk.state == "running"


@pytest.mark.parametrize(
    ("where", "told"),
    [("mine.limit", "desk.toml: mine.limit: is wrong"), ("elsewhere.txt", "elsewhere.txt: is")],
)
def test_a_fault_of_a_plugin_is_told_where_it_is(tmp_path, where, told) -> None:
    """Sent to desk.toml for what stands in another file, nobody finds it."""
    (tmp_path / "mine.py").write_text(
        "from fillwright import hookimpl\nfrom fillwright.errors import ConfigError\n"
        "@hookimpl\ndef provide_checks(settings):\n"
        f"    raise ConfigError({where!r}, 'is wrong')\n"
    )
    path = write_desk(tmp_path, checks='"./mine.py"')
    path.write_text(path.read_text().replace("[risk.", "[mine."))

    with pytest.raises(ConfigError) as caught:
        load_plugins(load_config(path))

    assert told in str(caught.value)
    assert str(caught.value).startswith(str(path)) is (where == "mine.limit")
