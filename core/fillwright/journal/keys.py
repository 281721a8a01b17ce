"""Which keys a journal may hold, in a fixed amount of memory, so that most new ones ask no disk."""

from collections.abc import Iterable
from mmap import mmap

#: Two bits a key: of a million keys' worth of new ones about one in twenty still asks.
_BITS = 1 << 23
_MASK = _BITS - 1


class Keys:
    """A Bloom filter over the keys: it may be wrong about a key that is new, never about one held.

    `hash` is salted anew in each process, which is why the filter is made and never stored.
    """

    __slots__ = ("_bits",)

    def __init__(self, keys: Iterable[str] = ()) -> None:
        # A page of it takes memory, and time, when the first key falls on it.
        self._bits = mmap(-1, _BITS >> 3)
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Remember a key."""
        value, bits = hash(key), self._bits
        for place in (value & _MASK, value >> 23 & _MASK):
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        """Whether the key may have been added."""
        value, bits = hash(key), self._bits
        place, other = value & _MASK, value >> 23 & _MASK
        return bool(bits[place >> 3] >> (place & 7) & bits[other >> 3] >> (other & 7) & 1)
