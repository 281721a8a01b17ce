"""A broker that counts requests: the desk stays below, whatever it is given to do."""

from collections import Counter
from datetime import timedelta

from desk.kit import but, order, resting
from fillwright.config import DeskConfig
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import DeskBusy
from fillwright.hooks import hookimpl
from fillwright.journal import MemoryJournal
from fillwright.plans import Basket
from fillwright.risk import InlineAsker
from fillwright.testing import ManualClock, fake_broker
from fillwright.testing.venue import LISTINGS
from fillwright.types import OrdStatus

LIMIT = 200
REQUESTS = ("submit", "cancel", "replace")
QUESTIONS = ("find", "open_orders", "executions", "account", "instrument")


class Turnstile:
    """Count every request and question in the minutes of the broker's own clock."""

    def __init__(self, world) -> None:
        self.world = world
        self.by_minute: Counter[int] = Counter()
        executor = world.parts.adapter.executor
        for name in (*REQUESTS, *QUESTIONS):
            setattr(executor, name, self._counted(getattr(executor, name)))

    def _counted(self, request):
        async def call(*given):
            clock, limiter = self.world.clock, self.world.parts.limiter
            # Its minutes are not the desk's.
            minute = int((clock.monotonic() + 23.0) // 60)
            self.by_minute[minute] += 1
            resets = timedelta(seconds=(minute + 1) * 60 - 23.0 - clock.monotonic())
            remaining = max(LIMIT - self.by_minute[minute], 0)
            limiter.observe(limit=LIMIT, remaining=remaining, reset_at=clock.now() + resets)
            return await request(*given)

        return call


def counted(world):
    """A desk at a broker with a limit; quotes have one of their own, as large as they need."""
    world.capabilities = lambda given: but(
        given, requests_per_minute=LIMIT, quotes_per_minute=100 * LIMIT
    )


async def test_orders_at_rest_leave_requests_for_others(world):
    """Questions about what does not move use up the minute, and no new order ever leaves."""
    world.capabilities = lambda given: but(given, requests_per_minute=60)
    await world.ready()
    for symbol in ("AAPL", "KO", "MSFT"):
        await world.submit(symbol=symbol, **resting())
    await world.run(600)
    handle = await world.submit(**resting(quantity="7"))
    await world.run(world.limits.send_deadline)

    assert world.state(handle.client_order_id).status is OrdStatus.NEW


def two_hundred():
    rules = [listing.instrument for listing in LISTINGS.values()]
    symbols = [rule.symbol for rule in rules if rule.tradable and rule.fractionable]
    orders = [
        order(symbol=symbol, quantity="0.1", intent_id=f"i{n}-{symbol}")
        for n in range(5)
        for symbol in symbols
    ]
    return Basket.model_validate({"plan_id": "two-hundred", "orders": orders[:200]})


async def test_a_plan_of_two_hundred_orders_is_carried_out_below_the_limit(world):
    """Orders that expire in our own queue, or that we drive into a 429, are lost to the plan."""
    counted(world)
    await world.ready()
    turnstile = Turnstile(world)

    result = await world.wait(world.desk.execute(two_hundred()), 280)

    assert result.status == "SUCCESS", result.orders_placed
    assert max(turnstile.by_minute.values()) <= LIMIT
    await world.settled()


async def test_what_cannot_leave_in_time_is_refused_at_the_door(world):
    """An order that waits behind a hundred others expires in the queue, recorded and useless."""
    counted(world)
    await world.ready()
    taken, refused = [], []
    for _ in range(300):
        try:
            taken.append(await world.desk.submit(order(symbol="KO", quantity="0.1")))
        except DeskBusy as fault:
            refused.append(str(fault))
    await world.run(30)

    assert "the broker's rate limit lets no more leave in time" in refused[0]
    assert len(taken) > LIMIT // 3
    assert {handle.state.status for handle in taken} == {OrdStatus.FILLED}
    await world.submit(symbol="KO", quantity="0.2")


async def test_a_cancel_passes_the_orders_that_wait(world):
    """Risk is taken off first, however much is still to be put on."""
    counted(world)
    await world.ready()
    open_one = await world.submit(**resting())
    await world.run(0.1)
    for _ in range(80):
        await world.desk.submit(order(symbol="KO", quantity="0.1"))
    await world.clock.settle()

    await world.desk.cancel(open_one.client_order_id)
    await world.clock.settle()

    assert open_one.state.status is OrdStatus.CANCELED


def in_memory(binding, clock):
    return MemoryJournal(binding, clock=clock)


ALLOW_ALL = """
from fillwright import hookimpl
from fillwright.verdicts import ALLOW


@hookimpl
def check_order(order, book):
    return ALLOW
"""


async def test_what_the_brokers_headers_say_reaches_the_limiter(tmp_path, monkeypatch):
    """Another program on the account has spent the minute: new risk waits, cancels do not."""
    (tmp_path / "allow.py").write_text(ALLOW_ALL)
    feeds = []
    made = fake_broker.provide_adapter

    @hookimpl
    def provide_adapter(request):
        feeds.append(request.rate)
        return made(request)

    monkeypatch.setattr(fake_broker, "provide_adapter", provide_adapter)
    clock = ManualClock()
    table = {"state": ":memory:", "volatility": "0"}
    given = {"mode": "paper", "broker": "fake", "journal": "desk.db"}
    given |= {"checks": ("./allow.py",), "folder": tmp_path, "broker_settings": table}
    overrides = Overrides(clock=clock, journal=in_memory, asker=InlineAsker())
    async with open_desk(DeskConfig.model_validate(given), overrides=overrides) as desk:
        await clock.run_for(1)
        open_one = await desk.submit(order(**resting()))
        await clock.run_for(1)
        resets = clock.now() + timedelta(seconds=20)
        feeds[0].observe(limit=200, remaining=3, reset_at=resets)
        waiting = await desk.submit(order(quantity="2"))
        await clock.run_for(15)
        still = waiting.state.status
        await desk.cancel(open_one.client_order_id)
        await clock.settle()

        assert still is OrdStatus.STAGED
        assert open_one.state.status is OrdStatus.CANCELED
        await clock.run_for(6)
        assert waiting.state.status is not OrdStatus.STAGED
