"""What the file and its twin in memory must both do."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillwright.errors import JournalError
from fillwright.journal import OPENED, MemoryJournal
from journal.kit import BINDING, START, StepClock, open_journal, plain


@pytest.fixture(params=["file", "memory"])
async def journal(request, tmp_path):
    if request.param == "memory":
        made = MemoryJournal(BINDING, clock=StepClock())
    else:
        made = open_journal(tmp_path / "desk.db")
    yield made
    await made.aclose()


class TestJournal:
    async def test_it_begins_with_its_owner_and_first_epoch(self, journal) -> None:
        """A journal that does not say whose it is could be replayed for another account."""
        (first,) = journal.read()

        assert (first.seq, first.epoch, first.kind, journal.epoch) == (1, 1, OPENED, 1)
        assert first.body["account"] == journal.binding.account == "A-1"

    async def test_read_gives_what_was_made_durable_in_order(self, journal) -> None:
        """A record lost or swapped in replay is an order forgotten."""
        sequence = [journal.append("k", f"o{n}", {"n": n}) for n in range(50)]
        await journal.durable(sequence[-1])

        assert [r.body["n"] for r in journal.read(after=1)] == list(range(50))
        assert [r.seq for r in journal.read(after=sequence[9])] == sequence[10:]
        assert list(journal.read(after=10_000)) == []

    async def test_about_and_last_see_what_is_not_durable_yet(self, journal) -> None:
        """A second submit in the same moment must find the first one's record."""
        journal.append("order.staged", "o1", {"n": 1})
        await journal.durable(journal.append("order.staged", "o2", {"n": 2}))
        journal.append("order.sent", "o1", {"n": 3})

        assert [r.body["n"] for r in journal.about("o1")] == [1, 3]
        assert journal.about("nobody") == []
        assert journal.last("order.sent").body["n"] == 3
        assert journal.last("order.staged").body["n"] == 2
        assert journal.last("never") is None

    async def test_a_body_changed_later_stays_as_it_was(self, journal) -> None:
        """The journal must hold what was decided, not what the caller's dict became."""
        body = {"quantity": "10", "tags": ["a"]}
        await journal.durable(journal.append("k", "o", body))
        body["quantity"] = "999"
        body["tags"].append("b")

        assert journal.about("o")[0].body == {"quantity": "10", "tags": ["a"]}

    async def test_a_refused_body_leaves_no_gap(self, journal) -> None:
        """A gap in the numbers is read as damage at the next start."""
        with pytest.raises(TypeError):
            journal.append("k", "o", {"price": 1.5})

        assert journal.append("k", "o", {"price": "1.5"}) == 2

    async def test_a_record_never_appended_is_not_waited_for(self, journal) -> None:
        """A wrong number would hang the order that waits on it."""
        with pytest.raises(ValueError, match="never appended"):
            await journal.durable(99)

    async def test_after_closing_everything_is_durable_and_nothing_is_taken(self, journal) -> None:
        """A record accepted after the file was closed would be lost without a word."""
        seq = journal.append("k", "o", {})
        await journal.aclose()
        await journal.aclose()
        await journal.durable(seq)

        with pytest.raises(JournalError, match="closed"):
            journal.append("k", "o", {})

    async def test_a_clock_set_back_does_not_reorder(self, journal) -> None:
        """Times that fall would break replay and audit."""
        journal.append("k", "o", {})
        journal._clock.moment = START.replace(year=2020)
        journal.append("k", "o", {})

        assert journal.about("o")[0].at == journal.about("o")[1].at


KEYS = st.sampled_from(["", "o1", "o2", "plan/é"])
KINDS = st.sampled_from(["order.staged", "execution", "halt"])
STEPS = st.lists(st.tuples(KINDS, KEYS, st.integers()) | st.just("durable"), max_size=25)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_history_reads_the_same_from_both(tmp_path_factory, steps) -> None:
    """What the simulation proves on the twin must hold for the file, hash for hash."""
    path = tmp_path_factory.mktemp("twin") / "desk.db"

    async def compare() -> None:
        both = (open_journal(path), MemoryJournal(BINDING, clock=StepClock()))
        for journal in both:
            seq = 1
            for step in steps:
                if step == "durable":
                    await journal.durable(seq)
                else:
                    kind, key, number = step
                    seq = journal.append(kind, key, {"n": number})
        _same_answers(*both)
        for journal in both:
            await journal.durable(journal._chain.seq)
        assert plain(both[0].read()) == plain(both[1].read())
        await both[0].aclose()

    asyncio.run(compare())


def _same_answers(file, memory) -> None:
    for key in ("", "o1", "o2", "plan/é", "nobody"):
        assert plain(file.about(key)) == plain(memory.about(key))
    for kind in ("order.staged", "execution", "halt", OPENED):
        assert file.last(kind) == memory.last(kind)
