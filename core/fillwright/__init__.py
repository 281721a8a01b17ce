"""Carry a trading decision to a broker, through risk checks, exactly once."""
