"""Builders of several nodes: who builds what, and how the parts of an image become one."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from fake_plans import job, plan

from bakec.ir.diagnostics import Exit, Failed
from bakec.ir.plan import Exporter, FrontendSolve, Job, LlbSolve, PlatformBuild
from bakec.ir.platforms import Platform, normalize, parse, runs, short_name
from bakec.runtime.builders import Builder, BuilderNode, alone
from bakec.runtime.drivers.base import Features, Pipe
from bakec.runtime.drivers.fake import FakeDriver
from bakec.runtime.engine import run
from bakec.runtime.merge import DOCKER_LIST, OCI_INDEX, annotations_of, combine
from bakec.runtime.options import RunOptions
from bakec.runtime.placement import Share, check_links, groups, part_of, place_able, place_configured
from bakec.runtime.results import RunResult

BOTH = ("linux/amd64", "linux/arm64")


def able(*nodes: str) -> list[list[Platform]]:
    return [[normalize(parse(name)) for name in node.split()] for node in nodes]


def shares(found: object) -> dict[str, list[tuple[int, ...]]]:
    assert found is not None
    return {job_id: [(share.node, *share.platforms) for share in each] for job_id, each in found.items()}


# Who builds what


def test_platforms_go_to_the_nodes_that_are_configured_for_them() -> None:
    nodes = able("linux/arm64", "linux/amd64 linux/386")
    placed = place_configured([job("a", platforms=(*BOTH, "linux/386")), job("b", platforms=BOTH[1:])], nodes)
    assert shares(placed) == {
        "a": [(1, "linux/amd64", "linux/386"), (0, "linux/arm64")],
        "b": [(0, "linux/arm64")],
    }


def test_a_job_without_platforms_is_built_by_the_first_node() -> None:
    assert shares(place_configured([job("a")], able("linux/arm64", "linux/amd64"))) == {"a": [(0,)]}


def test_where_the_configuration_leaves_a_platform_over_nothing_is_decided_by_it() -> None:
    jobs = [job("a", platforms=BOTH), job("b", platforms=("linux/s390x",))]
    assert place_configured(jobs, able("linux/amd64", "linux/arm64")) is None


@pytest.mark.parametrize(
    ("wanted", "nodes", "node"),
    [
        ("linux/arm/v7", ("linux/amd64", "linux/arm64"), 1),
        ("linux/386", ("linux/arm64", "linux/amd64"), 1),
        ("linux/arm/v7", ("linux/arm64", "linux/arm/v7"), 1),
        ("linux/arm/v7", ("linux/arm/v7", "linux/arm64"), 0),
        ("linux/arm/v6", ("linux/arm64", "linux/arm/v7"), 1),
        ("linux/amd64", ("linux/amd64", "linux/amd64"), 0),
        ("linux/amd64/v2", ("linux/amd64", "linux/amd64/v3"), 1),
        ("linux/s390x", ("linux/amd64", "linux/arm64"), 0),
        ("windows/amd64", ("linux/amd64", "windows/amd64"), 1),
    ],
)
def test_what_a_node_can_run_decides_where_nothing_fits_exactly(wanted: str, nodes: Sequence[str], node: int) -> None:
    placed = place_able([job("a", platforms=(wanted,))], able(*nodes))
    assert placed["a"] == (Share(node, (wanted,)),)


ARM = "arm/v8 arm/v7 arm/v6 arm/v5"


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        ("amd64/v3", "amd64/v3 amd64/v2 amd64/v1 386"),
        ("arm/v7", "arm/v7 arm/v6 arm/v5"),
        ("arm64/v8.2", f"arm64/v8.2 arm64/v8.1 arm64 {ARM}"),
        ("arm64/v9", f"arm64/v9 arm64/v8.5 arm64/v8.4 arm64/v8.3 arm64/v8.2 arm64/v8.1 arm64 {ARM}"),
        ("arm64/v8.10", ""),
        ("riscv64", "riscv64"),
    ],
)
def test_what_a_machine_runs(machine: str, found: str) -> None:
    names = [short_name(platform) for platform in runs(normalize(parse(f"linux/{machine}")))]
    assert names == [f"linux/{name}" for name in found.split()]


def test_a_job_can_use_only_what_its_own_nodes_have_built() -> None:
    jobs = [job("base", platforms=BOTH[:1]), job("child", "base", platforms=BOTH)]
    placed = place_configured(jobs, able("linux/amd64", "linux/arm64"))
    assert placed is not None
    with pytest.raises(Failed, match="failed to use base as context base for child because targets build with"):
        check_links(jobs, placed)
    check_links(jobs[:1], placed)


def test_the_part_of_a_node_is_of_its_platforms_and_makes_an_index() -> None:
    whole = job("a", platforms=BOTH)
    part = part_of(whole, Share(1, BOTH[1:]), 2)
    assert isinstance(part.solve, FrontendSolve)
    assert part.platforms == BOTH[1:]
    assert (part.solve.attrs["platform"], part.solve.attrs["multi-platform"]) == ("linux/arm64", "true")
    assert part_of(whole, Share(0, BOTH), 1) is whole


def test_the_part_of_a_lowered_job_has_the_graphs_of_its_platforms() -> None:
    builds = tuple(PlatformBuild(platform=name, ops=(), config=b"{}") for name in BOTH)
    part = part_of(Job(id="a", target="a", solve=LlbSolve(builds=builds), platforms=BOTH), Share(0, BOTH[:1]), 2)
    assert isinstance(part.solve, LlbSolve)
    assert part.solve.builds == builds[:1]


# Running


def perform(folder: Path, jobs: Sequence[Job], *drivers: FakeDriver, **options: object) -> RunResult:
    nodes = (
        BuilderNode(name=f"n{index}", driver=driver, platforms=(parse(platform),))
        for index, (driver, platform) in enumerate(zip(drivers, BOTH, strict=True))
    )
    builder = Builder(name="two", driver="fake", nodes=tuple(nodes))
    settings = {"progress": "quiet", "env": {"HOME": str(folder)}, "stderr": StringIO(), **options}
    return asyncio.run(run(plan(*jobs), RunOptions(root=folder, **settings), builder))


def test_each_node_solves_and_exports_its_part(tmp_path: Path) -> None:
    first, second = FakeDriver(), FakeDriver()
    jobs = [job("base", platforms=BOTH), job("child", "base", platforms=BOTH), job("arm", platforms=BOTH[1:])]
    result = perform(tmp_path, jobs, first, second)

    assert result.exit is Exit.OK, result.diagnostics
    assert {name for what, name in first.log if what == "solve"} == {"base", "child"}
    assert {name for what, name in second.log if what == "solve"} == {"base", "child", "arm"}


def test_a_node_that_no_job_needs_is_not_connected_to(tmp_path: Path) -> None:
    class Absent(FakeDriver):
        async def open(self) -> None:
            raise AssertionError

    assert perform(tmp_path, [job("a", platforms=BOTH[:1])], FakeDriver(), Absent()).exit is Exit.OK


def test_a_failure_on_one_node_stops_the_build_on_the_other(tmp_path: Path) -> None:
    async def fail(_name: str) -> None:
        raise OSError("no room")

    async def wait(_name: str) -> None:
        await asyncio.sleep(60)

    other = FakeDriver(wait)
    result = perform(tmp_path, [job("a", platforms=BOTH)], FakeDriver(fail), other)
    assert [each.message for each in result.diagnostics] == ["target `a`: failed to solve: no room"]
    assert ("cancel", "a") in other.log


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("oci", "oci for multi-node builds currently not supported"),
        ("tar", "tar for multi-node builds currently not supported"),
        ("docker", "docker exporter does not currently support exporting manifest lists"),
    ],
)
def test_an_archive_cannot_be_made_by_several_nodes(kind: str, problem: str, tmp_path: Path) -> None:
    jobs = [job("a", platforms=BOTH, exports=(Exporter(type=kind, dest="out.tar"),))]
    result = perform(tmp_path, jobs, FakeDriver(), FakeDriver())
    assert [each.rule.code for each in result.diagnostics] == ["BK741"]
    assert problem in result.diagnostics[0].message


def test_the_number_of_jobs_on_each_node_can_be_limited(tmp_path: Path) -> None:
    going, most = Counter[str](), Counter[str]()

    def counting(node: str) -> FakeDriver:
        async def work(_name: str) -> None:
            going[node] += 1
            most[node] = max(most[node], going[node])
            await asyncio.sleep(0.01)
            going[node] -= 1

        return FakeDriver(work)

    jobs = [job(f"{name[-5:]}{index}", platforms=(name,)) for name in BOTH for index in range(5)]
    result = perform(tmp_path, jobs, counting("first"), counting("second"), node_jobs=2)
    assert result.exit is Exit.OK
    assert most == {"first": 2, "second": 2}


# Putting parts together


def part(name: str, kind: str = "oci.image", **more: object) -> dict[str, object]:
    digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
    platform = {"architecture": name, "os": "linux"}
    return {
        "mediaType": f"application/vnd.{kind}.manifest.v1+json",
        "digest": digest,
        "size": 1,
        "platform": platform,
        **more,
    }


def test_an_index_has_every_manifest_once_in_the_order_of_the_nodes() -> None:
    made = combine([[part("amd64")], [part("arm64"), part("amd64", annotations={"a": "b"})]])
    index = json.loads(made.data)
    assert (made.media_type, index["mediaType"], index["schemaVersion"]) == (OCI_INDEX, OCI_INDEX, 2)
    assert [each["platform"]["architecture"] for each in index["manifests"]] == ["amd64", "arm64"]
    assert index["manifests"][0]["annotations"] == {"a": "b"}
    assert made.digest == "sha256:" + hashlib.sha256(made.data).hexdigest()


def test_manifests_of_docker_alone_make_a_list_of_docker() -> None:
    kind = "docker.distribution"
    assert combine([[part("amd64", kind)], [part("arm64", kind)]]).media_type == DOCKER_LIST
    assert combine([[part("amd64", kind)], [part("arm64")]]).media_type == OCI_INDEX


def test_annotations_of_the_index_and_its_entries_are_set_here() -> None:
    attrs = {
        "annotation-index.a": "1", "annotation-manifest-descriptor[linux/arm64].b": "2", "annotation-manifest.c": "3",
        "annotation-manifest-descriptor.d": "4",
    }  # fmt: skip
    annotations = annotations_of([Exporter(type="registry", attrs=attrs)])
    index = json.loads(combine([[part("amd64")], [part("arm64")]], annotations).data)
    assert index["annotations"] == {"a": "1"}
    assert [each["annotations"] for each in index["manifests"]] == [{"d": "4"}, {"b": "2", "d": "4"}]


# Pods that connections are spread over


class Pods(FakeDriver):
    """A new daemon for each connection, as with a driver that picks a pod at random."""

    def __init__(self) -> None:
        super().__init__()
        self.daemons: list[FakeDriver] = []

    async def dial(self) -> Pipe:
        self.daemons.append(FakeDriver())
        return await self.daemons[-1].dial()

    def features(self, labels: Mapping[str, str]) -> Features:
        return replace(super().features(labels), spread=True)

    def built(self) -> list[list[str]]:
        """What each daemon that built something has built, in order."""
        done = ([name for event, name in daemon.log if event == "end"] for daemon in self.daemons)
        return sorted(sorted(names) for names in done if names)


def test_targets_that_share_nothing_are_spread_and_linked_ones_stay_together(tmp_path: Path) -> None:
    pods = Pods()
    jobs = [job("base"), job("left", "base"), job("right", "base"), job("one"), job("two")]
    result = asyncio.run(run(plan(*jobs), RunOptions(root=tmp_path, env={}, stderr=StringIO()), alone("pods", pods)))
    assert result.exit is Exit.OK
    assert pods.built() == [["base", "left", "right"], ["one"], ["two"]]


def test_jobs_are_grouped_by_their_links() -> None:
    jobs = [job("a"), job("b"), job("c", "a", "b"), job("d"), job("e", "d"), job("f")]
    found = groups(jobs)
    assert [sorted(name for name in found if found[name] == first) for first in dict.fromkeys(found.values())] == [
        ["a", "b", "c"],
        ["d", "e"],
        ["f"],
    ]
