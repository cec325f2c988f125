"""The schedule by itself: laws that hold for every graph of jobs, whatever ends when."""

from collections.abc import Iterator

from fake_plans import job
from hypothesis import given
from hypothesis import strategies as st

from bakec.ir.plan import Job, JobId
from bakec.runtime.schedule import Claim, Phase, RunState, advance, begin, may_retry, pause, resume, rounds, starts

NEXT = {Phase.SOLVING: Phase.SOLVED, Phase.BUILDING: Phase.BUILT, Phase.FINISHING: Phase.DONE}


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    """Jobs in an order in which each comes after those it needs."""
    count = draw(st.integers(1, 12))
    jobs = []
    for index in range(count):
        needs = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        jobs.append(job(f"j{index}", *(f"j{need}" for need in sorted(needs))))
    return jobs


def simulate(
    state: RunState, random: st.DataObject, *, failures: bool, retries: bool = False
) -> Iterator[tuple[JobId, Phase]]:
    """Play the daemon: end what goes on in any order, and with `retries` let it fail for a time. Gives each start."""
    going: list[tuple[JobId, Phase]] = []
    while True:
        for start in starts(state):
            going.append(start)
            yield start
        going = [each for each in going if not state.phases[each[0]].is_end]
        paused = sorted(job for job in state.paused if not state.phases[job].is_end)
        if not going and not paused:
            return
        at = random.draw(st.integers(0, len(going) + len(paused) - 1))
        if at >= len(going):
            resume(state, paused[at - len(going)])
            continue
        job_id, phase = going.pop(at)
        if retries and may_retry(state, job_id) and random.draw(st.integers(0, 3)) == 3:
            pause(state, job_id)
            continue
        fails = failures and random.draw(st.integers(0, 9)) == 0
        advance(state, job_id, Phase.FAILED if fails else NEXT[phase])


@given(jobs=graphs(), random=st.data())
def test_slots_are_taken_by_work_alone(jobs: list[Job], random: st.DataObject) -> None:
    """Neither by jobs that wait for others, nor by those that wait for another try."""
    state = begin(jobs, {"": 2})
    for _ in simulate(state, random, failures=True, retries=True):
        assert state.taken[""] == sum(phase.is_work for phase in state.phases.values())
        assert not any(state.phases[job].is_work for job in state.paused)
    assert state.is_over


@given(jobs=graphs(), random=st.data())
def test_nobody_holds_on_to_what_is_tried_again(jobs: list[Job], random: st.DataObject) -> None:
    state = begin(jobs)
    for _ in simulate(state, random, failures=False, retries=True):
        for paused in state.paused:
            users = [state.phases[child] for child in state.children[paused]]
            assert all(phase is Phase.WAITING or phase.is_end for phase in users)
    assert set(state.phases.values()) == {Phase.DONE}


@given(jobs=graphs(), limit=st.integers(0, 3), random=st.data())
def test_every_job_comes_to_an_end(jobs: list[Job], limit: int, random: st.DataObject) -> None:
    state = begin(jobs, {"": limit})
    for _ in simulate(state, random, failures=True):
        pass
    assert state.is_over
    assert not any(state.taken.values())


@given(jobs=graphs(), limit=st.integers(1, 3), random=st.data())
def test_the_limit_is_kept(jobs: list[Job], limit: int, random: st.DataObject) -> None:
    state = begin(jobs, {"": limit})
    for _ in simulate(state, random, failures=False):
        assert 0 < sum(phase.is_work for phase in state.phases.values()) <= limit


@st.composite
def pooled(draw: st.DrawFn) -> tuple[list[Job], dict[str, int], dict[JobId, Claim]]:
    """A graph, pools of some slots each, and what each job takes; nothing takes more than there is."""
    jobs = draw(graphs())
    limits = {"": draw(st.integers(1, 4)), "net": draw(st.integers(1, 4)), "memory": draw(st.integers(1, 9))}
    pools = st.sampled_from(sorted(limits))
    claims = {}
    for each in jobs:
        pool = draw(pools)
        claims[each.id] = Claim(pool, draw(st.integers(1, limits[pool])))
    return jobs, limits, claims


@given(made=pooled(), random=st.data())
def test_no_pool_gives_more_than_it_has_and_every_job_ends(
    made: tuple[list[Job], dict[str, int], dict[JobId, Claim]], random: st.DataObject
) -> None:
    jobs, limits, claims = made
    state = begin(jobs, limits, claims)
    for _ in simulate(state, random, failures=True, retries=True):
        working = [claims[name] for name, phase in state.phases.items() if phase.is_work]
        assert sum(claim.of_all for claim in working) <= limits[""]
        for pool in ("net", "memory"):
            assert sum(claim.slots for claim in working if claim.pool == pool) <= limits[pool]
    assert state.is_over
    assert not any(state.taken.values())


def test_a_pool_that_is_full_holds_back_only_its_own_jobs() -> None:
    claims = {JobId(name): Claim("net", 1) for name in "ab"}
    state = begin([job("a"), job("b"), job("c")], {"net": 1}, claims)
    assert starts(state) == [("a", Phase.SOLVING), ("c", Phase.SOLVING)]


def test_a_heavy_job_is_not_overtaken_in_its_pool() -> None:
    claims = {JobId("one"): Claim("net", 1), JobId("heavy"): Claim("net", 2), JobId("light"): Claim("net", 1)}
    state = begin([job("one"), job("heavy"), job("light")], {"net": 2}, claims)
    assert starts(state) == [("one", Phase.SOLVING)]


@given(made=pooled())
def test_every_job_is_in_one_round_after_those_it_needs(
    made: tuple[list[Job], dict[str, int], dict[JobId, Claim]],
) -> None:
    jobs, limits, claims = made
    place = {name: index for index, names in enumerate(rounds(begin(jobs, limits, claims))) for name in names}
    assert set(place) == {each.id for each in jobs}
    for each in jobs:
        assert all(place[need.job] < place[each.id] for need in each.needs)


@given(jobs=graphs(), random=st.data())
def test_a_job_starts_when_all_it_needs_are_solved_and_ends_after_all_that_use_it(
    jobs: list[Job], random: st.DataObject
) -> None:
    state = begin(jobs)
    for started, phase in simulate(state, random, failures=False):
        if phase is Phase.SOLVING:
            assert all(state.phases[parent] >= Phase.SOLVED for parent in state.parents[started])
        if phase is Phase.BUILDING:
            assert all(state.phases[parent] >= Phase.BUILT for parent in state.parents[started])
        if phase is Phase.FINISHING:
            assert all(state.phases[child].is_end for child in state.children[started])
    assert set(state.phases.values()) == {Phase.DONE}


@given(jobs=graphs(), random=st.data())
def test_no_job_goes_on_with_the_result_of_a_lost_one(jobs: list[Job], random: st.DataObject) -> None:
    state = begin(jobs)
    for started, _ in simulate(state, random, failures=True):
        assert not any(state.phases[parent].is_loss for parent in state.parents[started])
    for name, phase in state.phases.items():
        if phase is Phase.SKIPPED:
            assert any(state.phases[parent].is_loss for parent in state.parents[name])


@given(jobs=graphs(), done=st.sets(st.integers(0, 11)))
def test_a_finished_job_is_run_again_only_for_one_that_needs_it(jobs: list[Job], done: set[int]) -> None:
    finished = frozenset(JobId(f"j{index}") for index in done)
    state = begin(jobs, done=finished)
    for each in jobs:
        used = any(state.phases[child] is Phase.WAITING for child in state.children[each.id])
        expected = Phase.DONE if each.id in finished and not used else Phase.WAITING
        assert state.phases[each.id] is expected


def test_without_links_jobs_start_in_the_order_of_the_plan() -> None:
    state = begin([job("c"), job("a"), job("b")], {"": 2})
    assert starts(state) == [("c", Phase.SOLVING), ("a", Phase.SOLVING)]
    assert starts(state) == []


def test_work_that_frees_the_builder_goes_first() -> None:
    state = begin([job("one"), job("two")], {"": 1})
    assert starts(state) == [("one", Phase.SOLVING)]
    advance(state, JobId("one"), Phase.SOLVED)
    assert starts(state) == [("one", Phase.FINISHING)]


def test_a_large_plan_is_scheduled_in_linear_time() -> None:
    jobs = [job("base"), *(job(f"n{index}", "base") for index in range(3000))]
    state = begin(jobs)
    count = 0
    while going := starts(state):
        count += len(going)
        for job_id, phase in going:
            advance(state, job_id, NEXT[phase])
    assert count == 3 * len(jobs)
    assert state.is_over
