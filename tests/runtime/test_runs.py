"""Runs on the fake daemon, which speaks the real protocol: order, limits, failures, interrupts."""

import asyncio
import gc
import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path

import pytest
from fake_plans import Runner, job, plan

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, LocalDir, Secret, Ssh
from bakec.runtime.builders import alone
from bakec.runtime.buildkit.channel import Connection
from bakec.runtime.drivers.base import Pipe
from bakec.runtime.drivers.fake import FakeDriver, make_pipe
from bakec.runtime.engine import run
from bakec.runtime.options import RunOptions
from bakec.runtime.results import Outcome
from bakec.runtime.retry import Retries
from bakec.runtime.schedule import Claim


def outcomes(result: object) -> dict[str, str]:
    return {each.id: each.outcome.value for each in result.jobs}


def test_all_jobs_are_built(perform: Runner) -> None:
    driver = FakeDriver()
    result = perform(driver, job("a"), job("b"), job("c"))

    assert result.exit is Exit.OK
    assert outcomes(result) == {"a": "built", "b": "built", "c": "built"}


def test_an_empty_plan_needs_no_builder(perform: Runner) -> None:
    assert perform(FakeDriver()).exit is Exit.OK


def test_linked_jobs_are_solved_parents_first_and_ended_children_first(perform: Runner) -> None:
    driver = FakeDriver()
    perform(driver, job("base"), job("child", "base"), jobs=1)

    assert [each for each in driver.log if each[0] in ("solve", "evaluate", "end")] == [
        ("solve", "base"),
        ("solve", "child"),
        ("evaluate", "base"),
        ("evaluate", "child"),
        ("end", "child"),
        ("end", "base"),
    ]


def test_the_number_of_jobs_at_work_is_limited(perform: Runner) -> None:
    going, most = 0, 0

    async def work(_name: str) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.01)
        going -= 1

    perform(FakeDriver(work), *(job(f"j{index}") for index in range(20)), jobs=3)
    assert most == 3


async def _fail_b(name: str) -> None:
    if name == "b":
        raise OSError("the disk of b is full")
    await asyncio.sleep(0.2)


def test_the_first_failure_stops_the_rest(perform: Runner) -> None:
    driver = FakeDriver(_fail_b)
    result = perform(driver, job("a"), job("b"), job("c"))

    assert result.exit is Exit.BUILD
    assert outcomes(result) == {"a": "cancelled", "b": "failed", "c": "cancelled"}
    assert [each.message for each in result.diagnostics] == ["target `b`: failed to solve: the disk of b is full"]
    assert {("cancel", "a"), ("cancel", "c")} <= set(driver.log)


def test_with_keep_going_only_what_depends_on_a_failure_is_skipped(perform: Runner) -> None:
    result = perform(FakeDriver(_fail_b), job("a"), job("b"), job("c", "b"), job("d", "c"), job("e"), keep_going=True)
    assert outcomes(result) == {"a": "built", "b": "failed", "c": "skipped", "d": "skipped", "e": "built"}
    assert result.exit is Exit.BUILD


def test_a_daemon_that_dies_is_one_error_and_no_hang(perform: Runner) -> None:
    async def die(_name: str) -> None:
        await asyncio.sleep(0.05)
        driver.die()
        await asyncio.sleep(60)

    driver = FakeDriver(die)
    result = perform(driver, job("a"), job("b"), job("c", "a"))

    assert result.exit is Exit.DRIVER
    assert [each.rule.code for each in result.diagnostics] == ["BK702"]
    assert {each.outcome for each in result.jobs} == {Outcome.CANCELLED}


class Silent(FakeDriver):
    """Connections are taken, and nobody ever speaks."""

    async def dial(self) -> Pipe:
        return make_pipe()[0]


def test_a_daemon_that_never_answers_is_one_error(perform: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakec.runtime.site.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("bakec.runtime.errors.PROBE_SECONDS", 0.2)
    result = perform(Silent(), job("a"))
    assert result.exit is Exit.DRIVER
    assert [each.rule.code for each in result.diagnostics] == ["BK702"]


def test_an_interrupt_ends_the_wait_for_a_daemon(perform: Runner) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert perform(Silent(), job("a")).exit is Exit.INTERRUPTED


def test_a_job_that_takes_too_long_is_stopped(perform: Runner) -> None:
    driver = FakeDriver(lambda _name: asyncio.sleep(60))
    result = perform(driver, job("slow"), timeout=0.1)

    assert result.exit is Exit.DEADLINE
    assert ("cancel", "slow") in driver.log


def unsteady(*names: str, failures: int = 1, message: str = "connection reset by peer") -> Callable[[str], Awaitable]:
    """The work of these jobs fails so often before it succeeds."""
    left = dict.fromkeys(names, failures)

    async def work(name: str) -> None:
        if left.get(name):
            left[name] -= 1
            raise OSError(message)

    return work


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try follows without a wait."""
    monkeypatch.setattr("bakec.runtime.retry.FIRST_SECONDS", 0.0)


def test_a_failure_is_tried_again_as_often_as_asked_for(perform: Runner, at_once: None) -> None:
    given_up = perform(FakeDriver(unsteady("a", failures=2)), job("a"), retries=Retries(1))
    result = perform(FakeDriver(unsteady("a", failures=2)), job("a"), retries=Retries(2))

    assert given_up.exit is Exit.BUILD
    assert result.exit is Exit.OK
    assert result.jobs[0].attempts == 3


@pytest.mark.parametrize("name", ["base", "child"])
def test_linked_jobs_are_tried_again_unless_others_hold_on_to_them(perform: Runner, at_once: None, name: str) -> None:
    """The child is built after the base is, whose first work is when the child has its LLB already."""
    driver = FakeDriver(unsteady(name))
    result = perform(driver, job("base"), job("child", "base"), retries=Retries(1), jobs=1)

    assert result.exit is (Exit.OK if name == "child" else Exit.BUILD)
    assert [log for log in driver.log if log[0] == "end"] == (
        [("end", "child"), ("end", "base")] if name == "child" else []
    )


def test_a_job_that_waits_for_another_try_holds_no_slot(perform: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakec.runtime.retry.wait", lambda _retry: 0.2)
    driver = FakeDriver(unsteady("a"))
    result = perform(driver, job("a"), job("b"), retries=Retries(1), jobs=1)

    assert result.exit is Exit.OK
    assert [log for log in driver.log if log[0] == "end"] == [("end", "b"), ("end", "a")]


def test_the_wait_for_another_try_is_not_idle(perform: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakec.runtime.retry.wait", lambda _retry: 0.6)
    assert perform(FakeDriver(unsteady("a")), job("a"), retries=Retries(1), idle=0.3).exit is Exit.OK


@pytest.mark.parametrize(
    "message",
    [
        'process "make" did not complete successfully: exit code: 2',
        "dockerfile parse error on line 3",
        "failed to push x: server message: insufficient_scope: authorization failed",
        "pull access denied, repository does not exist",
        "docker.io/library/none:latest: not found",
        "write /out: no space left on device",
    ],
)
def test_what_would_fail_again_is_not_tried_again(perform: Runner, message: str) -> None:
    result = perform(FakeDriver(unsteady("a", message=message)), job("a"), retries=Retries(5))
    assert result.jobs[0].attempts == 1


def test_the_time_that_a_job_may_take_is_that_of_its_work(perform: Runner) -> None:
    """The base waits for its child, which takes longer than either may."""

    async def work(name: str) -> None:
        await asyncio.sleep(0.3 if name.startswith("child") else 0)

    children = [job(f"child{index}", "base") for index in range(4)]
    assert perform(FakeDriver(work), job("base"), *children, jobs=1, timeout=0.9).exit is Exit.OK


def test_a_journal_lets_a_run_be_taken_up_again(perform: Runner, tmp_path: Path) -> None:
    jobs = (job("a"), job("b"), job("c"))
    journal = tmp_path / "run.journal"
    first = perform(FakeDriver(_fail_b), *jobs, journal=journal, keep_going=True)
    driver = FakeDriver()
    second = perform(driver, *jobs, journal=journal, resume=True)

    assert outcomes(first) == {"a": "built", "b": "failed", "c": "built"}
    assert outcomes(second) == {"a": "done before", "b": "built", "c": "done before"}
    assert {name for _, name in driver.log} == {"b"}


def test_a_journal_of_another_plan_is_refused(perform: Runner, tmp_path: Path) -> None:
    journal = tmp_path / "run.journal"
    perform(FakeDriver(), job("a"), journal=journal)
    result = perform(FakeDriver(), job("other"), journal=journal, resume=True)

    assert result.exit is Exit.USAGE
    assert "it belongs to another plan" in result.diagnostics[0].message


def test_a_context_that_is_missing_stops_the_run_before_it_begins(perform: Runner) -> None:
    driver = FakeDriver()
    result = perform(driver, job("a"), job("b", locals=(LocalDir(name="context", path="nowhere"),)))

    assert [each.rule.code for each in result.diagnostics] == ["BK707"]
    assert driver.log == []


def test_secret_values_are_not_in_the_options_nor_in_what_is_shown(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "TOKEN": "very-secret-value"}
    stream = StringIO()
    options = RunOptions(root=tmp_path, env=env, stderr=stream, progress="plain")
    leak = job("very-secret-value", secrets=(Secret(id="t", env="TOKEN"),))
    asyncio.run(run(plan(leak), options, alone("fake", FakeDriver())))

    assert "very-secret-value" not in repr(options)


def test_the_metadata_file_needs_its_folder(perform: Runner, tmp_path: Path) -> None:
    result = perform(FakeDriver(), job("a"), metadata_file=tmp_path / "none/meta.json")
    assert result.exit is Exit.USAGE


def test_the_metadata_file_is_written_on_success_only(perform: Runner, tmp_path: Path) -> None:
    exports = (Exporter(type="image"),)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    perform(FakeDriver(), job("a", exports=exports), metadata_file=good)
    perform(FakeDriver(_fail_b), job("b", exports=exports), metadata_file=bad)

    assert json.loads(good.read_text())["a"]["containerimage.digest"].startswith("sha256:")
    assert not bad.exists()


def test_many_linked_jobs_at_once(perform: Runner) -> None:
    jobs = [job("base"), *(job(f"n{index}", "base") for index in range(150))]
    result = perform(FakeDriver(), *jobs, jobs=7)
    assert result.exit is Exit.OK


def test_nothing_is_pushed_when_something_cannot_be_built(perform: Runner) -> None:
    push = (Exporter(type="image", attrs={"push": "true", "name": "a"}),)
    driver = FakeDriver(_fail_b)
    result = perform(driver, job("a", exports=push), job("b", exports=push), publish="after-all", jobs=1)

    assert result.exit is Exit.BUILD
    assert driver.exporters == [[], []]


def test_everything_is_pushed_when_all_is_built(perform: Runner) -> None:
    push = (Exporter(type="registry", attrs={"name": "a"}),)
    driver = FakeDriver()
    result = perform(driver, job("a", exports=push), publish="after-all")

    assert result.exit is Exit.OK
    assert driver.exporters == [[], ["image"]]


def test_a_result_that_nobody_can_use_is_warned_of(perform: Runner) -> None:
    result = perform(FakeDriver(), job("a"), job("b", exports=(Exporter(type="cacheonly"),)))
    assert result.exit is Exit.OK
    assert [each.message for each in result.warnings] == [
        "no output specified for `a` with the fake driver; the result stays in the build cache only"
    ]


def test_nothing_is_pushed_when_that_was_asked_for(perform: Runner) -> None:
    push = (Exporter(type="registry", attrs={"name": "a"}),)
    driver = FakeDriver()
    assert perform(driver, job("a", exports=push), publish="never").exit is Exit.OK
    assert driver.exporters == [[]]


def test_a_pool_limits_the_jobs_that_take_from_it(perform: Runner) -> None:
    going, most = 0, 0

    async def work(name: str) -> None:
        nonlocal going, most
        going += name.startswith("net")
        most = max(most, going)
        await asyncio.sleep(0.01)
        going -= name.startswith("net")

    names = [*(f"net{index}" for index in range(6)), "x", "y"]
    claims = {name: Claim("net", 1) for name in names[:6]}
    assert perform(FakeDriver(work), *map(job, names), pools={"net": 2}, claims=claims).exit is Exit.OK
    assert most == 2


def test_a_run_that_takes_too_long_is_stopped(perform: Runner) -> None:
    driver = FakeDriver(lambda _name: asyncio.sleep(60))
    result = perform(driver, job("slow"), job("slower"), deadline=0.2)

    assert result.exit is Exit.DEADLINE
    assert [each.rule.code for each in result.diagnostics] == ["BK720"]
    assert {("cancel", "slow"), ("cancel", "slower")} <= set(driver.log)


def test_the_deadline_counts_the_wait_for_a_daemon(perform: Runner) -> None:
    assert perform(Silent(), job("a"), deadline=0.2).exit is Exit.DEADLINE


def test_a_builder_that_falls_silent_is_given_up(perform: Runner) -> None:
    result = perform(FakeDriver(lambda _name: asyncio.sleep(60)), job("slow"), idle=0.2)
    assert result.exit is Exit.DEADLINE
    assert [each.rule.code for each in result.diagnostics] == ["BK721"]


def test_a_builder_that_talks_is_not_idle(perform: Runner) -> None:
    driver = FakeDriver(lambda _name: asyncio.sleep(0.15))
    assert perform(driver, *map(job, "abcdef"), jobs=1, idle=0.4).exit is Exit.OK


def test_each_target_has_a_log(perform: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "logs/here"
    assert perform(FakeDriver(), job("a"), job("b"), log_dir=folder).exit is Exit.OK
    assert sorted(path.name for path in folder.iterdir()) == ["a.log", "b.log"]
    assert (folder / "a.log").read_text() == "#1 [1/1] RUN a\n#1 DONE 1.0s\n"


def test_logs_that_cannot_be_written_stop_the_run_before_it_begins(perform: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    driver = FakeDriver()
    result = perform(driver, job("a"), log_dir=tmp_path / "file/logs")
    assert [each.rule.code for each in result.diagnostics] == ["BK722"]
    assert driver.log == []


def test_a_private_folder_that_cannot_be_made(perform: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which only the socket of an agent for key files needs."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    (tmp_path / "key").touch()
    result = perform(FakeDriver(), job("a", ssh=(Ssh(id="default", paths=("key",)),)))
    assert [each.rule.code for each in result.diagnostics] == ["BK729"]
    assert perform(FakeDriver(), job("a", dockerfile_inline="FROM scratch\n")).exit is Exit.OK


def test_more_builds_than_one_channel_takes(perform: Runner) -> None:
    """Of a daemon that lets no more than 100 calls of a channel go on at once."""
    jobs = [job("base"), *(job(f"n{index}", "base") for index in range(300))]
    assert perform(FakeDriver(), *jobs, deadline=60).exit is Exit.OK


@pytest.mark.parametrize("name", ["a", "b"], ids=["good", "failed"])
def test_a_run_leaves_nothing_for_the_garbage_collector(perform: Runner, name: str) -> None:
    """A connection that is closed, and known to itself, stays open until somebody collects garbage."""
    gc.collect()
    gc.disable()
    try:
        perform(FakeDriver(_fail_b), job("base"), job(name, "base"))
        left = [each for each in gc.get_objects() if isinstance(each, Connection)]
    finally:
        gc.enable()
    assert left == []
