"""A check of our own: no order may be worth more than a fifth of the account."""

from fillwright import ALLOW, BookView, Order, Reject, Verdict, hookimpl


@hookimpl
def check_order(order: Order, book: BookView) -> Verdict:
    limit = book.account.equity / 5
    cost = book.worst_cost(order)
    if book.reduces(order) or (cost is not None and cost <= limit):
        return ALLOW
    return Reject("A_FIFTH", measured=cost, limit=limit)
