"""Every fault that fillwright raises: each carries its facts and writes its own sentence.

The four that an adapter speaks with are `OrderRejected`, `NotSent`, `OrderInDoubt` and
`BrokerUnavailable`. `OrderInDoubt` is the one that nobody may retry blindly.
"""

from collections.abc import Sequence
from datetime import datetime


class FillwrightError(Exception):
    """The root of all our errors."""


def fault_text(fault: BaseException, limit: int = 200) -> str:
    """Tell somebody else's exception in one line: its type and its text, cut at `limit`."""
    try:
        text = " ".join((_first_finding(fault) or str(fault)).split())
    except Exception:  # noqa: BLE001 - a stranger's __str__ may raise anything
        text = "its text cannot be read"
    told = f"{type(fault).__name__}: {text}" if text else type(fault).__name__
    return told if len(told) <= limit else f"{told[: limit - 3]}..."


def _first_finding(fault: BaseException) -> str:
    """What a pydantic fault found first, without its input and its links; empty for any other."""
    if not type(fault).__module__.startswith("pydantic") or not hasattr(fault, "errors"):
        return ""
    findings = fault.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join([str(getattr(fault, "title", "")), *map(str, findings[0]["loc"])])
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{where}: {findings[0]['msg'].removeprefix('Value error, ')}{more}"


class BadInput(FillwrightError):
    """Something that a person wrote cannot be used; nothing was sent.

    `where` names the file, and the line or field in it.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        self.where = where
        self.problem = problem
        self.hint = hint
        super().__init__(f"{where}: {problem}" + (f". {hint}" if hint else ""))


class ConfigError(BadInput):
    """The configuration cannot be used."""


class PlanError(BadInput):
    """The plan cannot be used."""


#: An order that was found at the broker: another journal holds what was asked for.
_UNREAD = "has an order at the broker whose content this journal does not know"


class IntentConflict(FillwrightError):
    """The same intent id came again with other content; nothing was sent."""

    def __init__(self, intent_id: str, known: str, given: str) -> None:
        self.intent_id = intent_id
        self.known = known
        self.given = given
        told = "is already recorded with other content" if known else _UNREAD
        hashes = f"{known[:12]}, now {given[:12]}" if known else f"now {given[:12]}"
        super().__init__(
            f"intent {intent_id} {told} ({hashes}); give a new decision a new intent id"
        )


class OrderRefused(FillwrightError):
    """Our own gate said no; nothing was sent to the broker."""

    def __init__(self, client_order_id: str, reasons: Sequence[object]) -> None:
        self.client_order_id = client_order_id
        self.reasons = tuple(reasons)
        super().__init__(f"{client_order_id} refused: {'; '.join(map(str, self.reasons))}")


class OrderRejected(FillwrightError):
    """The broker proved that it did not take the request."""

    def __init__(self, client_order_id: str, evidence: str, text: str) -> None:
        self.client_order_id = client_order_id
        self.evidence = evidence
        self.text = text
        super().__init__(f"{client_order_id} rejected by the broker: {text} [{evidence}]")


class DuplicateClientOrderId(OrderRejected):
    """The broker already has an order with this client order id: look it up and adopt it."""


class NotSent(FillwrightError):
    """Proven: no byte of the request left this machine. It may be sent again."""

    def __init__(self, client_order_id: str, proof: str) -> None:
        self.client_order_id = client_order_id
        self.proof = proof
        super().__init__(f"{client_order_id} was not sent: {proof}")


class OrderInDoubt(FillwrightError):
    """The request may or may not have reached the broker; only the broker's books can tell."""

    def __init__(self, client_order_id: str, reason: str) -> None:
        self.client_order_id = client_order_id
        self.reason = reason
        super().__init__(f"{client_order_id} is in doubt: {reason}")


class BrokerUnavailable(FillwrightError):
    """A question to the broker got no usable answer; it says nothing about any order."""

    def __init__(self, question: str, reason: str) -> None:
        self.question = question
        self.reason = reason
        super().__init__(f"the broker did not answer {question}: {reason}")


class UnknownSymbol(FillwrightError):
    """The broker says that there is no such instrument."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        super().__init__(f"the broker does not know {symbol}; check the spelling")


class UnknownOrder(FillwrightError):
    """No order with this id is in the journal."""

    def __init__(self, client_order_id: str) -> None:
        self.client_order_id = client_order_id
        super().__init__(f"no order {client_order_id} in this journal; see `fillwright orders`")


class InputMissing(FillwrightError):
    """A check asked for data that it did not declare, and that the desk does not have."""

    def __init__(self, name: str, symbol: str) -> None:
        self.name = name
        self.symbol = symbol
        whose = f" of {symbol}" if symbol else ""
        super().__init__(
            f"there is no fresh {name}{whose}; declare it in the check's needs, "
            "or ask with book.find, which may answer None"
        )


class HistoryTooShort(FillwrightError):
    """A check asked for a time that the desk's history does not reach back to."""

    def __init__(self, since: datetime, reach: datetime) -> None:
        self.since = since
        self.reach = reach
        super().__init__(
            f"the history is kept from {reach:%Y-%m-%d %H:%M:%S}Z on, and was asked from "
            f"{since:%Y-%m-%d %H:%M:%S}Z; declare a longer Window in the check's needs"
        )


class JournalError(FillwrightError):
    """The journal cannot be used; nothing is sent without it."""


class JournalFailed(JournalError):
    """A write or fsync failed. The process can no longer send; restart it on a sound disk."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"journal {path} failed: {reason}; nothing more is sent by this process. "
            "Free or repair the disk, then start again"
        )


class JournalLocked(JournalError):
    """Another live process writes this journal."""

    def __init__(self, path: str, holder: str) -> None:
        self.path = path
        self.holder = holder
        super().__init__(
            f"journal {path} is in use by {holder}; stop that process or name another journal"
        )


class JournalBound(JournalError):
    """The journal belongs to another mode, broker or account."""

    def __init__(self, path: str, bound: str, wanted: str) -> None:
        self.path = path
        self.bound = bound
        self.wanted = wanted
        super().__init__(
            f"journal {path} belongs to {bound}, not to {wanted}; name another journal file"
        )


class JournalDamaged(JournalError):
    """The journal's own record is broken before its tail; nothing is sent on it."""

    def __init__(self, path: str, seq: int, problem: str) -> None:
        self.path = path
        self.seq = seq
        self.problem = problem
        super().__init__(
            f"journal {path} is damaged at record {seq}: {problem}; "
            "run `fillwright journal verify` and restore it from a copy"
        )


class Fenced(JournalError):
    """Another process took this journal over; this one may send nothing more."""

    def __init__(self, path: str, ours: int, now: int) -> None:
        self.path = path
        self.ours = ours
        self.now = now
        super().__init__(f"journal {path} was taken over (epoch {now}, ours {ours}); stop here")


class PluginError(FillwrightError):
    """A plugin cannot be used; `plugin` is its name."""

    def __init__(self, plugin: str, problem: str) -> None:
        self.plugin = plugin
        self.problem = problem
        super().__init__(f"plugin {plugin}: {problem}")


class PluginNotFound(PluginError):
    """The configuration names a plugin that is not installed."""

    def __init__(self, plugin: str, installed: Sequence[str]) -> None:
        self.installed = tuple(installed)
        known = ", ".join(installed) or "none"
        super().__init__(plugin, f"not installed; installed are: {known}")


class DeskError(FillwrightError):
    """The desk cannot do what was asked."""


class DeskClosed(DeskError):
    """The desk is stopping or has stopped; it takes no new orders."""

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(f"the desk is {state} and takes no new orders")


class DeskBusy(DeskError):
    """More orders are under way than the desk can take now; nothing was recorded."""

    def __init__(self, limit: int, reason: str = "") -> None:
        self.limit = limit
        why = f": {reason}" if reason else ""
        super().__init__(f"{limit} orders are under way already{why}; wait for some to finish")


class NotReady(DeskError):
    """The desk could not compare its ledger with the broker's books in time."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the desk is not ready to take new risk: {reason}")


class NotCancelable(DeskError):
    """The order has ended, so there is nothing to cancel or replace."""

    def __init__(self, client_order_id: str, status: str) -> None:
        self.client_order_id = client_order_id
        self.status = status
        super().__init__(f"{client_order_id} is {status}; it cannot be changed now")


class NotManual(DeskError):
    """Only an order that waits for a person can be settled by one."""

    def __init__(self, client_order_id: str, status: str) -> None:
        self.client_order_id = client_order_id
        self.status = status
        super().__init__(
            f"{client_order_id} is {status} and waits for nobody; "
            "only an order that is MANUAL can be settled by hand"
        )


class GuardError(FillwrightError):
    """The paper/live guard did not find all its agreements; nothing was sent."""


class NotArmed(GuardError):
    """A live desk has no arming token that holds; nothing was sent."""


class GrantRefused(FillwrightError):
    """A grant, a limit change or its revocation cannot be used; nothing changed."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name}: {problem}")
