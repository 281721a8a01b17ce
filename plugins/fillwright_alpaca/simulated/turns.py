"""Run the SDK's blocking calls on virtual time: one thread moves at a time, and only when told.

Rules:
1. While a call runs its own code, the loop waits for it; while a call waits for its answer, the
   loop goes on. So threads never race, and the same scenario takes the same turns.
2. A call that nobody waits for any longer is unwound where it stands, so that no thread is left
   with half a call.
"""

import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from fillwright_alpaca.calls import Client, GivenUp, Lane, Ticket

C = TypeVar("C", bound=Client)
T = TypeVar("T")
#: What a call asks, and how the world answers it.
Carry = Callable[[Any], Coroutine[Any, Any, Any]]


class Abandoned(BaseException):
    """Nobody waits for this call any more; nothing may catch it."""


class _Thread:
    """A thread that moves only between `go` and the next time that it stops."""

    def __init__(self) -> None:
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        self._work: Callable[[], object] | None = None
        self._answer: object = None
        self._abandoned = False
        #: What the call asks; None when it ended.
        self.question: object = None
        self.result: object = None
        self.fault: BaseException | None = None
        threading.Thread(target=self._run, name="simulated-turn", daemon=True).start()

    def begin(self, work: Callable[[], object]) -> None:
        """Run a call until it asks something or ends."""
        self._work = work
        self._abandoned = False
        self._turn()

    def answer(self, answer: object) -> None:
        """Let it go on with the answer to its question."""
        self._answer = answer
        self._turn()

    def abandon(self) -> None:
        """Unwind the call."""
        self._abandoned = True
        while self.question is not None:
            self._turn()

    def ask(self, question: object) -> object:
        """Stop until somebody answers; on this thread alone."""
        self.question = question
        self._stopped.release()
        self._go.acquire()
        self.question = None
        if self._abandoned:
            raise Abandoned
        return self._answer

    def _turn(self) -> None:
        self._go.release()
        self._stopped.acquire()

    def _run(self) -> None:
        _HERE.thread = self
        while True:
            self._go.acquire()
            self.result = self.fault = None
            try:
                assert self._work is not None  # noqa: S101  # `begin` says what to do
                self.result = self._work()
            except BaseException as fault:  # noqa: BLE001  # whatever it is, it is the caller's
                self.fault = fault
            self._work = self._answer = None
            self._stopped.release()


_HERE: Final = threading.local()
#: Threads that have nothing to do; which one takes a call changes nothing.
_IDLE: Final[list[_Thread]] = []


def ask(question: object) -> Any:  # noqa: ANN401  # whatever `Carry` answers
    """Ask the world from inside a call, and wait for the answer."""
    return _HERE.thread.ask(question)


class Turns(Generic[C]):
    """Implement `Caller`: a call takes its turn, and what it asks is answered on virtual time.

    It stands in for `ThreadedCaller`: there are as many workers as are needed, so no call waits
    for one, and how long an answer may take is for `carry` to say.
    """

    def __init__(self, make: Callable[[], C], carry: Carry) -> None:
        self._make = make
        self._carry = carry
        #: Clients that no call is using: each belongs to one call at a time.
        self._clients: list[C] = []
        self._closed = False

    async def call(self, lane: Lane, function: Callable[[C, Ticket], T]) -> T:  # noqa: ARG002  # workers are never short
        """Run it, and wait for what it asks. Raises `GivenUp`."""
        if self._closed:
            raise GivenUp("the adapter is closed", sent=False)
        client = self._clients.pop() if self._clients else self._make()
        thread = _IDLE.pop() if _IDLE else _Thread()
        ticket = Ticket()
        try:
            thread.begin(lambda: function(client, ticket))
            while thread.question is not None:
                thread.answer(await self._carry(thread.question))
        finally:
            # Only who is cancelled finds a call that has not ended.
            thread.abandon()
            result, fault = thread.result, thread.fault
            thread.result = thread.fault = None
            self._clients.append(client)
            _IDLE.append(thread)
        if fault is not None:
            raise fault
        return result  # type: ignore[return-value]  # what the function returned

    async def close(self) -> None:
        """Begin no call any more."""
        self._closed = True
        for client in self._clients:
            client.close()
        self._clients.clear()
