"""The shapes that a fault takes over HTTP and on the stream. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fillwright.testing.fake_broker import Kind
from fillwright.testing.paper_server import Answer
from fillwright.testing.paper_server import Fault as Shape
from fillwright.testing.paper_server import Kind as ShapeKind
from fillwright.testing.paper_server import On as Place
from fillwright.testing.paper_server.fault_answers import fault_answer
from fillwright.testing.paper_server.spoil import GARBAGE, spoiled_bytes
from fillwright_alpaca.simulated.landing import How

__all__ = ["FRAMES", "LOST", "OWN", "SPOILED", "TAKEN", "Place", "Shape", "answer_of", "spoiled"]


def _shape(kind: ShapeKind, *, on: Place = Place.REQUEST, **more: object) -> Shape:
    return Shape.model_validate({"on": on, "fault": kind, **more})


_BAD_GATEWAY = _shape(ShapeKind.BAD_GATEWAY)
_GATEWAY_TIMEOUT = _shape(ShapeKind.ACCEPT_THEN_504)
_UNAVAILABLE = _shape(ShapeKind.UNAVAILABLE)
_SERVER_ERROR = _shape(ShapeKind.SERVER_ERROR)
_UNAUTHORIZED = _shape(ShapeKind.UNAUTHORIZED)
_REDIRECT = _shape(ShapeKind.REDIRECT)
_GARBAGE = _shape(ShapeKind.GARBAGE)

#: A request that was lost on its way, or is held back there, as its client sees it.
LOST: Final = (
    *(How.SILENT, How.SILENT, How.RESET, How.RESET),
    *(_BAD_GATEWAY, _GATEWAY_TIMEOUT, _UNAVAILABLE, _REDIRECT),
)
#: What is told of a request that was taken.
TAKEN: Final[Mapping[Kind, tuple[How | Shape, ...]]] = {
    Kind.ACCEPT_THEN_TIMEOUT: (How.SILENT, How.SILENT, _GATEWAY_TIMEOUT, _SERVER_ERROR),
    Kind.ACCEPT_THEN_RESET: (How.RESET, How.CUT_OFF, _BAD_GATEWAY, _UNAVAILABLE, _GARBAGE),
}
#: What is answered without anything being taken, and proves it or not.
OWN: Final[Mapping[Kind, tuple[Shape, ...]]] = {
    Kind.REJECT: (
        _shape(ShapeKind.REJECT),
        _shape(ShapeKind.REJECT, status=403, code=40310000),
        _shape(ShapeKind.REJECT, status=422, code=40010001),
    ),
    Kind.RATE_LIMITED: (
        _shape(ShapeKind.RATE_LIMITED, seconds=1.0),
        _shape(ShapeKind.RATE_LIMITED, seconds=10.0),
        _shape(ShapeKind.RATE_LIMITED, headers=False),
    ),
    Kind.UNAVAILABLE: (
        *(_BAD_GATEWAY, _UNAVAILABLE, _SERVER_ERROR, _UNAUTHORIZED, _REDIRECT, _GARBAGE),
        _shape(ShapeKind.REJECT, status=404, code=None, text="404 page not found"),
    ),
}
#: What becomes of the words of an answer that is there.
SPOILED: Final = (
    *(_GARBAGE, _shape(ShapeKind.TRUNCATED), _shape(ShapeKind.UNKNOWN_STATUS)),
    *(_shape(ShapeKind.FIELD_MISSING, field=name) for name in ("id", "status", "symbol")),
    *(_shape(ShapeKind.FIELD_NULL, field=name) for name in ("client_order_id", "filled_qty")),
    *(_shape(ShapeKind.FIELD_RETYPED, field=name) for name in ("qty", "id")),
)
#: What becomes of a message of the stream that cannot be read; None: bytes that are no text.
FRAMES: Final = (
    *(None, _shape(ShapeKind.GARBAGE, on=Place.MESSAGE)),
    _shape(ShapeKind.TRUNCATED, on=Place.MESSAGE),
    _shape(ShapeKind.UNKNOWN_STATUS, on=Place.MESSAGE),
    _shape(ShapeKind.FIELD_MISSING, on=Place.MESSAGE, field="order.filled_qty"),
    _shape(ShapeKind.FIELD_MISSING, on=Place.MESSAGE, field="order.id"),
    _shape(ShapeKind.FIELD_NULL, on=Place.MESSAGE, field="order"),
)


def answer_of(shape: How | Shape, now: datetime) -> Answer:
    """The answer that stands in for the broker's own."""
    found = fault_answer(shape, now) if isinstance(shape, Shape) else None
    return found or Answer(200, GARBAGE, {"Content-Type": "text/plain"})


def spoiled(body: bytes, shape: Shape) -> bytes:
    """A body as it arrives."""
    return spoiled_bytes(body, shape)
