"""Source policies: what a plan may read is restricted by rules that this program cannot evaluate yet. To build without
them would be worse than not to build."""

from __future__ import annotations

from pathlib import Path

from bakec.ir.codes.run import POLICY
from bakec.ir.diagnostics import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bakec.ir.plan import Job, Plan


def refuse(plan: Plan, root: Path) -> None:
    """Raise `Failed` if a target has a policy that is not disabled, also the one beside its Dockerfile."""
    views = {target.name: target.view for target in plan.targets}
    for job in plan.jobs:
        policies = views[job.target].get("policy") or ()
        if any(one.get("Disabled") for one in policies):
            continue
        for name in (*_named(policies), *_beside(job, root)):
            raise fail(POLICY.at(None, target=job.target, policy=name))


def _named(policies: object) -> Iterator[str]:
    for one in policies if isinstance(policies, list | tuple) else ():
        yield from (file["Filename"] for file in one.get("Files") or ())


def _beside(job: Job, root: Path) -> Iterator[str]:
    """`Dockerfile.rego` beside a local Dockerfile counts as a policy of its target."""
    attrs = getattr(job.solve, "attrs", {})
    folder = next((local.path for local in job.locals if local.name == "dockerfile"), None)
    if folder is not None and not job.dockerfile_inline:
        path = Path(folder) / f"{attrs.get('filename', 'Dockerfile')}.rego"
        if (root / path).is_file():
            yield str(path)
