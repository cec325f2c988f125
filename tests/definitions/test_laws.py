"""Laws of merging, of normalization, and of the whole compiler."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakec.compiler.entries import PARSERS
from bakec.compiler.merge import merge, normalize
from bakec.compiler.platforms import parse_platform
from bakec.compiler.quantities import parse_size
from bakec.ir.fields import FIELDS, Field, Kind
from bakec.ir.module import Entry, FieldValue
from bakec.ir.platforms import full_name
from bakec.ir.values import Value, boolean, string
from tests.differential.generate import generate
from tests.differential.outcome import comparable, ours, write

TEXTS = st.sampled_from(["", "a", "b", "c=d", "host"])
ENTRIES = {
    "attest": ("type=sbom", "type=provenance,mode=max", "type=provenance,mode=min"),
    "cache-from": ("a", "b", "type=gha"),
    "cache-to": ("type=inline", "type=gha"),
    "secret": ("id=a,env=A", "id=b,env=B", "id=a,src=f"),
    "ssh": ("default", "k=p", "default=q"),
    "output": ("type=docker", "type=image,push=true", "out"),
    "policy": ("filename=a", "reset=true"),
}


def value(field: Field) -> st.SearchStrategy[FieldValue]:
    """A value of an attribute."""
    match field.kind:
        case Kind.TEXT:
            # An empty description says nothing, and is not even kept.
            return (TEXTS.filter(bool) if field.name == "description" else TEXTS).map(string)
        case Kind.FLAG:
            return st.booleans().map(boolean)
        case Kind.LIST:
            return st.lists(TEXTS.map(string), max_size=4).map(tuple)
        case Kind.MAP | Kind.RESOURCES:
            keys = st.sampled_from(["memory", "cpuset-cpus", "cpuset-mems"])
            return st.dictionaries(keys, TEXTS.map(string), min_size=1, max_size=3)
        case Kind.ENTRIES:
            texts = st.lists(st.sampled_from(ENTRIES[field.name]), max_size=4)
            return texts.map(lambda some: tuple(Entry(attrs) for text in some for attrs in PARSERS[field.name](text)))


FIELD_SETS = st.fixed_dictionaries({}, optional={name: value(field) for name, field in FIELDS.items()})


def plain(fields: dict[str, FieldValue]) -> dict[str, object]:
    """Without provenance."""

    def strip(one: object) -> object:
        match one:
            case Value():
                return one.raw
            case Entry(attrs=attrs):
                return dict(attrs)
            case dict():
                return {key: strip(item) for key, item in one.items()}
            case tuple():
                return [strip(item) for item in one]
        raise AssertionError(one)

    return {name: strip(one) for name, one in fields.items()}


@given(FIELD_SETS)
def test_merging_with_nothing_changes_nothing(fields: dict[str, FieldValue]) -> None:
    known = plain(normalize(fields))
    assert plain(normalize(merge(fields, {}))) == known
    assert plain(normalize(merge({}, fields))) == known


@given(FIELD_SETS, FIELD_SETS)
def test_merging_leaves_its_inputs_alone(older: dict[str, FieldValue], newer: dict[str, FieldValue]) -> None:
    before = plain(older), plain(newer)
    merge(older, newer)
    assert (plain(older), plain(newer)) == before


@given(FIELD_SETS, FIELD_SETS, FIELD_SETS)
def test_merging_is_associative(
    one: dict[str, FieldValue], two: dict[str, FieldValue], three: dict[str, FieldValue]
) -> None:
    """But for those lists whose repeats leave gaps that others fill."""
    left, right = plain(normalize(merge(merge(one, two), three))), plain(normalize(merge(one, merge(two, three))))
    for name in ("cache-from", "policy"):
        left[name], right[name] = (sorted(map(str, side.get(name, []))) for side in (left, right))  # type: ignore[call-overload]
    assert left == right


@given(FIELD_SETS)
def test_normalizing_twice_is_normalizing_once(fields: dict[str, FieldValue]) -> None:
    once = normalize(fields)
    assert plain(normalize(once)) == plain(once)


@given(st.integers(0, 1 << 50))
def test_a_size_in_bytes_is_itself(size: int) -> None:
    assert parse_size(str(size)) == parse_size(f"{size}b") == size or size >= 1 << 53


@given(st.sampled_from(["linux/amd64", "arm", "linux/arm64/v8", "windows/amd64", "macos/aarch64", "local", "riscv64"]))
def test_a_normalized_platform_is_itself(text: str) -> None:
    once = parse_platform(text)
    assert parse_platform(full_name(once)) == once


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_a_print_reads_back_as_itself(first: int, tmp_path: Path) -> None:
    """JSON that was printed is a definition file that prints the same: but for what printing cannot escape."""
    compared = 0
    for seed in range(first, first + 25):
        case = generate(seed)
        write(case, tmp_path)
        once = ours(case, tmp_path)
        if once.json is None or any(mark in text for text in unescaped(once.json) for mark in ("${", "%{")):
            continue
        again = case._replace(files={"printed.json": json.dumps(once.json)}, args=("default",), env={})
        write(again, tmp_path)
        assert ours(again, tmp_path).json == once.json, seed
        compared += 1
    assert compared


ESCAPED = ("annotations", "dockerfile-inline", "args", "labels", "extra-hosts")


def unescaped(printed: dict[str, dict[str, dict[str, object]]]) -> list[str]:
    """The values that are printed as they are."""
    return [str(one) for target in printed["target"].values() for name, one in target.items() if name not in ESCAPED]


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_evaluation_is_deterministic(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 25):
        case = generate(seed)
        write(case, tmp_path)
        once, twice = ours(case, tmp_path), ours(case, tmp_path)
        assert comparable(once, case) == comparable(twice, case)
        assert once.message == twice.message


def test_what_is_traced_is_the_same(tmp_path: Path) -> None:
    for seed in range(60):
        case = generate(seed)
        write(case, tmp_path)
        plain, traced = ours(case, tmp_path), ours(case, tmp_path, traces=True)
        assert comparable(plain, case) == comparable(traced, case), seed
        assert plain.message == traced.message, seed


settings.register_profile("laws", max_examples=60, deadline=None)
settings.load_profile("laws")
