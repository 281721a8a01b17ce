"""The `[alpaca]` table: which hosts, whose keys, and sentences that give nothing away."""

import os
import pickle
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from alpacakit.rest import KEY, SECRET
from fillwright.config import load_config
from fillwright.errors import ConfigError
from fillwright.logs import redact
from fillwright.types import Mode
from fillwright_alpaca.endpoints import mode_of
from fillwright_alpaca.settings import Access, read_settings

PAPER = "https://paper-api.alpaca.markets"
LIVE = "https://api.alpaca.markets"


def read(mode: Mode = Mode.PAPER, folder: Path = Path(), **fields) -> Access:
    table = {"key_id": SecretStr(KEY), "secret_key": SecretStr(SECRET)} | fields
    return read_settings("alpaca", {k: v for k, v in table.items() if v is not None}, folder, mode)


def problem(mode: Mode = Mode.PAPER, folder: Path = Path(), **fields) -> str:
    """The sentence, after making sure that nothing of what was written is in it or its frames."""
    with pytest.raises(ConfigError) as raised:
        read(mode, folder, **fields)
    frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    for text in (str(raised.value), repr(raised.value), *frames.format()):
        assert KEY not in text
        assert SECRET not in text
    return str(raised.value)


# ---------------------------------------------------------------------- hosts


def test_the_mode_says_where() -> None:
    """A desk on paper that talks to the live host trades real money."""
    paper, live = read(Mode.PAPER), read(Mode.LIVE)

    assert (paper.url, paper.stream_url) == (PAPER, "wss://paper-api.alpaca.markets/stream")
    assert (live.url, live.stream_url) == (LIVE, "wss://api.alpaca.markets/stream")
    assert paper.data_url == live.data_url == "https://data.alpaca.markets"


@pytest.mark.parametrize(
    ("mode", "url"),
    [(Mode.PAPER, LIVE), (Mode.LIVE, PAPER), (Mode.LIVE, "http://127.0.0.1:8080")],
)
def test_mode_and_endpoint_must_agree(mode: Mode, url: str) -> None:
    """One of the two is a mistake, and nobody knows which."""
    assert f"endpoint, and mode is {mode}" in problem(mode, url=url)


def test_the_stream_must_be_of_the_same_kind() -> None:
    """Orders on paper with the live account's fills."""
    text = problem(stream_url="wss://api.alpaca.markets/stream")

    assert "[alpaca] stream_url: is a live endpoint, and mode is paper" in text


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets.evil.example",
        "https://evil.example/api.alpaca.markets",
        "https://paper-api.alpaca.markets.",
        "https://paper-api.alpaca.market",
        "https://PAPER-API.alpaca.markets.example",
        "https://paper-api.alpaca.markets@evil.example",
        "https://user:pass@paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets:8443",
        "https://paper-api.alpaca.markets/v2",
        "https://paper-api.alpaca.markets?x=1",
        "https://paper-api.alpaca.markets?",
        "https://paper-api.alpaca.markets#x",
        "https://paper-api.alpaca.markets\\@evil.example",
        "https://paper-api.alpaca.markets evil",
        "https://paper-api.alpaca.markets\n",
        "https://p\u0430per-api.alpaca.markets",
        "http://paper-api.alpaca.markets",
        "ftp://paper-api.alpaca.markets",
        "paper-api.alpaca.markets",
        "https://",
        "https://[::1",
        "https://127.0.0.1.evil.example",
        "http://0.0.0.0:80",
        "http://10.0.0.1",
        "https://127.0.0.1:99999",
        "",
        " ",
    ],
)
def test_no_other_url_is_spoken_to(url: str) -> None:
    """The keys go with the first request, wherever the URL leads."""
    assert problem(url=url).startswith("[alpaca] url: ")


def test_a_slash_at_the_end_is_dropped() -> None:
    """The SDK would ask for `//v2/account`, which is another path."""
    assert read(url=PAPER + "/").url == PAPER
    assert read(url="http://127.0.0.1:80/prefix/").url == "http://127.0.0.1:80/prefix"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "127.9.9.9", "localhost:1", "[::1]:8080"])
def test_a_server_on_this_machine_is_paper_and_gets_everything(host: str) -> None:
    """A test's keys that are sent to the real data host, or its orders to the real stream."""
    access = read(url=f"http://{host}")

    assert mode_of(access.url) is Mode.PAPER
    assert access.data_url == f"http://{host}"
    assert access.stream_url == f"ws://{host}/stream"


@pytest.mark.parametrize(
    ("field", "url"),
    [
        ("data_url", "https://evil.example"),
        ("data_url", PAPER),
        ("stream_url", "wss://evil.example/stream"),
        ("stream_url", "wss://paper-api.alpaca.markets/other"),
        ("stream_url", "ws://paper-api.alpaca.markets/stream"),
        ("stream_url", "https://paper-api.alpaca.markets/stream"),
        ("proxy", "socks5://127.0.0.1:1080"),
        ("proxy", "http://user:pass@proxy.example:3128"),
        ("proxy", "http://proxy.example:3128/path"),
    ],
)
def test_the_other_urls_are_held_to_the_same(field: str, url: str) -> None:
    """Keys travel on each of them."""
    assert problem(**{field: url}).startswith(f"[alpaca] {field}: ")


def test_an_unknown_host_counts_as_live() -> None:
    """The guard compares this before every send: what it cannot tell must not pass as paper."""
    assert mode_of("https://somewhere.example") is Mode.LIVE
    assert mode_of("nonsense") is Mode.LIVE


def test_a_proxy_is_not_used_for_this_machine() -> None:
    """A local server's traffic would leave the machine."""
    assert read(proxy="http://proxy.example:3128").proxy == "http://proxy.example:3128"
    assert read(proxy="http://proxy.example:3128", url="http://127.0.0.1:1").proxy is None


# ---------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        "\n",
        "PK CANARY0KEY7Q4ZT2WA",
        "PKCANARY0KEY\n7Q4ZT2WA",
        "PKCÄNARY0KEY7Q4ZT2WA",
        "YOUR_API_KEY_ID_HERE",
        "your-key-goes-here",
        "<api-key>",
        "${ALPACA_KEY}",
        "changeme",
        "xxxxxxxxxxxxxxxx",
        "**************",
        "................",
        "short",
        "x1" * 200,
    ],
)
@pytest.mark.parametrize("field", ["key_id", "secret_key"])
def test_what_cannot_be_a_key_is_refused_unseen(field: str, bad: str) -> None:
    """A placeholder or a line break is found at start, not at the first order."""
    text = problem(**{field: SecretStr(bad)})

    assert text.startswith(f"[alpaca] {field}: ")
    assert not bad.strip() or bad not in text


def test_keys_are_stripped() -> None:
    """A blank from the clipboard makes every request a 401."""
    assert read(key_id=SecretStr(f"  {KEY}\n")).key.get_secret_value() == KEY


def test_a_missing_key_says_how_to_give_it() -> None:
    """A newcomer's first error."""
    text = problem(secret_key=None)

    assert "[alpaca] secret_key: is missing" in text
    assert "FILLWRIGHT_ALPACA__SECRET_KEY" in text


def test_keys_are_known_to_the_logs() -> None:
    """Whatever library logs the header, the log must not show it."""
    read(secret_key=SecretStr("anotherCanary0123456789"))

    assert redact("x anotherCanary0123456789 y") == "x [redacted] y"


def test_keys_come_from_files_of_mode_0600(tmp_path: Path) -> None:
    """Keys in desk.toml end up in somebody's repository."""
    for name, text in (("key", KEY), ("secret", SECRET)):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)

    access = read(
        folder=tmp_path,
        key_id=None,
        key_file="key",
        secret_key=None,
        secret_file="secret",  # noqa: S106  # its name
    )

    assert access.key.get_secret_value() == KEY
    assert access.secret.get_secret_value() == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Every user of the machine could trade."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(mode)

    text = problem(folder=tmp_path, key_id=None, key_file="key")

    assert "can be read by others than its owner" in text
    assert "0600" in text


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A named pipe would hang the start for ever."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "is not a file" in problem(folder=tmp_path, key_id=None, key_file="pipe")
    assert "cannot be read" in problem(folder=tmp_path, key_id=None, key_file="absent")
    assert "cannot be read" in problem(folder=tmp_path, secret_key=None, secret_file="absent")  # noqa: S106


def test_a_file_beside_a_key_is_refused(tmp_path: Path) -> None:
    """Nobody knows which of the two is the old one."""
    assert "is given beside key_file" in problem(folder=tmp_path, key_file="key")


def test_a_files_content_is_in_no_traceback(tmp_path: Path) -> None:
    """A secret in a file that is refused is still a secret."""
    (tmp_path / "key").write_text(f"{KEY} and more")
    (tmp_path / "key").chmod(0o600)

    assert "has blanks" in problem(folder=tmp_path, key_id=None, key_file="key")


def test_access_shows_no_key_and_is_not_pickled() -> None:
    """A pickle holds the secret in the clear, whoever reads it."""
    access = read()

    assert KEY not in repr(access)
    assert SECRET not in str(access)
    with pytest.raises(TypeError, match="not copied or pickled"):
        pickle.dumps(access)


# ---------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"feeds": "iex"}, "feeds"),
        ({"feed": "cheap"}, "feed"),
        ({"total_timeout_seconds": "10"}, "total_timeout_seconds"),
        ({"total_timeout_seconds": 0}, "total_timeout_seconds"),
        ({"connect_timeout_seconds": float("inf")}, "connect_timeout_seconds"),
        ({"retries": 3}, "retries"),
        ({"key_id": 12345678}, "key_id"),
    ],
)
def test_a_setting_that_is_not_one_is_named(fields: dict, where: str) -> None:
    """A misspelt setting would silently be the default."""
    text = problem(**fields)

    assert text.startswith(f"[alpaca] {where}: ")


def test_the_table_reads_as_the_desk_delivers_it(tmp_path: Path) -> None:
    """The desk seals what looks secret, the path of the secret's file too."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "desk.toml").write_text(
        'mode = "paper"\nbroker = "alpaca"\njournal = "desk.db"\nchecks = ["risk"]\n'
        '[alpaca]\nsecret_file = "secret"\nurl = "http://127.0.0.1:9/"\n'
    )
    config = load_config(tmp_path / "desk.toml", environ={"FILLWRIGHT_ALPACA__KEY_ID": KEY})

    access = read_settings("alpaca", config.broker_settings, config.folder, config.mode)

    assert access.key.get_secret_value() == KEY
    assert access.secret.get_secret_value() == SECRET
    assert access.url == "http://127.0.0.1:9"
