"""Where a setting stands in a file is told by its line, and never by a wrong one."""

import tomllib
from datetime import datetime

import pytest
from pydantic import BaseModel, ValidationError

from fillwright.config import default_text
from fillwright.config.places import line_of, lines_of
from fillwright.config.sentences import explain

TEXT = '''mode = "paper"

[risk.max_order_notional]   # a remark
limit_usd = "50000"

[risk.max_order_notional.symbol."BRK.B"]
limit_usd = "1"
[risk.max_order_notional.asset_class]
crypto = { limit_usd = "2" }

[other]
text = """
[risk.not_there]
limit_usd = "3"
"""
a.b = 1
'many = words' = [
  "x",
]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("mode", 1),
        ("risk max_order_notional", 3),
        ("risk max_order_notional limit_usd", 4),
        ("risk max_order_notional symbol BRK.B limit_usd", 7),
        ("risk max_order_notional asset_class crypto limit_usd", 9),
        ("other a b", 16),
        ("nothing here", None),
    ],
)
def test_each_setting_has_its_line(path: str, line: int | None) -> None:
    """Whoever is sent to the wrong line changes the wrong limit."""
    assert line_of(lines_of(TEXT), tuple(path.split())) == line


def test_tables_in_a_list_and_keys_that_cannot_be_read_alone() -> None:
    """The third listing of five is wrong, and the line of the first is told."""
    text = """[[fake.listings]]
symbol = "A"
[[fake.listings]]
name.of = "B"
[more]
text = '''
a b = 1
'''
"""
    found = lines_of(text)

    assert found == {
        ("fake", "listings"): 1,
        ("fake", "listings", "name", "of"): 4,
        ("more",): 5,
        ("more", "text"): 6,
    }


def test_text_that_looks_like_a_table_is_none() -> None:
    """A limit that only stands in a remark limits nothing."""
    found = lines_of(TEXT)

    assert ("risk", "not_there") not in found
    assert ("other", "limit_usd") not in found


def test_every_line_that_is_told_is_one_of_the_document() -> None:
    """What is found is there, also in the built-in configuration."""
    document = tomllib.loads(default_text())
    for path, number in lines_of(default_text()).items():
        at: object = document
        for step in path:
            assert isinstance(at, dict)
            at = at[step]
        line = default_text().splitlines()[number - 1]

        assert path[-1] in line


class Moment(BaseModel):
    """A setting of a kind that no sentence was written for."""

    at: datetime


def test_a_fault_of_a_kind_without_a_sentence_of_its_own_is_one_all_the_same() -> None:
    """A finding of a new pydantic ends the start with a KeyError."""
    with pytest.raises(ValidationError) as fault:
        Moment.model_validate({"at": "hush-hush"})

    told = str(explain(fault.value, "desk.toml"))
    assert told == "desk.toml: at: cannot be used (datetime from date parsing)"
