from desk.kit import World, order, resting
from desk import invariants

async def test_smoke():
    world = World()
    await world.ready()
    h = await world.submit(quantity="3")
    s = await world.wait(h.done())
    assert s.filled == 3
    h = await world.submit(**resting())
    await world.run(1)
    assert h.state.status == "NEW"
    invariants.every_step(world)
    await world.crash()
    await world.ready()
    await world.run(10)
    invariants.every_step(world)
    invariants.all_quiet(world)
    await world.aclose()
    await world.end()
