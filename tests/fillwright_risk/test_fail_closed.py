"""The matrix: whatever goes wrong with any control, not one request reaches the broker."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fillwright.desk import opening
from fillwright.desk.handles import Handle
from fillwright.errors import FillwrightError, PluginError, PluginNotFound
from fillwright.hooks import hookimpl
from fillwright.inputs import Input
from fillwright.orders import Order
from fillwright.plugins import Registry, sources
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW, Reject
from risk.openkit import (
    MISSING,
    NAMES,
    NEEDS,
    NOT_A_NUMBER,
    STALE,
    Spoilt,
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


def raises(_control: Any, _order: Order, _book: object) -> object:
    raise ZeroDivisionError("a mistake")


async def _coroutine() -> object:
    return ALLOW


def mutates(_control: Any, order: Order, _book: object) -> object:
    vars(order)["quantity"] = 1_000_000
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
    """A control of the same name, id and needs, that goes wrong when it is asked."""

    def __init__(self, name: str, fault: Fault) -> None:
        self.control = control_named(name)
        self.name, self.code, self.needs = f"faulty_{name}", self.control.code, self.control.needs
        self.fault = fault

    @hookimpl
    def check_order(self, order: Order, book: object) -> object:
        return self.fault(self.control, order, book)


def codes(handle: Handle) -> set[str]:
    return {reason.code for reason in handle.state.reasons}


@pytest.mark.parametrize("name", NAMES)
async def test_a_sound_control_lets_a_small_order_pass(name: str, tmp_path: Path) -> None:
    """Without this line the matrix below would prove nothing."""
    adapter = watched()
    control = control_named(name)
    passing = Faulty(name, lambda c, order, book: c.check_order(order, book))
    async with desk_with(adapter, config(tmp_path), passing) as desk:
        handle = await desk.submit(buying())
        state = await handle.decided()

        assert (control.code, state.status, state.reasons) == (control.code, OrdStatus.FILLED, ())
    assert adapter.requests["submit"] == 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_control_that_goes_wrong_lets_nothing_leave(
    name: str, fault: str, tmp_path: Path
) -> None:
    """A fault in a control must never be a hole in it, not even for an order that reduces."""
    adapter = watched()
    broken, code = FAULTS[fault]
    settings = config(tmp_path)
    deadline = 0.05 if fault == "hangs" else 10.0
    async with desk_with(adapter, settings, Faulty(name, broken), deadline=deadline) as desk:
        handles = [await desk.submit(order) for order in (buying(), reducing())]
        states = [await handle.decided() for handle in handles]

        assert [state.status for state in states] == [OrdStatus.REFUSED] * 2
        assert all(code in codes(handle) for handle in handles)
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["wrapper", "async", "generator", "misspelt", "unmarked"])
async def test_a_control_that_cannot_be_asked_keeps_the_desk_shut(
    name: str, kind: str, tmp_path: Path
) -> None:
    """A wrapper could erase a refusal, and a misspelt check is one that is never asked."""
    adapter, control = watched(), control_named(name)

    class Wrong:
        name = f"wrong_{control.name}"

        if kind == "wrapper":

            @hookimpl(wrapper=True)
            def check_order(self, order: Order) -> Any:
                yield
                return ALLOW
        elif kind == "async":

            @hookimpl
            async def check_order(self, order: Order) -> object:
                return ALLOW
        elif kind == "generator":

            @hookimpl
            def check_order(self, order: Order) -> Any:
                yield ALLOW
        elif kind == "misspelt":

            @hookimpl
            def check_ordre(self, order: Order) -> object:
                return ALLOW
        else:

            def check_order(self, order: Order) -> object:
                return ALLOW

    with pytest.raises(PluginError):
        async with desk_with(adapter, config(tmp_path), Wrong()) as desk:
            await desk.submit(buying())
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_control_cannot_be_taken_out_or_put_in_while_the_desk_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can unregister a control at noon trades without it in the afternoon."""
    found: list[Registry] = []
    load = opening.load_plugins

    def kept(*given: Any) -> Registry:
        found.append(load(*given))
        return found[-1]

    monkeypatch.setattr(opening, "load_plugins", kept)
    adapter, settings = watched(), config(tmp_path)
    refusing = Faulty(name, lambda c, _o, _b: c.refuse(1, 0))
    async with desk_with(adapter, settings, refusing) as desk:
        manager = found[0].manager
        with pytest.raises(PluginError):
            manager.unregister(refusing)
        with pytest.raises(PluginError):
            manager.set_blocked(refusing.name)
        with pytest.raises(PluginError):
            manager.register(Faulty(name, lambda _c, _o, _b: ALLOW), "late")
        handle = await desk.submit(buying())

        assert (await handle.decided()).status is OrdStatus.REFUSED
        # Whoever tried has halted the desk besides.
        assert codes(handle) == {refusing.code, "HALTED"}
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_desk_without_the_controls_it_names_does_not_open(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that was uninstalled must not leave its limits behind as mere words."""
    adapter, settings = watched(), config(tmp_path)
    control_named(name)
    monkeypatch.setattr(sources, "entry_points", lambda **_: ())

    with pytest.raises(PluginNotFound):
        async with desk_with(adapter, settings):
            pass
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_control_that_cannot_be_imported_keeps_the_desk_shut(
    name: str, tmp_path: Path
) -> None:
    """A broken import must be told at start, and never be a control less."""
    adapter, module = watched(), type(control_named(name)).__module__
    (tmp_path / "broken.py").write_text(f"from {module} import no_such_name\n")
    settings = config(tmp_path, checks=["risk", "./broken.py"])

    with pytest.raises(PluginError):
        async with desk_with(adapter, settings):
            pass
    assert adapter.requests.total() == 0


@pytest.mark.parametrize("how", [MISSING, STALE, NOT_A_NUMBER])
@pytest.mark.parametrize(("name", "needed"), NEEDS)
async def test_an_input_that_is_not_there_stops_what_opens_and_not_what_reduces(
    name: str, needed: str, how: str, tmp_path: Path
) -> None:
    """A limit on a number that nobody knows is no limit; risk can still be taken off."""
    spoilt = Spoilt(needed, how)
    adapter, control = watched(spoilt), control_named(name)
    async with desk_with(adapter, config(tmp_path, spoilt=spoilt), control) as desk:
        handle = await desk.submit(buying())

        assert (await handle.decided()).status is OrdStatus.REFUSED
        told = [reason for reason in handle.state.reasons if reason.code == control.code]
        assert any(needed in reason.measured for reason in told)
        assert adapter.requests.total() == 0
        if needed != Input.INSTRUMENT:  # which C25 asks for itself, reducing or not
            less = await desk.submit(reducing())
            assert (await less.decided()).status is OrdStatus.FILLED


async def test_a_control_that_nothing_can_supply_keeps_the_desk_shut(tmp_path: Path) -> None:
    """An input that is misspelt, or has no source, would refuse every order for ever."""
    settings = config(tmp_path)
    control = control_named("every_input")
    control.needs = ("advv",)  # type: ignore[misc]  # of this one object

    with pytest.raises(FillwrightError, match="needs advv, and nothing supplies it"):
        async with desk_with(watched(), settings, control):
            pass
