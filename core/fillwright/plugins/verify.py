"""Look at a plugin's hook implementations before anything is asked of them.

Rules:
1. What is marked must match a hook: a misspelt check is refused, not forgotten.
2. An implementation is a plain function or method: no coroutine, generator, or wrapper.
3. It takes any of the hook's arguments, by their names, without defaults (pluggy never passes an
   argument that has a default), and nothing else that must be given.
4. What a check needs is a tuple of inputs and windows: a name that cannot be one is refused.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

from fillwright import hooks
from fillwright.errors import PluginError
from fillwright.inputs import INPUT_NAME, Need, Window

_MARK = f"{hooks.PROJECT}_impl"
_SPEC = f"{hooks.PROJECT}_spec"
_GIVEN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ASYNCHRONOUS = (
    (inspect.iscoroutinefunction, "is async"),
    (inspect.isasyncgenfunction, "is an async generator"),
    (inspect.isgeneratorfunction, "is a generator"),
)


def _specs() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, value in vars(hooks).items():
        if hasattr(value, _SPEC):
            yield name, tuple(inspect.signature(value).parameters)


#: Every hook, with the names of its arguments in order.
SPECS: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(_specs()))


@dataclass(frozen=True, slots=True)
class NamedHook:
    """One hook implementation of one plugin, ready to be called by itself.

    `call` takes all of the hook's arguments by position and passes on those that the
    implementation asks for.
    """

    name: str
    hook: str
    #: Which of the hook's arguments the implementation takes, in its own order.
    arguments: tuple[str, ...]
    call: Callable[..., Any]
    #: What the check declared that it needs.
    needs: tuple[Need, ...] = ()
    #: The id that its verdicts carry, where it has one.
    code: str = ""
    #: What it looks at where something supplies it, and can do without.
    wants: tuple[Need, ...] = ()


def implementations(plugin: object, name: str) -> tuple[NamedHook, ...]:
    """Every hook that `plugin` implements; raises `PluginError` for what could not work."""
    if isinstance(plugin, type):
        raise PluginError(name, f"{plugin.__qualname__} is a class; give an instance of it")
    found = tuple(_found(plugin, name))
    if not found:
        known = ", ".join(sorted(SPECS))
        raise PluginError(
            name, _unbuilt(plugin) or f"has no hook; mark a function with @hookimpl: {known}"
        )
    twice = sorted({one.hook for one in found if sum(o.hook == one.hook for o in found) > 1})
    if twice:
        raise PluginError(name, f"implements {twice[0]} twice; split it into two plugins")
    return found


def _unbuilt(plugin: object) -> str:
    """What to say about a module whose hooks stand in a class that nobody builds."""
    for name, value in vars(plugin).items() if isinstance(plugin, ModuleType) else ():
        if isinstance(value, type) and any(hasattr(one, _MARK) for one in vars(value).values()):
            return (
                f"has no hook: nobody builds its class {name}; add provide_checks(settings), "
                f"marked with @hookimpl, that returns [{name}(...)]"
            )
    return ""


def _found(plugin: object, name: str) -> Iterator[NamedHook]:
    for attribute in dir(plugin):
        static = inspect.getattr_static(plugin, attribute, None)
        inner = getattr(static, "__func__", static)
        options = getattr(static, _MARK, None) or getattr(inner, _MARK, None)
        if isinstance(options, dict):
            yield _checked(plugin, name, attribute, options)
        elif attribute in SPECS and inspect.isroutine(inner) and not hasattr(inner, _SPEC):
            raise PluginError(name, f"{attribute} is not marked; write @hookimpl above it")


def _checked(plugin: object, name: str, attribute: str, options: Mapping[str, Any]) -> NamedHook:
    hook = options.get("specname") or attribute
    if hook not in SPECS:
        near = get_close_matches(hook, SPECS, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; hooks are {', '.join(sorted(SPECS))}"
        raise PluginError(name, f"there is no hook called {hook}{meant}")
    if options.get("wrapper") or options.get("hookwrapper"):
        raise PluginError(name, f"{hook} is a hook wrapper; a wrapper could erase a refusal")
    function = getattr(plugin, attribute)
    if not inspect.isroutine(function):
        raise PluginError(name, f"{hook} is not a function; mark a function or a method")
    for is_one, what in _ASYNCHRONOUS:
        if is_one(inspect.unwrap(function)) or is_one(function):
            raise PluginError(name, f"{hook} {what}; write it as a plain function that returns")
    arguments = _arguments(function, name, hook)
    call = _positional(function, arguments, SPECS[hook])
    needs, wants = (_declared(plugin, function, name, which) for which in ("needs", "wants"))
    code = getattr(plugin, "code", "")
    code = code if isinstance(code, str) else ""
    return NamedHook(name, hook, arguments, call, needs, code, wants)


def _declared(
    plugin: object, function: Callable[..., Any], name: str, which: str
) -> tuple[Need, ...]:
    """What the function declared, and what its object did; a module declares nothing."""
    own = getattr(function, which, ())
    shared = () if isinstance(plugin, ModuleType) else getattr(plugin, which, ())
    found: list[Need] = []
    for declared in (shared, own):
        if not isinstance(declared, tuple | list | set | frozenset):
            raise PluginError(name, f"{which} is {declared!r}; write {which} = (Input.ADV,)")
        found += declared
    for one in found:
        if isinstance(one, Window):
            continue
        if not isinstance(one, str) or INPUT_NAME.fullmatch(one) is None:
            raise PluginError(
                name, f"{which} holds {one!r}; an input is an Input, or a name in lower case"
            )
    return tuple(dict.fromkeys(found))


def _arguments(function: Callable[..., Any], name: str, hook: str) -> tuple[str, ...]:
    known = SPECS[hook]
    taken = []
    for parameter in inspect.signature(function).parameters.values():
        has_default = parameter.default is not parameter.empty
        if parameter.name in known and parameter.kind in _GIVEN and not has_default:
            taken.append(parameter.name)
        elif parameter.name in known and has_default:
            raise PluginError(
                name, f"{hook}: {parameter.name} has a default, so it is never passed; remove it"
            )
        elif not has_default and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise PluginError(
                name, f"{hook} takes no argument {parameter.name}; it may take {', '.join(known)}"
            )
    return tuple(taken)


def _positional(
    function: Callable[..., Any], taken: tuple[str, ...], known: tuple[str, ...]
) -> Callable[..., Any]:
    """Prepare the call once, so that none of this is done per order."""
    if taken == known:
        return function
    if taken == known[:1]:
        return lambda first, *_: function(first)
    return partial(_picked, function, tuple(known.index(argument) for argument in taken))


def _picked(function: Callable[..., Any], places: tuple[int, ...], *given: object) -> object:
    return function(*(given[place] for place in places))
