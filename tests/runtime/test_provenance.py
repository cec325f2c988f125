"""What the metadata file says of how a result was made, from what daemons record."""

import base64
import json

import pytest

from bakec.runtime import provenance

METADATA = {
    "invocationId": "of the build",
    "startedOn": "2024-01-01T00:00:00Z",
    "buildkit_metadata": {"vcs": {"revision": "abc"}},
    "buildkit_completeness": {"request": True, "resolvedDependencies": False},
    "buildkit_hermetic": True,
}
NEW = {
    "buildDefinition": {
        "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        "externalParameters": {
            "configSource": {"path": "Dockerfile"},
            "request": {"frontend": "dockerfile.v0", "args": {"target": "app"}},
        },
        "internalParameters": {"builderPlatform": "linux/amd64", "github_actor": "me", "buildConfig": {"steps": []}},
        "resolvedDependencies": [{"uri": "pkg:docker/base", "digest": {"sha256": "0" * 64}, "name": "not in 0.2"}],
    },
    "runDetails": {"builder": {"id": ""}, "metadata": METADATA},
}
OLD = {
    "builder": {"id": ""},
    "buildType": "https://mobyproject.org/buildkit@v1",
    "materials": [{"uri": "pkg:docker/base", "digest": {"sha256": "0" * 64}}],
    "invocation": {
        "configSource": {"entryPoint": "Dockerfile"},
        "parameters": {"frontend": "dockerfile.v0", "args": {"target": "app"}},
        "environment": {"platform": "linux/amd64", "github_actor": "me"},
    },
    "buildConfig": {"steps": []},
    "metadata": {
        "buildInvocationID": "of the build",
        "buildStartedOn": "2024-01-01T00:00:00Z",
        "completeness": {"parameters": True, "environment": True, "materials": False},
        "reproducible": False,
        "https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"revision": "abc"}},
        "https://mobyproject.org/buildkit@v1#hermetic": True,
    },
}


def decoded(predicate: object, mode: str) -> object:
    return json.loads(base64.b64decode(provenance.encode(json.dumps(predicate).encode(), mode)))


@pytest.mark.parametrize("recorded", [OLD, NEW], ids=["SLSA 0.2", "SLSA 1.0"])
def test_any_record_is_told_in_the_form_that_readers_know(recorded: object) -> None:
    assert decoded(recorded, "max") == OLD


@pytest.mark.parametrize("recorded", [OLD, NEW], ids=["SLSA 0.2", "SLSA 1.0"])
def test_the_short_form_has_neither_steps_nor_times(recorded: object) -> None:
    assert decoded(recorded, "min") == {key: OLD[key] for key in OLD if key not in ("buildConfig", "metadata")}


@pytest.mark.parametrize(
    ("value", "mode"),
    [("", "min"), ("min", "min"), ("max", "max"), ("disabled", ""), ("false", ""), ("0", ""), ("true", "min")],
)
def test_the_environment_says_how_much(value: str, mode: str) -> None:
    assert provenance.mode_of({"BUILDX_METADATA_PROVENANCE": value}) == mode
