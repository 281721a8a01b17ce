"""One request on its way to the function that answers it: whose, about what, and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn, TypeVar
from uuid import UUID

from fillwright.testing.paper_server.moments import read_moment
from fillwright.testing.paper_server.paper_account import PaperAccount
from fillwright.testing.paper_server.refusals import ApiError, misshapen
from fillwright.testing.venue import Venue
from fillwright.types import decimal_from

Word = TypeVar("Word", bound=StrEnum)

#: Larger amounts are mistakes, and the venue's arithmetic has 28 digits.
_LARGEST = Decimal(10) ** 15
_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})
_MOST_DIGITS = 9


class Fields:
    """The fields of a query or a JSON body, read with care.

    An absent field, null and an empty text are the same: None. What cannot be read raises
    ApiError.
    """

    def __init__(self, given: Mapping[str, object], where: str = "") -> None:
        self._given = given
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        """A text that UTF-8 can carry."""
        value = self._given.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not _encodable(value):
            raise self._bad(name)
        return value

    def words(self, name: str) -> list[str]:
        """What stands between the commas; blanks do not count."""
        return [word for word in map(str.strip, (self.text(name) or "").split(",")) if word]

    def word(self, name: str, words: type[Word]) -> Word | None:
        """One of some words, written in lower case."""
        value = self.text(name)
        if value is None:
            return None
        for word in words:
            if word.lower() == value:
                return word
        raise self._bad(name)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of the choices, the first of them being the default."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise self._bad(name)
        return value

    def amount(self, name: str) -> Decimal | None:
        """A decimal, from a JSON number or a text."""
        value = self._given.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise self._bad(name)
        try:
            amount = decimal_from(Decimal(value) if isinstance(value, int) else value)
        except (ValueError, ArithmeticError):
            raise self._bad(name) from None
        if abs(amount) >= _LARGEST:
            raise self._bad(name)
        return amount

    def flag(self, name: str) -> bool:
        """True or false, as JSON or as Go spells it; false when absent."""
        value = self._given.get(name)
        if value is None or value == "":
            return False
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in _TRUE | _FALSE:
            return value in _TRUE
        raise self._bad(name)

    def count(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        value = self.text(name)
        if value is None:
            return default
        digits = value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
        if not digits or not 1 <= int(value) <= most:
            raise misshapen(f"{self._where}{name} must be between 1 and {most}")
        return int(value)

    def moment(self, name: str) -> int | None:
        """A time, in nanoseconds since 1970."""
        value = self.text(name)
        try:
            return None if value is None else read_moment(value)
        except ValueError:
            raise self._bad(name) from None

    def uuid(self, name: str) -> str | None:
        """A UUID in its usual spelling."""
        value = self.text(name)
        return None if value is None else read_uuid(value, self._where + name)

    def part(self, name: str) -> "Fields | None":
        """An object within."""
        value = self._given.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise self._bad(name)
        return Fields(value, f"{self._where}{name}.")

    def _bad(self, name: str) -> ApiError:
        return misshapen(f"invalid {self._where}{name}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in."""

    account: PaperAccount
    query: Fields
    body: bytes
    #: What the path names: an order id, a symbol.
    name: str
    now: datetime

    @property
    def venue(self) -> Venue:
        """The account's venue."""
        return self.account.venue

    def fields(self) -> Fields:
        """The JSON object of the body; an empty body is an empty object."""
        if not self.body.strip():
            return Fields({})
        try:
            found = json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, ArithmeticError, RecursionError):
            found = None
        if not isinstance(found, dict):
            # Neither status nor code of this case is confirmed.
            raise ApiError((400, 40010000), "request body format is invalid")
        return Fields(found)


def read_uuid(text: str, name: str) -> str:
    """A UUID in its usual spelling; raises ApiError."""
    try:
        return str(UUID(text))
    except ValueError:
        raise misshapen(f"{name} must be a valid UUID") from None


def _encodable(value: str) -> bool:
    # JSON can write half of a surrogate pair, which no file and no answer can carry.
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
