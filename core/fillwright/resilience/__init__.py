"""Keep within the broker's limits, and keep new risk away from a broker that does not answer."""

from fillwright.resilience.backoff import Backoff, RetryBudget
from fillwright.resilience.breaker import (
    BreakerHealth,
    BreakerSettings,
    BreakerState,
    CircuitBreaker,
    Transition,
)
from fillwright.resilience.lanes import Lane
from fillwright.resilience.limiter import Limiter

__all__ = [
    "Backoff",
    "BreakerHealth",
    "BreakerSettings",
    "BreakerState",
    "CircuitBreaker",
    "Lane",
    "Limiter",
    "RetryBudget",
    "Transition",
]
