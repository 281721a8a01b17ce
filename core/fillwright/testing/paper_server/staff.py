"""What the control endpoint lets the venue's own staff do, to one account or to all of them."""

from collections.abc import Callable, Mapping
from typing import Any

from fillwright.accounts import Quote as MarketQuote
from fillwright.errors import BadInput
from fillwright.testing.paper_server.control_bodies import Halt, Quote, Reason, Session, Trade
from fillwright.testing.paper_server.exchange import Exchange, PaperAccount
from fillwright.testing.venue import Control as VenueControl
from fillwright.testing.venue import Touch
from fillwright.types import BrokerOrderId, ExecutionId, text_of

Document = dict[str, Any]


class NoSuchThing(BadInput):
    """The path names something that is not there."""


class Staff:
    """Move markets and orders; an account is named by its key id."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def chosen(self, key: str | None) -> list[PaperAccount]:
        """The account with this key id, or all of them. Raises NoSuchThing."""
        accounts = self._exchange.accounts
        if key is None:
            return list(accounts.values())
        if key not in accounts:
            raise NoSuchThing("account", f"there is none with the key id {key[:40]}")
        return [accounts[key]]

    def set_quote(self, quote: Quote) -> Document:
        """Show this touch until it is cleared."""
        touch = Touch(quote.bid, quote.ask, quote.bid_size, quote.ask_size)
        accounts = self.chosen(quote.account)
        for account in accounts:
            account.venue.set_quote(quote.symbol, touch, at=quote.at)
        return _quote_document(accounts[0].venue.quote(quote.symbol))

    def clear_quote(self, symbol: str, key: str | None) -> Document:
        """Go back to the venue's own prices."""
        accounts = self.chosen(key)
        for account in accounts:
            account.venue.set_quote(symbol, None)
        return _quote_document(accounts[0].venue.quote(symbol))

    def quote(self, symbol: str, key: str | None) -> Document:
        """What the venue shows."""
        return _quote_document(self.chosen(key)[0].venue.quote(symbol))

    def session(self, body: Session) -> Document:
        """Open or close the market."""
        for account in self.chosen(body.account):
            control = account.venue.control
            if body.open:
                control.open_session()
            else:
                control.close_session()
        return {"open": body.open}

    def halt(self, body: Halt) -> Document:
        """Halt trading in a symbol, or let it trade again."""
        for account in self.chosen(body.account):
            account.venue.instrument(body.symbol)
            change = account.venue.control.halt if body.halted else account.venue.control.unhalt
            change(body.symbol)
        return {"symbol": body.symbol, "halted": body.halted}

    def fill(self, order_id: str, body: Trade) -> Document:
        """Fill an order by hand."""
        account = self._having(order_id, body.account)
        found = BrokerOrderId(order_id)
        account.venue.control.fill(found, body.quantity, body.price)
        return self._order(account, order_id)

    def change(self, order_id: str, word: str, body: Reason) -> Document:
        """Do to an order what the word says: cancel, reject, expire, suspend and so on."""
        account = self._having(order_id, body.account)
        control, found = account.venue.control, BrokerOrderId(order_id)
        if word in _WITH_REASON:
            said = (body.text,) if body.text else ()
            _WITH_REASON[word](control, found, *said)
        else:
            _PLAIN[word](control, found)
        return self._order(account, order_id)

    def bust(self, execution_id: str, key: str | None) -> Document:
        """Undo an execution."""
        account, found = self._executed(execution_id, key)
        made = account.venue.control.bust(found)
        return {"busted": execution_id, "quantity": text_of(made.quantity)}

    def correct(self, execution_id: str, body: Trade) -> Document:
        """Replace an execution by another quantity and price."""
        account, found = self._executed(execution_id, body.account)
        account.venue.control.correct(found, body.quantity, body.price)
        return {"corrected": execution_id, "quantity": text_of(body.quantity)}

    def _having(self, order_id: str, key: str | None) -> PaperAccount:
        """The account that has this order."""
        wanted = BrokerOrderId(order_id)
        found = [one for one in self.chosen(key) if one.venue.order(wanted) is not None]
        return _first(found, "order", order_id)

    def _executed(self, execution_id: str, key: str | None) -> tuple[PaperAccount, ExecutionId]:
        """The account that has this execution."""
        wanted = ExecutionId(execution_id)
        found = [
            account
            for account in self.chosen(key)
            if any(f.execution.execution_id == wanted for f in account.venue.executions().items)
        ]
        return _first(found, "execution", execution_id), wanted

    def _order(self, account: PaperAccount, order_id: str) -> Document:
        order = account.venue.order(BrokerOrderId(order_id))
        if order is None:
            raise NoSuchThing("order", f"there is none with the id {order_id[:40]}")
        return {
            "id": order_id,
            "client_order_id": order.client_order_id,
            "status": order.status.lower(),
            "filled_qty": text_of(order.filled),
        }


def _first(found: list[PaperAccount], what: str, name: str) -> PaperAccount:
    """The account that has it: an id is in one account only, since the account is part of it."""
    if not found:
        raise NoSuchThing(what, f"there is none with the id {name[:40]}")
    return found[0]


def _quote_document(quote: MarketQuote) -> Document:
    return {
        "symbol": quote.symbol,
        "bid": None if quote.bid is None else text_of(quote.bid),
        "ask": None if quote.ask is None else text_of(quote.ask),
        "bid_size": text_of(quote.bid_size),
        "ask_size": text_of(quote.ask_size),
        "at": quote.at.isoformat(),
    }


_WITH_REASON: Mapping[str, Callable[..., None]] = {
    "cancel": VenueControl.cancel,
    "reject": VenueControl.reject,
    "expire": VenueControl.expire,
}
_PLAIN: Mapping[str, Callable[[VenueControl, BrokerOrderId], None]] = {
    "done_for_day": VenueControl.done_for_day,
    "suspend": VenueControl.suspend,
    "stop": VenueControl.stop,
    "resume": VenueControl.resume,
}
#: What can be done to an order besides filling it.
WORDS = (*_WITH_REASON, *_PLAIN)
