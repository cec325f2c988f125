"""The door: what a caller gets besides the graph."""

import json

import pytest

from bakec.compiler.dockerfile.lower import lower
from bakec.compiler.dockerfile.request import ImageAnswer, ImageRequest, LowerFailed, NoResolver, Request
from bakec.ir import llb
from bakec.ir.diagnostics import Exit, Severity
from bakec.ir.llb.ops import ExecOp, decode_op
from bakec.ir.llb.stored import from_plan, to_plan

SCRATCH = b"FROM scratch AS app\nCOPY --link . /app\nLABEL a=b\n"


def test_a_file_on_scratch_needs_no_resolver() -> None:
    result = lower(Request(dockerfile=SCRATCH, session="job-1"))

    (build,) = result.builds
    assert build.id == ""
    assert json.loads(build.config)["config"]["Labels"] == {"a": "b"}
    assert b"job-1" in build.definition.ops[0]
    assert set(result.metadata) == {"containerimage.config", "refs.platforms"}


def test_an_image_that_is_not_pinned_is_refused_with_its_line() -> None:
    with pytest.raises(LowerFailed) as raised:
        lower(Request(dockerfile=b"FROM scratch\nFROM alpine\n"))

    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.rule.code == "BK549"
    assert diagnostic.summary == "alpine: docker.io/library/alpine:latest is not pinned"
    assert diagnostic.subject is not None
    assert (diagnostic.subject.line, diagnostic.subject.text) == (2, "FROM alpine")
    assert raised.value.exit is Exit.DEFINITION
    assert raised.value.unknown


def test_a_mistake_in_the_file_is_not_for_lack_of_knowledge() -> None:
    with pytest.raises(LowerFailed) as raised:
        lower(Request(dockerfile=b"FROM scratch\nRUNN x\n"))

    assert not raised.value.unknown
    assert raised.value.message == "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)"


@pytest.mark.parametrize("query", ["ref=50%", "subdir=100%", "ref=v1%zz"])
def test_what_cannot_be_read_of_a_query_is_left_out(query: str) -> None:
    (build,) = lower(Request(dockerfile=f"FROM scratch\nADD https://h/a.git?{query} /q\n".encode())).builds

    assert b"git://h/a.git" in build.definition.ops[0]


@pytest.mark.parametrize(("size", "found"), [("1_0", 10), ("1_000k", 1_024_000), ("0x1p4", 16)])
def test_sizes_are_numbers_as_go_reads_them(size: str, found: int) -> None:
    image = b'{"os": "linux", "architecture": "amd64"}'

    class Known(NoResolver):
        def image(self, request: ImageRequest) -> ImageAnswer:
            return ImageAnswer(ref=request.ref, digest="", config=image)

    dockerfile = f"FROM base\nRUN --mount=type=tmpfs,target=/t,size={size} x\n".encode()
    (build,) = lower(Request(dockerfile=dockerfile, resolver=Known())).builds

    steps = [decode_op(data).op for data in build.definition.ops]
    mounts = [mount for step in steps if isinstance(step, ExecOp) for mount in step.mounts]
    assert [mount.tmpfs_opt.size for mount in mounts if mount.tmpfs_opt] == [found]


def test_imports_of_a_cache_are_a_list() -> None:
    with pytest.raises(LowerFailed, match="cannot unmarshal object into Go value of type"):
        lower(Request(dockerfile=b"FROM scratch\n", attrs={"cache-imports": "{}"}))


def test_a_pattern_that_means_nothing_is_no_news_of_a_library(capfd: pytest.CaptureFixture[str]) -> None:
    files = {"context": {".dockerignore": b"*.x\\y\n"}}
    lower(Request(dockerfile=b"FROM scratch\nCOPY a /\n", local_files=files))

    assert capfd.readouterr().err == ""


def test_a_folder_of_one_letter_keeps_its_slash_on_windows() -> None:
    attrs = {"platform": "windows/amd64"}
    (build,) = lower(Request(dockerfile="FROM scratch\nCOPY a é/\n".encode(), attrs=attrs)).builds

    assert any("/é/".encode() in data for data in build.definition.ops)


def test_of_several_bad_bases_the_last_one_is_told() -> None:
    with pytest.raises(LowerFailed) as raised:
        lower(Request(dockerfile=b"FROM x:$A AS a\nFROM y:$B\nCOPY --from=a q r\n"))

    assert raised.value.message == 'failed to parse stage name "y:": invalid reference format'


def test_a_line_that_is_too_long_inside_of_an_instruction() -> None:
    with pytest.raises(LowerFailed) as raised:
        lower(Request(dockerfile=b"FROM scratch\nRUN a \\\n" + b"x" * 70_000))

    assert [lines and lines.first for lines in raised.value.locations] == [3]


def test_an_image_for_another_platform_that_is_only_mounted() -> None:
    class Windows(NoResolver):
        def image(self, request: ImageRequest) -> ImageAnswer:
            name = "windows" if "other" in request.ref else "linux"
            config = {"os": name, "architecture": "amd64", "rootfs": {"diff_ids": ["sha256:" + "1" * 64]}}
            return ImageAnswer(ref=request.ref, digest="", config=json.dumps(config).encode())

    dockerfile = b"FROM alpine\nRUN --mount=from=other,target=/x y\n"

    (warning,) = lower(Request(dockerfile=dockerfile, resolver=Windows())).warnings

    assert warning.rule == "InvalidBaseImagePlatform"
    assert warning.lines is None
    with pytest.raises(LowerFailed, match="lint violation found for rules: InvalidBaseImagePlatform"):
        lower(Request(dockerfile=b"# check=error=true\n" + dockerfile, resolver=Windows()))


def test_a_stage_on_a_context_without_a_config_is_for_no_platform() -> None:
    attrs = {"context:src": "local:x", "platform": "linux/amd64,linux/arm64"}
    (build, _) = lower(Request(dockerfile=b"FROM alpine AS src\nFROM src\nCOPY a b\n", attrs=attrs)).builds

    titles = [one.description.get("llb.customname") for one in build.definition.metadata.values()]
    assert "[unknown stage-1 1/1] COPY a b" in titles


def test_warnings_are_diagnostics_of_severity_warning() -> None:
    result = lower(Request(dockerfile=b"FROM scratch AS App\nMAINTAINER me\n"))

    assert [warning.short for warning in result.warnings] == [
        "StageNameCasing: Stage name 'App' should be lowercase (line 1)",
        "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)",
    ]
    assert {warning.diagnostic.rule.severity for warning in result.warnings} == {Severity.WARNING}


def test_a_syntax_directive_forwards_the_build() -> None:
    result = lower(Request(dockerfile=b"# syntax=docker/dockerfile:1\n" + SCRATCH, attrs={"target": "app"}))

    assert result.builds == []
    assert result.forward is not None
    assert result.forward.attrs["source"] == "docker/dockerfile:1"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (r'{"syntax": "a b c"}', "a b c"),
        (r'{"syntax": "\ud800"}', "\ufffd"),
        (r'{"a": NaN, "syntax": "x"}', None),
    ],
    ids=["several words", "half of a character", "no number"],
)
def test_a_json_file_may_ask_for_a_frontend(text: str, source: str | None) -> None:
    if source is None:
        with pytest.raises(LowerFailed):
            lower(Request(dockerfile=text.encode()))
        return
    forward = lower(Request(dockerfile=text.encode())).forward
    assert forward is not None
    assert forward.attrs["source"] == source


def test_platforms_are_built_one_by_one() -> None:
    attrs = {"platform": "linux/amd64,linux/arm64"}
    result = lower(Request(dockerfile=SCRATCH + b"RUN x\n", attrs=attrs))

    assert [build.id for build in result.builds] == ["linux/amd64", "linux/arm64"]
    assert result.builds[0].definition.ops[0] == result.builds[1].definition.ops[0]
    assert result.builds[0].definition.ops != result.builds[1].definition.ops


def test_progress_groups_differ_between_targets() -> None:
    def group(attrs: dict[str, str]) -> str:
        build = lower(Request(dockerfile=SCRATCH + b"COPY --link a /b\n", attrs=attrs)).builds[0]
        groups = [item.progress_group for item in build.definition.metadata.values() if item.progress_group]
        return groups[0].id

    assert group({}) == group({})
    assert group({}) != group({"label:x": "y"})


def test_a_definition_survives_the_plan() -> None:
    build = lower(Request(dockerfile=SCRATCH)).builds[0]
    stored = to_plan(build.definition, "linux/amd64", build.config)

    assert stored.build.ops == build.definition.digests
    loaded = from_plan(stored.build, stored.ops, stored.meta)
    assert loaded.ops == build.definition.ops
    assert loaded.metadata == build.definition.metadata


def test_resource_limits_have_no_place_in_a_plan() -> None:
    build = lower(Request(dockerfile=SCRATCH + b"RUN x\n", attrs={"memory": "100"})).builds[0]

    with pytest.raises(llb.LlbError, match="resource limits"):
        to_plan(build.definition, "linux/amd64", build.config)


def test_importing_the_compiler_does_not_import_this_package() -> None:
    import subprocess
    import sys

    code = "import sys, bakec.compiler; print(any(m.startswith('bakec.compiler.dockerfile.') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
