"""Leave the process's logging as it was found."""

import logging

import pytest


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
