"""Records are read many at once: what comes back, and what is said of a bad one, is as if each were read alone."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakec.ir.codec import dump, load, unseal
from bakec.ir.packed import DigestMismatch, WireError
from bakec.ir.plan import Job, JobId, OriginRecord, Plan, Target, TargetName
from bakec.ir.records import Rows, column, defaults
from bakec.ir.verify import problems
from tests.plan.samples import EVERYTHING
from tests.plan.test_format import rewritten

FULL = EVERYTHING.jobs[1]
OPTIONAL = sorted(defaults(Job))


@given(st.lists(st.sets(st.sampled_from(OPTIONAL)), max_size=8))
def test_records_that_set_other_fields_stand_side_by_side(sets: list[set[str]]) -> None:
    jobs = tuple(
        replace(
            FULL, id=JobId(f"job{at}"), **{name: value for name, value in defaults(Job).items() if name not in names}
        )
        for at, names in enumerate(sets)
    )
    plan = replace(EVERYTHING, jobs=jobs)

    assert load(dump(plan)) == plan


def test_a_map_that_was_left_out_is_not_shared() -> None:
    one, other = load(dump(EVERYTHING)).jobs[0], load(dump(EVERYTHING)).jobs[0]

    assert one.oci_layouts == other.oci_layouts == {}
    assert one.oci_layouts is not other.oci_layouts


def test_what_was_read_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        load(dump(EVERYTHING)).jobs[0].pull = True  # type: ignore[misc]


@pytest.mark.parametrize("place", [0, 399, 400, 999])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 7}, "name: expected text"),
        ({"origins": {"a": 1, "b": "x"}}, "origins: expected a map of int"),
        ({"view": {"args": {"A": 1, "B": {"C": 1.5}}}}, "view/args/B/C: expected text, a number"),
        ({"view": {"tags": ["a", b"b"]}}, "view/tags: expected text, a number"),
        ({"linked": False}, "linked: a default is left out"),
    ],
)
def test_of_many_records_the_bad_one_is_named(place: int, change: dict[str, Any], message: str) -> None:
    def spoil(body: dict[str, Any]) -> None:
        body["targets"] = [{"name": f"t{at}", "view": {"tags": ["a"], "args": {"A": "1"}}} for at in range(1000)]
        body["targets"][place].update(change)

    with pytest.raises(WireError, match=f"^targets/{place}/{message}"):
        load(rewritten(spoil))


def test_of_many_lists_of_records_the_bad_record_is_named() -> None:
    def spoil(body: dict[str, Any]) -> None:
        cache = {"type": "registry", "attrs": {"ref": "x"}}
        body["jobs"][1]["cache_from"] = [cache, copy.deepcopy(cache)]
        body["jobs"].append(copy.deepcopy({**body["jobs"][1], "id": "last"}))
        body["jobs"][2]["cache_from"][1]["attrs"]["ref"] = 1
        body["jobs"][2]["cache_to"][0]["type"] = 2

    with pytest.raises(WireError, match=r"^jobs/2/cache_from/1/attrs: expected a map of text$"):
        load(rewritten(spoil))


def test_the_first_of_several_bad_records_is_named() -> None:
    def spoil(body: dict[str, Any]) -> None:
        body["jobs"][0]["target"] = 7
        body["jobs"][1]["id"] = 7

    with pytest.raises(WireError, match=r"^jobs/0/target: "):
        load(rewritten(spoil))


# --- a part of a plan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["origins", "jobs", "inherits"])
def test_what_is_left_out_has_its_default(name: str) -> None:
    plan, digest = unseal(dump(EVERYTHING), (name,))

    assert getattr(plan, name) == getattr(Plan(requested=()), name)
    assert replace(plan, **{name: getattr(EVERYTHING, name)}) == EVERYTHING
    assert digest == unseal(dump(EVERYTHING))[1]


def test_the_digest_is_that_of_what_is_left_out_as_well() -> None:
    data = dump(EVERYTHING)

    with pytest.raises(DigestMismatch):
        unseal(data.replace(b"registry", b"registrx"), ("jobs",))


def test_unknown_fields_of_what_is_left_out_are_left_out_too() -> None:
    def extend(body: dict[str, Any]) -> None:
        body["jobs"][1]["weight"] = 1
        body["weight"] = 2

    assert unseal(rewritten(extend), ("jobs",))[0].extra == {**EVERYTHING.extra, ("weight",): 2}


def test_unknown_fields_come_in_the_order_of_the_plan() -> None:
    names = [f"zz{at}" for at in range(20)]
    extra = load(rewritten(lambda body: body.update(dict.fromkeys(names, 1)))).extra

    assert [path for path in extra if path[0] in names] == [(name,) for name in sorted(names)]


# --- origins --------------------------------------------------------------------------------------------------

ORIGINS = EVERYTHING.origins
READ = load(dump(EVERYTHING)).origins


def test_origins_that_were_read_are_as_good_as_a_tuple_of_them() -> None:
    assert isinstance(READ, Rows)
    assert READ == ORIGINS
    assert ORIGINS == READ
    assert READ == load(dump(EVERYTHING)).origins
    assert hash(READ) == hash(ORIGINS)
    assert repr(READ) == repr(ORIGINS)
    assert (len(READ), READ[0], READ[-1], READ[1:3]) == (len(ORIGINS), ORIGINS[0], ORIGINS[-1], ORIGINS[1:3])
    assert [*READ] == [*ORIGINS]
    assert [*reversed(READ)] == [*reversed(ORIGINS)]
    assert READ.index(ORIGINS[2]) == 2
    assert ORIGINS[1] in READ


def test_other_origins_are_not_equal() -> None:
    assert READ != ORIGINS[1:]
    assert READ != (*ORIGINS[1:], ORIGINS[0])
    assert READ != list(ORIGINS)


def test_an_index_past_the_end() -> None:
    with pytest.raises(IndexError):
        READ[len(ORIGINS)]


def test_copies_of_origins_are_equal_to_them() -> None:
    assert copy.deepcopy(READ) == READ
    assert pickle.loads(pickle.dumps(READ)) == READ


@pytest.mark.parametrize("origins", [ORIGINS, READ], ids=["a tuple", "read"])
def test_one_field_of_all_origins(origins: Any) -> None:
    assert list(column(origins, "line")) == [0, 1, 9, 9]


@given(st.lists(st.lists(st.integers(-1, 6), max_size=3), max_size=6))
def test_the_law_of_origins_is_that_of_each(graph: list[list[int]]) -> None:
    origins = tuple(OriginRecord(kind="call", inputs=tuple(inputs)) for inputs in graph)
    plan = Plan(requested=(), origins=origins)
    bad = [at for at, inputs in enumerate(graph) if not all(0 <= one < at for one in inputs)]

    assert list(problems(plan)) == [f"origin {at}: its inputs must come before it" for at in bad]
    assert list(problems(load(dump(plan)))) == list(problems(plan))


def test_an_origin_that_is_missing() -> None:
    target = Target(name=TargetName("a"), view={}, origins={"context": 0, "tags[0]": 4})

    assert list(problems(replace(EVERYTHING, targets=(target,), jobs=()))) == ["target a: an origin is missing"]
