"""Options and fixtures of the whole suite."""

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="rewrite the expected files from what comes out")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a file that holds what is expected; with --update-goldens, write the file instead. An empty
    text stands for no file."""

    def check(path: Path, actual: str) -> None:
        if request.config.getoption("--update-goldens"):
            path.unlink(missing_ok=True)
            if actual:
                path.write_text(actual, "utf-8")
            return
        expected = path.read_text("utf-8") if path.exists() else ""
        assert expected == actual, f"{path} differs; --update-goldens rewrites it"

    return check


@pytest.fixture(autouse=True)
def debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours fails the test with its traceback, instead of becoming a message and an exit code."""
    monkeypatch.setenv("BAKEC_DEBUG", "1")
