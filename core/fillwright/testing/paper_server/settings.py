"""What the paper server can be told: the venue's own settings, and the habits of its API."""

from decimal import Decimal

from pydantic import Field

from fillwright.testing.venue import VenueSettings
from fillwright.types import Quantity


class PaperServerSettings(VenueSettings):
    """One table for the whole server.

    Each account is a venue of its own with these settings; `account_id` is replaced by the
    account's, and all venues share the seed, so that all accounts see the same prices.
    """

    #: A paper account is a margin account with multiplier 4.
    multiplier: Quantity = Decimal(4)
    #: Accounts that exist from the start.
    accounts: int = Field(default=1, ge=1, le=1000)
    #: Requests that one account may make in a minute to the Trading API.
    requests_per_minute: int = Field(default=200, ge=1)
    #: The same for market data, which is counted on its own.
    data_requests_per_minute: int = Field(default=200, ge=1)
    #: Send a `pending_new` event before `new`.
    pending_new_events: bool = False
    #: Whether the UUID in the id of a FILL activity is the execution_id of the stream. That it is
    #: so is not confirmed, so by default it is not, and no client can rely on it.
    activity_ids_match: bool = False
    #: Whether the qty of a short position is below zero (not confirmed; the side says it anyway).
    signed_short_qty: bool = True
    #: Show a coin pair in positions with its slash. The real API shows `BTCUSD` there, and
    #: `BTC/USD` in orders, assets and activities.
    slashed_positions: bool = False
    #: Show busts and corrections among the FILL activities, and what they undid.
    list_busts: bool = False
    #: Leave `easy_to_borrow` out of assets, as announced for 2026-09-22.
    omit_easy_to_borrow: bool = False
