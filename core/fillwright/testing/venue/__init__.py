"""A deterministic venue: quotes, matching, account and books of one fake broker account."""

from fillwright.testing.venue.control import Control
from fillwright.testing.venue.instruments import LISTINGS, Listing
from fillwright.testing.venue.prices import FilePath, QuotePath, SeededPath, Touch, read_quotes
from fillwright.testing.venue.records import VenueOrder
from fillwright.testing.venue.refusals import Refused, Why
from fillwright.testing.venue.rules import ROUTES
from fillwright.testing.venue.session import Phase, trading_day
from fillwright.testing.venue.settings import Hours, ListingSettings, Replay, VenueSettings
from fillwright.testing.venue.store import StateFailed
from fillwright.testing.venue.tape import Listener
from fillwright.testing.venue.venue import Venue

__all__ = [
    "LISTINGS",
    "ROUTES",
    "Control",
    "FilePath",
    "Hours",
    "Listener",
    "Listing",
    "ListingSettings",
    "Phase",
    "QuotePath",
    "Refused",
    "Replay",
    "SeededPath",
    "StateFailed",
    "Touch",
    "Venue",
    "VenueOrder",
    "VenueSettings",
    "Why",
    "read_quotes",
    "trading_day",
]
