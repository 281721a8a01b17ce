"""Leave the process's logging as it was found."""

import logging

import pytest

from cli.doctorkit import odd_desks


@pytest.fixture(autouse=True)
def _logging_restored():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """No test writes anywhere but into its own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FILLWRIGHT_CONFIG", raising=False)


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Desks on a broker made by hand: give its class and what is odd about it."""
    return odd_desks(tmp_path, monkeypatch)
