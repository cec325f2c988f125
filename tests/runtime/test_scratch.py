"""Private folders: nobody else can look into them, and none is left behind."""

import os
import shutil
from pathlib import Path

import pytest

from bakec import Failed
from bakec.runtime import scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_folder_is_ours_alone_and_goes_with_what_is_in_it(place: Path) -> None:
    with scratch.folder() as folder:
        (folder / "below").mkdir()
        (folder / "below/file").touch()
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700

    assert list(place.iterdir()) == []


def test_those_of_the_dead_go_and_those_of_the_living_stay(place: Path) -> None:
    left = place / "bakec-run-left/inside"
    left.mkdir(parents=True)
    (left / "agent").touch()
    with scratch.folder() as living:
        os.utime(left.parent, (0, 0))
        os.utime(living, (0, 0))
        with scratch.folder():
            assert not left.exists()
            assert living.exists()


def test_a_folder_may_be_gone_before_the_end() -> None:
    """Programs that tidy up /tmp know nothing of us."""
    with scratch.folder() as folder:
        shutil.rmtree(folder)


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))

    with pytest.raises(Failed, match=r"cannot make a folder in .*nowhere: No such file or directory"), scratch.folder():
        pass
