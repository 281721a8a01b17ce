"""What an HTTP exchange proves about the request that it carried."""

import pytest

from fillwright.errors import (
    DuplicateClientOrderId,
    NotSent,
    OrderInDoubt,
    OrderRejected,
)
from fillwright_alpaca.messages import Unreadable, read_json
from fillwright_alpaca.outcomes import (
    Proof,
    evidence_of,
    is_denied,
    is_success,
    proof_of,
    refusal,
    unavailable,
)
from fillwright_alpaca.wire import Failure, Reply

HTML = "<html><body>502 Bad Gateway</body></html>"


def reply(status: int, text: str = "", **headers: str) -> Reply:
    try:
        said = read_json(text)
    except Unreadable:
        said = None
    return Reply(status, headers, said, text)


ROWS = [
    # What Alpaca itself refuses, with its code.
    (422, '{"code": 42210000, "message": "qty must be > 0"}', Proof.REJECTED),
    (403, '{"code": 40310000, "message": "insufficient buying power"}', Proof.REJECTED),
    (403, '{"code": 40310000, "message": "potential wash trade detected"}', Proof.REJECTED),
    (403, '{"code": 40310100, "message": "trade denied"}', Proof.REJECTED),
    (404, '{"code": 40410000, "message": "asset not found for X"}', Proof.REJECTED),
    (400, '{"code": 40010000, "message": "both given"}', Proof.REJECTED),
    (418, '{"code": 1, "message": "a new refusal"}', Proof.REJECTED),
    (401, '{"code": 40110000, "message": "request is not authorized"}', Proof.REJECTED),
    # Without a code, where the status alone proves that nothing was done.
    (401, '{"message": "unauthorized."}', Proof.REJECTED),
    (403, '{"message": "forbidden."}', Proof.REJECTED),
    (404, '{"message": "not found"}', Proof.REJECTED),
    (422, '{"message": "unprocessable"}', Proof.REJECTED),
    # The same client order id again.
    (422, '{"code": 40010001, "message": "client_order_id must be unique"}', Proof.DUPLICATE),
    (422, '{"code": 40010001, "message": "Client Order ID already exists"}', Proof.DUPLICATE),
    (
        422,
        '{"code": 40010001, "message": "qty or notional is required"}',
        Proof.DUPLICATE_OR_REJECTED,
    ),
    (422, '{"code": 40010001}', Proof.DUPLICATE_OR_REJECTED),
    (422, '{"code": 40010001, "message": ""}', Proof.DUPLICATE_OR_REJECTED),
    # Declared as not taken.
    (429, '{"code": 42910000, "message": "rate limit exceeded"}', Proof.NOT_SENT),
    (429, '{"message": "too many requests."}', Proof.NOT_SENT),
    # Nothing of all that: in doubt.
    (429, HTML, Proof.IN_DOUBT),
    (429, "", Proof.IN_DOUBT),
    (408, '{"code": 40810000, "message": "timeout"}', Proof.IN_DOUBT),
    (400, '{"message": "bad request"}', Proof.IN_DOUBT),
    (409, '{"message": "conflict"}', Proof.IN_DOUBT),
    (403, HTML, Proof.IN_DOUBT),
    (404, HTML, Proof.IN_DOUBT),
    (422, "", Proof.IN_DOUBT),
    (422, "[]", Proof.IN_DOUBT),
    (422, '"refused"', Proof.IN_DOUBT),
    (422, '{"error": "refused"}', Proof.IN_DOUBT),
    (422, '{"code": true, "message": 7}', Proof.IN_DOUBT),
    (500, '{"code": 50010000, "message": "internal server error"}', Proof.IN_DOUBT),
    (502, HTML, Proof.IN_DOUBT),
    (503, "", Proof.IN_DOUBT),
    (504, '{"code": 50410000, "message": "timeout"}', Proof.IN_DOUBT),
    (504, '{"message": "Endpoint request timed out"}', Proof.IN_DOUBT),
    (301, "", Proof.IN_DOUBT),
    (302, '{"code": 1, "message": "go elsewhere"}', Proof.IN_DOUBT),
    (307, HTML, Proof.IN_DOUBT),
    (200, HTML, Proof.IN_DOUBT),
    (200, "", Proof.IN_DOUBT),
    (200, "null", Proof.IN_DOUBT),
    (204, HTML, Proof.IN_DOUBT),
    (100, "", Proof.IN_DOUBT),
    (600, '{"code": 1, "message": "x"}', Proof.IN_DOUBT),
    # Taken.
    (200, '{"id": "x"}', Proof.TAKEN),
    (204, "", Proof.TAKEN),
    (207, "[]", Proof.TAKEN),
]


@pytest.mark.parametrize(("status", "text", "proof"), ROWS)
def test_each_answer_proves_what_the_table_says(status: int, text: str, proof: Proof) -> None:
    """Read as rejected, a taken order is bought twice; read as taken, it is never bought."""
    assert proof_of(reply(status, text)) is proof


@pytest.mark.parametrize("status", [*range(100, 200), *range(300, 400), *range(500, 600)])
def test_no_other_class_of_status_ever_proves_anything(status: int) -> None:
    """A 5xx with the friendliest error body may come from a proxy behind which it was taken."""
    body = '{"code": 42210000, "message": "client_order_id must be unique"}'

    assert proof_of(reply(status, body)) is Proof.IN_DOUBT


def test_a_failure_is_not_sent_only_when_that_was_measured() -> None:
    """A timeout after the first byte that is read as unsent is sent a second time."""
    assert proof_of(Failure(sent=False, reason="refused")) is Proof.NOT_SENT
    assert proof_of(Failure(sent=True, reason="reset")) is Proof.IN_DOUBT


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(422, '{"code": 42210000, "message": "no"}'), OrderRejected),
        (
            reply(422, '{"code": 40010001, "message": "client_order_id must be unique"}'),
            DuplicateClientOrderId,
        ),
        (reply(429, '{"code": 42910000, "message": "rate limit exceeded"}'), NotSent),
        (reply(502, HTML), OrderInDoubt),
        (Failure(sent=True, reason="reset"), OrderInDoubt),
        (Failure(sent=False, reason="refused"), NotSent),
    ],
)
def test_each_proof_has_its_error(answer: Reply | Failure, kind: type) -> None:
    """The desk acts on the class of the error alone."""
    fault = refusal("fw-1", "submit", answer, proof_of(answer))

    assert type(fault) is kind
    assert "fw-1" in str(fault)


def test_evidence_names_the_answer() -> None:
    """Without the request's id, nobody can ask Alpaca's support about a rejection."""
    answer = reply(403, '{"code": 40310000, "message": "no"}', **{"x-request-id": "abc"})

    assert evidence_of("submit", answer) == "submit 403/40310000 request abc"


def test_only_alpacas_own_word_denies() -> None:
    """A proxy's 404 that is read as "no such order" lets the order be sent again."""
    yes = '{"code": 40410000, "message": "order not found"}'

    assert is_denied(reply(404, yes))
    for no in (
        HTML,
        "",
        '{"message": "no Route matched with those values"}',
        '{"code": 404}',
        "[]",
    ):
        assert not is_denied(reply(404, no))
    assert not is_denied(reply(403, yes))
    assert not is_denied(Failure(sent=True, reason="reset"))


def test_an_unavailable_answer_says_what_to_do() -> None:
    """Wrong keys must not look like an outage."""
    text = str(unavailable("for the account", reply(401, '{"message": "unauthorized."}')))
    redirect = str(unavailable("for the account", reply(302)))

    assert "HTTP 401 unauthorized. (check key_id and secret_key" in text
    assert "redirects are not followed" in redirect


def test_success_needs_a_body() -> None:
    """An empty 200 is what a captive portal sends, too."""
    assert is_success(reply(200, "[]"))
    assert not is_success(reply(200, ""))
    assert not is_success(reply(302, "{}"))
