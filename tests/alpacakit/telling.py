"""What trade updates tell, in a form that a test compares."""

from alpacakit.updates import START, frame
from fillwright.reports import ExecutionReport, Gap
from fillwright_alpaca.frames import messages
from fillwright_alpaca.updates import Updates


def told(updates: Updates, *sent: dict) -> list:
    """What the updates tell, one after the other, through text as on the wire."""
    return [
        item
        for one in sent
        for message in messages(frame(one))
        for item in updates.take(message["data"], START)
    ]


def reports(updates: Updates, *sent: dict) -> list[ExecutionReport]:
    found = told(updates, *sent)
    assert [item for item in found if isinstance(item, Gap)] == []
    return found


def kinds(items: list) -> list[str]:
    return ["GAP" if isinstance(item, Gap) else str(item.exec_type) for item in items]
