"""What a run of GitHub Actions says of itself: builders note it in the provenance of what they build."""

from __future__ import annotations

import json
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "provenance.d/github_actions_context.json"
"""Where a daemon looks for it, below its folder of configuration."""
FACTS = (
    ("GITHUB_ACTOR", "GITHUB_ACTOR_ID", "GITHUB_TRIGGERING_ACTOR"),
    ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_PROTECTED", "GITHUB_REF_TYPE"),
    ("GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_REPOSITORY_OWNER", "GITHUB_REPOSITORY_OWNER_ID"),
    (
        *("GITHUB_JOB", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_SERVER_URL"),
        *("GITHUB_WORKFLOW", "GITHUB_WORKFLOW_REF", "GITHUB_WORKFLOW_SHA"),
    ),
    (
        *("ImageOS", "ImageVersion", "RUNNER_OS", "RUNNER_ARCH", "RUNNER_ENVIRONMENT", "RUNNER_TRACKING_ID"),
        "RUNNER_NAME",
    ),
)
"""Variables of the environment; those of a group are noted together or not at all."""
KEYS = {"ImageOS": "github_runner_image_os", "ImageVersion": "github_runner_image_version"}
TRUE = ("1", "t", "T", "true", "TRUE", "True")


def actions_context(env: Mapping[str, str]) -> dict[str, bytes]:
    """The file for a builder that is made in a workflow, by its name; nothing elsewhere. Raises `OSError` or
    `ValueError` when the event cannot be read."""
    event, path = env.get("GITHUB_EVENT_NAME", ""), env.get("GITHUB_EVENT_PATH", "")
    if env.get("GITHUB_ACTIONS") not in TRUE or not event or not path:
        return {}
    found: dict[str, object] = {"github_event_name": event, "github_event_payload": json.loads(Path(path).read_bytes())}
    for group in FACTS:
        if all(env.get(name) for name in group):
            found |= {_key(name): env[name] for name in group}
    return {FILE: json.dumps(dict(sorted(found.items())), separators=(",", ":")).encode()}


def _key(name: str) -> str:
    return KEYS.get(name) or f"{'' if name.startswith('GITHUB_') else 'github_'}{name.lower()}"
