"""The synchronous door: whatever happens behind it comes through, and nothing stays behind."""

import asyncio
import signal
import threading

import pytest

from fillwright import door
from fillwright.door import in_own_loop


def test_a_fault_behind_the_door_comes_through() -> None:
    """A plan that failed and gives no result looks like one that had nothing to do."""

    async def work():
        raise ValueError("a bad plan")

    with pytest.raises(ValueError, match="a bad plan"):
        in_own_loop(work)


def test_an_interrupt_cancels_what_is_under_way_and_waits_for_it() -> None:
    """Ctrl-C that leaves at once leaves a desk behind that goes on sending."""
    ended = []

    async def work():
        try:
            while True:  # one that comes as the other thread falls asleep does not wake it
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                await asyncio.sleep(1)
        except asyncio.CancelledError:
            ended.append("canceled")
            raise

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_own_loop(work)
    finally:
        signal.signal(signal.SIGINT, before)

    assert ended == ["canceled"]


class Interrupted(threading.Event):
    """The interrupt is seen as this event is, after all."""

    def wait(self, timeout=None):
        seen = super().wait(timeout)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return seen


@pytest.mark.parametrize("early", [False, True])
def test_an_interrupt_behind_the_end_cancels_nothing(monkeypatch, early) -> None:
    """The loop is closed by then: asked to cancel, it would hide the interrupt by its own fault."""
    made = []

    def event():
        made.append(threading.Event())
        return made[-1] if len(made) < 3 else Interrupted()

    async def work():
        return "done"

    def broken(main):
        main.close()
        raise RuntimeError("no loop to be had")

    monkeypatch.setattr(door, "threading", Threads(event))
    if early:
        monkeypatch.setattr(door.asyncio, "run", broken)

    with pytest.raises(KeyboardInterrupt):
        in_own_loop(work)


class Threads:
    """The module, with another event."""

    def __init__(self, event):
        self.Event, self.Thread = event, threading.Thread


def test_an_interrupt_in_the_moment_of_the_start_lets_nothing_begin(monkeypatch) -> None:
    """The caller is told that it was stopped, and the plan is carried out behind him."""
    begun = []

    class Early(threading.Thread):
        """It runs, and the interrupt is seen before anybody knows."""

        def start(self):
            super().start()
            raise KeyboardInterrupt

    async def work():
        begun.append("sent")

    monkeypatch.setattr(door.threading, "Thread", Early)
    with pytest.raises(KeyboardInterrupt):
        in_own_loop(work)
    monkeypatch.undo()
    for thread in threading.enumerate():
        if thread.name == "fillwright-desk":
            thread.join(60)

    assert begun == []
