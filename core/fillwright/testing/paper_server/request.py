"""One HTTP request and its answer, as plain values: no socket and no framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    method: str
    #: Still percent-encoded, without the query.
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    #: Lower-case names. They hold the secret, so they are in no repr.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
