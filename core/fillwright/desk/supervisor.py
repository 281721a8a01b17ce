"""The stream supervised: hold, snapshot, replay on every gap; and a watch over silence.

Rules:
1. A connect is a gap too: whatever came before it may have been missed.
2. Reports that come while the books are compared are held and replayed behind the snapshot.
3. New risk waits until stream and books are sound again; cancels and questions never wait.
4. However many gaps there are, one comparison is under way, and the next keeps its distance.
5. Silence is no news: orders in flight without a word are asked for. As long as the books have no
   news either, each wait is twice as long as the one before, so that orders at rest do not use up
   the requests that others need.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from fillwright.desk.announcer import Announcer
from fillwright.desk.books import Books
from fillwright.desk.deadman import DeadMan
from fillwright.desk.health import Health
from fillwright.desk.market import Market
from fillwright.desk.reconciler import Reconciler
from fillwright.desk.tasks import Tasks, end
from fillwright.errors import BrokerUnavailable, FillwrightError, JournalError
from fillwright.logs import get_logger
from fillwright.protocols import Clock, Limits, Rng, TradingStream
from fillwright.reports import Connected, Disconnected, ExecutionReport, Gap, Heartbeat, StreamItem
from fillwright.resilience import Backoff
from fillwright.states import Action, OrderState
from fillwright.types import ClientOrderId

_log = get_logger(__name__)

_RECONNECT = Backoff(0.5, 30.0)
#: Between two comparisons that gaps ask for.
_APART = Backoff(0.2, 10.0)
#: How many periods may pass without a comparison before new risk waits.
OVERDUE = 3
#: A submit without any outcome for this many seconds is in doubt; its late answer still counts.
REQUEST_TIMEOUT = 10.0
#: A cancel or replace without an end for this many seconds is asked about.
STUCK = 5.0
#: How often buying power is asked for while orders work, in seconds.
ACCOUNT_EVERY = 5.0


class Supervisor:
    """Keep the ledger in step with the broker."""

    def __init__(  # noqa: PLR0913  # the parts that it watches over
        self,
        stream: TradingStream,
        books: Books,
        reconciler: Reconciler,
        *,
        market: Market,
        announcer: Announcer,
        health: Health,
        tasks: Tasks,
        limits: Limits,
        clock: Clock,
        rng: Rng,
        working: Callable[[], list[OrderState]],
        look_around: Callable[[], None],
        deadman: DeadMan,
    ) -> None:
        self._stream = stream
        self._books = books
        self._reconciler = reconciler
        self._market = market
        self._announcer = announcer
        self._health = health
        self._tasks = tasks
        self._limits = limits
        self._clock = clock
        self._rng = rng
        self._working = working
        self._look_around = look_around
        self._deadman = deadman
        self._held: deque[ExecutionReport] | None = None
        self._heard = self._compared = self._refreshed = clock.monotonic()
        self._since: dict[tuple[ClientOrderId, Action], float] = {}
        self._resyncing = False
        #: How long silence may last, in seconds, and what was booked when that was last decided.
        self._patience, self._booked = limits.silence, books.written
        #: What the watch has others do, by name.
        self._begun: dict[str, asyncio.Task[object]] = {}
        #: When a gap last had the books compared, and for which time in a row.
        self._tried, self._in_a_row = -math.inf, 0
        #: How many gaps there were, connects included, and whether the stream stands.
        self._gaps = 0
        self._connected = False

    def start(self) -> None:
        """Follow the stream, and keep watch."""
        self._tasks.spawn("stream", self._follow())
        self._tasks.spawn("watch", self._watch())

    # ------------------------------------------------------------------ stream

    async def _follow(self) -> None:
        """Read the stream for ever; an iterator that ends or raises is opened again."""
        attempt = 0
        while True:
            reason = "the stream ended"
            try:
                async for item in self._stream.reports():
                    attempt = 0 if isinstance(item, ExecutionReport) else attempt
                    await self._heed(item)
            except JournalError:
                raise
            except (FillwrightError, OSError) as fault:
                reason = str(fault)
            self._down(reason)
            await self._clock.sleep(_RECONNECT.delay(attempt, self._rng))
            attempt += 1

    async def _heed(self, item: StreamItem) -> None:
        if not isinstance(item, Heartbeat):
            # A stream that only says that it lives tells nothing of orders in flight.
            self._heard = self._clock.monotonic()
        if isinstance(item, ExecutionReport):
            await self._announcer.room()
            if self._held is None:
                self._books.take(item)
            else:
                self._held.append(item)
        elif isinstance(item, Connected):
            _log.info("stream_connected")
            self._connected = True
            self._hold("the books are being compared after a connect")
        elif isinstance(item, Gap):
            _log.warning("stream_gap", reason=item.reason)
            # While it is down, the connect that ends that has the books compared.
            if self._connected:
                self._hold(f"the books are being compared after a gap: {item.reason}")
        elif isinstance(item, Disconnected):
            self._down(item.reason, final=item.final)

    def _down(self, reason: str, *, final: bool = False) -> None:
        self._connected = False
        _log.warning("stream_disconnected", reason=reason, final=final)
        self._health.block("stream", f"the stream is down: {reason}")

    def _hold(self, why: str) -> None:
        """From now on keep reports back until the books were compared."""
        self._gaps += 1
        if self._held is None:
            self._held = deque()
        self._health.block("stream", why)
        if not self._resyncing:
            self._resyncing = True
            self._tasks.spawn("resync", self._resync())

    async def _resync(self) -> None:
        """Compare the books, replay what was held, and let new risk through again."""
        try:
            compared = -1
            while compared != self._gaps:
                await self._keep_apart()
                # A gap that came while the books were read may have hidden something again.
                now = self._gaps
                sound = await self._compare()
                self._tried = self._clock.monotonic()
                if sound:
                    compared = now
                    self._replay()
            self._held = None
            if self._connected:
                self._health.clear("stream")
        finally:
            self._resyncing = False

    async def _keep_apart(self) -> None:
        """Wait until the last comparison is long enough ago; longer the more there were."""
        ago = self._clock.monotonic() - self._tried
        self._in_a_row = 0 if ago > _APART.most else self._in_a_row + 1
        wait = _APART.delay(self._in_a_row, self._rng) - ago
        if wait > 0:
            await self._clock.sleep(wait)

    def _replay(self) -> None:
        """Book what was held so far; a gap since then holds only what came behind it."""
        while self._held:
            self._books.take(self._held.popleft())

    async def _compare(self) -> bool:
        """One comparison; False when the broker did not answer everything."""
        try:
            await self._reconciler.run()
        except BrokerUnavailable as fault:
            _log.warning("reconcile_failed", reason=str(fault))
            return False
        self._compared = self._clock.monotonic()
        self._health.clear("books")
        return True

    # ------------------------------------------------------------------ watch

    async def _watch(self) -> None:
        """Look around every second or so. Raises JournalError when the journal is lost to us."""
        period = min(1.0, self._limits.silence / 2, self._limits.reconcile_every / 2)
        try:
            while True:
                await self._clock.sleep(period)
                self._look_around()
                self._take_back()
                self._look(self._clock.monotonic())
        finally:
            await end(*self._begun.values())

    def _look(self, now: float) -> None:
        overdue = OVERDUE * self._limits.reconcile_every
        if now - self._compared > overdue:
            self._health.block("books", f"not compared with the broker for {overdue:.0f} s")
        if self._deadman.due(now, connected=self._connected):
            self._begin("deadman", self._deadman.sweep)
        waiting = self._waiting(now)
        for state, action in waiting:
            self._press(state, action)
        if self._books.written != self._booked:
            self._patience, self._booked = self._limits.silence, self._books.written
        quiet = now - self._heard > self._patience
        due = now - self._compared > self._limits.reconcile_every
        if due or waiting or (quiet and self._unfinished()):
            self._heard = now
            if quiet:
                self._patience = min(2 * self._patience, self._limits.reconcile_every)
            if self._held is None:
                self._begin("compare", self._compare)
        elif now - self._refreshed > ACCOUNT_EVERY and self._unfinished():
            self._refreshed = now
            self._begin("account", self._refresh_account)

    def _begin(self, name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Have it done beside the watch, which no broker may hold up; one at a time."""
        if name not in self._begun:
            task = asyncio.get_running_loop().create_task(work(), name=name)
            self._begun[name] = task

    def _take_back(self) -> None:
        """Let go of what is done, and raise what it raised."""
        for name in [name for name, task in self._begun.items() if task.done()]:
            self._begun.pop(name).result()

    def _waiting(self, now: float) -> list[tuple[OrderState, Action]]:
        """Requests that have been under way for too long, each told once per wait."""
        under_way = {
            (s.client_order_id, p.action): (s, p)
            for s in self._working()
            for p in s.pending
            if not p.doubt and s.must_follow_up(p)
        }
        self._since = {k: self._since.get(k, now) for k in under_way}
        late = []
        for key, since in self._since.items():
            state, pending = under_way[key]
            bound = REQUEST_TIMEOUT if pending.action is Action.SUBMIT else STUCK
            if now - since > bound:
                late.append((state, pending.action))
                self._since[key] = now
        return late

    def _press(self, state: OrderState, action: Action) -> None:
        """A request without an end is in doubt, whether or not it was answered at first."""
        self._books.doubt(state.client_order_id, action, "no answer in time")

    def _unfinished(self) -> bool:
        return bool(self._working())

    async def _refresh_account(self) -> None:
        try:
            await self._market.fresh_account()
        except BrokerUnavailable as fault:
            _log.info("account_missing", reason=str(fault))
