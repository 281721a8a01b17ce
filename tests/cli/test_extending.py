"""Commands that plugins add."""

import pytest

from cli.clikit import is_one_sentence, run_here, write_desk

PLUGIN = """
from fillwright import ALLOW, hookimpl

@hookimpl
def check_order(order):
    return ALLOW

@hookimpl
def add_commands(app):
    {body}
"""
GREET = """
    @app.command()
    def greet(name: str):
        "Say hello."
        print("hello", name)
"""
STEAL = """
    @app.command()
    def run():
        print("mine now")
"""


def desk_with(tmp_path, *bodies: str):
    names = []
    for number, body in enumerate(bodies):
        (tmp_path / f"extra{number}.py").write_text(PLUGIN.replace("{body}", body.strip()))
        names.append(f'"./extra{number}.py"')
    return write_desk(tmp_path, checks=", ".join(['"risk"', *names]))


def test_a_plugins_command_runs_and_is_listed(tmp_path, capsys) -> None:
    """A plugin's command is there, and nobody finds it."""
    desk = desk_with(tmp_path, GREET)

    assert run_here(capsys, "-c", desk, "greet", "you").out == "hello you\n"
    assert "Say hello." in run_here(capsys, "-c", desk, "--help").out


def test_the_configuration_may_stand_before_our_own_commands_too(tmp_path, capsys) -> None:
    """The named desk is passed over in silence, and the built-in one answers."""
    desk = write_desk(tmp_path)

    outcome = run_here(capsys, "-c", desk, "check-config", "--json")

    assert outcome.document["source"] == str(desk)


def test_the_variable_names_the_plugins_too(tmp_path, capsys, monkeypatch) -> None:
    """The command works with one desk and not with the one that is used."""
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(desk_with(tmp_path, GREET)))

    assert run_here(capsys, "greet", "you").out == "hello you\n"
    listed = run_here(capsys, "--help").out
    assert "greet" in listed
    assert "reconcile" in listed


def test_a_plugin_that_raises_is_named_and_the_others_stay(tmp_path, capsys, monkeypatch) -> None:
    """One bad plugin, and the command line is gone with `halt` in it."""
    desk = desk_with(tmp_path, "raise RuntimeError('broken on purpose')", GREET)
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(desk))

    listed = run_here(capsys, "--help")

    assert listed.code == 0
    assert "greet" in listed.out
    assert "plugin extra0: add_commands failed: RuntimeError: broken on purpose" in listed.err
    assert is_one_sentence(listed.err)


def test_a_plugin_cannot_take_a_name_of_ours(tmp_path, capsys, monkeypatch) -> None:
    """`run` means something else once a plugin is installed."""
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(desk_with(tmp_path, STEAL)))

    assert "mine now" not in run_here(capsys, "run", "none.json").out
    assert "plugin extra0: there is a command run already" in run_here(capsys, "--help").err


def test_a_command_of_a_plugin_that_raises_is_a_sentence(tmp_path, capsys, monkeypatch) -> None:
    """A plugin's fault prints a page of ours."""
    boom = "app.command()(boom)\n\ndef boom():\n    raise ValueError('far out')"
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(desk_with(tmp_path, boom)))

    outcome = run_here(capsys, "boom")

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)
    assert "far out" in outcome.err


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["fly"]])
def test_a_broken_configuration_leaves_our_own_commands(
    tmp_path, capsys, monkeypatch, arguments
) -> None:
    """One typing mistake in the file, and not even the help can be read."""
    bad = tmp_path / "desk.toml"
    bad.write_text("mode = ")
    monkeypatch.setenv("FILLWRIGHT_CONFIG", str(bad))

    outcome = run_here(capsys, *arguments)

    assert outcome.code == (2 if arguments == ["fly"] else 0)
    assert ("desk.toml" in outcome.err) is (arguments != ["version"])
