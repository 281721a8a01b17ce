"""Turn an exception into one sentence, its exit code, and the facts that it carries."""

import signal

from fillwright.cli.answers import SIGNALED, Exit, Problem
from fillwright.errors import BadInput, FillwrightError, PluginError, fault_text
from fillwright.logs import printable, redact


class UsageFault(FillwrightError):
    """The command was not given as it wants to be."""


class Stopped(Exception):
    """A signal ended the work; what was under way is closed as far as there was time."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"stopped by {self.signal.name}")


class Ended(Exception):
    """A desk's work ended early, and what is left of it was looked up."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


class Terminated(BaseException):
    """SIGTERM, while no desk is open."""


#: What a signal raises when no desk is open to be closed.
INTERRUPTS = (KeyboardInterrupt, Terminated)


def problem_of(fault: BaseException) -> Problem:
    """The answer to a fault that ended a verb."""
    if isinstance(fault, Ended):
        return fault.problem
    if isinstance(fault, INTERRUPTS):
        number = signal.SIGTERM if isinstance(fault, Terminated) else signal.SIGINT
        fault = Stopped(number)
    if isinstance(fault, Stopped):
        return Problem("Stopped", str(fault), code_of(fault), {"signal": fault.signal.name})
    if isinstance(fault, FillwrightError):
        message = one_line(str(fault))
        return Problem(type(fault).__name__, message, Exit.BAD_INPUT, _facts(fault))
    return Problem(type(fault).__name__, unexpected(fault), Exit.FAILURE)


def code_of(fault: Stopped) -> int:
    """128 and the signal's number, as a shell knows it."""
    return SIGNALED + fault.signal.value


def unexpected(fault: BaseException) -> str:
    """The sentence for what should not happen."""
    return (
        f"unexpected {one_line(fault_text(fault))}; run it again with --debug for the traceback. "
        "If anything was sent, the journal knows: see `fillwright orders`"
    )


def one_line(text: str) -> str:
    """The text without secrets, control characters and line breaks."""
    return printable(redact(" ".join(text.split())))


def _facts(fault: FillwrightError) -> dict[str, object]:
    facts: dict[str, object] = {}
    if isinstance(fault, BadInput):
        facts = {"where": fault.where, "problem": fault.problem, "hint": fault.hint}
    elif isinstance(fault, PluginError):
        facts = {"plugin": fault.plugin, "problem": fault.problem}
    return {name: one_line(str(value)) for name, value in facts.items() if value}
