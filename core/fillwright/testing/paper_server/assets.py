"""Assets: the venue's instruments as the API lists them."""

from decimal import ROUND_CEILING, Decimal

from fillwright.accounts import Instrument
from fillwright.protocols import Json
from fillwright.testing.paper_server.calls import Call
from fillwright.testing.paper_server.refusals import not_found
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.symbols import asset_id, class_word, exchange_of, find
from fillwright.testing.paper_server.writing import answer, decimal_text
from fillwright.testing.venue import Venue
from fillwright.types import AssetClass

#: The margin requirement of a position, in percent of its value.
_PERCENT = {AssetClass.US_EQUITY: 30, AssetClass.CRYPTO: 100}


def list_assets(call: Call) -> Answer:
    """`GET /v2/assets`."""
    query = call.query
    status = query.text("status")
    # Crypto is not in the list unless it is asked for.
    wanted = query.text("asset_class") or "us_equity"
    exchange = query.text("exchange")
    attributes = set(query.words("attributes"))
    shown = [
        asset
        for asset in (show_asset(call, one) for one in call.venue.instruments())
        if status in (None, asset["status"])
        and wanted == asset["class"]
        and exchange in (None, asset["exchange"])
        and (not attributes or attributes.intersection(_attributes(asset)))
    ]
    shown.sort(key=lambda asset: (str(asset["exchange"]), str(asset["symbol"])))
    return answer(200, list(shown))


def get_asset(call: Call) -> Answer:
    """`GET /v2/assets/{symbol or id}`."""
    instrument = find(call.venue, call.name)
    if instrument is None:
        raise not_found(f"asset not found for {call.name}")
    return answer(200, show_asset(call, instrument))


def show_asset(call: Call, instrument: Instrument) -> dict[str, Json]:
    """The JSON of one asset."""
    crypto = instrument.asset_class is AssetClass.CRYPTO
    shortable = instrument.shortable and instrument.tradable and not crypto
    shown: dict[str, Json] = {
        "id": asset_id(instrument.symbol),
        "class": class_word(instrument),
        "exchange": exchange_of(instrument),
        "symbol": instrument.symbol,
        "name": _name(instrument),
        "status": "active" if instrument.tradable else "inactive",
        "tradable": instrument.tradable,
        "marginable": instrument.tradable and not crypto,
        "maintenance_margin_requirement": _PERCENT[instrument.asset_class],
        "margin_requirement_long": str(_PERCENT[instrument.asset_class]),
        "margin_requirement_short": str(_PERCENT[instrument.asset_class]),
        "shortable": shortable,
        "fractionable": instrument.fractionable,
        "attributes": ["fractional_eh_enabled"] if instrument.fractionable and not crypto else [],
    }
    if not call.account.settings.omit_easy_to_borrow:
        shown["easy_to_borrow"] = shortable
    if crypto:
        return shown | _increments(call.venue, instrument)
    return shown | {"borrow_status": "easy_to_borrow" if shortable else "hard_to_borrow"}


def _increments(venue: Venue, instrument: Instrument) -> dict[str, Json]:
    price = venue.listing(instrument.symbol).price
    steps = (instrument.min_notional / price / instrument.fraction).to_integral_value(ROUND_CEILING)
    return {
        "min_order_size": decimal_text(max(steps, Decimal(1)) * instrument.fraction),
        "min_trade_increment": decimal_text(instrument.fraction),
        "price_increment": decimal_text(instrument.tick),
    }


def _name(instrument: Instrument) -> str:
    if instrument.asset_class is AssetClass.CRYPTO:
        coin, _, currency = instrument.symbol.partition("/")
        return f"{coin} / {currency}"
    return f"{instrument.symbol} Common Stock"


def _attributes(asset: dict[str, Json]) -> list[str]:
    found = asset["attributes"]
    return [str(one) for one in found] if isinstance(found, list) else []
