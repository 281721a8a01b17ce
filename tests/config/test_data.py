"""`[data]` and the time zone: ages by input, providers by name, and no misspelt one."""

from datetime import timedelta
from pathlib import Path

import pytest

from fillwright.config import DeskConfig, load_config
from fillwright.errors import ConfigError
from fillwright.inputs import MAX_AGE, Input

BASE = 'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\nchecks = ["risk"]\n'


def load(folder: Path, text: str) -> DeskConfig:
    (folder / "desk.toml").write_text(BASE + text)
    return load_config(folder / "desk.toml", environ={})


def test_ages_that_are_not_given_keep_their_defaults(tmp_path: Path) -> None:
    """Whoever sets one age must not lose the others."""
    config = load(tmp_path, "[data.max_age_seconds]\nadv = 60.0\nmine = 5.0\n")
    ages = config.data.max_age()

    assert ages[Input.ADV] == timedelta(seconds=60)
    assert ages["mine"] == timedelta(seconds=5)
    assert ages[Input.VOLUME] == MAX_AGE[Input.VOLUME]


def test_a_provider_has_its_own_table_with_its_secrets_sealed(tmp_path: Path) -> None:
    """A key in a data source's table is as secret as a broker's."""
    config = load(
        tmp_path,
        '[data]\nproviders = ["./my_feed.py", "broker", "csv"]\n[my_feed]\napi_key = "hush-hush"\n',
    )

    assert config.data_plugins == ("./my_feed.py", "csv")
    assert "hush-hush" not in repr(config.data_settings_of("./my_feed.py"))
    assert config.data_settings_of("csv") == {}


def test_a_broker_that_is_a_feed_as_well_has_one_table(tmp_path: Path) -> None:
    """Its keys written twice, one of them is the old one on the day they change."""
    config = load(tmp_path, '[data]\nproviders = ["fake"]\n[fake]\nseed = 7\n')

    assert config.data_settings_of("fake") == {"seed": 7}


def test_secrets_in_a_list_are_sealed(tmp_path: Path) -> None:
    """A second key for the day of the change stands in the log of that day."""
    text = '[data]\nproviders = ["./my_feed.py"]\n[my_feed]\napi_keys = ["hush", "hush-hush"]\n'
    config = load(tmp_path, text)

    assert "hush" not in repr(config.data_settings_of("./my_feed.py"))


def test_the_days_of_another_exchange(tmp_path: Path) -> None:
    """A trading day that ends at midnight in New York halves the limits of one in Frankfurt."""
    config = load(tmp_path, '[desk]\ntime_zone = "Europe/Berlin"\nkill_file = "stop"\n')

    assert config.desk.time_zone == "Europe/Berlin"
    assert config.kill_path == tmp_path / "stop"


@pytest.mark.parametrize(
    ("text", "where", "sentence"),
    [
        ("[data.max_age_seconds]\nadv = 0.0\n", "data.max_age_seconds.adv", "must be above 0"),
        ('[data.max_age_seconds]\nadv = "1"\n', "data.max_age_seconds.adv", "without quotes"),
        ("[data.max_age_seconds]\nADV = 1.0\n", "data.max_age_seconds", "in lower case"),
        ("[data.max_age_seconds]\nquote = 1.0\n", "data.max_age_seconds", "quote_max_age_seconds"),
        ('[data]\nproviders = ["CSV"]\n', "data.providers", "name of a plugin"),
        ('[data]\nproviders = ["csv", "./csv.py"]\n', "data.providers", "the same name"),
        ('[data]\nprovider = ["csv"]\n', "data.provider", "Did you mean providers?"),
        ('[desk]\ntime_zone = "New York"\n', "desk.time_zone", "the name of a time zone"),
        ('[desk]\ntime_zone = "../etc/passwd"\n', "desk.time_zone", "the name of a time zone"),
        ('[feed]\nx = "1"\n', "feed", "neither the desk nor a plugin that it names"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, where: str, sentence: str) -> None:
    """An age that is silently left out is an age of for ever."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert caught.value.where == f"{tmp_path / 'desk.toml'}: {where}"
    assert sentence in str(caught.value)
