"""How a plan is run."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO


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
    keep_going: bool = False
    """Go on with jobs that do not depend on one that failed."""
    progress: str = "auto"
    """One of `progress.display.MODES`."""
    metadata_file: Path | None = None
    timeout: float = 0.0
    """Seconds that one job may take; 0 is no limit."""
    publish_last: bool = False
    """Push nothing before everything is built: a set of images is published whole or not at all."""
    retries: int = 0
    """How often a job is tried again that something outside of its definition has failed."""
    journal: Path | None = None
    """Where to note which jobs have finished."""
    resume: bool = False
    """Do not run again what the journal says is finished."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    stderr: TextIO = field(default_factory=lambda: sys.stderr, repr=False)
