"""The display on a real terminal: a pseudo-terminal whose other end is an emulator that keeps the screen."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pyte
import pytest

from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexLog, VertexStatus
from bakec.runtime.progress.board import Board, Target
from bakec.runtime.progress.display import make_display
from bakec.runtime.progress.tty import Tty

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """`stream` is where a program writes, `lines` what one sees then."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._master, slave = pty.openpty()
        self.stream: TextIO = os.fdopen(slave, "w")
        os.set_blocking(self._master, False)
        self._screen = pyte.Screen(columns, lines)
        self._parser = pyte.ByteStream(self._screen)
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    @property
    def lines(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._master, 1 << 16):
                self._parser.feed(data)
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    @property
    def has_cursor(self) -> bool:
        return bool(self.lines) and not self._screen.cursor.hidden

    def close(self) -> None:
        self.stream.close()
        os.close(self._master)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    made = Terminal()
    yield made
    made.close()


def step(name: str, start: float, end: float | None = None, **fields: object) -> StatusResponse:
    vertex = Vertex(digest=f"sha256:{name}", name=name, **fields)
    vertex.started.FromNanoseconds(int(start * 1e9))
    if end is not None:
        vertex.completed.FromNanoseconds(int(end * 1e9))
    return StatusResponse(vertexes=[vertex])


def transfer(name: str, current: int, total: int) -> StatusResponse:
    status = VertexStatus(ID="transferring context:", vertex=f"sha256:{name}", current=current, total=total)
    status.timestamp.FromSeconds(3)
    status.started.FromSeconds(1)
    return StatusResponse(statuses=[status])


def said(name: str, text: str) -> StatusResponse:
    log = VertexLog(vertex=f"sha256:{name}", msg=text.encode())
    log.timestamp.FromSeconds(2)
    return StatusResponse(logs=[log])


def begin(terminal: Terminal, board: Board | None = None) -> Tty:
    found = board or Board()
    display = make_display("auto", terminal.stream, (b"s3cret",), look=lambda: found)
    assert isinstance(display, Tty)
    return display


def test_steps_are_redrawn_in_place(terminal: Terminal) -> None:
    display = begin(terminal)
    display.update("", step("[1/2] COPY . .", 1))
    display.tick()
    first = terminal.lines
    display.update("", step("[1/2] COPY . .", 1, 2))
    display.update("", step("[2/2] RUN make", 2))
    display.update("", said("[2/2] RUN make", "one\ntwo\nthe s3cret\n"))
    display.tick()

    assert first[1].startswith(" => [1/2] COPY . .")
    assert [line[:30].rstrip() for line in terminal.lines[1:7]] == [
        " => [1/2] COPY . .",
        " => [2/2] RUN make",
        " => => # 0.000 one",
        " => => # 0.000 two",
        " => => # 0.000 the ***",
        "",
    ]
    assert terminal.lines[1].endswith("1.0s")
    display.close()


def test_targets_slots_and_transfers_are_shown(terminal: Terminal) -> None:
    now = time.monotonic()
    targets = (Target("web", "is built", now - 7), Target("api", "is exported", now - 3))
    display = begin(terminal, Board(targets=targets, waiting=4, ended=1, slots=2, limit=2))
    display.update("web", step("[1/1] RUN make", 1))
    display.update("api", step("[internal] load build context", 1))
    display.update("api", transfer("[internal] load build context", 5_000_000, 10_000_000))
    display.tick()

    heading, web, make, api, load, context, *_ = terminal.lines
    assert heading.endswith("targets: 1 ended, 2 at work, 4 waiting  slots 2/2")
    assert web.startswith("web  is built") and web.endswith("s")
    assert make.startswith(" => [web 1/1] RUN make")
    assert api.startswith("api  is exported")
    assert load.startswith(" => [api internal] load build context")
    assert context == " => => transferring context: ━━━━━━━━━━────────── 5.00MB / 10.00MB 2.0s"
    display.close()


def test_a_step_that_targets_share_keeps_its_name(terminal: Terminal) -> None:
    display = begin(terminal)
    display.update("web", step("[1/1] RUN make", 1))
    display.update("api", step("[1/1] RUN make", 1, 2))
    display.tick()
    assert "[web 1/1] RUN make" in terminal.text
    assert "api" not in terminal.text
    display.close()


def test_a_step_that_says_nothing_takes_its_time(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    display = begin(terminal)
    display.update("", step("[1/1] RUN sleep 100", 5))
    began = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: began + 42)
    display.tick()
    assert terminal.lines[1].endswith("42.0s")
    display.close()


def test_a_small_terminal_shows_what_is_going_on(terminal: Terminal) -> None:
    terminal.resize(40, 6)
    display = begin(terminal)
    for index in range(20):
        display.update("", step(f"[{index}] ended", index, index + 1))
    display.update("", step("[20] a step with a name that is longer than the terminal is wide", 20))
    display.tick()

    assert terminal.lines[0].startswith("[+] Building")
    assert terminal.lines[-1] == "" or "[20]" in terminal.lines[-1]
    assert sum("ended" in line for line in terminal.lines) == 3
    assert "…" in terminal.text
    display.close()


@pytest.mark.parametrize("size", [(120, 40), (50, 10)], ids=["wider", "narrower"])
def test_a_terminal_may_change_its_size(terminal: Terminal, size: tuple[int, int]) -> None:
    display = begin(terminal)
    display.update("", step("[1/2] COPY . .", 1))
    display.tick()
    assert terminal.lines[1].endswith("0.0s")
    terminal.resize(*size)
    display.update("", step("[2/2] RUN make", 1))
    display.tick()

    assert sum("[1/2]" in line for line in terminal.lines) == 1
    assert len(terminal.lines[1]) == size[0]
    display.close()


def test_the_end_leaves_every_step_and_nothing_else(terminal: Terminal) -> None:
    display = begin(terminal, Board(targets=(Target("a", "is built", 0.0),), waiting=1))
    display.update("a", step("[1/2] COPY . .", 1))
    display.update("a", transfer("[1/2] COPY . .", 1, 2))
    display.tick()
    display.update("a", step("[1/2] COPY . .", 1, 2, cached=True))
    display.update("a", step("[2/2] RUN make", 1, 3, error="exit code: 2"))
    display.update("a", said("[2/2] RUN make", "no rule"))
    display.close()
    display.close()

    heading, *rest = terminal.text.splitlines()
    assert "FINISHED" in heading
    assert [line.split("  ")[0] for line in rest] == [
        " => CACHED [a 1/2] COPY . .",
        " => ERROR [a 2/2] RUN make",
        "------",
        " > [a 2/2] RUN make:",
        "2.000 no rule",
        "------",
    ]
    assert terminal.has_cursor


def test_the_cursor_is_hidden_while_steps_are_redrawn(terminal: Terminal) -> None:
    display = begin(terminal)
    display.tick()
    assert not terminal.has_cursor
    display.close()
    assert terminal.has_cursor


def test_names_that_take_two_cells_a_letter_fit_too(terminal: Terminal) -> None:
    terminal.resize(40, 10)
    display = begin(terminal)
    display.update("", step("[1/1] RUN echo " + "漢字" * 20, 1))
    display.tick()
    display.tick()
    assert sum("RUN" in line for line in terminal.lines) == 1
    assert terminal.lines[2] == ""
    display.close()


def test_text_of_others_is_not_taken_for_markup(terminal: Terminal) -> None:
    display = begin(terminal)
    display.update("", step("[1/1] RUN echo [bold]x[/bold] :smile:", 1))
    display.update("", said("[1/1] RUN echo [bold]x[/bold] :smile:", "\x1b[2J\x1b[?25h\x07evil\n"))
    display.tick()
    assert "RUN echo [bold]x[/bold] :smile:" in terminal.text
    assert terminal.lines[0].startswith("[+] Building")
    assert not terminal.has_cursor
    display.close()


def test_a_terminal_that_cannot_be_drawn_on_gets_plain_lines(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not isinstance(make_display("auto", terminal.stream, ()), Tty)


PROGRAM = """
import asyncio, sys
from pathlib import Path
from fake_plans import job, plan
from bakec.runtime.builders import alone
from bakec.runtime.drivers.fake import FakeDriver
from bakec.runtime.engine import run_plan
from bakec.runtime.options import RunOptions

class Stubborn(FakeDriver):
    async def close(self):
        await asyncio.sleep(float(sys.argv[2]))
        await super().close()

driver = Stubborn(lambda name: asyncio.sleep(60 if name == "slow" else 0))
made = plan(job("quick"), job("slow"))
sys.exit(run_plan(made, RunOptions(root=Path(sys.argv[1]), jobs=2), alone("fake", driver)).exit)
"""


@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupted_run_leaves_the_terminal_in_order(terminal: Terminal, tmp_path: Path, interrupts: int) -> None:
    """The second comes while the first is still being obeyed."""
    path = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "0" if interrupts == 1 else "60"]
    env = {**os.environ, "PYTHONPATH": path, "HOME": str(tmp_path)}
    with subprocess.Popen(command, stderr=terminal.stream, stdout=subprocess.DEVNULL, env=env) as process:
        wait_for(lambda: "slots 1/2" in terminal.text)
        assert not terminal.has_cursor
        process.send_signal(signal.SIGINT)
        if interrupts == 2:
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
        wait_for(lambda: terminal.text is not None and process.poll() is not None)

    assert process.returncode == 130
    assert "FINISHED" in terminal.text
    assert "at work" not in terminal.text
    assert terminal.has_cursor
    if interrupts == 1:
        assert terminal.text.splitlines()[-1].startswith("1 built, 1 cancelled in ")


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
