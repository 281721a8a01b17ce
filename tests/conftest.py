"""Leave the process's logging, and what it knows to be secret, as it was found."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from fillwright import logs

# A time limit for each example only finds out how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
#: For thousands of runs against small changes of the code: few examples, the same each time.
settings.register_profile(
    "mutants", max_examples=10, derandomize=True, database=None, deadline=None
)


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    registered, shapes = set(logs._registered), logs._shapes
    yield
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
    logs._registered.clear()
    logs._registered.update(registered)
    logs._shapes = shapes
    structlog.reset_defaults()
