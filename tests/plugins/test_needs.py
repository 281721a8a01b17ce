"""What a check declares is read when it is loaded, and what could not work is refused there."""

from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fillwright.errors import ConfigError, PluginError
from fillwright.hooks import DataRequest, hookimpl
from fillwright.inputs import Datum, Input, Window, needs
from fillwright.orders import Order
from fillwright.plugins import Registry
from fillwright.testing import ManualClock
from fillwright.verdicts import ALLOW, Verdict

WEEK = Window(timedelta(days=7))


class Check:
    """A check as an object."""

    code = "X1"
    needs: Any = (Input.ADV,)

    @hookimpl
    def check_order(self, order: Order) -> Verdict:
        return ALLOW


def loaded(plugin: object) -> Any:
    registry = Registry()
    registry.register(plugin, "mine")
    return registry.checks[0]


def test_an_object_declares_in_an_attribute() -> None:
    """A class attribute is what one sees first in a class."""
    hook = loaded(Check())

    assert (hook.needs, hook.code) == ((Input.ADV,), "X1")


def test_a_function_declares_with_a_decorator() -> None:
    """A file with one function must be able to have data, too."""

    @hookimpl
    @needs(Input.SECTOR, WEEK, "mine")
    def check_order(order: Order) -> Verdict:
        return ALLOW

    module = ModuleType("mine")
    module.check_order = check_order  # type: ignore[attr-defined]  # as a file has it
    module.needs = (Input.PNL,)  # type: ignore[attr-defined]  # a name of its own, no declaration

    assert loaded(module).needs == (Input.SECTOR, WEEK, "mine")


def test_method_and_object_add_up() -> None:
    """What one hook needs is not what the other needs."""

    class Both(Check):
        @hookimpl
        @needs("other")
        def check_order(self, order: Order) -> Verdict:
            return ALLOW

    assert loaded(Both()).needs == (Input.ADV, "other")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Input.ADV, r"write needs = \(Input.ADV,\)"),
        ("adv", r"write needs = \(Input.ADV,\)"),
        (("ADV",), "a name in lower case"),
        (("",), "a name in lower case"),
        ((7,), "a name in lower case"),
    ],
)
def test_what_is_no_need_is_refused(given: Any, sentence: str) -> None:
    """A need that is silently left out is a check that runs on nothing."""
    check = Check()
    check.needs = given

    with pytest.raises(PluginError, match=sentence):
        loaded(check)


class Provider:
    """A source of data."""

    supplies: Any = frozenset({"mine"})

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        return None

    async def close(self) -> None:
        pass


def provided(made: object) -> Any:
    class Plugin:
        @hookimpl
        def provide_data(self, request: DataRequest) -> Any:
            return made

    registry = Registry()
    registry._add(Plugin(), _info(), checking=False)
    return registry.provider(DataRequest("data", {}, Path(), ManualClock()))


def _info() -> Any:
    from fillwright.plugins import PluginInfo

    return PluginInfo("data", "", "test")


def test_a_provider_is_built_and_looked_at() -> None:
    """A provider that lacks a method is found at start and not at the first order."""
    assert isinstance(provided(Provider()), Provider)
    with pytest.raises(PluginError, match="a provider has supplies"):
        provided(object())


def test_a_plugin_that_supplies_no_data_is_told() -> None:
    """Named under [data] by mistake, it leaves every check without its input and says nothing."""
    with pytest.raises(PluginError, match="data: has no provide_data, so it supplies no data"):
        Registry().provider(DataRequest("data", {}, Path(), ManualClock()))


@pytest.mark.parametrize("name", [Input.QUOTE, Input.PNL, Input.INSTRUMENT, "Mine", ""])
def test_a_provider_supplies_nothing_of_the_desks_own(name: str) -> None:
    """Quotes from a file would price orders at yesterday's market."""
    made = Provider()
    made.supplies = frozenset({name})

    with pytest.raises(PluginError, match="the desk's own or no name"):
        provided(made)


def test_a_provider_s_own_faults_come_with_its_name() -> None:
    """A configuration error reaches the user as it is, anything else with the plugin's name."""

    class Refusing:
        def __init__(self, fault: Exception) -> None:
            self.fault = fault

        @hookimpl
        def provide_data(self, request: DataRequest) -> Any:
            raise self.fault

    for fault, kind in ((ConfigError("data.x", "is wrong"), ConfigError), (OSError(), PluginError)):
        registry = Registry()
        registry._add(Refusing(fault), _info(), checking=False)
        with pytest.raises(kind):
            registry.provider(DataRequest("data", {}, Path(), ManualClock()))
