"""Logs tell what happened on one line each, and never a secret."""

import base64
import json
import logging
import subprocess
import sys
import urllib.parse
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from fillwright import logs
from fillwright.logs import configure_logs, get_logger, looks_secret, printable, register_secret

CANARY = 'canary/+9f 3c=é"x'


def logged(stream: StringIO) -> list[dict[str, Any]]:
    """The events of a JSON log."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_carries_its_facts() -> None:
    """A fact inside a sentence cannot be searched for."""
    stream = StringIO()
    configure_logs(level="debug", json=True, stream=stream)
    log = get_logger("fillwright.desk").bind(plan_id="p1", correlation_id="c1")
    log.bind(symbol="AAPL").info("order_sent", quantity=Decimal("1.50"), limit=None)
    log.debug("step_done")

    first, second = logged(stream)
    when = datetime.fromisoformat(first.pop("timestamp"))
    assert when.utcoffset() == timedelta(0)
    assert first == {
        "event": "order_sent",
        "level": "info",
        "logger": "fillwright.desk",
        "plan_id": "p1",
        "correlation_id": "c1",
        "symbol": "AAPL",
        "quantity": "1.50",
        "limit": None,
    }
    assert second["event"] == "step_done"
    assert "symbol" not in second


@pytest.mark.parametrize("name", ["fillwright.x", "urllib3", "some.plugin"])
def test_everybodys_records_look_alike(name: str) -> None:
    """An SDK that logs past the redaction logs our keys."""
    stream = StringIO()
    register_secret(CANARY)
    configure_logs(json=True, stream=stream)
    logging.getLogger(name).warning("sending %s to %s", CANARY, "host")
    structlog.get_logger(name).warning("plugin_spoke", api_key="x", a=1)

    foreign, native = logged(stream)
    assert foreign["event"] == "sending [redacted] to host"
    assert foreign["logger"] == name
    assert native["api_key"] == logs.REDACTED
    assert native["a"] == 1
    assert {"timestamp", "level"} <= foreign.keys() & native.keys()


def test_below_the_level_nothing_is_built() -> None:
    """A debug event on the hot path must not cost what it would print."""

    class Untouchable:
        def __str__(self) -> str:
            raise AssertionError("rendered")

    stream = StringIO()
    configure_logs(level="warning", stream=stream)
    get_logger("fillwright.x").info("order_sent", fact=Untouchable())

    assert stream.getvalue() == ""


def test_configuring_twice_logs_once() -> None:
    """Every line twice hides what happened twice."""
    first, second = StringIO(), StringIO()
    configure_logs(json=True, stream=first)
    configure_logs(json=True, stream=second)
    get_logger("fillwright.x").info("desk_started")

    assert first.getvalue() == ""
    assert len(logged(second)) == 1


def test_an_unknown_level_is_refused() -> None:
    """A misspelt level that means "everything off" hides the next accident."""
    with pytest.raises(ValueError, match="log level is not one of"):
        configure_logs(level="loud")


@pytest.mark.parametrize(
    "key",
    ["secret_key", "API-KEY", "apikey", "key_id", "password", "access_token", "Authorization",
     "APCA-API-KEY-ID", "Cookie", "private_key"],
)  # fmt: skip
def test_names_of_secrets_are_known(key: str) -> None:
    """A key under a name that we did not think of is printed."""
    assert looks_secret(key)
    assert not looks_secret("client_order_id")
    assert not looks_secret("idempotency_hash")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_secret_fact_is_hidden_at_any_depth(as_json: bool) -> None:
    """Headers are logged as a mapping in a mapping."""
    stream = StringIO()
    configure_logs(json=as_json, stream=stream)
    get_logger("fillwright.x").info(
        "request_made",
        key_id="unregistered1",
        headers={"Authorization": "unregistered2", "n": [{"api_key": "unregistered3"}]},
        many=({"secret": ["unregistered4"]},),
    )

    assert "unregistered" not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") == 4


def fail(text: str) -> NoReturn:
    raise ValueError(text)


def shapes_of(secret: str, before: str = "", after: str = "") -> list[str]:
    """The ways in which a secret shows up in a log."""
    basic = f"{before}{secret}{after}".encode()
    return [
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret),
        repr(secret),
        base64.b64encode(basic).decode(),
        base64.urlsafe_b64encode(basic).decode(),
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_registered_secret_is_hidden_everywhere(as_json: bool) -> None:
    """A key in a log is a key on every machine that the log goes to."""
    register_secret(CANARY)
    stream = StringIO()
    configure_logs(level="debug", json=as_json, stream=stream)
    log = get_logger("fillwright.x").bind(bound=CANARY)
    for shape in shapes_of(CANARY, "user:", "\n"):
        event = f"said {shape}"
        log.info(event, fact=shape, deep={"a": [shape]}, thing=ValueError(shape))
        try:
            fail(shape)
        except ValueError as fault:
            log.exception("order_failed", text=str(fault))
        logging.getLogger("sdk").info("frame %r", {"auth": shape})

    text = stream.getvalue()
    assert "order_failed" in text
    assert not any(shape in text for shape in shapes_of(CANARY))
    assert "canary" not in text
    assert base64.b64encode(CANARY.encode()).decode()[4:-8] not in text


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40)


@given(secrets, st.text(max_size=5), st.text(max_size=5))
def test_no_neighbour_in_base64_gives_a_secret_away(secret: str, before: str, after: str) -> None:
    """A Basic header encodes the user's name and the secret in one go."""
    register_secret(secret)
    encoded = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    shown = logs.redact(encoded)

    # What is left are the digits that the neighbours had a part in: one on each side.
    assert len(shown.replace(logs.REDACTED, "")) <= 4 * (len((before + after).encode()) // 3 + 3)
    assert logs.REDACTED in shown


@given(st.text())
def test_a_printable_text_is_one_line(text: str) -> None:
    """A line break, an escape or a direction mark in a value forges another line."""
    assert printable(text).isprintable()


def test_a_value_cannot_forge_a_line() -> None:
    """A broker's text that looks like our line misleads whoever reads the log after a loss."""
    forged = "ok\n2026-11-23T00:00:00Z [info] order_filled\x1b[2J\u202e\u2028"
    stream = StringIO()
    configure_logs(stream=stream)
    log = get_logger("fillwright.x")
    log.info(forged, text=forged, deep={"a": forged}, thing=ValueError(forged))
    logging.getLogger("sdk").info("%s", forged)
    try:
        fail(forged)
    except ValueError:
        log.exception("order_failed")

    lines = stream.getvalue().split("\n")
    starts = [line for line in lines if line and not line.startswith("  | ")]
    assert len(starts) == 3
    assert all(line.isprintable() for line in lines)


def test_a_traceback_shows_no_local_variables() -> None:
    """Local variables are where keys live."""
    stream = StringIO()
    configure_logs(stream=stream)

    def failing() -> NoReturn:
        hidden = "local-" + "canary"
        raise ValueError(len(hidden))

    try:
        failing()
    except ValueError:
        get_logger("fillwright.x").exception("order_failed")

    assert "ValueError: 12" in stream.getvalue()
    assert "local-canary" not in stream.getvalue()


def test_handlers_of_others_get_a_safe_line(caplog: pytest.LogCaptureFixture) -> None:
    """An app that embeds the desk has its own logging, and the same secrets."""
    register_secret(CANARY)
    get_logger("fillwright.x").warning("order_sent", symbol="A\nB", api_key="x", fact=CANARY)

    record = caplog.records[0]
    assert record.getMessage() == "order_sent symbol=A\\nB api_key=[redacted] fact=[redacted]"
    assert CANARY not in repr(record.msg)
    assert record.funcName == "test_handlers_of_others_get_a_safe_line"


def test_short_texts_are_no_secrets() -> None:
    """Hiding "a" would blank out the whole log."""
    register_secret("")
    register_secret("abc")

    assert logs.redact("abc") == "abc"


def test_importing_it_is_cheap_and_changes_nothing() -> None:
    """An app that embeds the desk pays for rich and structlog only when it asks for them."""
    code = (
        "import logging, sys, fillwright.logs as l; l.get_logger('x').warning('seen', a=1);"
        "print(logging.getLogger().handlers, *{'structlog', 'rich', 'pydantic'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert run.stdout.strip() == "[]"
    assert run.stderr.strip() == "seen a=1"


def test_what_is_below_the_level_is_not_written() -> None:
    """A log that says everything hides the line that counts, and costs time on every order."""
    stream = StringIO()
    configure_logs(level="critical", json=True, stream=stream)
    log = get_logger("fillwright.quiet")

    for write in (log.debug, log.info, log.warning, log.error, log.exception):
        write("step_done")
    log.log(logging.ERROR, "step_done")
    log.log(logging.CRITICAL, "step_failed")

    assert [event["event"] for event in logged(stream)] == ["step_failed"]
