"""How a plan is run."""

from __future__ import annotations

import os
import sys

from bakec.ir.records import dataclass, field
from bakec.runtime.retry import Retries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

    from bakec.runtime.schedule import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What changes the result (push, load, no-cache, pull) is in the plan and not here."""

    root: Path
    """The folder that the plan's paths are relative to."""
    builder: str = ""
    """An address, a name of buildx's store, or empty for the current builder (BUILDX_BUILDER,
    DOCKER_HOST)."""
    jobs: int = 0
    """How many jobs may work at once; 0 is no limit."""
    node_jobs: int = 0
    """How many of them on each node of the builder; 0 is no limit."""
    keep_going: bool = False
    """Go on with jobs that do not depend on one that failed."""
    progress: str = "auto"
    """`auto`, `plain`, `tty`, `quiet` or `rawjson`."""
    metadata_file: Path | None = None
    timeout: float = 0.0
    """Seconds that one job may take; 0 is no limit."""
    publish: str = "each"
    """When to push: `each` target when it is built; `after-all` are built, so that a set of images is published whole
    or not at all; `never`."""
    retries: Retries = field(default_factory=Retries)
    """How often a job is tried again that something outside of its definition has failed."""
    journal: Path | None = None
    """Where to note which jobs have finished."""
    resume: bool = False
    """Do not run again what the journal says is finished."""
    failed_only: bool = False
    """With `resume`: run only what the journal says has failed, and what that needs."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Slots of named pools."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    """What targets take besides the usual one slot."""
    deadline: float = 0.0
    """Seconds that the run may take; 0 is no limit."""
    idle: float = 0.0
    """Seconds in which the builder may say nothing; 0 is no limit."""
    log_dir: Path | None = None
    """Where to write a log of each target."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    stderr: TextIO = field(default_factory=lambda: sys.stderr, repr=False)
