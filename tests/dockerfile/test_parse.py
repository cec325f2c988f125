"""The parse tree: each golden file holds a Dockerfile, a line `---`, and its tree as one line an instruction."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.parse import Node, parse

GOLDEN = Path(__file__).parent / "parse"


def shown(nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        yield f"{node.lines.first}-{node.lines.last} {node.name} {list(node.flags)} {list(node.args)}" + (
            " json" if node.json else ""
        )
        yield from (f"    << {heredoc.name} {heredoc.content!r} expand={heredoc.expand}" for heredoc in node.heredocs)
        yield from (f"    # {comment}" for comment in node.comments)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_tree(path: Path) -> None:
    source, _, expected = path.read_text().partition("\n---\n")

    assert "\n".join(shown(parse(source.encode()).nodes)) == expected.rstrip("\n")


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("# nothing here\n", "file with no instructions", 1),
        ("# escape=x\nFROM a\n", "invalid escape token 'x' does not match ` or \\", 0),
        ("# escape=`\n# escape=`\n", "only one escape parser directive can be used", 1),
        ("FROM a\nRUN <<EOF\nx\n", "unterminated heredoc", 2),
        ("FROM a\nENV key\n", "ENV must have two arguments", 2),
        ('FROM a\nCMD ["a", 1]\n', "when using JSON array syntax, arrays must be comprised of strings only", 2),
        ("FROM a\nRUN " + "x" * 65536 + "\n", "dockerfile line greater than max allowed size of 65535", 1),
    ],
)
def test_a_file_that_cannot_be_parsed_says_where(source: str, message: str, line: int) -> None:
    with pytest.raises(DockerfileError) as raised:
        parse(source.encode())

    assert str(raised.value) == message
    assert raised.value.locations[0] is not None
    assert raised.value.locations[0].first == line


def test_flags_are_read_byte_by_byte() -> None:
    (node,) = parse("RUN --mount=\u00e9 x\n".encode()).nodes

    assert node.flags == ("--mount=\u00c3\u00a9",)


def test_a_byte_order_mark_is_dropped() -> None:
    (node,) = parse(b"\xef\xbb\xbfFROM a\n").nodes

    assert node.name == "FROM"


def test_blank_lines_inside_an_instruction_are_remembered() -> None:
    assert parse(b"RUN a \\\n\n b\n").empty_continuations == (3,)
