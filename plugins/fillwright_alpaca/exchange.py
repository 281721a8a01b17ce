"""Carry requests to Alpaca and bring the outcomes back, for everything that asks.

The headers of every trading response go to the desk's limiter from here, on the loop's thread, and
those of market data, which is counted apart, to that of the quotes.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from fillwright.errors import BrokerUnavailable, JournalError
from fillwright.logs import get_logger
from fillwright.protocols import Clock, RateFeed
from fillwright_alpaca.calls import Caller, Client, GivenUp, Lane, Ticket
from fillwright_alpaca.messages import Unreadable
from fillwright_alpaca.outcomes import is_success, unavailable
from fillwright_alpaca.wire import Failure, Outcome, Reply, Request

_log = get_logger(__name__)
T = TypeVar("T")

_THROTTLED = 429
_TOO_LATE = "its deadline passed before it left"
#: A reset further away than this is no unix time in seconds.
_FARTHEST = timedelta(days=1)


class HttpClient(Client, Protocol):
    """A client that carries out one exchange at a time and never raises."""

    def request(self, ticket: Ticket, request: Request) -> Outcome:
        """Carry it out."""


class Exchange:
    """All requests of one account."""

    def __init__(self, caller: Caller[HttpClient], clock: Clock, rate: RateFeed) -> None:
        self._caller = caller
        self._rate = rate
        #: What market data says of its own count, which says nothing about orders.
        self.data_rate = RateFeed()
        self.clock = clock
        #: Raises JournalError when nothing that changes something may leave any more.
        self.fence: Callable[[], None] = lambda: None

    async def send(
        self, lane: Lane, request: Request, *, deadline: datetime | None = None
    ) -> Outcome:
        """Carry out one exchange; with a `deadline`, one that comes to its turn later is not sent.

        It never raises but when it is cancelled.
        """

        def carry_out(client: HttpClient, ticket: Ticket) -> Outcome:
            if request.method != "GET":
                ticket.leave_before(self._fenced, "another process took the journal over")
            if deadline is not None:
                if self.clock.now() >= deadline:
                    return Failure(sent=False, reason=_TOO_LATE)
                # Once more when the connection stands and the bytes are about to leave.
                ticket.leave_before(lambda: self.clock.now() >= deadline, _TOO_LATE)
            return client.request(ticket, request)

        try:
            outcome = await self._caller.call(lane, carry_out)
        except GivenUp as fault:
            outcome = Failure(fault.sent, str(fault))
        if isinstance(outcome, Reply):
            self._observe(outcome, self.data_rate if request.api.is_data else self._rate)
        return outcome

    def _fenced(self) -> bool:
        try:
            self.fence()
        except JournalError:
            return True
        return False

    async def ask(
        self, request: Request, question: str, read: Callable[[object], T], lane: Lane = Lane.QUERY
    ) -> T:
        """Put a question and read the answer. Raises `BrokerUnavailable`."""
        return self.read(await self.send(lane, request), question, read)

    def read(self, outcome: Outcome, question: str, read: Callable[[object], T]) -> T:
        """Read the answer in an outcome. Raises `BrokerUnavailable`."""
        if not isinstance(outcome, Reply) or not is_success(outcome):
            raise unavailable(question, outcome)
        try:
            return read(outcome.json)
        except Unreadable as fault:
            _log.warning("answer_unread", question=question, field=fault.field, reason=str(fault))
            raise BrokerUnavailable(question, str(fault)) from fault

    async def close(self) -> None:
        """Give up what is under way."""
        await self._caller.close()

    def _observe(self, reply: Reply, rate: RateFeed) -> None:
        limit = _count(reply, "x-ratelimit-limit")
        remaining = _count(reply, "x-ratelimit-remaining")
        if reply.status == _THROTTLED and remaining is None:
            remaining = 0
        if limit is not None or remaining is not None:
            rate.observe(limit=limit, remaining=remaining, reset_at=self._reset_of(reply))

    def _reset_of(self, reply: Reply) -> datetime | None:
        seconds = _count(reply, "x-ratelimit-reset")
        try:
            reset = datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
        except (OverflowError, OSError, ValueError):
            return None
        if reset is None or abs(reset - self.clock.now()) > _FARTHEST:
            return None
        return reset


def _count(reply: Reply, header: str) -> int | None:
    value = reply.headers.get(header, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 12 else None  # noqa: PLR2004
