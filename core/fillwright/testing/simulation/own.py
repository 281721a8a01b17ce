"""The checks that a desk.toml names, asked in every process of a scenario.

Rules:
1. Each process loads them anew, as a desk does: only the journal carries anything over a restart.
2. They are asked beside the simulation's own, in place of the standard controls that it draws.
   Only what they allowed may leave, and one that raises, or answers with no sound verdict, breaks
   the scenario: its seed shows the day on which it does.
3. Data comes from the simulation. A check that needs something else is not asked, and new risk is
   refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from fillwright.config import DeskConfig, load_config
from fillwright.desk.opening import load_plugins
from fillwright.desk.supply import Source
from fillwright.errors import BadInput, FillwrightError, fault_text
from fillwright.inputs import DataProvider
from fillwright.orders import Order
from fillwright.plugins import NamedHook
from fillwright.risk.answers import CHECK_RAISED, sound
from fillwright.testing.simulation.controls import Controls
from fillwright.verdicts import ALLOW, Reject, Verdict

#: Told what the desk makes of an answer: the check's name, the order that it was asked about
#: where it was one, and the verdict.
TellAnswer = Callable[[str, Order | None, Verdict], None]
#: The hook that answers nothing.
_TOLD: Final = "order_changed"


@dataclass(frozen=True)
class OwnChecks:
    """The checks of one desk.toml."""

    config: DeskConfig

    def loaded(self, *, data: DataProvider, tell: TellAnswer) -> Controls:
        """Those of a new process. Raises ConfigError, PluginError."""
        registry = load_plugins(self.config)

        def witnessed(hooks: tuple[NamedHook, ...]) -> tuple[NamedHook, ...]:
            return tuple(replace(hook, call=_witnessed(hook, tell)) for hook in hooks)

        return Controls(
            witnessed(registry.checks),
            witnessed(registry.execution_checks),
            witnessed(registry.books_checks),
            (Source("simulated", data),),
            witnessed(registry.observers),
        )


def _witnessed(hook: NamedHook, tell: TellAnswer) -> Callable[..., object]:
    def asked(*given: Any) -> object:  # noqa: ANN401  # each hook has its own
        order = given[0] if hook.hook == "check_order" else None
        try:
            answer = hook.call(*given)
            verdict = ALLOW if hook.hook == _TOLD else sound(answer)
        except (Exception, SystemExit) as fault:
            raised = Reject(CHECK_RAISED, measured=fault_text(fault), limit="no exception")
            tell(hook.name, order, raised)
            raise
        tell(hook.name, order, verdict)
        return answer

    return asked


@cache
def own_checks(path: str) -> OwnChecks | None:
    """The checks of the desk.toml at a path; none where no path is given.

    Raises BadInput for a file that no desk would open with.
    """
    if not path:
        return None
    try:
        own = OwnChecks(load_config(Path(path)))
        load_plugins(own.config)
    except FillwrightError as fault:
        raise BadInput("--desk", str(fault)) from fault
    return own
