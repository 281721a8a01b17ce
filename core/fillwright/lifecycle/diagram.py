"""Draw the lifecycle table for the docs: a Mermaid state diagram and a plain table."""

from fillwright.lifecycle.table import NEXT
from fillwright.states import ENDED
from fillwright.types import OrdStatus


def diagram() -> str:
    """The whole table as Mermaid text; a final status points to the end."""
    lines = ["stateDiagram-v2", "    [*] --> STAGED", "    [*] --> PENDING_NEW: adopted"]
    for status in OrdStatus:
        lines += [f"    {status} --> {after}" for after in sorted(NEXT[status])]
        if status in ENDED:
            lines.append(f"    {status} --> [*]")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The reference page of the lifecycle, as it stands under docs/reference."""
    rows = [
        f"| {status} | {', '.join(sorted(NEXT[status])) or 'nothing: it is final'} |"
        for status in OrdStatus
    ]
    return "\n".join(
        [
            "# The order's life",
            "",
            "This page is generated from the table in `fillwright.lifecycle` by",
            "`fillwright schema lifecycle`; a test compares them. What each status means stands in",
            "`fillwright.types.OrdStatus`.",
            "",
            "A fill is booked in every status, also in a final one; it then changes no status, and",
            "a `LATE_FILL` is reported.",
            "",
            "| status | may be followed by |",
            "| --- | --- |",
            *rows,
            "",
            "```mermaid",
            diagram().rstrip(),
            "```",
            "",
        ]
    )
