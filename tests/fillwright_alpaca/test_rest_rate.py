"""What the broker says of its own count goes to whoever counts."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from alpacakit.rest import (
    approved,
    fault,
    order,
    over,
)
from fillwright.errors import (
    BrokerUnavailable,
    NotSent,
    OrderInDoubt,
    OrderRejected,
)


def rated(status: int, said: object, **headers: str):
    return status, said, {name.replace("_", "-"): value for name, value in headers.items()}


async def heard(answer: tuple, ask) -> list:
    told: list = []
    adapter, _ = over(lambda asked: answer)
    adapter._exchange._rate.listen(lambda *said: told.append(said))
    with suppress(BrokerUnavailable, OrderRejected, NotSent, OrderInDoubt):
        await ask(adapter)
    return told


LIMITS = {
    "X_RateLimit_Limit": "200",
    "X_RateLimit_Remaining": "17",
    "X_RateLimit_Reset": str(int(datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC).timestamp())),
}
SAID = (200, 17, datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, order()),
        (200, b"<html>"),
        (403, fault(None, "forbidden.")),
        (422, fault(42210000, "no")),
        (429, fault(42910000, "rate limit exceeded")),
        (500, b""),
    ],
)
async def test_every_trading_response_tells_the_limiter(status: int, said: object) -> None:
    """Another program on the account uses up the rate, and the desk runs into the wall."""
    told = await heard(rated(status, said, **LIMITS), lambda a: a.executor.submit(approved()))

    assert told == [SAID]


async def test_market_data_is_counted_apart() -> None:
    """The data host's larger limit would be taken for the trading host's."""
    told = await heard(rated(200, {}, **LIMITS), lambda a: a.quotes.quote("AAPL"))

    assert told == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, []),
        ({"X_RateLimit_Limit": "many"}, []),
        ({"X_RateLimit_Remaining": "-1"}, []),
        ({"X_RateLimit_Remaining": "9" * 30}, []),
        ({"X_RateLimit_Remaining": "5"}, [(None, 5, None)]),
        ({"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": "0"}, [(None, 5, None)]),
        ({"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": "99999999999"}, [(None, 5, None)]),
        ({"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": "soon"}, [(None, 5, None)]),
    ],
)
async def test_headers_that_say_nothing_are_nothing(headers: dict, expected: list) -> None:
    """A limit of zero, or a reset next year, would stop the desk."""
    told = await heard(rated(200, [], **headers), lambda a: a.executor.open_orders())

    assert told[:1] == expected


async def test_a_429_without_headers_says_that_nothing_is_left() -> None:
    """The next request would be refused as well."""
    answer = rated(429, fault(42910000, "rate limit exceeded"))

    assert await heard(answer, lambda a: a.executor.submit(approved())) == [(None, 0, None)]
