"""Names that look like the real ones and follow from a seed: keys, account numbers, UUIDs."""

from base64 import b32encode
from hashlib import blake2b


def _digest(size: int, parts: tuple[object, ...]) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=size).digest()


def uuid_of(*parts: object) -> str:
    """A UUID that follows from the parts."""
    digits = _digest(16, parts).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def letters_of(length: int, *parts: object) -> str:
    """Capitals and digits that follow from the parts; at most 100."""
    return b32encode(_digest(64, parts)).decode()[:length]
