"""The explicit-state search: the bounded run that every change passes, and its power."""

import pytest

from fillwright.protocols import Dedup
from fillwright.testing.simulation.search import ALONE, BIGGER, SMALLER, search
from simulation.search_mutants import MUTANTS, Mutant

#: What one run here visits; the whole search is a command.
STATES = 150_000


def test_no_state_of_two_orders_breaks_an_invariant():
    """A double order, a lost fill or a position nobody counts, a few lost messages away."""
    found = search(STATES, intents=BIGGER)

    assert (found.wrong, found.path) == ("", ())
    assert found.states >= STATES


@pytest.mark.parametrize(
    ("dedup", "intents"),
    [(Dedup.TAG_ONLY, BIGGER), (Dedup.SERVER, SMALLER)],
    ids=["ids may repeat", "a replace to less"],
)
def test_no_state_of_the_other_models_breaks_one(dedup, intents):
    """What holds at one kind of broker and for one kind of change may not hold at the next."""
    found = search(STATES // 10, dedup=dedup, intents=intents)

    assert (found.wrong, found.path) == ("", ())
    assert found.states >= STATES // 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_it_finds_a_planted_bug(mutant: Mutant, monkeypatch):
    """A search that finds nothing may look at nothing."""
    mutant.plant(monkeypatch.setattr)
    found = search(40_000, dedup=mutant.dedup, intents=ALONE)

    assert found.wrong.startswith(mutant.breaks), found.path
    assert len(found.path) <= mutant.depth, found.path


def test_the_same_search_is_the_same():
    """A path that another run does not find again explains nothing."""
    assert search(2_000) == search(2_000)
