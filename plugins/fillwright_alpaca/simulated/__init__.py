"""Alpaca as the deterministic simulation sees it: for tests alone, imported by nothing else here.

python -m fillwright.testing.simulation run --backend fillwright_alpaca.simulated:AlpacaBackend
"""

from fillwright_alpaca.simulated.backend import AlpacaBackend

__all__ = ["AlpacaBackend"]
