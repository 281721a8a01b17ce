"""Public tools for tests: a deterministic broker, its venue, and time and chance that repeat."""

from fillwright.testing.chance import SeededIds, SeededRng
from fillwright.testing.clock import ManualClock
from fillwright.testing.fake_broker import FakeBroker, FakeBrokerSettings, Fault, FaultScript
from fillwright.testing.venue import Refused, Touch, Venue, VenueOrder, VenueSettings, Why

__all__ = [
    "FakeBroker",
    "FakeBrokerSettings",
    "Fault",
    "FaultScript",
    "ManualClock",
    "Refused",
    "SeededIds",
    "SeededRng",
    "Touch",
    "Venue",
    "VenueOrder",
    "VenueSettings",
    "Why",
]
