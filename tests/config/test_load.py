"""desk.toml is read as it is meant, or refused in one sentence that shows nothing secret."""

import json
import os
import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fillwright.config import (
    config_schema,
    default_config,
    default_text,
    load_config,
)
from fillwright.config.load import judge
from fillwright.errors import ConfigError
from fillwright.plans import StaleOrders, Urgency
from fillwright.protocols import ClosePolicy, Limits
from fillwright.testing.fake_broker.settings import read_settings
from fillwright.types import Mode
from fillwright_risk.build import build_checks

CANARY = "hunter2-canary"
HEAD = 'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\nchecks = ["risk"]\n'
Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a desk.toml and give its path."""

    def _write(text: str | bytes) -> Path:
        path = tmp_path / "desk.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _write


def refusal(path: Path, environ: dict[str, str] | None = None) -> str:
    """The sentence that refuses this file, without the path before it."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ=environ or {})
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert CANARY not in sentence
    assert caught.value.__cause__ is None or CANARY not in str(caught.value.__cause__)
    return sentence.removeprefix(str(path))


def test_a_full_file_is_read(write: Write, tmp_path: Path) -> None:
    """A setting that is read as another one trades on the wrong limits."""
    path = write(
        HEAD.replace('["risk"]', '["risk", "./my_checks.py"]')
        + 'expected_account_id = "DU123"\n'
        + '[desk]\nsend_deadline_seconds = 7\ncollar_pct = "2.5"\nclose_policy = "cancel_day"\n'
        + "max_in_flight = 12\nallow_resize = true\n"
        + '[plan]\nstale_orders = "keep"\nfunds_timeout_seconds = 1.5\n'
        + "[plan.deadline_seconds]\nurgent = 9\n"
        + '[fake]\nstate = "v.db"\n[risk.max_order_notional]\nlimit_usd = "50000"\n'
        + "[my_checks]\nmost = 3\n"
    )
    config = load_config(path, environ={})

    assert config.mode is Mode.PAPER
    assert config.broker == "fake"
    assert config.journal_path == tmp_path / "desk.db"
    assert config.folder == tmp_path
    assert config.source == str(path)
    assert config.desk.limits() == Limits(
        send_deadline=7.0, max_in_flight=12, collar=Decimal("0.025")
    )
    assert config.desk.close_policy is ClosePolicy.CANCEL_DAY
    assert config.desk.allow_resize
    assert config.plan.stale_orders is StaleOrders.KEEP
    assert config.plan.deadline_seconds.of(Urgency.URGENT) == 9
    assert config.broker_settings == {"state": "v.db"}
    assert config.settings_of("risk") == {"max_order_notional": {"limit_usd": "50000"}}
    assert config.settings_of("./my_checks.py") == {"most": 3}


def test_without_an_environment_given_the_processes_own_counts(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt variable must be found by the app that never heard of `environ`, too."""
    monkeypatch.setenv("FILLWRIGHT_MODE", "live")

    with pytest.raises(ConfigError, match="FILLWRIGHT_MODE"):
        load_config(write(HEAD))


def test_what_is_left_out_is_what_the_desk_itself_would_take(write: Write) -> None:
    """Two places with defaults drift apart."""
    assert load_config(write(HEAD), environ={}).desk.limits() == Limits()


def test_every_urgency_has_a_deadline(write: Write) -> None:
    """A plan of an urgency without a deadline would fail when it runs."""
    deadlines = load_config(write(HEAD), environ={}).plan.deadline_seconds
    seconds = [deadlines.of(urgency) for urgency in Urgency]

    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD.replace('mode = "paper"\n', ""), ": mode: is missing. Write mode = "),
        (HEAD.replace('"paper"', f'"{CANARY}"'), ": mode: must be 'paper' or 'live'. Write"),
        (HEAD.replace('"paper"', '"live"'), ': expected_account_id: is missing; mode = "live"'),
        (HEAD.replace('broker = "fake"\n', ""), ": broker: is missing. Write broker = "),
        (HEAD.replace('"fake"', f'"{CANARY} x"'), ": broker: must be the name of a plugin"),
        (HEAD.replace('"fake"', "7"), ": broker: must be text in quotes"),
        (HEAD.replace('"fake"', '"plan"'), ": broker: is named like one of our own settings"),
        (HEAD.replace('checks = ["risk"]', ""), ": checks: is missing. Write checks = "),
        (HEAD.replace('["risk"]', "[]"), ": checks: must name at least one check; without"),
        (HEAD.replace('["risk"]', '"risk"'), ": checks: must be a list"),
        (HEAD.replace('["risk"]', '["a.py"]'), ": checks: a file is written with its folder"),
        (HEAD.replace('["risk"]', '["Risk Control"]'), ": checks: each must be the name of a plug"),
        (HEAD + '[desk]\nkill_file = "stop/"\n', ": desk.kill_file: must be the path of a file"),
        (HEAD + '[desk]\nkill_file = "~/stop"\n', ": desk.kill_file: must be the path of a file"),
        (HEAD.replace('["risk"]', '["a", "./a.py"]'), ": checks: two of them have the same"),
        (HEAD.replace('["risk"]', '["fake"]'), ": checks: one of them has the broker's name"),
        (HEAD.replace('["risk"]', '["./desk.py"]'), ": checks: one of them is named like"),
        (
            HEAD.replace("desk.db", f"postgresql://u:{CANARY}@h/d"),
            ": journal: a PostgreSQL journal is not available yet; name a file",
        ),
        (HEAD.replace("desk.db", "sqlite:///x"), ": journal: must be the path of a file"),
        (HEAD.replace("desk.db", ":memory:"), ": journal: must be the path of a file"),
        (HEAD.replace("desk.db", "logs/"), ": journal: must be the path of a file"),
        (HEAD + "[desk]\nsilence = 5\n", ": desk.silence: is not a setting. Did you mean sile"),
        (HEAD + "[plan]\nstale_order = 5\n", ": plan.stale_order: is not a setting. Did you mean"),
        (HEAD + "[plan.deadline_seconds]\nhihg = 5\n", ": plan.deadline_seconds.hihg: is not a"),
        (HEAD + f'[desk]\nsilence_seconds = "{CANARY}"\n', ": desk.silence_seconds: must be a num"),
        (HEAD + "[desk]\nsilence_seconds = 0\n", ": desk.silence_seconds: must be at least 0.1"),
        (HEAD + "[desk]\nsilence_seconds = nan\n", ": desk.silence_seconds: must be a finite"),
        (HEAD + "[desk]\nmax_in_flight = 1.5\n", ": desk.max_in_flight: must be a whole number"),
        (HEAD + "[desk]\nmax_in_flight = true\n", ": desk.max_in_flight: must be a whole number"),
        (HEAD + "[desk]\ncollar_pct = 0.05\n", ": desk.collar_pct: must be an exact value in qu"),
        (HEAD + f'[desk]\ncollar_pct = "{CANARY}"\n', ": desk.collar_pct: must be an exact value"),
        (HEAD + '[desk]\ncollar_pct = "NaN"\n', ": desk.collar_pct: must be an exact value"),
        (HEAD + '[desk]\ncollar_pct = "100"\n', ": desk.collar_pct: must be below 100"),
        (HEAD + '[desk]\nallow_resize = "yes"\n', ": desk.allow_resize: must be true or false"),
        (HEAD + '[desk]\nclose_policy = "flee"\n', ": desk.close_policy: must be 'keep', 'canc"),
        (HEAD + "desk = 3\n", ": desk: must be a table"),
        (HEAD + "fake = 3\n", ": fake: must be a table. Write [fake]"),
        (HEAD + "risk = 3\n", ": risk: must be a table. Write [risk]"),
        (HEAD + "[risk.x]\nlimit = inf\n", ": risk.x.limit: must be a finite number"),
        (HEAD + "[risk]\nlimits = [1.0, nan]\n", ": risk.limits: must be a finite number"),
        (HEAD + "[rsik.x]\nlimit = 1\n", ": rsik: this table belongs to neither the desk nor a"),
        (HEAD + "[rsik]\n", "nor a plugin that it names. Did you mean risk?"),
        (HEAD + "[nobody]\n", ": nobody: this table belongs to neither"),
        (HEAD + "jornal = 1\n", "nor a plugin that it names. Did you mean journal?"),
        (HEAD + 'folder = "/"\n', ": folder: this setting belongs to neither"),
        (HEAD + "broker_settings = {}\n", ": broker_settings: this table belongs to neither"),
        (HEAD + 'source = "x"\n', ": source: this setting belongs to neither"),
        (HEAD + "[fake]\napi_key = 12345\n", ": fake.api_key: must be text in quotes"),
        (HEAD + f"[fake]\nkey = {CANARY}\n", ", line 6, column 7: is not TOML: invalid value"),
        (HEAD + f'[fake]\nkey = "{CANARY}\n', ", line 6, column 22: is not TOML: illegal charac"),
        (HEAD + f"[fake]\n{CANARY}", ", end of document: is not TOML: expected"),
        (HEAD + f'x = {{"{CANARY}"=1,"{CANARY}"=2}}', ": is not TOML: duplicate inline table"),
        (HEAD + "x = " + "9" * 5000, ": is not TOML: a number too long or tables too deep"),
        (HEAD + "x = " + "[" * 5000, ": is not TOML: a number too long or tables too deep"),
        (b"\xff\xfe", ", line 1: is not UTF-8"),
        (HEAD.encode() + CANARY.encode() + b"\xe9\n", ", line 5: is not UTF-8"),
        (b"", ": mode: is missing"),
        (b"#" * (1 << 20) + b"\n", ": is longer than 1 MiB"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_one_sentence(
    write: Write, text: str | bytes, sentence: str
) -> None:
    """A setting that is guessed or ignored is a limit that somebody believes in."""
    assert sentence in refusal(write(text))


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    """A traceback in place of a sentence sends people to us and not to the typing error."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert refusal(tmp_path / "none.toml") == ": there is no such file. Check the path"
    assert refusal(tmp_path) == ": is a folder. Name the desk.toml in it"
    assert refusal(pipe) == ": is not a file. Name the desk.toml itself"
    assert "cannot be read" in refusal(Path("a\0b"))
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """A wrong path to a log of many gigabytes must not fill the memory."""
    path = tmp_path / "desk.toml"
    with path.open("wb") as file:
        file.truncate(100 << 20)

    assert refusal(path) == ": is longer than 1 MiB. Is it really a desk.toml?"


@given(st.text(max_size=60), st.sampled_from(["mode", "broker", "journal", "desk", "x y", ""]))
def test_whatever_stands_in_the_file_is_read_or_refused(text: str, key: str) -> None:
    """Any other exception is a traceback that may show the file."""
    for line in (text, f"{json.dumps(key)} = {json.dumps(text, ensure_ascii=False)}"):
        sentence = "read"
        try:
            judge(HEAD + line, "desk.toml", folder=Path(), environ={})
        except ConfigError as fault:
            sentence = str(fault)

        assert sentence.isprintable()


def test_the_built_in_desk_risks_nothing(tmp_path: Path) -> None:
    """The first command that a stranger types must not be able to reach an account."""
    config = default_config(tmp_path)

    assert config.mode is Mode.PAPER
    assert config.broker == "fake"
    assert config.checks == ("risk",)
    assert config.journal_path == tmp_path / ".fillwright" / "journal.db"
    assert config.broker_settings["positions"]["AAPL"] == "60"
    assert config.settings_of("risk")


def test_the_built_in_text_is_a_desk_toml(write: Write) -> None:
    """What `check-config` prints is what people start their own file from."""
    assert load_config(write(default_text()), environ={}).settings_of("risk") == default_config(
        Path()
    ).settings_of("risk")


def test_the_shipped_plugins_take_the_built_in_tables(tmp_path: Path) -> None:
    """The first command that a stranger types would end with exit code 2."""
    config = default_config(tmp_path)
    built = {control.code for control in build_checks(config.settings_of("risk"))}
    codes = {code for code in built if code.startswith("C")}
    venue = read_settings("fake", config.broker_settings, config.folder)

    sized = {"C01", "C02", "C03", "C04", "C08", "C09", "C12", "C15", "C16", "C19", "C21", "C22"}
    assert codes == sized | {"C25", "C26", "C27", "C29", "C33", "C39"}
    assert venue.cash == Decimal(32840)
    assert venue.state == tmp_path / ".fillwright" / "fake-broker.db"


def test_a_config_does_not_travel_or_show_its_secrets(write: Write) -> None:
    """A key in a crash report or a pickle is a key that is lost."""
    config = load_config(
        write(HEAD + f'[fake]\napi_key = "{CANARY}"\n[fake.auth.token]\nold = "{CANARY}"\n'),
        environ={},
    )

    assert isinstance(config.broker_settings["api_key"], SecretStr)
    assert config.broker_settings["api_key"].get_secret_value() == CANARY
    shown = [repr(config), str(config), str(config.model_dump()), config.model_dump_json()]
    shown += [repr(config.broker_settings), repr(vars(config))]
    assert not any(CANARY in text for text in shown)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(config)
    with pytest.raises(ValueError, match="frozen"):
        config.mode = Mode.LIVE  # type: ignore[misc]


def test_the_schema_knows_what_the_loader_knows() -> None:
    """An editor that marks a good file as bad teaches people to ignore it."""
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = {"mode": "paper", "broker": "fake", "journal": "x", "checks": ["risk"], "risk": {}}

    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "mode": "both"})
    assert not validator.is_valid({**good, "jornal": "x"})
    assert not validator.is_valid({**good, "desk": {"silence": 1}})
    assert not validator.is_valid({key: good[key] for key in ("mode", "broker", "journal")})
    assert "folder" not in schema["properties"]
