"""The matrix: whatever goes wrong with any control, not one request reaches the broker.

One desk serves every control: each goes wrong in its turn while all others are sound, so that a
refusal can only be its own.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fillwright.desk import opening
from fillwright.desk.desk import Desk
from fillwright.errors import FillwrightError, PluginError, PluginNotFound
from fillwright.hooks import hookimpl
from fillwright.inputs import Input
from fillwright.orders import Order
from fillwright.plugins import Registry, sources
from fillwright.risk import Asker, ThreadAsker
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Reason, Reject
from risk.openkit import (
    ALONE,
    MISSING,
    NAMES,
    NEEDS,
    NOT_A_NUMBER,
    STALE,
    Spoilt,
    Watched,
    buying,
    config,
    control_named,
    desk_with,
    reducing,
    watched,
)

Fault = Callable[..., object]
RELEASED = threading.Event()


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    RELEASED.clear()
    yield
    RELEASED.set()


def sound(control: Any, order: Order, book: object) -> object:
    return control.check_order(order, book)


def raises(_control: Any, _order: Order, _book: object) -> object:
    raise ZeroDivisionError("a mistake")


async def _coroutine() -> object:
    return ALLOW


def mutates(_control: Any, order: Order, _book: object) -> object:
    # So little more that no other control would mind.
    vars(order)["quantity"] = Decimal(3)
    return ALLOW


def spoils_the_book(_control: Any, order: Order, book: Any) -> object:
    book.exposures[order.symbol] = None
    return ALLOW


def hangs(_control: Any, _order: Order, _book: object) -> object:
    RELEASED.wait(60)
    return ALLOW


FAULTS: dict[str, tuple[Fault, str]] = {
    "raises": (raises, "CHECK_RAISED"),
    "exits": (lambda _c, _o, _b: exit_now(), "CHECK_RAISED"),
    "hangs": (hangs, "CHECK_HUNG"),
    "returns None": (lambda _c, _o, _b: None, "CHECK_NO_VERDICT"),
    "returns True": (lambda _c, _o, _b: True, "CHECK_NO_VERDICT"),
    "returns another type": (lambda _c, _o, _b: "ALLOW", "CHECK_NO_VERDICT"),
    "returns a coroutine": (lambda _c, _o, _b: _coroutine(), "CHECK_NO_VERDICT"),
    "refuses without a code": (
        lambda _c, _o, _b: Reject("", measured=1, limit=1),
        "CHECK_BAD_VERDICT",
    ),
    "mutates the order": (mutates, "ORDER_CHANGED"),
    "mutates the book": (spoils_the_book, "CHECK_RAISED"),
}


def exit_now() -> object:
    raise SystemExit(3)


class Faulty:
    """A control of the same name, id and needs, that goes wrong when it is told to."""

    def __init__(self, name: str) -> None:
        self.control = control_named(name)
        self.name, self.code, self.needs = f"faulty_{name}", self.control.code, self.control.needs
        self.fault: Fault = sound

    @hookimpl
    def check_order(self, order: Order, book: object) -> object:
        return self.fault(self.control, order, book)


class Fresh:
    """An asker that can be exchanged: one whose check hung is given up for good."""

    def __init__(self) -> None:
        self.inner: Asker = ThreadAsker(10.0)
        self._former: list[Asker] = []

    def renew(self, deadline: float) -> None:
        self._former.append(self.inner)
        self.inner = ThreadAsker(deadline)

    def ask(self, *given: Any) -> None:
        self.inner.ask(*given)

    def close(self) -> None:
        for each in (*self._former, self.inner):
            each.close()


class All:
    """One desk with a double of every control."""

    def __init__(self, desk: Desk, adapter: Watched, doubles: list[Faulty], asker: Fresh) -> None:
        self.desk, self.adapter, self.asker = desk, adapter, asker
        self.doubles = {double.control.name: double for double in doubles}

    async def ask(self, order: Order) -> tuple[OrdStatus, tuple[Reason, ...]]:
        state = await (await self.desk.submit(order)).decided()
        return state.status, state.reasons


@asynccontextmanager
async def every_control(folder: Path) -> AsyncIterator[All]:
    adapter, doubles, asker = watched(), [Faulty(name) for name in NAMES], Fresh()
    async with desk_with(adapter, config(folder), *doubles, asker=asker) as desk:
        yield All(desk, adapter, doubles, asker)


def is_of(reason: Reason, name: str, code: str) -> bool:
    """Whether this double is to blame; who changed an order is not known."""
    blamed = f"faulty_{name}" in (reason.check, reason.measured)
    return reason.code == code and (blamed or code == "ORDER_CHANGED")


async def test_sound_controls_let_a_small_order_pass(tmp_path: Path) -> None:
    """Without this line the matrix below would prove nothing."""
    async with every_control(tmp_path) as every:
        assert await every.ask(buying()) == (OrdStatus.FILLED, ())
        assert every.adapter.requests["submit"] == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_control_that_goes_wrong_lets_nothing_leave(fault: str, tmp_path: Path) -> None:
    """A fault in a control must never be a hole in it, not even for an order that reduces."""
    broken, code = FAULTS[fault]
    async with every_control(tmp_path) as every:
        for name, double in every.doubles.items():
            double.fault = broken
            if fault == "hangs":
                every.asker.renew(0.05)
            for order in (buying(f"buy-{name}"), reducing(f"sell-{name}")):
                status, reasons = await every.ask(order)

                assert status is OrdStatus.REFUSED, name
                assert any(is_of(reason, name, code) for reason in reasons), (name, reasons)
            assert every.adapter.requests.total() == 0, name
            double.fault = sound
        every.asker.renew(10.0)
        assert await every.ask(buying("after")) == (OrdStatus.FILLED, ())


def wrapping() -> object:
    class Wrong:
        @hookimpl(wrapper=True)
        def check_order(self, order: Order) -> Any:
            yield
            return ALLOW

    return Wrong()


def awaiting() -> object:
    class Wrong:
        @hookimpl
        async def check_order(self, order: Order) -> object:
            return ALLOW

    return Wrong()


def generating() -> object:
    class Wrong:
        @hookimpl
        def check_order(self, order: Order) -> Any:
            yield ALLOW

    return Wrong()


def misspelt() -> object:
    class Wrong:
        @hookimpl
        def check_ordre(self, order: Order) -> object:
            return ALLOW

    return Wrong()


def unmarked() -> object:
    class Wrong:
        def check_order(self, order: Order) -> object:
            return ALLOW

    return Wrong()


@pytest.mark.parametrize("made", [wrapping, awaiting, generating, misspelt, unmarked])
async def test_a_control_that_cannot_be_asked_keeps_the_desk_shut(
    made: Callable[[], Any], tmp_path: Path
) -> None:
    """A wrapper could erase a refusal, and a misspelt check is one that is never asked."""
    adapter, settings = watched(), config(tmp_path, checks=ALONE)
    for name in NAMES:
        wrong, control = made(), control_named(name)
        wrong.name, wrong.code, wrong.needs = f"wrong_{name}", control.code, control.needs

        with pytest.raises(PluginError):
            async with desk_with(adapter, settings, wrong) as desk:
                await desk.submit(buying())
        assert adapter.requests.total() == 0


async def test_a_control_cannot_be_taken_out_or_put_in_while_the_desk_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can unregister a control at noon trades without it in the afternoon."""
    found: list[Registry] = []
    load = opening.load_plugins

    def kept(*given: Any) -> Registry:
        found.append(load(*given))
        return found[-1]

    monkeypatch.setattr(opening, "load_plugins", kept)
    async with every_control(tmp_path) as every:
        manager = found[0].manager
        for name, double in every.doubles.items():
            double.fault = lambda *_: Reject("MINE", measured=1, limit=0)
            with pytest.raises(PluginError):
                manager.unregister(double)
            with pytest.raises(PluginError):
                manager.set_blocked(double.name)
            with pytest.raises(PluginError):
                manager.register(Faulty(name), "late")
            status, reasons = await every.ask(buying(name))

            assert status is OrdStatus.REFUSED
            # Whoever tried has halted the desk besides.
            assert {(r.code, r.check) for r in reasons} == {
                ("MINE", double.name),
                ("HALTED", "house"),
            }
            double.fault = sound
        assert every.adapter.requests.total() == 0


async def test_a_desk_without_the_controls_it_names_does_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that was uninstalled must not leave its limits behind as mere words."""
    adapter = watched()
    tables = [f"[risk.{name}]\n" for name in NAMES if name != "max_order_notional"]
    opened = [config(tmp_path, tables=table) for table in ("", *tables)]
    monkeypatch.setattr(sources, "entry_points", lambda **_: ())

    for settings in opened:
        with pytest.raises(PluginNotFound):
            async with desk_with(adapter, settings):
                pass
    assert adapter.requests.total() == 0


async def test_controls_of_another_version_keep_the_desk_shut(tmp_path: Path) -> None:
    """Another version of a control may read the same limit in another way."""
    adapter = watched()
    pin = '[plugins.risk]\nversion = "0.0.0"\n'
    tables = [f"[risk.{name}]\n" for name in NAMES if name != "max_order_notional"]

    for table in ("", *tables):
        with pytest.raises(PluginError, match=r"pinned to version 0\.0\.0"):
            async with desk_with(adapter, config(tmp_path, tables=table + pin)):
                pass
    assert adapter.requests.total() == 0


async def test_a_control_that_cannot_be_imported_keeps_the_desk_shut(tmp_path: Path) -> None:
    """A broken import must be told at start, and never be a control less."""
    adapter = watched()
    settings = config(tmp_path, checks=[*ALONE, "./broken.py"])
    for module in sorted({type(control_named(name)).__module__ for name in NAMES}):
        (tmp_path / "broken.py").write_text(f"from {module} import no_such_name\n")

        with pytest.raises(PluginError):
            async with desk_with(adapter, settings):
                pass
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("how", [MISSING, STALE, NOT_A_NUMBER])
@pytest.mark.parametrize("needed", sorted({needed for _, needed in NEEDS}))
async def test_an_input_that_is_not_there_stops_what_opens_and_not_what_reduces(
    needed: str, how: str, tmp_path: Path
) -> None:
    """A limit on a number that nobody knows is no limit; risk can still be taken off."""
    spoilt = Spoilt(needed, how)
    adapter = watched(spoilt)
    controls = [control_named(name) for name, need in NEEDS if need == needed]
    settings = config(tmp_path, checks=ALONE, spoilt=spoilt)
    async with desk_with(adapter, settings, *controls) as desk:
        handle = await desk.submit(buying())

        assert (await handle.decided()).status is OrdStatus.REFUSED
        told = {r.check for r in handle.state.reasons if needed in r.measured}
        assert told == {control.name for control in controls}
        assert {r.code for r in handle.state.reasons} == {control.code for control in controls}
        assert adapter.requests.total() == 0
        less = await desk.submit(reducing())
        assert (await less.decided()).status is OrdStatus.FILLED


async def test_a_control_that_nothing_can_supply_keeps_the_desk_shut(tmp_path: Path) -> None:
    """An input that is misspelt, or has no source, would refuse every order for ever."""
    settings = config(tmp_path, checks=ALONE)
    control = control_named("every_input")
    control.needs = ("advv",)  # type: ignore[misc]  # of this one object

    with pytest.raises(FillwrightError, match="needs advv, and nothing supplies it"):
        async with desk_with(watched(), settings, control):
            pass
    assert Input.ADV in control_named("every_input").needs
