"""A folder of its own for each test, and desks on an odd broker."""

import pytest

from cli.doctorkit import odd_desks


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """No test writes anywhere but into its own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FILLWRIGHT_CONFIG", raising=False)


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Desks on a broker made by hand: give its class and what is odd about it."""
    return odd_desks(tmp_path, monkeypatch)
