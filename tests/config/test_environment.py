"""The environment gives secrets and names the file; a misspelt variable is an error."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from fillwright.config import load_config
from fillwright.errors import ConfigError

TEXT = 'mode = "paper"\nbroker = "my-broker"\njournal = "desk.db"\nchecks = ["risk"]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "desk.toml"
    file.write_text(TEXT)
    return file


def test_variables_fill_the_brokers_table(path: Path) -> None:
    """A key in the file is a key in somebody's repository."""
    environ = {
        "FILLWRIGHT_MY_BROKER__KEY_ID": "0123456789",
        "FILLWRIGHT_MY_BROKER__URL": "[1]",
        "HOME": "/",
        "_FILLWRIGHT_COMPLETE": "bash",
    }
    settings = load_config(path, environ=environ).broker_settings

    assert settings == {"key_id": SecretStr("0123456789"), "url": "[1]"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("FILLWRIGHT_MODE", "the mode is never taken from the environment"),
        ("FILLWRIGHT_BROKER", "names nothing"),
        ("FILLWRIGHT_CONFG", "names nothing. Did you mean FILLWRIGHT_CONFIG?"),
        (
            "FILLWRIGHT_MYBROKER__KEY_ID",
            "names nothing. Did you mean FILLWRIGHT_MY_BROKER__KEY_ID?",
        ),
        (
            "FILLWRIGHT_ALPACA__KEY_ID",
            "names nothing. The environment may hold FILLWRIGHT_CONFIG and FILLWRIGHT_MY_BROKER__<",
        ),
        ("FILLWRIGHT_MY_BROKER__", "names nothing"),
        ("FILLWRIGHT_MY_BROKER__A__B", "names nothing"),
        ("FILLWRIGHT_MY_BROKER__key", "names nothing. Did you mean FILLWRIGHT_MY_BROKER__KEY?"),
        ("FILLWRIGHT_RISK__LIMIT_USD", "names nothing"),
    ],
)
def test_any_other_variable_is_refused(path: Path, name: str, sentence: str) -> None:
    """A misspelt variable leaves the desk on another account or none."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={name: "canary"})

    assert str(caught.value).startswith(f"environment variable {name}: {sentence}")
    assert "canary" not in str(caught.value)


def test_a_key_in_both_places_is_refused(path: Path) -> None:
    """Which of two keys counts is a guess."""
    path.write_text(TEXT + '[my-broker]\nkey_id = "one"\n')

    with pytest.raises(ConfigError, match=r"my-broker\.key_id: stands in the environment too"):
        load_config(path, environ={"FILLWRIGHT_MY_BROKER__KEY_ID": "two"})


def test_the_variable_names_the_file_where_no_path_is_given(path: Path, tmp_path: Path) -> None:
    """A desk that runs on the built-in file where another was named looks well and is not."""
    environ = {"FILLWRIGHT_CONFIG": str(path)}

    assert load_config(None, environ=environ).broker == "my-broker"
    assert load_config(None, environ={}).broker == "fake"
    other = tmp_path / "other.toml"
    other.write_text(TEXT.replace("my-broker", "other"))
    assert load_config(other, environ=environ).broker == "other"
    with pytest.raises(ConfigError, match="FILLWRIGHT_CONFIG: is empty"):
        load_config(None, environ={"FILLWRIGHT_CONFIG": ""})


def test_importing_it_is_cheap() -> None:
    """An app pays for each import of a library at every start."""
    code = "import fillwright.config, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert not {"pydantic_settings", "structlog", "rich"} & set(loaded)
