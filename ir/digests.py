"""SHA-256, as OCI names content by it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256 as _small
else:
    # Python's own, without OpenSSL, which takes as long to load as a small plan to read.
    try:
        from _sha2 import sha256 as _small
    except ImportError:
        try:
            from _sha256 import sha256 as _small
        except ImportError:
            from hashlib import sha256 as _small

_LARGE = 1 << 19
"""Bytes from which on OpenSSL is worth its start."""


def sha256(*pieces: bytes | memoryview) -> str:
    """64 hex digits, of the pieces in a row."""
    if sum(map(len, pieces)) < _LARGE:
        found = _small()
    else:
        import hashlib

        found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def digest_of(*pieces: bytes | memoryview) -> str:
    """`sha256:` and 64 hex digits."""
    return "sha256:" + sha256(*pieces)
