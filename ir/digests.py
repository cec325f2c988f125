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


def sha256(data: bytes) -> str:
    """64 hex digits."""
    if len(data) < _LARGE:
        return _small(data).hexdigest()
    import hashlib

    return hashlib.sha256(data).hexdigest()


def digest_of(data: bytes) -> str:
    """`sha256:` and 64 hex digits."""
    return "sha256:" + sha256(data)
