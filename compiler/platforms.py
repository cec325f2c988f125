"""Platforms as definitions name them: seen from this machine, and normalized."""

from __future__ import annotations

import os
import sys
from functools import cache, lru_cache

from bakec.ir.platforms import Platform, normalize, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

_MACHINES: Final = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "arm64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "loongarch64": ("loong64", ""),
}
"""What kernels call machines -> architecture and variant."""


@cache
def host_platform() -> Platform:
    """The platform of this machine, not normalized: 64-bit ARM has its variant."""
    name = os.uname().machine.lower()
    architecture, variant = _MACHINES.get(name, (name, ""))
    return Platform(os=sys.platform, architecture=architecture, variant=variant)


@lru_cache
def parse_platform(text: str) -> Platform:
    """One specifier, `local` for this machine. Raises `PlatformError`."""
    host = host_platform()
    return normalize(host if text.lower() == "local" else parse(text, host))


def parse_platforms(texts: Iterable[str]) -> list[Platform]:
    """Every specifier of every text; a text may list several with commas."""
    return [parse_platform(part) for text in texts for part in text.split(",")]
