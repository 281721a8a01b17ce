"""The chain: text, number, time and hash of each record."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.journal.chain import GENESIS, Chain, encode, line_of, record_of, seal
from journal.kit import START

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text(), JSON, max_size=4)
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(WORDS, WORDS, BODIES), max_size=8))
def test_a_stored_record_reads_back_as_it_was_appended(asked) -> None:
    """A body that came back changed would replay another history."""
    writing, checking = Chain(epoch=1), Chain()
    rows = [writing.link(kind, key, body, START) for kind, key, body in asked]
    records = [record_of(row) for row in rows]

    assert [checking.follow(row) for row in rows] == [""] * len(asked)
    assert [(r.kind, r.key, dict(r.body)) for r in records] == asked
    assert [r.seq for r in records] == list(range(1, len(asked) + 1))


@given(st.integers(0, 6), st.data())
def test_any_changed_field_breaks_the_chain(field, data) -> None:
    """An edited price or order id must not pass as what was decided."""
    row = Chain(epoch=1).link("order.staged", "order-1", {"quantity": "10"}, START)
    other = data.draw(
        (st.integers() if isinstance(row[field], int) else WORDS).filter(lambda v: v != row[field])
    )
    changed = (*row[:field], other, *row[field + 1 :])

    assert Chain().follow(changed)


@given(WORDS, WORDS, st.integers(0, 16))
def test_text_cannot_move_between_fields(kind, key, cut) -> None:
    """The same letters under another key would be another order's record."""
    joined = kind + key
    other = (joined[:cut], joined[cut:])
    first = seal(GENESIS, (1, 1, 0, kind, key, "{}", ""))
    second = seal(GENESIS, (1, 1, 0, *other, "{}", ""))

    assert (first == second) == ((kind, key) == other)


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), Decimal("1.5"), START, {1, 2}, [{"deep": [0.1]}], b"x"]
)
def test_what_is_not_exact_json_is_refused_and_takes_no_number(value) -> None:
    """A float in the journal would be money that lost its cents."""
    chain = Chain(epoch=1)

    with pytest.raises(TypeError):
        chain.link("order.staged", "order-1", {"value": value}, START)
    assert chain.seq == 0


def test_equal_bodies_have_equal_text() -> None:
    """A hash that hangs on the order of keys could not be computed again."""
    assert encode({"b": 1, "a": "é"}) == encode({"a": "é", "b": 1}) == '{"a":"\\u00e9","b":1}'


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=10))
def test_time_never_falls(steps) -> None:
    """A clock set back must not reorder what happened."""
    chain = Chain(epoch=1)
    now = START
    times = []
    for step in steps:
        now += timedelta(seconds=step)
        times.append(chain.link("tick", "", {}, now)[2])

    assert times == sorted(times)


def test_gaps_and_falls_are_named() -> None:
    """A missing record, an old epoch or an old time is never read over."""
    chain = Chain(epoch=3)
    first = chain.link("a", "", {}, START)
    second = chain.link("b", "", {}, START)
    older = Chain(1, 3, first[2], first[6])
    older.epoch, older.at = 2, first[2] - 1
    sealed = older.link("c", "", {}, START - timedelta(days=1))
    reader = Chain()

    assert reader.follow(second) == "record 1 is missing"
    assert reader.follow(first) == ""
    assert "epoch 2 is below 3" in reader.follow(sealed)


def test_an_exported_line_carries_all_that_the_hash_needs() -> None:
    """An auditor must be able to check the chain without us."""
    row = Chain(epoch=1).link("order.staged", 'a"b', {"quantity": "10"}, START)

    assert line_of(row) == (
        '{"at":"2026-11-23T14:30:00.000000+00:00","epoch":1,"key":"a\\"b",'
        f'"kind":"order.staged","seq":1,"body":{{"quantity":"10"}},"hash":"{row[6]}"}}'
    )
