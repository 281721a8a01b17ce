"""An explicit-state search over the real desk's own steps, and what must hold in every state."""

from fillwright.testing.simulation.search.walk import ALONE, BIGGER, SMALLER, Found, search

__all__ = ["ALONE", "BIGGER", "SMALLER", "Found", "search"]
