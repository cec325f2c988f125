"""The LLB library: states, sources, bytes, and the names of things."""

import re
from pathlib import Path

import pytest

from bakec.ir import giturl, llb, platforms, urls
from bakec.ir.llb import references
from bakec.ir.llb.ops import ExecOp, FileActionCopy, FileOp, Input, Op, SourceOp
from bakec.ir.llb.wire import WireError

ROOT = Path(__file__).resolve().parents[2]


def ops_of(state: llb.State) -> list[Op]:
    return [llb.decode_op(data) for data in state.marshal().ops]


def test_the_oneof_of_an_op_is_written_last() -> None:
    op = Op(op=SourceOp(identifier="a"), constraints=llb.ops.WorkerConstraints())

    assert llb.encode(op) == b"\x5a\x00" + b"\x1a\x03\x0a\x01a"


def test_scratch_has_no_ops() -> None:
    assert llb.scratch().marshal().ops == ()


def test_equal_steps_become_one_op_with_both_descriptions() -> None:
    def step(name: str) -> llb.State:
        return llb.scratch().file(llb.Mkdir(path="/d", mode=0o755), about=llb.named(name))

    merged = llb.merge([step("one"), step("two")]).marshal()

    assert len(merged.ops) == 3
    assert merged.metadata[merged.digests[0]].description == {"llb.customname": "two"}


def test_copies_index_their_inputs_once() -> None:
    base = llb.image("alpine")
    state = base.file(*(llb.Copy(source=base.output, src=path, dest="/to/") for path in ("a", "b")))
    copy = ops_of(state)[1]

    assert len(copy.inputs) == 1
    assert isinstance(copy.op, FileOp)
    assert [action.input for action in copy.op.actions] == [0, 1]
    last = copy.op.actions[1].action
    assert isinstance(last, FileActionCopy)
    assert (last.src, last.dest) == ("/b", "/to/")


def test_the_environment_keeps_the_place_of_the_last_assignment() -> None:
    state = llb.image("alpine").with_env("A", "1").with_env("B", "2").with_env("A", "3")
    exec_op = ops_of(state.run(["x"]))[1].op

    assert isinstance(exec_op, ExecOp)
    assert exec_op.meta is not None
    assert exec_op.meta.env == ("B=2", "A=3")


def test_a_local_directory_without_session_gets_a_unique_id() -> None:
    op = llb.decode_op(llb.local("src").marshal(llb.Defaults(local_unique="me")).ops[0]).op

    assert isinstance(op, SourceOp)
    assert op.attrs == {"local.unique": "me"}


def test_diff_on_top_of_nothing_is_the_state_itself() -> None:
    upper = llb.image("alpine")

    assert llb.diff(llb.scratch(), upper) is upper


def test_an_empty_command_cannot_be_marshaled() -> None:
    with pytest.raises(llb.LlbError, match="arguments are required"):
        llb.image("alpine").run([]).marshal()


def test_text_that_is_not_unicode_cannot_be_marshaled() -> None:
    with pytest.raises(WireError, match="invalid UTF-8"):
        llb.image("alpine").run(["\udcff"]).marshal()


@pytest.mark.parametrize("data", [b"\x0a", b"\x0a\x05a", b"\x0b", b"\xff" * 11, b"\x0a\x02\x0a\x09"])
def test_bytes_that_are_no_op_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        llb.decode_op(data)


def test_thousands_of_steps_need_no_stack() -> None:
    state = llb.scratch()
    for number in range(3000):
        state = state.file(llb.Mkdir(path=f"/{number}", mode=0o755))

    assert len(state.marshal().ops) == 3001


def test_a_given_definition_keeps_its_bytes() -> None:
    inner = llb.image("alpine").run(["x"]).marshal()
    outer = llb.given(inner).run(["y"]).marshal()

    assert outer.ops[:2] == inner.ops[:2]


def test_terminal_names_the_result() -> None:
    definition = llb.image("alpine").marshal()

    assert definition.terminal == Input(digest=definition.digests[0])


PLATFORMS = [
    ("linux/amd64", "linux/amd64", "linux/amd64"),
    ("linux/x86_64", "linux/amd64", "linux/amd64"),
    ("linux/arm", "linux/arm", "linux/arm/v7"),
    ("linux/arm64/v8", "linux/arm64", "linux/arm64"),
    ("linux/arm64/9", "linux/arm64/v9", "linux/arm64/v9"),
    ("arm64", "linux/arm64", "linux/arm64"),
    ("macOS", "darwin/amd64", "darwin/amd64"),
    ("windows(10.0+a+b)/amd64", "windows(10.0+a+b)/amd64", "windows(10.0+a+b)/amd64"),
    ("linux/armhf", "linux/arm", "linux/arm/v7"),
]


@pytest.mark.parametrize(("text", "parsed", "normal"), PLATFORMS)
def test_platform_names(text: str, parsed: str, normal: str) -> None:
    platform = platforms.parse(text)

    assert platforms.full_name(platform) in (parsed, parsed + "/v8")
    assert platforms.full_name(platforms.normalize(platform)) == normal


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("a/b:1", "docker.io/a/b:1", "a/b:1"),
        ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
        ("reg:5000/a@sha256:" + "0" * 64, "reg:5000/a@sha256:" + "0" * 64, "reg:5000/a@sha256:" + "0" * 64),
        ("index.docker.io/x", "docker.io/library/x:latest", "x:latest"),
    ],
)
def test_image_names(text: str, full: str, familiar: str) -> None:
    reference = references.parse_normalized(text).tagged()

    assert (str(reference), reference.familiar()) == (full, familiar)


@pytest.mark.parametrize("text", ["", "A", "a:", "a@x", "a b", "-a", "a/../b", "f" * 64])
def test_bad_image_names(text: str) -> None:
    with pytest.raises(references.ImageNameError):
        references.parse_normalized(text)


@pytest.mark.parametrize(
    ("text", "remote", "ref", "subdir"),
    [
        ("https://h.invalid/a.git#v1:sub/../d", "https://h.invalid/a.git", "v1", "d"),
        ("git@h.invalid:a/b.git#x", "git@h.invalid:a/b.git", "x", ""),
        ("ssh://u:p%20q@h.invalid:22/a b", "ssh://u:p%20q@h.invalid:22/a%20b", "", ""),
        ("git://[::1]:99/x", "git://[::1]:99/x", "", ""),
    ],
)
def test_git_urls(text: str, remote: str, ref: str, subdir: str) -> None:
    url = giturl.parse(text)

    assert (url.remote, url.ref, url.subdir) == (remote, ref, subdir)


@pytest.mark.parametrize(
    "text", ["https://h/%zz", "https://[1.2.3.4]/", "https://h:x/", "https://a b/", ":x", "https://h/\x00"]
)
def test_bad_urls(text: str) -> None:
    with pytest.raises(urls.UrlError):
        urls.parse(text)


def test_json_is_written_as_go_writes_it() -> None:
    assert llb.go_json({"a": "<&>\u2028\x01\udcff\u00e9"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028\\u0001\\ufffd\u00e9"}'


def test_the_example_of_the_documentation_runs() -> None:
    text = (ROOT / "docs" / "llb.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)

    assert examples
    for example in examples:
        exec(compile(example, "docs/llb.md", "exec"), {})
