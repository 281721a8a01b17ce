"""What may be concluded about a submit whose outcome is unknown: the whole table."""

from itertools import product

import pytest

from fillwright.protocols import Dedup
from fillwright.reconcile import Decision, Reads, judge

T = 30.0


def reads(**fields: object) -> Reads:
    known = {
        "since_request": T + 1,
        "clean": 3,
        "dedup": Dedup.SERVER,
        "t_inflight": T,
        "expired": False,
    }
    return Reads(**(known | fields))


@pytest.mark.parametrize("since", [0.0, T - 1, T])
def test_nothing_is_concluded_while_the_request_may_be_on_its_way(since: float) -> None:
    """Read as "never arrived", the first request and a second one become two orders."""
    for dedup, expired, withdrawn, vanished in product(Dedup, *[(False, True)] * 3):
        facts = {"dedup": dedup, "expired": expired, "withdrawn": withdrawn, "vanished": vanished}

        assert judge(reads(since_request=since, clean=9, **facts)) is Decision.WAIT


@pytest.mark.parametrize("clean", [0, 1])
def test_one_clean_read_proves_nothing(clean: int) -> None:
    """A list that lags behind by one read shows an order as missing that is there."""
    for dedup, expired, withdrawn, vanished in product(Dedup, *[(False, True)] * 3):
        facts = {"dedup": dedup, "expired": expired, "withdrawn": withdrawn, "vanished": vanished}

        assert judge(reads(clean=clean, **facts)) is Decision.WAIT


@pytest.mark.parametrize("clean", [2, 3, 9])
@pytest.mark.parametrize("dedup", [d for d in Dedup if d is not Dedup.SERVER])
def test_a_broker_that_takes_an_id_twice_never_gets_it_again(dedup: Dedup, clean: int) -> None:
    """Where ids may repeat the second request is a second order; a person must look."""
    for expired, withdrawn, vanished in product(*[(False, True)] * 3):
        facts = {"expired": expired, "withdrawn": withdrawn, "vanished": vanished}

        assert judge(reads(clean=clean, dedup=dedup, **facts)) is Decision.HAND_OVER


@pytest.mark.parametrize("clean", [2, 3, 9])
def test_an_order_that_the_broker_had_is_not_sent_again(clean: int) -> None:
    """What it forgot it may still fill; a second one beside it doubles the position."""
    for expired, withdrawn in product((False, True), repeat=2):
        facts = {"expired": expired, "withdrawn": withdrawn}

        assert judge(reads(clean=clean, vanished=True, **facts)) is Decision.HAND_OVER


def test_the_same_bytes_may_go_again_behind_the_fence() -> None:
    """Without it an order that never arrived would never be worked."""
    assert judge(reads(clean=2)) is Decision.RESEND
    assert judge(reads(clean=9)) is Decision.RESEND


@pytest.mark.parametrize("why", [{"expired": True}, {"withdrawn": True}])
def test_what_may_not_go_again_is_given_up_after_a_third_read(why: dict[str, bool]) -> None:
    """Sent after its deadline it trades at another day's price; given up too early it may live."""
    assert judge(reads(clean=2, **why)) is Decision.WAIT
    assert judge(reads(clean=3, **why)) is Decision.ABANDON
    assert judge(reads(clean=4, **why)) is Decision.ABANDON


def test_doubts_are_of_the_living_by_default() -> None:
    """A default that says "withdrawn" or "vanished" would give up orders that should work."""
    plain = reads()

    assert (plain.withdrawn, plain.vanished) == (False, False)
