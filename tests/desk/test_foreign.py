"""What others do in the account is seen, counted, and left alone."""

from desk.kit import order, resting


async def test_somebody_elses_order_is_seen_and_left_alone(world):
    """A desk that cancels what it did not place destroys a colleague's trade."""
    await world.ready()
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    await world.run(0.1)
    found = [s for s in world.desk.working() if s.broker_order_id == theirs.broker_order_id]

    assert [str(s.owner) for s in found] == ["foreign"]
    assert world.parts.keeper.exposures.snapshot()["AAPL"].open_buys == 3
    world.venue.cancel(theirs.broker_order_id)
    await world.crash()
    await world.ready()
    await world.aclose()
    await world.ready()
    assert world.requests.total() == 0
    await world.settled()


async def test_a_pending_cancel_of_somebody_else_is_not_repeated_here(world):
    """His cancel, his business: also when it is under way while this desk starts."""
    world.pending_steps = 30
    world.__post_init__()
    await world.ready()
    theirs = world.venue.submit(order(**resting(quantity="3")), "by-hand")
    world.venue.cancel(theirs.broker_order_id)
    await world.run(12)
    await world.crash()
    await world.ready()
    await world.run(5)

    assert world.requests.total() == 0
    await world.settled()
