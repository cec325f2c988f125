"""Platform specifiers (`linux/arm64`, `arm`, `local`), parsed and normalized as containerd does."""

import os
import re
import sys
from typing import Final, NamedTuple

from bakec.ir.quoting import quote


class PlatformError(ValueError):
    """The text is no platform; the message is the reference's."""


class Platform(NamedTuple):
    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


_OS_TEXT: Final = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"
_PART_TEXT: Final = r"^[A-Za-z0-9_.-]+$"
_OS: Final = re.compile(_OS_TEXT.replace("$", r"\Z"))
_PART: Final = re.compile(_PART_TEXT.replace("$", r"\Z"))
_SYSTEMS: Final = frozenset(
    ("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd")
    + ("openbsd", "plan9", "solaris", "windows", "zos")
)
_ARCHITECTURES: Final = frozenset(
    ("386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle")
    + ("mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc")
    + ("sparc64", "wasm")
)
_ARM_VARIANTS: Final = {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"}
_ARM64_VARIANTS: Final = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}


def host_platform() -> Platform:
    """The platform of this machine, normalized."""
    names = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm", "armv6l": "armel"}
    name = os.uname().machine.lower()
    return Platform(sys.platform.replace("win32", "windows"), *_architecture(names.get(name, name), ""))


def parse_platform(text: str) -> Platform:
    """One specifier, normalized. Raises `PlatformError`."""
    if text.lower() == "local":
        return host_platform()
    parts = _checked_parts(text)
    system = _system(_OS.sub(r"\1", parts[0]))
    if len(parts) == 1:
        if system in _SYSTEMS:
            return Platform(system, *host_platform()[1:])
        architecture, variant = _architecture(parts[0], "")
        if architecture in _ARCHITECTURES:
            return Platform(host_platform().os, architecture, variant)
        raise PlatformError(f"{quote(text)}: unknown operating system or architecture: invalid argument")
    if len(parts) > 3:
        raise PlatformError(f"{quote(text)}: cannot parse platform specifier: invalid argument")
    return Platform(system, *_architecture(parts[1], parts[2] if len(parts) == 3 else ""))


def _checked_parts(text: str) -> list[str]:
    if "*" in text:
        raise PlatformError(f"{quote(text)}: wildcards not yet supported: invalid argument")
    parts = text.split("/", 3)
    if not _OS.match(parts[0]):
        raise PlatformError(
            f"{quote(parts[0])} is an invalid OS component of {quote(text)}: OSAndVersion specifier component must "
            f"match {quote(_OS_TEXT)}: invalid argument"
        )
    for part in parts[1:]:
        if not _PART.match(part):
            raise PlatformError(
                f"{quote(part)} is an invalid component of {quote(text)}: platform specifier component must match "
                f"{quote(_PART_TEXT)}: invalid argument"
            )
    return parts


def parse_platforms(texts: list[str]) -> list[Platform]:
    """Every specifier of every text; a text may list several with commas."""
    return [parse_platform(part) for text in texts for part in text.split(",")]


def _system(name: str) -> str:
    name = name.lower()
    return "darwin" if name == "macos" else name or host_platform().os


def _architecture(name: str, variant: str) -> tuple[str, str]:
    name, variant = name.lower(), variant.lower()
    match name:
        case "i386":
            return "386", ""
        case "x86_64" | "x86-64" | "amd64":
            return "amd64", "" if variant == "v1" else variant
        case "aarch64" | "arm64":
            return "arm64", _ARM64_VARIANTS.get(variant, variant)
        case "armhf":
            return "arm", "v7"
        case "armel":
            return "arm", "v6"
        case "arm":
            return "arm", _ARM_VARIANTS.get(variant, variant)
        case _:
            return name, variant
