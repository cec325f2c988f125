"""One idea a folder: an input, and the tokens, the tree and the diagnostics that come of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bakec.compiler.hcl.lexer import tokenize
from bakec.compiler.hcl.parse import parse_hcl
from bakec.compiler.json.parse import parse_json
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.span import Source
from tests.language.syntax.dump import dump_body, dump_diagnostics, dump_tokens

Golden = Callable[[Path, str], None]

FOLDERS = sorted(path for path in (Path(__file__).parent / "golden").iterdir() if path.is_dir())


def read(folder: Path) -> Source:
    """The input, with line ends as they are."""
    (path,) = folder.glob("input.*")
    return Source(path.name, path.read_bytes().decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_golden(folder: Path, golden: Golden) -> None:
    source, sink = read(folder), Diagnostics()
    file = (parse_json if source.name.endswith(".json") else parse_hcl)(source, sink)
    golden(folder / "expected.tree", dump_body(file.body))
    golden(folder / "expected.diag", dump_diagnostics(sink))
    if (folder / "expected.tokens").exists():
        golden(folder / "expected.tokens", dump_tokens(tokenize(source, source.text, 0)))
