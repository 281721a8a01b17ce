"""What every control owes the gate, tried on many orders and books."""

from typing import Any

import pytest

from fillwright.testing.strategies import assert_sound
from fillwright_risk.build import CONTROLS, build_checks
from fillwright_risk.common import Control


def made(control: type[Control[Any]]) -> Control[Any]:
    """One control with its example's settings, and those beside it that it must know."""
    checks = build_checks({control.name: control.example})
    return next(check for check in checks if check.name == control.name)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.code)
def test_every_control_is_sound(control: type[Control[Any]]) -> None:
    """A control that raises, mutates or changes its mind refuses, or allows, by chance."""
    assert_sound(made(control))


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.code)
def test_every_control_says_what_it_is(control: type[Control[Any]]) -> None:
    """What nobody can name cannot be turned on, and a control that is off is told by its words."""
    assert control.title
    assert control.code[0] in "CT"
    assert control.table.__doc__
    assert made(control).on
