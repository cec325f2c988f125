"""Platform names: `os[(version[+feature]…)]/arch[/variant]`, read and printed as containerd does."""

from __future__ import annotations

import re

from bakec.ir.paths import join
from bakec.ir.quoting import quote
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Platform(NamedTuple):
    """An operating system and an architecture, as in an OCI image."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()


AMD64: Final = Platform(os="linux", architecture="amd64")


_OS_TEXT: Final = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"
_PART_TEXT: Final = "^[A-Za-z0-9_.-]+$"
_OS: Final = _OS_TEXT[1:-1]
_PART: Final = _PART_TEXT[1:-1]
_ESCAPE: Final = rb"%([0-9A-Fa-f]{2})"
_BAD_ESCAPE: Final = r"%(?![0-9A-Fa-f]{2}).{0,2}"

_SYSTEMS: Final = frozenset(
    ("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd")
    + ("openbsd", "plan9", "solaris", "windows", "zos")
)
_ARCHITECTURES: Final = frozenset(
    ("386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle")
    + ("mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc")
    + ("sparc64", "wasm")
)
_ARCH_ALIASES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_VARIANTS: Final = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm64", "9"): "v9",
    ("arm64", "9.0"): "v9",
    ("arm64", "v9.0"): "v9",
    ("arm", ""): "v7",
    ("arm", "7"): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "8"): "v8",
}
_WHOLE_ARCH: Final = {"i386": ("386", ""), "armhf": ("arm", "v7"), "armel": ("arm", "v6")}


class PlatformError(ValueError):
    """A platform name that cannot be read; the text is the reference's."""


def normal_arch(arch: str, variant: str) -> tuple[str, str]:
    """Architecture and variant under their canonical names: `aarch64` v8 is `arm64`, `arm` alone is v7."""
    arch, variant = arch.lower(), variant.lower()
    if arch in _WHOLE_ARCH:
        return _WHOLE_ARCH[arch]
    arch = _ARCH_ALIASES.get(arch, arch)
    return arch, _VARIANTS.get((arch, variant), variant)


def normal_os(os: str) -> str:
    """The canonical name of an operating system; none means the one of the builder's machine, Linux."""
    os = os.lower() or "linux"
    return "darwin" if os == "macos" else os


def normalize(platform: Platform) -> Platform:
    """`platform` with canonical names and its OS features sorted, each once."""
    arch, variant = normal_arch(platform.architecture, platform.variant)
    return Platform(
        os=normal_os(platform.os),
        architecture=arch,
        variant=variant,
        os_version=platform.os_version,
        os_features=tuple(sorted(set(platform.os_features))),
    )


def parse(name: str, host: Platform = AMD64) -> Platform:
    """The platform `name` means. A single word takes the missing half from `host`, the machine that reads it.
    Not normalized further. Raises `PlatformError`."""
    if "*" in name:
        raise _invalid(f"{quote(name)}: wildcards not yet supported")
    first, *rest = name.split("/", 3)
    os, version, features = _parse_os(first, name)
    for part in rest:
        if not re.fullmatch(_PART, part):
            what = f"{quote(part)} is an invalid component of {quote(name)}"
            raise _invalid(f"{what}: platform specifier component must match {quote(_PART_TEXT)}")
    arch, variant, os = _complete(name, first, rest, os, host)
    return Platform(os=os, architecture=arch, variant=variant, os_version=version, os_features=features)


def hangs_on_reader(name: str) -> bool:
    """Whether what `name` means depends on the machine that reads it. False for what means nothing anywhere."""
    try:
        return parse(name, AMD64) != parse(name, AMD64._replace(architecture="other"))
    except PlatformError:
        return False


def _invalid(problem: str) -> PlatformError:
    return PlatformError(f"{problem}: invalid argument")


def _complete(name: str, first: str, rest: list[str], os: str, host: Platform) -> tuple[str, str, str]:
    """Architecture, variant and operating system."""
    match rest:
        case []:
            return _one_word(name, first, os, host)
        case [arch]:
            return *_without_v7(arch), os
        case [arch, variant]:
            arch, variant = normal_arch(arch, variant)
            return arch, "v8" if (arch, variant) == ("arm64", "") else variant, os
        case _:
            raise _invalid(f"{quote(name)}: cannot parse platform specifier")


def _one_word(name: str, word: str, os: str, host: Platform) -> tuple[str, str, str]:
    if os in _SYSTEMS:
        return host.architecture, host.variant if host.architecture == "arm" and host.variant != "v7" else "", os
    arch, variant = _without_v7(word)
    if arch not in _ARCHITECTURES:
        raise _invalid(f"{quote(name)}: unknown operating system or architecture")
    return arch, variant, host.os


def _without_v7(arch: str) -> tuple[str, str]:
    arch, variant = normal_arch(arch, "")
    return arch, "" if (arch, variant) == ("arm", "v7") else variant


def _parse_os(part: str, name: str) -> tuple[str, str, tuple[str, ...]]:
    """The operating system, its version and its features."""
    match = re.fullmatch(_OS, part)
    if match is None:
        what = f"{quote(part)} is an invalid OS component of {quote(name)}"
        raise _invalid(f"{what}: OSAndVersion specifier component must match {quote(_OS_TEXT)}")
    os, version, features = match.groups(default="")
    version = _unescape(version, f"{quote(name)} has an invalid OS version {quote(version)}")
    read = (
        _unescape(item, f"{quote(name)} has invalid OS features: invalid os feature {quote(item)}")
        for item in features.split("+")[1:]
    )
    return normal_os(os), version, tuple(filter(None, read))


def _unescape(text: str, problem: str) -> str:
    bad = re.search(_BAD_ESCAPE, text)
    if bad:
        raise PlatformError(f"{problem}: invalid URL escape {quote(bad[0])}")
    data = re.sub(_ESCAPE, lambda match: bytes((int(match[1], 16),)), text.encode())
    return data.decode("utf-8", "surrogateescape")


def _escape_option(text: str) -> str:
    for char, code in (("%", "%25"), ("+", "%2B"), ("(", "%28"), (")", "%29"), ("/", "%2F")):
        text = text.replace(char, code)
    return text


def short_name(platform: Platform) -> str:
    """`os/arch[/variant]`."""
    return join(platform.os, platform.architecture, platform.variant) if platform.os else "unknown"


def full_name(platform: Platform) -> str:
    """`os(version+features)/arch[/variant]`, the parentheses only where there is something to put in them."""
    features = "".join("+" + _escape_option(item) for item in sorted(set(platform.os_features)) if item)
    inside = _escape_option(platform.os_version) + features
    if not platform.os or not inside:
        return short_name(platform)
    return join(f"{platform.os}({inside})", platform.architecture, platform.variant)


_ARM64_MINORS: Final = {8: 10, 9: 8}
"""Major version of 64-bit ARM -> how many minor ones there are."""


def runs(platform: Platform) -> tuple[Platform, ...]:
    """What a machine of a normalized platform can run, the best match first: 64-bit Intel runs 32-bit programs, ARM
    those of older versions."""
    arch, variant = platform.architecture, platform.variant
    if arch == "amd64":
        older = _older(platform, arch, variant, 1) if variant else ()
        return (platform, *older, platform._replace(architecture="386", variant=""))
    if arch == "arm":
        return (platform, *_older(platform, arch, variant, 5))
    if arch == "arm64":
        return _arm64(platform)
    return (platform,)


def _older(platform: Platform, arch: str, variant: str, oldest: int) -> tuple[Platform, ...]:
    digits = variant.removeprefix("v")
    versions = range(int(digits) - 1, oldest - 1, -1) if digits.isdecimal() else ()
    return tuple(platform._replace(architecture=arch, variant=f"v{version}") for version in versions)


def _arm64(platform: Platform) -> tuple[Platform, ...]:
    """Version 9.N includes 8.(N+5), and all include 32-bit ARM v8. A version that is not known runs nothing."""
    major, _, minor = (platform.variant or "v8").removeprefix("v").partition(".")
    if not (major + (minor or "0")).isdecimal() or int(minor or 0) >= _ARM64_MINORS.get(int(major), 0):
        return ()
    tops = [(int(major), int(minor or 0))]
    if tops[0][0] == 9:
        tops.append((8, tops[0][1] + 5))
    names = [f"v{top}.{low}" if low else f"v{top}" for top, high in tops for low in range(high, -1, -1)]
    arm = platform._replace(architecture="arm", variant="v8")
    return (*(normalize(platform._replace(variant=name)) for name in names), *runs(arm))
