"""Plans and drivers for tests that need no engine."""

import asyncio
from io import StringIO
from pathlib import Path

import pytest
from fake_plans import Runner, plan

from bakec.ir.plan import Job
from bakec.runtime.builders import alone
from bakec.runtime.drivers.fake import FakeDriver
from bakec.runtime.engine import run
from bakec.runtime.options import RunOptions
from bakec.runtime.results import RunResult


@pytest.fixture
def perform(tmp_path: Path) -> Runner:
    """Run jobs on a fake driver: `perform(driver, *jobs, **options)`."""

    def call(driver: FakeDriver, *jobs: Job, **options: object) -> RunResult:
        settings = {"progress": "quiet", "env": {"HOME": str(tmp_path)}, "stderr": StringIO(), **options}
        return asyncio.run(run(plan(*jobs), RunOptions(root=tmp_path, **settings), alone("fake", driver)))

    return call
