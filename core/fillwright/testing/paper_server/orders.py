"""Orders: taking, changing and canceling them."""

from fillwright.accounts import Instrument
from fillwright.errors import DuplicateClientOrderId
from fillwright.orders import Order, OrderChange
from fillwright.protocols import Json
from fillwright.testing.paper_server import order_rules
from fillwright.testing.paper_server.calls import Call, Fields, read_uuid
from fillwright.testing.paper_server.configuration import check_allowed
from fillwright.testing.paper_server.families import legs_of, show_family
from fillwright.testing.paper_server.paper_account import PaperAccount
from fillwright.testing.paper_server.reading import (
    positive,
    read_client_order_id,
    read_order,
    read_time_in_force,
)
from fillwright.testing.paper_server.refusals import (
    ApiError,
    duplicate,
    from_venue,
    not_found,
    unprocessable,
)
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.showing import just_taken, show_order, status_word
from fillwright.testing.paper_server.writing import answer
from fillwright.testing.venue import Refused, VenueOrder
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, OrdType, Side

_PENDING = frozenset({OrdStatus.PENDING_CANCEL, OrdStatus.PENDING_REPLACE})


def post_order(call: Call) -> Answer:
    """`POST /v2/orders`."""
    fields = call.fields()
    client_order_id = read_client_order_id(fields)
    order, instrument = read_order(call, fields)
    _check_intent(call, fields, order)
    record = place(call, order, instrument, client_order_id)
    return answer(200, _show_taken(call, record))


def place(
    call: Call, order: Order, instrument: Instrument, client_order_id: ClientOrderId | None = None
) -> VenueOrder:
    """Bring an order to the venue; raises ApiError."""
    check_allowed(call, order, instrument)
    order_rules.check(order, instrument)
    if not call.venue.books.manual_session:
        order_rules.check_window(order.time_in_force, call.account.settings.hours, call.now)
    if order.stop_loss is not None:
        order_rules.check_base_price(order, call.venue.quote(order.symbol))
    try:
        return call.venue.submit(order, client_order_id or call.account.new_client_order_id())
    except DuplicateClientOrderId:
        raise duplicate() from None
    except Refused as refused:
        raise from_venue(refused, call.venue, order.symbol) from None


def patch_order(call: Call) -> Answer:
    """`PATCH /v2/orders/{id}`: the answer is a new order, which takes the old one's place."""
    fields = call.fields()
    client_order_id = read_client_order_id(fields)
    old = existing(call)
    _check_replaceable(old)
    if client_order_id in call.venue.books.by_client:
        raise duplicate()
    change = _read_change(call, old, fields)
    try:
        new = call.venue.replace(
            old.broker_order_id, change, client_order_id or call.account.new_client_order_id()
        )
    except DuplicateClientOrderId:
        raise duplicate() from None
    except Refused as refused:
        raise from_venue(refused, call.venue, old.symbol) from None
    return answer(200, _show_taken(call, new, old))


def delete_order(call: Call) -> Answer:
    """`DELETE /v2/orders/{id}`: 204 says that the request was taken, no more."""
    order = existing(call)
    cancel(call.account, order)
    return Answer(204)


def delete_orders(call: Call) -> Answer:
    """`DELETE /v2/orders`: every open order, each with its own status."""
    return answer(207, cancel_all(call.account))


def cancel_all(account: PaperAccount) -> list[Json]:
    """Cancel every open order; what became of each."""
    told: list[Json] = []
    for order in account.venue.open_orders():
        result: dict[str, Json] = {"id": order.broker_order_id, "status": 200}
        # The cancel of another order of its group may have canceled it just now.
        if order.status is not OrdStatus.CANCELED:
            try:
                cancel(account, order)
            except ApiError as refused:
                result |= {"status": refused.status, "body": refused.body}
        told.append(result)
    return told


def cancel(account: PaperAccount, order: VenueOrder) -> None:
    """Cancel an order, and with it what is left of its group; raises ApiError."""
    _check_cancelable(order)
    books = account.venue.books
    entry = books.orders[order.entry] if order.entry is not None else order
    # Legs first: the end of an entry would wake those that are held.
    group = [leg for leg in legs_of(books, entry) if leg.status is OrdStatus.PENDING_NEW]
    if order is not entry and group:
        group.append(entry)
    for one in (*group, order):
        if one.ended or one.status in _PENDING:
            continue
        try:
            account.venue.cancel(one.broker_order_id)
        except Refused as refused:
            raise from_venue(refused, account.venue, one.symbol) from None


def existing(call: Call) -> VenueOrder:
    """The order that the path names; raises ApiError."""
    name = read_uuid(call.name, "order_id")
    order = call.venue.books.orders.get(BrokerOrderId(name))
    if order is None:
        raise not_found(f"order not found for {name}")
    return order


def _show_taken(call: Call, order: VenueOrder, old: VenueOrder | None = None) -> dict[str, Json]:
    if old is not None:
        return show_order(call.venue, order, stand=just_taken(order, old))
    return show_family(call.venue, order, legs_of(call.venue.books, order), how=just_taken)


def _check_intent(call: Call, fields: Fields, order: Order) -> None:
    given = fields.choice(
        "position_intent",
        ("", "buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"),
    )
    held = call.venue.books.quantity(order.symbol)
    closes = held * order.side.sign < 0
    side = "buy" if order.side is Side.BUY else "sell"
    inferred = f"{side}_to_{'close' if closes else 'open'}"
    if given and given != inferred:
        text = f"position intent mismatch, inferred: {inferred}, specified: {given}"
        raise unprocessable(text)


def _check_cancelable(order: VenueOrder) -> None:
    word = status_word(order, order.status)
    if order.ended:
        if order.entry is not None:
            raise unprocessable(f"leg order is already in {word} state")
        raise unprocessable("order is not cancelable")
    if order.status is OrdStatus.PENDING_CANCEL:
        raise unprocessable("order pending cancel")
    if order.status is OrdStatus.PENDING_REPLACE or order.waits_to_replace:
        raise unprocessable("order is not cancelable")


def _check_replaceable(order: VenueOrder) -> None:
    word = status_word(order, order.status)
    if order.status is OrdStatus.REPLACED:
        raise unprocessable("order already replaced")
    if order.waits_to_replace:
        raise unprocessable("order chain not fully replaced")
    if order.ended or order.status in _PENDING or word in ("accepted", "held"):
        raise unprocessable(f"cannot replace order in {word} status")
    if order.notional is not None:
        raise unprocessable("notional orders cannot be replaced")


def _read_change(call: Call, old: VenueOrder, fields: Fields) -> OrderChange:
    if "notional" in fields:
        raise unprocessable("notional orders cannot be replaced")
    given: dict[str, object] = {
        "quantity": positive(fields, "qty"),
        "time_in_force": read_time_in_force(fields),
        "limit_price": positive(fields, "limit_price"),
        "stop_price": positive(fields, "stop_price"),
    }
    trail = positive(fields, "trail")
    if trail is not None:
        if old.type is not OrdType.TRAILING_STOP:
            raise unprocessable("trail is for trailing_stop orders")
        given["trail_price" if old.trail_price is not None else "trail_percent"] = trail
    change = {name: value for name, value in given.items() if value is not None}
    if not change:
        raise unprocessable("order parameters are not changed")
    read = OrderChange.model_validate(change)
    instrument = call.venue.instrument(old.symbol)
    if read.time_in_force is not None:
        order_rules.check_time_in_force(old.type, read.time_in_force, instrument)
    if read.quantity is not None:
        order_rules.check_new_quantity(old.quantity, read.quantity, instrument)
    return read
