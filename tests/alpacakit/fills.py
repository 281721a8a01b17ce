"""The account's activities as Alpaca lists them, from memory."""

from datetime import datetime, timedelta

from alpacakit.rest import ORDER_ID, Asked, activity, fault, order

ACTIVITIES = "/v2/account/activities/FILL"
START = datetime.fromisoformat("2026-11-23T15:00:00Z")


class Tape:
    """Activities as Alpaca tells them: by time, `after` excluded, 100 at a time by the last id."""

    def __init__(self, *activities: dict, orders: dict[str, object] | None = None) -> None:
        self.activities = list(activities)
        #: An order that has a fill is there, as a rule.
        self.orders = {ORDER_ID: order()} if orders is None else orders
        self.asked: list[Asked] = []

    def add(self, number: int, seconds: float, **fields) -> None:
        at = (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
        self.activities.append(activity(number, transaction_time=at, **fields))

    def __call__(self, asked: Asked) -> tuple:
        self.asked.append(asked)
        if asked.path == ACTIVITIES:
            return 200, self._page(asked.query)
        if asked.path == "/v2/orders":
            return 200, list(self.orders.values())
        name = asked.path.removeprefix("/v2/orders/")
        found = self.orders.get(name, (404, fault(40410000, "order not found")))
        return found if isinstance(found, tuple) else (200, found)

    def _page(self, query: dict[str, str]) -> list[dict]:
        newest_first = query["direction"] == "desc"
        told = sorted(
            self.activities,
            key=lambda one: (one["transaction_time"], one["id"]),
            reverse=newest_first,
        )
        if "after" in query:
            after = datetime.fromisoformat(query["after"])
            told = [o for o in told if datetime.fromisoformat(o["transaction_time"]) > after]
        if "page_token" in query:
            ids = [one["id"] for one in told]
            told = told[ids.index(query["page_token"]) + 1 :]
        return told[: int(query["page_size"])]


def names(page) -> list[str]:
    return [fill.execution.execution_id for fill in page.items]
