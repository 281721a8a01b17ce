"""What stands in for the network under `requests`: real bytes, headers and faults, from memory.

Rules:
1. This file and `translate.py` alone speak `requests` and urllib3; this one is used in simulations
   and tests only.
2. An answer is read through urllib3, as one off the wire is: a body that is cut off fails there.
3. What a fault is called is what the real transport calls it.
"""

from email.utils import format_datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Broken
from requests.exceptions import ConnectTimeout, ReadTimeout
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from fillwright.testing.paper_server import Answer, Request
from fillwright_alpaca.simulated.landing import How, Landed
from fillwright_alpaca.simulated.turns import ask


class Transport(HTTPAdapter):
    """Carry every request to the simulated broker, and wait for what comes back."""

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """Send it. Raises what `requests` raises."""
        landed: Landed = ask(_plain(request))
        if landed.how is How.UNREACHED:
            raise ConnectTimeout("the connection was not made in time", request=request)
        if landed.how is How.SILENT:
            raise ReadTimeout("the server said nothing in time", request=request)
        if landed.answer is None:
            fault = ProtocolError("Connection aborted.", ConnectionResetError(104, "reset by peer"))
            raise Broken(fault, request=request)
        return self.build_response(request, _raw(landed.answer, landed))


def _plain(request: PreparedRequest) -> Request:
    parts = urlsplit(str(request.url))
    body: str | bytes = request.body or b""  # type: ignore[assignment]  # the SDK streams nothing
    return Request(
        str(request.method),
        parts.path,
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        {name.lower(): str(value) for name, value in request.headers.items()},
        body.encode() if isinstance(body, str) else body,
    )


def _raw(answer: Answer, landed: Landed) -> Any:  # noqa: ANN401  # urllib3's own
    """The response as urllib3 has it when its headers are there."""
    headers = {
        "Content-Length": str(len(answer.body)),
        "Date": format_datetime(landed.at, usegmt=True),
        **answer.headers,
    }
    came = answer.body[: len(answer.body) // 2] if landed.how is How.CUT_OFF else answer.body
    return HTTPResponse(
        body=BytesIO(came), headers=headers, status=answer.status, preload_content=False
    )
