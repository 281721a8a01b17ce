"""Say what an HTTP exchange proves about the request that it carried. Pure.

Rules:
1. Without a row that says otherwise, a request whose bytes may have left is in doubt.
2. Only Alpaca's own words refuse: a JSON object with a code or a message. A page of HTML, an empty
   body and a redirect come from something in between, which knows nothing of orders.
3. Numeric code and status are the stable part of an error; its text is only looked at where one
   code stands for several causes, and a text that is new decides nothing.
4. A question that has no usable answer is `BrokerUnavailable`, never "there is none".
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from fillwright.errors import (
    BrokerUnavailable,
    DuplicateClientOrderId,
    FillwrightError,
    NotSent,
    OrderInDoubt,
    OrderRejected,
)
from fillwright_alpaca.wire import Failure, Outcome, Reply


class Proof(StrEnum):
    """What an outcome proves about a request that acts."""

    TAKEN = "taken"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    #: A duplicate or a malformed request: the code stands for both, the order's books tell.
    DUPLICATE_OR_REJECTED = "duplicate or rejected"
    NOT_SENT = "not sent"
    IN_DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of error response. A field that is None fits everything."""

    statuses: range | frozenset[int]
    proof: Proof
    code: int | None = None
    #: Whether the body must carry a code, or whether a message is enough.
    has_code: bool = False
    text: re.Pattern[str] | None = None

    def fits(self, reply: Reply) -> bool:
        """Whether the response is of this kind."""
        if reply.status not in self.statuses or not (reply.message or reply.code is not None):
            return False
        if self.has_code and reply.code is None:
            return False
        if self.code is not None and reply.code != self.code:
            return False
        return self.text is None or self.text.search(reply.message) is not None


_DUPLICATE_CODE = 40010001
_UNIQUE = re.compile(r"client.?order.?id\b.*\b(unique|exists|duplicate)", re.IGNORECASE)
_THROTTLED, _TIMED_OUT = 429, 408

#: Error responses, the first row that fits decides. What is in no row is in doubt.
_ROWS: tuple[_Row, ...] = (
    # Alpaca declares a request over the limit as not taken.
    _Row(frozenset({_THROTTLED}), Proof.NOT_SENT),
    # Whoever wrote it, a request that "timed out" may have been taken.
    _Row(frozenset({_TIMED_OUT}), Proof.IN_DOUBT),
    _Row(frozenset({409, 422}), Proof.DUPLICATE, code=_DUPLICATE_CODE, text=_UNIQUE),
    _Row(frozenset({409, 422}), Proof.DUPLICATE_OR_REJECTED, code=_DUPLICATE_CODE),
    _Row(range(400, 500), Proof.REJECTED, has_code=True),
    # These say by themselves that the request went no further.
    _Row(frozenset({401, 403, 404, 422}), Proof.REJECTED),
)


def proof_of(outcome: Outcome) -> Proof:
    """What the outcome of a request proves. TAKEN says nothing yet about what the body says."""
    if isinstance(outcome, Failure):
        return Proof.IN_DOUBT if outcome.sent else Proof.NOT_SENT
    if is_success(outcome):
        return Proof.TAKEN
    return next((row.proof for row in _ROWS if row.fits(outcome)), Proof.IN_DOUBT)


def is_success(reply: Reply) -> bool:
    """Whether it carries an answer: JSON with a 2xx, or the empty 204."""
    if reply.status == _NO_CONTENT:
        return not reply.text
    return 200 <= reply.status < 300 and reply.json is not None  # noqa: PLR2004  # what 2xx means


_NO_CONTENT = 204


def evidence_of(what: str, outcome: Outcome) -> str:
    """The name under which a journal keeps this answer."""
    if isinstance(outcome, Failure):
        return f"{what} without an answer"
    code = f"/{outcome.code}" if outcome.code is not None else ""
    request = outcome.headers.get("x-request-id")
    return f"{what} {outcome.status}{code}" + (f" request {request}" if request else "")


def refusal(name: str, what: str, outcome: Outcome, proof: Proof) -> FillwrightError:
    """The error for the request `what` of the order `name`, which was not simply taken."""
    if proof is Proof.REJECTED and isinstance(outcome, Reply):
        text = outcome.message or str(outcome)
        return OrderRejected(name, evidence_of(what, outcome), text)
    if proof is Proof.DUPLICATE and isinstance(outcome, Reply):
        return DuplicateClientOrderId(name, evidence_of(what, outcome), outcome.message)
    if proof is Proof.NOT_SENT:
        return NotSent(name, _not_taken(outcome))
    return OrderInDoubt(name, f"{what}: {outcome}")


def _not_taken(outcome: Outcome) -> str:
    return f"Alpaca took no request: {outcome}" if isinstance(outcome, Reply) else outcome.reason


def unavailable(question: str, outcome: Outcome) -> BrokerUnavailable:
    """The error for a question that this outcome does not answer."""
    text = str(outcome)
    if isinstance(outcome, Reply):
        text += _HINTS.get(outcome.status, "")
        if 300 <= outcome.status < 400:  # noqa: PLR2004  # what 3xx means
            text += " (redirects are not followed: check the configured url)"
    return BrokerUnavailable(question, text)


def is_denied(outcome: Outcome) -> bool:
    """Whether Alpaca itself says that there is no such thing.

    Its codes begin with the status; another 404 is a proxy's or a gateway's, which proves nothing.
    """
    if not isinstance(outcome, Reply) or outcome.status != _NOT_FOUND:
        return False
    return bool(outcome.message) and str(outcome.code).startswith(str(_NOT_FOUND))


_NOT_FOUND = 404
_HINTS = {
    401: " (check key_id and secret_key, that they are not swapped, and that they belong to this "
    "endpoint)",
    403: " (check that the keys belong to this endpoint, paper or live)",
}
