"""Reading a plan is reading what a stranger may have written: one clear error, nothing else."""

import hashlib
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from bakec import Failed
from bakec.cli.main import main
from bakec.ir import codec, packed
from bakec.ir.codec import dump, wire
from bakec.ir.diagnostics import Exit
from bakec.ir.digests import digest_of
from bakec.ir.loading import load
from bakec.ir.plan import (
    Cache,
    FrontendSolve,
    Job,
    JobId,
    LocalDir,
    Need,
    OriginRecord,
    Plan,
    Ssh,
    Target,
    TargetName,
)
from tests.plan.samples import EVERYTHING
from tests.plan.test_format import rewritten

GOOD = dump(EVERYTHING, "bakec 0.1.0")


def refused(data: bytes) -> str:
    """The one message that reading `data` gives."""
    with pytest.raises(Failed) as caught:
        load(data)

    assert caught.value.exit is Exit.PLAN
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.message


def holding(value: bytes) -> bytes:
    """A plan with a right digest that has these bytes as the value of a field which nobody knows."""
    body = {name: msgpack.packb(one) for name, one in wire(EVERYTHING).items()} | {"zz": value}
    sealed = body | {"digest": msgpack.packb(digest_of(joined(body)))}
    return joined(sealed)


def joined(body: dict[str, bytes]) -> bytes:
    head: bytes = msgpack.Packer().pack_map_header(len(body))
    return head + b"".join(msgpack.packb(name) + body[name] for name in sorted(body))


def test_what_holds_a_value_is_a_plan() -> None:
    assert load(holding(b"\xc0")).extra == {**EVERYTHING.extra, ("zz",): None}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is cut short"),
        (b"hello", "it is not a map"),
        (b"\x01", "it is not a map"),
        (GOOD[:-1], "it is cut short"),
        (GOOD + b"\x00", "something follows the end"),
        (b"\x81\xa6format\xa1x", "it has no format number"),
        (b"\x81\x01\x02", "its keys are not text in order"),
        (b"\x81\x90\x02", "its keys are not text in order"),
        (b"\x82\xa1b\x01\xa1a\x01", "its keys are not text in order"),
        (b"\x81\xa2\xff\xfe\x01", "a text is not UTF-8"),
        (b"\x81\xa1a\xc1", "it is not msgpack"),
        (b"\x81\xa1a" + b"\x91" * 2000 + b"\xc0", "it is nested too deeply"),
        (b"\xdf\xff\xff\xff\xff", "it has more than 1024 keys"),
        (b"\xde\x04\x00" + b"\xa1a\xc0" * 1023, "it is cut short"),
        (b"\x81\xa1a\xcd\x00\x01", "it has no format number"),
        (holding(b"\xa2\xff\xfe"), "a text is not UTF-8"),
        (holding(b"\xd4\x05\x00"), "extension type 5"),
        (holding(b"\xcb" + b"\x00" * 8), "zz: expected text, a number"),
        (holding(b"\x81\x01\x02"), "not msgpack"),
        (holding(b"\x91" * 600 + b"\xc0"), "it is nested too deeply"),
        (holding(b"\xcc\x01"), "not in its shortest form"),
        (holding(b"\x82\xa1a\x01\xa1a\x02"), "a key occurs twice"),
    ],
)
def test_bytes_that_are_no_plan(data: bytes, message: str) -> None:
    assert message in refused(data)


def test_a_longer_form_of_a_value() -> None:
    data = rewritten(lambda body: None)
    at = data.index(b"\xa6format") + 7

    assert data[at] == 1
    assert "not in its shortest form" in refused(data[:at] + b"\xcc\x01" + data[at + 1 :])


def test_a_key_that_occurs_twice() -> None:
    data = rewritten(lambda body: None)
    doubled = b"\xde" + (data[0] - 0x80 + 1).to_bytes(2, "big") + data[1:] + data[data.rindex(b"\xa9variables") :]

    assert "a key occurs twice" in refused(doubled)


@pytest.mark.parametrize("view", [{"tags": [], "context": "."}, {b"tags": []}, {b"tags": [], "z": "."}])
def test_keys_that_are_not_text_in_order(view: dict[Any, Any]) -> None:
    body = wire(EVERYTHING)
    body["targets"][0]["view"] = view
    body["digest"] = "sha256:" + hashlib.sha256(msgpack.packb(body)).hexdigest()

    assert "targets/0/view: its keys are not text in order" in refused(msgpack.packb(dict(sorted(body.items()))))


def deep(levels: int) -> Any:
    node: Any = None
    for _ in range(levels):
        node = [node]
    return node


@pytest.mark.parametrize("levels", [packed.MAX_DEPTH + 1, 100, 400])
def test_deep_nesting_where_anything_may_stand(levels: int) -> None:
    in_view = rewritten(lambda body: body["targets"][0]["view"].update(context=deep(levels)))
    in_extra = rewritten(lambda body: body["jobs"][0].update(later=deep(levels)))

    assert "nested too deeply" in refused(in_view)
    assert "nested too deeply" in refused(in_extra)


@pytest.mark.parametrize("item", [b"\x80", b"\x90", b"\x91\x90", b"\x81\xa1a\xc0", b"\xc0", b"\xa2ab"])
def test_a_flood_of_small_values_takes_bounded_memory(item: bytes) -> None:
    """A few megabytes of empty containers would be gigabytes in memory."""
    count = packed.MAX_VALUES * 2
    data = holding(b"\xdd" + count.to_bytes(4, "big") + item * count)

    tracemalloc.start()
    try:
        message = refused(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "exceeds" in message or "more than" in message
    assert peak < 64 << 20


def test_lists_at_the_top_count_as_well() -> None:
    """A map of two takes six: these alone, and all else in the plan, would be few enough."""
    count = packed.MAX_VALUES // 6 - 1000
    files = [{"digest": "", "path": ""}] * count
    data = rewritten(lambda body: body.update(files=files))

    assert "it holds more than" in refused(data)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.msgpack"
    with path.open("wb") as file:
        file.truncate(packed.MAX_BYTES + 1)

    with pytest.raises(Failed) as caught:
        load(path)

    assert "it is larger than 64 MiB" in str(caught.value)


# --- plans that contradict themselves -------------------------------------------------------------------------


def job(name: str, *needs: str, **fields: Any) -> Job:
    return Job(
        id=JobId(name),
        target=TargetName(name),
        solve=FrontendSolve(frontend="dockerfile.v0", attrs={}),
        needs=tuple(Need(context=one, job=JobId(one)) for one in needs),
        **fields,
    )


def plan(*jobs: Job, **fields: Any) -> bytes:
    targets = tuple(Target(name=one.target, view={}) for one in {job.target: job for job in jobs}.values())
    return dump(Plan(requested=("default",), jobs=jobs, **{"targets": targets, **fields}))


CACHE = Cache(type="local", attrs={"dest": "/out"})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (plan(job("a", "b"), job("b", "a")), "job a: needs b, which does not come before it"),
        (plan(job("a", "a")), "job a: needs a, which does not come before it"),
        (plan(job("a"), job("a")), "job a: there are two of that name"),
        (plan(job("a"), targets=()), "job a: its target a is missing"),
        (plan(job("a", locals=(LocalDir(name="context", path="/etc"),))), "job a: path /etc is absolute"),
        (plan(job("a", locals=(LocalDir(name="context", path="a\0b"),))), "job a: a path holds a zero byte"),
        (plan(job("a", oci_layouts={"x": "/srv"})), "job a: path /srv is absolute"),
        (plan(job("a", ssh=(Ssh(id="x", paths=("b", "/c")),))), "job a: path /c is absolute"),
        (plan(job("a"), job("b", cache_to=(CACHE,))), "job b: path /out is absolute"),
        (plan(origins=(OriginRecord(kind="x", inputs=(0,)),)), "origin 0: its inputs must come before it"),
        (plan(origins=(OriginRecord(kind="x", inputs=(-1,)),)), "origin 0: its inputs must come before it"),
        (plan(ops={"sha256:00": b"x"}), "op sha256:00: the digest is not that of its bytes"),
    ],
)
def test_laws_that_types_do_not_say(data: bytes, message: str) -> None:
    assert f"plan plan is not sound: {message}" == refused(data)


@pytest.mark.parametrize("verb", ["show", "run", "diff"])
def test_every_verb_exits_with_4_and_one_message(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.msgpack"
    path.write_bytes(GOOD[:-3])

    code = main([verb, str(path), *([str(path)] if verb == "diff" else [])])

    out, err = capsys.readouterr()
    assert (code, out) == (Exit.PLAN, "")
    assert err.count("ERROR:") == 1
    assert "is not a plan: it is cut short" in err


# --- mutations ------------------------------------------------------------------------------------------------

COUNT = 2500


def flip(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut out, doubled or put in."""
    mutable = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(mutable))
        match rng.randrange(4):
            case 0:
                mutable[at] = rng.randrange(256)
            case 1:
                del mutable[at : at + rng.randint(1, 20)]
            case 2:
                mutable[at:at] = mutable[at : at + rng.randint(1, 20)]
            case _:
                mutable[at:at] = rng.randbytes(rng.randint(1, 6))
    return bytes(mutable)


STRANGE: list[Callable[[random.Random], Any]] = [
    lambda rng: None,
    lambda rng: rng.choice([True, False]),
    lambda rng: rng.choice([0, -1, 1, 2**31, 2**63, -(2**63), 2**64 - 1]),
    lambda rng: rng.choice(["", "/", "../../etc", "a\0b", "\u202e", "x" * 300, "sha256:" + "0" * 64, "target:app"]),
    lambda rng: rng.choice([b"", b"\xff" * 9]),
    lambda rng: 1.5,
    lambda rng: [],
    lambda rng: {},
    lambda rng: deep(rng.randint(1, 60)),
    lambda rng: {"kind": "llb"},
]


def transplant(body: dict[str, Any], rng: random.Random) -> None:
    """Some value, anywhere in the plan, becomes another, goes, or appears twice; the digest is made good again."""
    for _ in range(rng.randint(1, 3)):
        node: Any = body
        while True:
            children = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not children:
                break
            key = rng.choice(children)
            if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            match rng.randrange(3):
                case 0:
                    node[key] = rng.choice(STRANGE)(rng)
                case 1:
                    del node[key]
                case _ if isinstance(node, list):
                    node.append(node[key])
                case _:
                    node[f"{key}{rng.choice(['', '/', 'x'])}"] = node[key]
            break


def outcome(data: bytes) -> str:
    """`refused`, or `loaded` for a sound plan, which then can be shown, compared and written."""
    from bakec.compiler.render.diff import render_text
    from bakec.compiler.render.graph import graph_of, render_tree
    from bakec.compiler.render.show import render_plan
    from bakec.ir.diff import diff

    try:
        plan = load(data)
    except Failed as error:
        assert error.exit is Exit.PLAN
        return "refused"
    assert codec.load(dump(plan)) == plan
    for lines in (
        render_plan(plan, codec.digest(plan)),
        render_text(diff(EVERYTHING, plan)),
        render_text(diff(plan, EVERYTHING), full=True),
        render_tree(graph_of(plan, inherits=True)),
    ):
        assert all(line.isprintable() for line in lines)
    return "loaded"


def test_bytes_that_were_mutated() -> None:
    rng = random.Random(4)

    outcomes = {outcome(flip(GOOD, rng)) for _ in range(COUNT)}

    assert "refused" in outcomes


def test_structure_that_was_mutated_under_a_right_digest() -> None:
    """The digest keeps no liar out: everything behind it must hold up as well."""
    rng = random.Random(5)
    outcomes = [outcome(mutated(rng)) for _ in range(COUNT)]

    assert outcomes.count("loaded") > COUNT / 20
    assert outcomes.count("refused") > COUNT / 4


def mutated(rng: random.Random) -> bytes:
    try:
        return rewritten(lambda body: transplant(body, rng))
    except TypeError:  # a mutation that msgpack cannot sort or write is no mutation of bytes
        return b"\x80"
