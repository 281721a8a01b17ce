"""Blocks of pages that are made from declared data: `PYTHONPATH=tests python -m docs.generated`.

A block stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.pages import DOCS
from fillwright.protocols import Capabilities, Routes, Table
from fillwright.types import OrdType, TimeInForce
from fillwright_alpaca.capabilities import capabilities
from fillwright_alpaca.settings import AlpacaSettings

_WORDS = {True: "yes", False: "no"}


def orders_table(declared: Capabilities) -> str:
    """What may be sent: one row for each asset class and kind of order."""
    head = ("asset class", "order", *OrdType)
    rows = [
        (f"`{kind}`", what, *(_times(table.get(one, frozenset())) for one in OrdType))
        for kind, routes in declared.routes.items()
        for what, table in _kinds(routes)
    ]
    return _markdown(head, rows)


def _kinds(routes: Routes) -> Iterator[tuple[str, Table]]:
    for order_class, table in routes.whole.items():
        yield f"{order_class}, whole lots", table
    for what, table in (
        ("SIMPLE, a fraction", routes.fractional),
        ("SIMPLE, by notional", routes.notional),
        ("SIMPLE, extended hours", routes.extended_hours),
    ):
        yield what, table


def _times(taken: frozenset[TimeInForce]) -> str:
    return " ".join(one for one in TimeInForce if one in taken) or "-"


def facts_table(declared: Capabilities) -> str:
    """Everything else that is declared."""
    rows = []
    for kind, routes in declared.routes.items():
        rows.append((f"replace, `{kind}`", _WORDS[routes.replace]))
        rows.append((f"replace of a fraction, `{kind}`", _WORDS[routes.replace_fractional]))
    rows += [
        ("replace by notional", "no"),
        ("who refuses a second order with the same client order id", f"`{declared.dedup}`"),
        ("how an order is found", f"`{declared.lookup}`"),
        ("longest time that a lost request may be on its way", f"{declared.t_inflight:g} s"),
        ("requests in a minute", str(declared.requests_per_minute)),
    ]
    return _markdown(("what", "declared"), rows)


def _markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _alpaca() -> Capabilities:
    fields = AlpacaSettings.model_fields
    return capabilities(
        fields["total_timeout_seconds"].default, fields["proxy_timeout_seconds"].default
    )


#: Each block by its page and name.
BLOCKS: Mapping[tuple[Path, str], Callable[[], str]] = {
    (DOCS / "reference" / "alpaca.md", "orders"): lambda: orders_table(_alpaca()),
    (DOCS / "reference" / "alpaca.md", "facts"): lambda: facts_table(_alpaca()),
}


def pattern_of(name: str) -> re.Pattern[str]:
    """Where a block stands in its page."""
    return re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)


def block_in(page: Path, name: str) -> str:
    """What stands between the marks in the page."""
    found = pattern_of(name).search(page.read_text(encoding="utf-8"))
    assert found, f"{page} has no generated block {name}"
    return found[0].removeprefix(found[1]).removesuffix(found[2]).strip("\n")


def _put(page: Path, name: str, made: str) -> None:
    text = page.read_text(encoding="utf-8")
    new = pattern_of(name).sub(lambda found: f"{found[1]}\n{made}\n\n{found[2]}", text)
    page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    for (its_page, its_name), make in BLOCKS.items():
        _put(its_page, its_name, make())
