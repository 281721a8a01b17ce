"""Read what somebody typed: numbers, and knobs to turn."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import ValidationError

from fillwright.errors import BadInput
from fillwright.testing.simulation.knobs import Knobs


def natural(word: str) -> int:
    """A whole number from zero on."""
    if not (word.isascii() and word.isdigit()):
        raise ArgumentTypeError(f"{word!r} is not a whole number from 0 on")
    return int(word)


def positive(word: str) -> int:
    """A whole number from one on."""
    number = natural(word)
    if not number:
        raise ArgumentTypeError("it must be at least 1")
    return number


def turned(words: Sequence[str]) -> dict[str, int]:
    """Knobs as NAME=NUMBER, or NAME alone for one. Raises BadInput."""
    knobs: dict[str, int] = {}
    for word in words:
        name, equals, number = word.partition("=")
        if name not in Knobs.model_fields:
            near = get_close_matches(name, Knobs.model_fields, 1)
            names = f"There are {', '.join(Knobs.model_fields)}"
            hint = f"Did you mean {near[0]}?" if near else names
            raise BadInput(f"--knob {word}", f"there is no knob {name!r}", hint)
        if equals and not (number.isascii() and number.isdigit()):
            raise BadInput(f"--knob {word}", f"{number!r} is not a whole number from 0 on")
        knobs[name] = int(number or "1")
        try:
            Knobs().but(**{name: knobs[name]})
        except ValidationError as fault:
            problem = str(fault.errors()[0]["msg"]).lower()
            raise BadInput(f"--knob {word}", problem) from fault
    return knobs
