"""The small languages inside of values: patterns, platforms, sizes, limits, `key=value` entries, privileges."""

# ruff: noqa: E501 - a case a line

from pathlib import Path

import pytest

from bakec.compiler.entries import PARSERS, EntryError
from bakec.compiler.patterns import PatternError, is_pattern, matches
from bakec.compiler.platforms import host_platform, parse_platform, parse_platforms
from bakec.compiler.quantities import QuantityError, parse_size, parse_swap, parse_ulimit
from bakec.ir.diagnostics import Failed
from bakec.ir.plan import Job
from bakec.ir.platforms import Platform, PlatformError, full_name, normalize
from bakec.runtime.privileges import missing, parse_allow
from tests.definitions.compiling import plan_of


@pytest.mark.parametrize(
    ("pattern", "name", "hit"),
    [
        ("a*", "abc", True), ("*", "", True), ("a*c", "ac", True), ("?b", "ab", True), ("?", "", False),
        ("?", "é", True), ("[ab]c", "bc", True), ("[a-c]", "b", True), ("[c-a]", "b", False), ("[^a]", "b", True),
        ("[^a]", "a", False), ("[]a]", "a", None), ("[a", "a", None), ("a[", "a[", None), (r"\*", "*", True),
        (r"\*", "a", False), ("a\\", "a", None), ("[a-]", "a", None), ("a.c", "abc", False), ("*/b", "a/b", True),
        ("a*", "a/b", False), ("[!a]", "!", True), ("a", "ab", False), ("t?st-[0-9]", "test-3", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, hit: bool | None) -> None:
    """As Go's `path.Match`. None: the pattern is malformed."""
    if hit is None:
        with pytest.raises(PatternError):
            matches(pattern, name)
    else:
        assert matches(pattern, name) is hit


def test_what_is_a_pattern() -> None:
    assert [text for text in ("a", "a*", "a?", "[a", "a]", "a.b") if is_pattern(text)] == ["a*", "a?", "[a", "a]"]


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", "linux/amd64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"), ("linux/aarch64", "linux/arm64"), ("Linux/X86_64", "linux/amd64"),
        ("linux/armhf", "linux/arm/v7"), ("linux/armel", "linux/arm/v6"), ("macos/arm64", "darwin/arm64"),
        ("linux/i386", "linux/386"), ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"),
        ("windows(10.0)/amd64", "windows(10.0)/amd64"), ("linux(+b+a+b)/amd64", "linux(+a+b)/amd64"), ("plan10/vax", "plan10/vax"),
    ],
)  # fmt: skip
def test_platforms(text: str, platform: str) -> None:
    assert full_name(parse_platform(text)) == platform


def test_platforms_of_this_machine() -> None:
    here = normalize(host_platform())
    assert parse_platform("local") == parse_platform("LOCAL") == here
    assert parse_platform(here.os) == here
    assert parse_platform("riscv64") == Platform(os=here.os, architecture="riscv64")


@pytest.mark.parametrize(
    "text", ["linux/*", "a/b/c/d", "nosuch", "", "linux/a b", "linux//v1", "lin ux/amd64", "linux/amd64\n"]
)
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(PlatformError, match="invalid argument"):
        parse_platform(text)


def test_lists_of_platforms() -> None:
    assert [full_name(one) for one in parse_platforms(["linux/amd64,linux/arm64", "linux/arm/v6"])] == [
        "linux/amd64", "linux/arm64", "linux/arm/v6",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1024", 1024), ("1k", 1024), ("1K", 1024), ("1kb", 1024), ("1KiB", 1024), ("1.5m", 1572864),
        ("2 g", 2 << 30), ("1t", 1 << 40), ("1p", 1 << 50), ("7b", 7), (".5k", 512), ("1e2", 100), ("-1", None),
        ("", None), ("k", None), ("1x", None), ("1kx", None), ("1 2", None), ("0x10", None),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(QuantityError):
            parse_size(text)
    else:
        assert parse_size(text) == parse_swap(text) == size


def test_swap_may_be_unlimited() -> None:
    assert parse_swap("-1") == -1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("nofile=1024:2048", "1024:2048"), ("nofile=5", "5:5"), ("core=-1", "-1:-1"), ("core=5:-1", "5:-1"),
        ("nofile", None), ("nofile=", None), ("nofile=1:2:3", None), ("nofile=2:1", None), ("core=-1:5", None), ("x=1", None),
    ],
)  # fmt: skip
def test_limits(text: str, limit: str | None) -> None:
    if limit is None:
        with pytest.raises(QuantityError):
            parse_ulimit(text)
    else:
        assert parse_ulimit(text) == (text.partition("=")[0], limit)


@pytest.mark.parametrize(
    ("field", "text", "entries"),
    [
        ("output", "type=image,name=a", [{"type": "image", "name": "a"}]),
        ("output", "TYPE=image", [{"type": "local", "dest": "TYPE=image"}]),
        ("output", "out", [{"type": "local", "dest": "out"}]),
        ("output", "-", [{"type": "tar", "dest": "-"}]),
        ("output", 'type=image,"name=a,b"', [{"type": "image", "name": "a,b"}]),
        ("cache-from", "a,b", [{"type": "registry", "ref": "a"}, {"type": "registry", "ref": "b"}]),
        ("cache-from", "type=gha,Scope=X", [{"type": "gha", "scope": "X"}]),
        ("attest", "type=sbom,generator=g", [{"type": "sbom", "generator": "g"}]),
        ("attest", "type=sbom,disabled=true", [{"type": "sbom", "disabled": True}]),
        ("secret", "id=a,source=f", [{"id": "a", "src": "f"}]),
        ("secret", "type=env,id=a,src=V", [{"id": "a", "env": "V"}]),
        ("ssh", "default", [{"id": "default"}]),
        ("ssh", "k=a,b", [{"id": "k", "paths": ("a", "b")}]),
    ],
)  # fmt: skip
def test_entries(field: str, text: str, entries: list[dict[str, object]]) -> None:
    assert [dict(entry) for entry in PARSERS[field](text)] == entries


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("output", "dest=x,name=y", "type is required for output"),
        ("output", "type=image,x", "invalid value x"),
        ("cache-to", "ref=x", 'type required for "ref=x"'),
        ("attest", "mode=max", "attestation type not specified"),
        ("secret", "id=a,type=x", 'unsupported secret type "x"'),
        ("secret", "id=a,k=v", "unexpected key 'k' in 'k=v'"),
        ("secret", "a", "invalid field 'a' must be a key=value pair"),
    ],
)  # fmt: skip
def test_broken_entries(field: str, text: str, message: str) -> None:
    with pytest.raises(EntryError) as failure:
        PARSERS[field](text)
    assert str(failure.value) == message


# --- privileges -----------------------------------------------------------------------------------------------


def asked(attributes: str, folder: Path, *allow: str) -> list[str]:
    """The flags that are missing for a target with these attributes."""
    folder.mkdir(exist_ok=True)
    plan = plan_of(f'target "app" {{\n{attributes}\n}}\n', folder)
    assert all(isinstance(job, Job) for job in plan.jobs)
    return [one.flag for one in missing(plan, folder, parse_allow(allow))]


@pytest.mark.parametrize(
    ("attributes", "flags"),
    [
        ("", []),
        ('entitlements = ["network.host", "security.insecure"]', ["network.host", "security.insecure"]),
        ('network = "host"', ["network.host"]),
        ('entitlements = ["device=gpu,x=1"]', ["device=gpu"]),
        ('entitlements = ["device"]', ["device"]),
        ('output = ["type=local,dest=out,mode=delete"]', ["buildx.local.delete"]),
        ('output = ["type=local,dest=../out"]', ["fs.write=../out"]),
        ('cache-to = ["type=local,dest=../c"]', ["fs.write=../c"]),
        ('context = "../up"', ["fs.read=../up"]),
        ('cache-from = ["type=local,src=../c"]', ["fs.read=../c"]),
        ('secret = ["id=a,src=../s"]', ["fs.read=../s"]),
        ('contexts = { x = "../x" }', ["fs.read=../x"]),
    ],
)  # fmt: skip
def test_privileges_that_must_be_granted(attributes: str, flags: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "project"
    found = asked(attributes, folder)
    assert found == flags
    assert asked(attributes, folder, *flags) == [], "granting what is asked for is enough"


@pytest.mark.parametrize("flag", ["fs=..", "fs.read=..", "fs=*", "fs.read=../up", "fs.read=../up/.."])
def test_paths_that_hold_another(flag: str, tmp_path: Path) -> None:
    assert asked('context = "../up"', tmp_path / "project", flag) == []


@pytest.mark.parametrize("flag", ["fs.write=..", "fs.read=../u", "fs.read=../upper", "fs.read=../up/deeper"])
def test_paths_that_do_not(flag: str, tmp_path: Path) -> None:
    assert asked('context = "../up"', tmp_path / "project", flag) == ["fs.read=../up"]


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("nope", 'unknown entitlement key "nope"'),
        ("buildx.local.delete=x", "buildx.local.delete does not accept a value"),
    ],
)
def test_flags_that_grant_nothing(flag: str, message: str) -> None:
    with pytest.raises(Failed, match=message):
        parse_allow([flag])
