"""The plan file: the same plan has the same bytes, and everything in it comes back."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import msgpack
import pytest

from bakec.ir import plan as records
from bakec.ir.codec import digest, dump, load, wire
from bakec.ir.columns import DEFAULTS, RECORDS
from bakec.ir.digests import digest_of
from bakec.ir.packed import DigestMismatch, MissingFeature, NewerFormat, WireError
from bakec.ir.plan import Plan, Target, TargetName
from bakec.ir.verify import problems
from tests.plan.samples import EVERYTHING

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


def test_what_was_written_comes_back() -> None:
    assert load(dump(EVERYTHING)) == EVERYTHING
    assert dump(load(dump(EVERYTHING))) == dump(EVERYTHING)


def test_the_sample_sets_every_field_of_every_record() -> None:
    """Otherwise the tests of this file would show less than they say."""
    seen: dict[type, set[str]] = {}

    def visit(value: object) -> None:
        if is_dataclass(value):
            set_here = {one.name for one in fields(value) if getattr(value, one.name) not in ((), {}, "", None)}
            seen.setdefault(type(value), set()).update(set_here)
            for one in fields(value):
                visit(getattr(value, one.name))
        elif isinstance(value, Mapping):
            for part in value.values():
                visit(part)
        elif isinstance(value, tuple):
            for part in value:
                visit(part)

    visit(EVERYTHING)

    assert {record: set(columns) for record, columns in RECORDS.items()} == {
        record: names & set(RECORDS[record]) for record, names in seen.items()
    }


def test_the_table_names_every_field_of_every_record() -> None:
    every = {one for one in vars(records).values() if isinstance(one, type) and is_dataclass(one)}

    assert every == set(RECORDS)
    for record, columns in RECORDS.items():
        outside = {"features", "extra"} if record is Plan else set()
        assert {one.name for one in fields(record)} - outside == set(columns), record


def test_maps_are_sorted_and_defaults_left_out() -> None:
    plan = Plan(requested=("b",), targets=(Target(name=TargetName("b"), view={"tags": [], "context": "."}),))

    assert list(wire(plan)) == sorted(wire(plan))
    assert wire(plan)["targets"] == [{"name": "b", "view": {"context": ".", "tags": []}}]
    assert list(wire(plan)["targets"][0]["view"]) == ["context", "tags"]


def test_the_order_in_which_maps_were_made_does_not_matter() -> None:
    view = EVERYTHING.targets[0].view
    turned = replace(EVERYTHING.targets[0], view=dict(reversed(list(view.items()))))
    other = replace(EVERYTHING, targets=(turned, *EVERYTHING.targets[1:]))

    assert dump(other) == dump(EVERYTHING)


def test_who_wrote_a_plan_is_outside_its_digest() -> None:
    one, other = dump(EVERYTHING, "bakec 1"), dump(EVERYTHING, "bakec 2")

    assert one != other
    assert msgpack.unpackb(one)["digest"] == msgpack.unpackb(other)["digest"] == digest(EVERYTHING)
    assert load(one) == load(other)


# --- formats to come ------------------------------------------------------------------------------------------


def rewritten(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The sample as a newer version might write it."""
    body = wire(EVERYTHING)
    change(body)
    body["digest"] = "sha256:" + hashlib.sha256(msgpack.packb(in_order(body))).hexdigest()
    data: bytes = msgpack.packb(in_order(body))
    return data


def in_order(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: in_order(data[key]) for key in sorted(data)}
    return [in_order(one) for one in data] if isinstance(data, list) else data


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (lambda body: body, ()),
        (lambda body: body["jobs"][1], ("jobs", 1)),
        (lambda body: body["jobs"][0]["solve"], ("jobs", 0, "solve")),
        (lambda body: body["jobs"][0]["solve"]["builds"][0], ("jobs", 0, "solve", "builds", 0)),
        (lambda body: body["jobs"][1]["secrets"][0], ("jobs", 1, "secrets", 0)),
        (lambda body: body["targets"][0], ("targets", 0)),
        (lambda body: body["origins"], ("origins",)),
        (lambda body: next(iter(body["op_meta"].values())), ("op_meta", next(iter(EVERYTHING.op_meta)))),
    ],
    ids=["top", "job", "solve", "platform", "secret", "target", "origins", "op"],
)
def test_an_unknown_field_is_carried_through(
    place: Callable[[dict[str, Any]], dict[str, Any]], path: tuple[str | int, ...]
) -> None:
    def add(body: dict[str, Any]) -> None:
        record = place(body)
        record["zz/later"] = {"a": [1, None, True]}

    data = rewritten(add)

    plan = load(data)

    assert plan.extra == {(*path, "zz/later"): {"a": [1, None, True]}}
    assert dump(plan) == data


def test_an_unknown_field_may_have_any_name() -> None:
    data = rewritten(lambda body: body["jobs"][0].update({"": 1, "kind": 2}))

    assert load(data).extra == {("jobs", 0, ""): 1, ("jobs", 0, "kind"): 2}
    assert dump(load(data)) == data


def test_extras_of_records_that_are_gone_are_not_put_elsewhere() -> None:
    plan = replace(EVERYTHING, jobs=EVERYTHING.jobs[:1], extra={("jobs", 1, "later"): 1})

    with pytest.raises(ValueError, match="no longer has the record of jobs/1/later"):
        dump(plan)


def test_a_higher_format_is_refused() -> None:
    with pytest.raises(NewerFormat, match="2"):
        load(rewritten(lambda body: body.update(format=2)))


def test_a_feature_that_must_be_understood_is_refused() -> None:
    with pytest.raises(MissingFeature, match=r"^quantum$"):
        load(rewritten(lambda body: body.update(features=["llb", "quantum"])))


def test_another_body_under_the_same_digest_is_refused() -> None:
    data = dump(EVERYTHING)

    with pytest.raises(DigestMismatch):
        load(data.replace(b"the application", b"the appIication"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: body["jobs"][0].update(pull=False), "jobs/0/pull: a default is left out"),
        (lambda body: body["jobs"][0].update(id=7), "jobs/0/id: expected text"),
        (lambda body: body["jobs"][0].pop("id"), "jobs/0/id: is missing"),
        (lambda body: body["jobs"][0]["solve"].update(kind="magic"), "jobs/0/solve: expected a map of kind"),
        (lambda body: body["jobs"][1]["tags"].append(b"x"), "jobs/1/tags: expected a list of text"),
        (lambda body: body["targets"][0]["view"].update(x=1.5), "targets/0/view/x: expected text, a number"),
        (lambda body: body["origins"]["line"].pop(), "origins: columns differ in length"),
        (lambda body: body["origins"]["texts"].append("x"), "origins/texts: expected each text once"),
        (lambda body: body["origins"]["kind"].__setitem__(0, 99), "origins/kind: a text is missing"),
        (lambda body: body.update(zz=b"bytes"), "zz: expected text, a number"),
        (lambda body: body.update(features=["llb", "llb"]), "features: expected names in order, each once"),
        (lambda body: body.update(format=0), "it has no format number"),
    ],
)
def test_what_is_not_as_the_table_says_is_refused(change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(WireError) as caught:
        load(rewritten(change))

    assert message in str(caught.value)


# --- for ever -------------------------------------------------------------------------------------------------


def test_a_plan_of_format_1_loads_for_ever() -> None:
    """The file was written when the format was released. It never changes; what it says must not either."""
    data = (GOLDEN / "format-1.msgpack").read_bytes()

    plan = load(data)

    assert list(problems(plan)) == []
    assert dump(plan, "bakec 0.1.0") == data
    assert json.loads((GOLDEN / "format-1.json").read_text()) == json.loads(as_json(plan))


def as_json(plan: Plan) -> str:
    return json.dumps(
        {**wire(plan), "digest": digest(plan)}, default=lambda data: base64.b64encode(data).decode(), indent=1
    )


# --- documents ------------------------------------------------------------------------------------------------


def test_the_page_and_the_schema_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/schema.py", "--check"], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert (done.stdout, done.returncode) == ("fresh\n", 0)


def test_the_schema_describes_what_is_printed_and_nothing_else() -> None:
    schema = json.loads((ROOT / "docs/plan.schema.json").read_text())
    printed = json.loads(as_json(EVERYTHING))

    jsonschema.validate(printed, schema)
    for path in (("jobs", 0, "id"), ("targets", 0, "name"), ("origins", "texts")):
        broken = json.loads(json.dumps(printed))
        node = broken
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = 7
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_every_default_is_of_its_shape() -> None:
    """A default that could not be written would make a field that can never be left out."""
    for record, defaults in DEFAULTS.items():
        assert set(defaults) - {"extra", "features"} <= set(RECORDS[record])


@pytest.mark.parametrize("size", [0, 1, (1 << 19) - 1, 1 << 19])
def test_digests_are_sha256_of_small_and_of_large_data(size: int) -> None:
    assert digest_of(b"x" * size) == "sha256:" + hashlib.sha256(b"x" * size).hexdigest()
