"""The journal: what is written, what survives a kill at any byte, and what reports make of it."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fake_plans import Runner, job, plan

from bakec.ir.diagnostics import Exit, Failed
from bakec.ir.plan import Exporter, Secret
from bakec.runtime import history
from bakec.runtime.drivers.fake import FakeDriver
from bakec.runtime.journal import Journal, read
from bakec.runtime.reports import html, junit, markdown, text
from bakec.runtime.reports import json as as_json
from bakec.runtime.results import Outcome
from tests.browsing import browse

JOBS = (job("a"), job("b"), job("c", "b"), job("d", "c"), job("e"))
IMAGE = (Exporter(type="image"),)


async def fail_b(name: str) -> None:
    if name == "b":
        raise OSError("the disk of b is full | <b>")


@pytest.fixture
def journal(perform: Runner, tmp_path: Path) -> Path:
    """Of a run in which `b` failed, and so `c` and `d` were skipped."""
    path = tmp_path / "run.journal"
    perform(FakeDriver(fail_b), *JOBS, journal=path, keep_going=True)
    return path


def outcomes(found: history.History) -> dict[str, str]:
    return {each.target: each.outcome for each in found.jobs}


def test_it_tells_what_came_of_each_job_and_why(journal: Path) -> None:
    found = history.read(journal)
    assert outcomes(found) == {"a": "built", "b": "failed", "c": "skipped", "d": "skipped", "e": "built"}
    assert [each.because for each in found.jobs] == ["", "", "b", "b", ""]
    assert found.exit == Exit.BUILD
    assert found.runs == 1


def test_a_journal_that_was_cut_off_at_any_byte_is_still_read(perform: Runner, journal: Path) -> None:
    whole = journal.read_bytes()
    ends = [json.loads(line) for line in whole.splitlines() if b'"end"' in line]
    for size in range(len(whole) + 1):
        journal.write_bytes(whole[:size])
        with closing(Journal(journal, plan(*JOBS))) as again:
            past = again.begin("fake://", resume=True)
        kept = [one["end"] for one in ends if json.dumps(one).encode() in whole[:size]]
        assert set(past.done) | past.failed == {name for name in kept if name in "abe"}, size
        assert read(journal)[-1]["run"] == "fake://"


def test_a_run_is_taken_up_again_after_a_cut(perform: Runner, journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole[: whole.index(b'"over"')])
    result = perform(FakeDriver(), *JOBS, journal=journal, resume=True)
    found = history.read(journal)

    assert {each.target: each.outcome for each in result.jobs if each.target in "ae"} == {
        "a": Outcome.DONE,
        "e": Outcome.DONE,
    }
    assert set(outcomes(found).values()) == {"built"}
    assert found.runs == 2


def test_only_what_failed_is_run_again(perform: Runner, tmp_path: Path) -> None:
    jobs = (job("a"), job("b"), job("c"))
    path = tmp_path / "j"
    perform(FakeDriver(fail_b), *jobs, journal=path, jobs=1)
    driver = FakeDriver()
    result = perform(driver, *jobs, journal=path, resume=True, failed_only=True)

    assert {each.target: each.outcome.value for each in result.jobs} == {
        "a": "done before",
        "b": "built",
        "c": "left out",
    }
    assert result.exit is Exit.OK
    assert {name for _, name in driver.log} == {"b"}


@pytest.mark.parametrize("content", ["notes of mine\n", "{}\n", '{"jobs": 1}'])
def test_a_file_that_is_no_journal_is_never_overwritten(perform: Runner, tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes"
    path.write_text(content)
    result = perform(FakeDriver(), job("a"), journal=path)

    assert [each.rule.code for each in result.diagnostics] == ["BK716"]
    assert path.read_text() == content


def test_a_journal_that_cannot_be_written_ends_the_run(perform: Runner, tmp_path: Path) -> None:
    result = perform(FakeDriver(), job("a"), journal=tmp_path / "none/j")
    assert result.exit is Exit.USAGE


def test_secret_values_are_not_in_it(perform: Runner, tmp_path: Path) -> None:
    async def leak(_name: str) -> None:
        raise OSError("cannot log in with very-secret-value")

    env = {"HOME": str(tmp_path), "TOKEN": "very-secret-value"}
    path = tmp_path / "j"
    perform(FakeDriver(leak), job("a", secrets=(Secret(id="t", env="TOKEN"),)), journal=path, env=env)
    assert "cannot log in with ***" in path.read_text()
    assert "very-secret-value" not in path.read_text()


def test_the_critical_path_is_the_chain_with_the_most_work() -> None:
    jobs = [
        history.JobHistory(id="a", target="a", work=(("building", 0, 5),)),
        history.JobHistory(id="b", target="b", work=(("building", 0, 1),)),
        history.JobHistory(id="c", target="c", needs=("a", "b"), work=(("building", 5, 6),)),
        history.JobHistory(id="d", target="d", work=(("building", 0, 5.5),)),
    ]
    assert history.critical_path(jobs) == ["a", "c"]
    assert history.critical_path([]) == []


def test_the_text_report_has_a_line_for_each_target(journal: Path) -> None:
    lines = text.render(history.read(journal)).splitlines()
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["a", "built"], ["b", "failed"], ["c", "skipped"], ["d", "skipped"], ["e", "built"],
    ]  # fmt: skip
    assert lines[3].endswith("because of b")
    assert lines[7].startswith("2 built, 1 failed, 2 skipped in ")


def test_the_junit_report_is_xml_with_failures(journal: Path) -> None:
    suite = ET.fromstring(junit.render(history.read(journal)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "2")
    assert "the disk of b is full | <b>" in suite.find("testcase[@name='b']/failure").text


def test_the_json_report_has_everything(journal: Path) -> None:
    found = json.loads(as_json.render(history.read(journal)))
    assert [each["target"] for each in found["jobs"]] == ["a", "b", "c", "d", "e"]
    assert found["jobs"][0]["work"][0][0] == "solving"


@pytest.mark.parametrize("render", [html.render, markdown.render], ids=["html", "markdown"])
def test_reports_for_readers_hold_a_picture_and_no_markup_of_others(
    journal: Path, render: Callable[[history.History], str]
) -> None:
    page = render(history.read(journal))
    assert "<b>full" not in page and "is full | <b>" not in page
    assert "svg" in page
    assert "because of b" in page


MEASURE = """<script>
const all = [...document.querySelectorAll("rect"), ...document.querySelectorAll("td")];
const out = all.filter(e => { const r = e.getBoundingClientRect(); return r.left < 0 || r.right > innerWidth + 0.5; });
const bars = [...document.querySelectorAll("rect")].filter(e => e.querySelector("title"));
const page = document.documentElement;
document.title = JSON.stringify([all.length > 0, out.length, bars.length, page.scrollWidth <= page.clientWidth]);
</script></body>"""


def test_the_page_fits_into_a_browser(journal: Path, tmp_path: Path) -> None:
    """Each phase of work is a bar, and nothing hangs out of the window, however long names and messages are."""
    found = history.read(journal)
    found.jobs[1].error = "failed to solve: " + "sha256:" + "0" * 300
    found.jobs[0].digest = "sha256:" + "0" * 64
    page = re.sub(r"<meta http-equiv[^>]*>", "", html.render(found)).replace("</body>", MEASURE)
    (tmp_path / "report.html").write_text(page)
    dom = browse(tmp_path / "report.html")

    title = re.findall(r"<title>(.*?)</title>", dom)[0]
    assert json.loads(title) == [True, 0, sum(len(job.work) for job in found.jobs), True]


def test_an_empty_report() -> None:
    for render in (text.render, html.render, markdown.render, junit.render, as_json.render):
        assert render(history.History(jobs=()))


def test_a_report_needs_a_journal(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no such file"):
        history.read(tmp_path / "none")


def test_two_runs_do_not_share_a_journal(journal: Path) -> None:
    with closing(Journal(journal, plan(*JOBS))) as first:
        first.begin("fake://", resume=True)
        before = journal.read_bytes()

        with pytest.raises(Failed, match="another run is writing it") as refused:
            Journal(journal, plan(*JOBS)).begin("fake://", resume=False)
        assert "remove" not in refused.value.diagnostics[0].hint
        assert journal.read_bytes() == before
    with closing(Journal(journal, plan(*JOBS))) as second:
        assert second.begin("fake://", resume=True).done
