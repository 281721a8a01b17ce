"""One HTTP exchange as plain values: what is asked, and what came of it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: How much of a broker's text goes into a sentence.
_SHOWN = 200
_HTML = re.compile(r"<(!doctype )?html", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*([^<]+?)\s*</title>", re.IGNORECASE)


class Api(StrEnum):
    """Which of Alpaca's services is asked, with the version in its paths."""

    TRADING = "trading/v2"
    STOCK_DATA = "data/v2"
    CRYPTO_DATA = "data/v1beta3"

    @property
    def version(self) -> str:
        """The first part of every path."""
        return self.rpartition("/")[2]

    @property
    def is_data(self) -> bool:
        """Whether it is market data, which has a host and a rate limit of its own."""
        return self is not Api.TRADING


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `fields` are the query of a GET or DELETE and the JSON of anything else."""

    method: str
    #: Behind the version, percent-encoded.
    path: str
    fields: Mapping[str, object] = field(default_factory=dict)
    api: Api = Api.TRADING

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response that was read to its end."""

    status: int
    #: Those that we look at, names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What the body says, numbers exact; None where it is empty or no JSON.
    json: object = None
    #: The body's beginning, for a sentence, without secrets.
    text: str = ""

    @property
    def message(self) -> str:
        """The text of Alpaca's error body; empty where the body is none."""
        said = self.json.get("message") if isinstance(self.json, dict) else None
        return said if isinstance(said, str) else ""

    @property
    def code(self) -> int | None:
        """The number of Alpaca's error body."""
        said = self.json.get("code") if isinstance(self.json, dict) else None
        return said if isinstance(said, int) and not isinstance(said, bool) else None

    def __str__(self) -> str:
        where = f"HTTP {self.status}" + (f"/{self.code}" if self.code is not None else "")
        text = " ".join((self.message or _page(self.text) or self.text).split())[:_SHOWN]
        return f"{where} {text}".rstrip()


def _page(text: str) -> str:
    """What a web page is called; empty for any other text."""
    if _HTML.search(text) is None:
        return ""
    title = _TITLE.search(text)
    return f"and a web page ({title[1]})" if title else "and a web page"


@dataclass(frozen=True, slots=True)
class Failure:
    """An exchange without a response; `sent` unless it is proven that no byte left."""

    sent: bool
    reason: str

    def __str__(self) -> str:
        return self.reason


Outcome = Reply | Failure
