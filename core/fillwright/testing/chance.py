"""Ids and chance that a seed repeats."""

from random import Random


class SeededRng:
    """Implement `Rng` from a seed; the same seed gives the same numbers."""

    def __init__(self, seed: int | str) -> None:
        # A test wants repeatable numbers, not secret ones.
        self._random = Random(seed)  # noqa: S311

    def random(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()


class SeededIds:
    """Implement `Ids` by counting; the seed keeps two sequences apart."""

    def __init__(self, seed: int | str = 0) -> None:
        self._seed = seed
        self._count = 0

    def new(self, kind: str) -> str:
        """`kind`, the seed and the next number."""
        self._count += 1
        return f"{kind}-{self._seed}-{self._count:06d}"
