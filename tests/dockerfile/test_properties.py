"""Laws: no Dockerfile makes a traceback, lowering is deterministic, every op can be read back."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakec.compiler.dockerfile.lower import lower
from bakec.compiler.dockerfile.request import ImageAnswer, ImageRequest, Lowered, LowerFailed, NoResolver, Request
from bakec.ir import llb

SEED = b"""# syntax-free
ARG V=1
FROM alpine AS base
ENV A=${V:-x} B="q r"
RUN --mount=type=cache,target=/c,uid=5 --mount=type=secret,id=s make "$A"
WORKDIR /w
COPY --link --chown=a:b x y/ ./
FROM base
COPY --from=base /w /out
RUN <<EOF cat
$B
EOF
EXPOSE 80-82/tcp ${V}
HEALTHCHECK --interval=5s CMD true
ONBUILD RUN later
"""
PIECES = [
    b"$", b"${", b"}", b'"', b"'", b"\\", b"`", b"<<E", b"\n", b"#", b"=", b"--", b"/", b"\xff", b"\x00", b"\xc2\xa0",
    b"FROM ", b"ARG ", b"ONBUILD ", b"RUN --mount=", b"COPY --from=", b"ADD https://h.invalid/x.git#", b"[", b"]", b",",
    b"${a:-", b"${a%", b"${a//*/", b":", b"@", b"0", b"-1", b"# check=", b"# escape=`\n", b"SHELL [", b"USER ", b"\r\n",
]  # fmt: skip
REQUESTS = ["", "", "", "frontend.lint", "frontend.outline", "frontend.targets", "frontend.convertllb"]


class OneImage(NoResolver):
    """Every image is the same small one."""

    def image(self, request: ImageRequest) -> ImageAnswer:
        config = b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:0"]}}'
        return ImageAnswer(ref=request.ref, digest="sha256:" + "0" * 64, config=config)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The seed with a few pieces put in, over, or taken out."""
    data = bytearray(SEED)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 6))] = draw(st.sampled_from(PIECES))
    return bytes(data)


def result_of(data: bytes, call: str = "") -> Lowered | LowerFailed:
    attrs = {"requestid": call} if call else {}
    try:
        return lower(Request(dockerfile=data, attrs=attrs, resolver=OneImage(), session="job"))
    except LowerFailed as failed:
        return failed


SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(mutated(), st.sampled_from(REQUESTS))
def test_every_file_is_lowered_or_refused(data: bytes, call: str) -> None:
    result = result_of(data, call)

    if isinstance(result, LowerFailed):
        assert result.message
        assert result.diagnostics[0].rule.code.startswith("BK5")


@SETTINGS
@given(st.binary(max_size=300))
def test_every_text_is_lowered_or_refused(data: bytes) -> None:
    result_of(b"FROM scratch\n" + data)


@SETTINGS
@given(mutated())
def test_the_same_file_gives_the_same_bytes(data: bytes) -> None:
    first, second = result_of(data), result_of(data)

    if isinstance(first, LowerFailed):
        assert isinstance(second, LowerFailed)
        assert first.message == second.message
    else:
        assert isinstance(second, Lowered)
        assert first.builds == second.builds


@SETTINGS
@given(mutated())
def test_ops_can_be_read_back_and_inputs_stand_before_their_users(data: bytes) -> None:
    result = result_of(data)

    for build in result.builds if isinstance(result, Lowered) else ():
        seen: set[str] = set()
        for op in build.definition.ops:
            decoded = llb.decode_op(op)
            assert llb.encode(decoded) == op
            assert {item.digest for item in decoded.inputs} <= seen
            seen.add(llb.digest(op))


def test_deep_chains_end_in_an_error_or_a_result() -> None:
    chain = b"FROM scratch AS s0\nCOPY a /\n" + b"".join(
        b"FROM s%d AS s%d\nCOPY --from=s%d /a /b%d\n" % (n - 1, n, n - 1, n) for n in range(1, 400)
    )
    result = result_of(chain)
    assert isinstance(result, Lowered)
    assert len(result.builds[0].definition.ops) > 400

    for text in (b"FROM a\n" + b"ONBUILD " * 5000 + b"RUN x\n", b"FROM a\nCMD " + b"[" * 5000 + b"\n"):
        assert result_of(text) is not None
