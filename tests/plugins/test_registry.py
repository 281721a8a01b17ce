"""What a plugin may look like, what is refused with its name, and that start is final."""

from collections.abc import Mapping
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import pluggy
import pytest

from fillwright import hooks
from fillwright.errors import ConfigError, PluginError
from fillwright.hooks import hookimpl
from fillwright.plugins import Registry
from fillwright.plugins import registry as registry_module
from fillwright.plugins.verify import SPECS
from fillwright.verdicts import ALLOW


def plugin(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(**attributes)


def marked(function: Any, **options: Any) -> Any:
    """A marked copy: the mark is kept on the function itself."""
    if isinstance(function, FunctionType):
        copy = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        function = copy
    return hookimpl(function, **options)


async def _coroutine(order: object) -> object:
    return ALLOW


async def _async_generator(order: object) -> Any:
    yield ALLOW


def _generator(order: object) -> Any:
    yield ALLOW


def _plain(order: object, book: object) -> object:
    return ALLOW


def _swapped(book: object, order: object) -> object:
    return (book, order)


def _book_only(book: object) -> object:
    return book


def _order_only(order: object) -> object:
    return order


def _nothing() -> object:
    return "asked"


def _with_default(order: object, book: object = None) -> object:
    return ALLOW


def _stranger(order: object, price: object) -> object:
    return ALLOW


def _keyword(order: object, *, book: object) -> object:
    return ALLOW


def _own_default(order: object, limit: int = 3, *rest: object, **more: object) -> object:
    return limit


class _Callable:
    def __call__(self, order: object) -> object:
        return ALLOW


class _Methods:
    @hookimpl
    def check_order(self, order: object) -> object:
        return ALLOW


REFUSED: dict[str, tuple[Any, str]] = {
    "misspelt": (plugin(check_ordr=marked(_plain)), "no hook called check_ordr; did you mean"),
    "misspelt, optional": (
        plugin(chek=marked(_plain, optionalhook=True)),
        "no hook called chek",
    ),
    "wrong specname": (plugin(mine=marked(_plain, specname="check_it")), "no hook called"),
    "unmarked": (plugin(check_order=lambda order: ALLOW), "check_order is not marked"),
    "empty": (plugin(), "has no hook"),
    "coroutine": (plugin(check_order=marked(_coroutine)), "check_order is async;"),
    "async generator": (plugin(check_order=marked(_async_generator)), "async generator"),
    "generator": (plugin(check_order=marked(_generator)), "is a generator"),
    "wrapper": (plugin(check_order=marked(_generator, wrapper=True)), "hook wrapper"),
    "old wrapper": (plugin(check_order=marked(_generator, hookwrapper=True)), "hook wrapper"),
    "wrapper of another hook": (
        plugin(order_changed=marked(_generator, wrapper=True)),
        "hook wrapper",
    ),
    "unknown argument": (plugin(check_order=marked(_stranger)), "no argument price"),
    "keyword argument": (plugin(check_order=marked(_keyword)), "no argument book"),
    "default": (plugin(check_order=marked(_with_default)), "book has a default"),
    "not a function": (plugin(check_order=marked(_Callable())), "not a function"),
    "a class": (_Methods, "is a class; give an instance"),
    "twice": (
        plugin(check_order=marked(_plain), more=marked(_order_only, specname="check_order")),
        "implements check_order twice",
    ),
}


@pytest.mark.parametrize("flaw", REFUSED)
def test_what_could_not_work_is_refused_with_the_plugin_s_name(flaw: str) -> None:
    """A check that is silently never asked, or answers nothing, lets orders out."""
    broken, sentence = REFUSED[flaw]

    with pytest.raises(PluginError, match=sentence) as caught:
        Registry().register(broken, "mine")

    assert caught.value.plugin == "mine"


def test_a_class_that_nobody_builds_is_told_with_what_is_missing() -> None:
    """A quant who forgot one function reads that the file has no hook, and sees the hook in it."""
    module = ModuleType("mine")
    module.limit, module.MaxQuantity = 3, _Methods  # type: ignore[attr-defined]  # that is what is tried

    with pytest.raises(PluginError, match=r"nobody builds its class MaxQuantity; add provide_ch"):
        Registry().register(module, "mine")


def test_a_misspelt_hook_that_went_past_the_registry_is_found_by_the_next_plugin() -> None:
    """Handed to pluggy itself, a misspelt check is registered, and never asked."""
    registry = Registry()
    registry.manager.register(plugin(check_ordr=marked(_plain)), "past")

    with pytest.raises(PluginError, match="unknown hook 'check_ordr'"):
        registry.register(_Methods(), "mine")


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (_swapped, ("book", "order"), ("BOOK", "ORDER")),
        (_book_only, ("book",), "BOOK"),
        (_order_only, ("order",), "ORDER"),
        (_nothing, (), "asked"),
        (_own_default, ("order",), 3),
    ],
)
def test_a_check_gets_what_it_asks_for(
    function: Any, arguments: tuple[str, ...], expected: object
) -> None:
    """A book passed where an order belongs would be judged by chance."""
    registry = Registry()
    registry.register(plugin(check_order=marked(function)), "mine")

    (check,) = registry.checks

    assert (check.name, check.arguments) == ("mine", arguments)
    assert check.call("ORDER", "BOOK") == expected


def test_methods_and_other_names_work() -> None:
    """Checks are written as classes, too, and may be called what their author likes."""
    registry = Registry()
    registry.register(_Methods(), "class")
    registry.register(plugin(mine=marked(_plain, specname="check_order")), "renamed")

    assert [check.name for check in registry.checks] == ["class", "renamed"]
    assert [check.call(1, 2) for check in registry.checks] == [ALLOW, ALLOW]


def test_checks_are_asked_in_the_order_of_the_configuration() -> None:
    """Reasons are told in that order; tryfirst must not jump the queue."""
    registry = Registry()
    registry.register(plugin(check_order=marked(_plain)), "first")
    registry.register(plugin(check_order=marked(_order_only, tryfirst=True)), "second")

    assert [check.name for check in registry.checks] == ["first", "second"]


class _Provided:
    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def check_order(self, order: object) -> object:
        return ALLOW

    @hookimpl
    def check_execution(self, execution: object) -> object:
        return execution


def providing(made: Any) -> SimpleNamespace:
    @hookimpl
    def provide_checks(settings: Mapping[str, Any]) -> Any:
        return made(settings) if callable(made) else made

    return plugin(provide_checks=provide_checks)


def test_provided_checks_are_plugins_of_their_own() -> None:
    """One raising check among ten must be known by name."""
    registry = Registry(settings={"risk": {"names": ["a", "b"]}, "other": {"names": ["x"]}})
    registry.register(providing(lambda table: [_Provided(n) for n in table["names"]]), "risk")

    assert [check.name for check in registry.checks] == ["risk.a", "risk.b"]
    assert [check.name for check in registry.execution_checks] == ["risk.a", "risk.b"]
    assert registry.execution_checks[0].call("order", "execution", "book") == "execution"
    assert [info.name for info in registry.listing()] == ["risk", "risk.a", "risk.b"]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ([], "yields none"),
        (None, "returned NoneType, not a list"),
        ("abc", "returned str, not a list"),
        ([object()], "has no hook"),
        ([_Methods], "is a class"),
        ([_Provided("a"), _Provided("a")], "plugin risk.a: is there already"),
        (lambda table: table["missing"], "provide_checks failed: KeyError"),
    ],
)
def test_what_a_plugin_provides_is_looked_at(made: Any, sentence: str) -> None:
    """A plugin named as a check that yields nothing would check nothing."""
    with pytest.raises(PluginError, match=sentence):
        Registry().register(providing(made), "risk")


def test_settings_that_are_no_table_are_the_user_s_to_mend() -> None:
    """`risk = "strict"` read as no settings would drop every limit."""
    registry = Registry(settings={"risk": "strict"})

    with pytest.raises(ConfigError, match=r"risk: is not a table; write \[risk\]"):
        registry.register(providing([_Provided("a")]), "risk")


def test_a_name_is_taken_once() -> None:
    """Two plugins of one name would share settings, and reasons could mean either."""
    registry = Registry()
    registry.register(plugin(check_order=marked(_plain)), "mine")

    with pytest.raises(PluginError, match="mine: is there already"):
        registry.register(_Methods(), "mine")


def test_start_is_final() -> None:
    """A plugin that came or went while orders run would change the rules unseen."""
    registry, check = Registry(), _Methods()
    registry.register(check, "mine")
    registry.freeze()
    before = registry.checks
    manager = registry.manager

    for change in (
        lambda: registry.register(_Methods(), "late"),
        lambda: manager.register(_Methods(), "late"),
        lambda: manager.unregister(check),
        lambda: manager.unregister(name="mine"),
        lambda: manager.set_blocked("mine"),
        lambda: manager.unblock("mine"),
        lambda: manager.add_hookspecs(hooks),
        lambda: manager.load_setuptools_entrypoints("fillwright"),
    ):
        with pytest.raises(PluginError):
            change()

    assert registry.checks == before
    assert manager.frozen
    assert manager.has_plugin("mine")


def test_before_the_start_plugins_come_and_go_by_name() -> None:
    """A test that cannot take a check out again tests with everybody else's."""
    registry, check = Registry(), _Methods()
    manager = registry.manager
    registry.register(check, "mine")

    assert manager.unregister(name="mine") is check
    manager.set_blocked("mine")
    assert manager.register(check, "mine") is None
    assert manager.unblock("mine")
    assert manager.register(check, "mine") == "mine"
    with pytest.raises(PluginError, match="loaded past the registry"):
        manager.load_setuptools_entrypoints("fillwright")
    assert manager.attempts == []


def test_a_change_forced_past_the_freeze_is_not_asked() -> None:
    """Whoever goes round the manager must still not remove a check from the gate."""
    registry, check = Registry(), _Methods()
    registry.register(check, "mine")
    registry.freeze()
    pluggy.PluginManager.unregister(registry.manager, check)

    assert [one.name for one in registry.checks] == ["mine"]


def test_the_trace_tells_every_call_with_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nobody can see which check was asked and what it said."""
    said: list[tuple[str, dict[str, object]]] = []
    log = SimpleNamespace(debug=lambda event, **facts: said.append((event, facts)))
    monkeypatch.setattr(registry_module, "_log", log)
    registry = Registry(trace=True)
    registry.register(plugin(check_order=marked(_plain)), "mine")
    registry.register(plugin(check_order=marked(lambda order: order["x"])), "broken")

    for check in registry.checks:
        try:
            check.call({}, None)
        except KeyError:
            continue

    assert [event for event, _ in said] == ["hook_called", "hook_raised"]
    assert said[0][1] == {"plugin": "mine", "hook": "check_order", "result": "Allow()"}


def test_without_trace_the_function_itself_is_called() -> None:
    """A layer of tracing around each check would be paid for by every order."""
    registry = Registry()
    function = marked(_plain)
    registry.register(plugin(check_order=function), "mine")

    assert registry.checks[0].call is function


@pytest.mark.parametrize("hook", sorted(SPECS))
def test_each_hook_states_its_terms(hook: str) -> None:
    """An implementer who cannot read what raising means will find out with money."""
    told = getattr(hooks, hook).__doc__

    assert [
        clause for clause in ("Called:", "Results:", "Raising:", "May not:") if clause not in told
    ] == []
