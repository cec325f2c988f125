"""How a result was made, as the daemon has recorded it, for the metadata file.

The record is in SLSA 1.0 or 0.2, by the daemon's version; readers of the metadata file expect 0.2.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from bakec.runtime.buildkit.rpc import UNIMPLEMENTED, RpcError
from bakec.runtime.exports import FALSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.runtime.buildkit.control import Control
    from bakec.runtime.buildkit.proto import control_pb2 as control

KEY: Final = "buildx.build.provenance"
STATEMENT: Final = "application/vnd.in-toto+json"
PREDICATE: Final = "in-toto.io/predicate-type"
SLSA: Final = "https://slsa.dev/provenance/"
BUILD_TYPE: Final = "https://mobyproject.org/buildkit@v1"
NAMED: Final = ("builderPlatform", "dockerfileVersion", "buildConfig")
"""Internal parameters of SLSA 1.0 with a name of their own; the others describe the environment."""

Record = Mapping[str, Any]


def mode_of(env: Mapping[str, str]) -> str:
    """`min`, `max`, or empty where BUILDX_METADATA_PROVENANCE turns it off."""
    wanted = env.get("BUILDX_METADATA_PROVENANCE", "")
    return "" if wanted == "disabled" or wanted in FALSE else "max" if wanted == "max" else "min"


async def fetch(daemon: Control, ref: str, mode: str) -> dict[str, str]:
    """Metadata keys and values of a build that has ended; empty for a daemon that keeps no history. Raises what
    gRPC raises."""
    found = {}
    try:
        async for record in daemon.history(ref):
            for platform, result in _results(record):
                described = next(filter(_is_provenance, result.Attestations), None)
                if described is not None:
                    text = await daemon.read_blob(described.digest)
                    found[f"{KEY}/{platform}" if platform else KEY] = encode(text, mode)
    except RpcError as error:
        if error.code != UNIMPLEMENTED:
            raise
    return found


def _results(record: control.BuildHistoryRecord) -> Iterator[tuple[str, control.BuildResultInfo]]:
    yield from record.Results.items()
    if not record.Results and record.HasField("Result"):
        yield "", record.Result


def _is_provenance(found: control.Descriptor) -> bool:
    return found.media_type == STATEMENT and found.annotations[PREDICATE].startswith(SLSA)


def encode(text: bytes, mode: str) -> str:
    """A recorded predicate in the form of a metadata value; `min` leaves out steps and times."""
    from bakec.ir import gojson

    predicate = json.loads(text)
    if "buildDefinition" in predicate:
        predicate = _in_slsa_02(predicate)
    if mode == "min":
        predicate = {key: value for key, value in predicate.items() if key not in ("buildConfig", "metadata")}
    return base64.b64encode(gojson.dumps(predicate).encode()).decode()


def _in_slsa_02(predicate: Record) -> Record:
    definition, details = predicate["buildDefinition"], predicate["runDetails"]
    external, internal = definition["externalParameters"], definition["internalParameters"]
    source = external["configSource"]
    made = {
        "builder": {"id": details["builder"].get("id", "")},
        "buildType": BUILD_TYPE,
        "materials": [_kept(one, "uri", "digest") for one in definition.get("resolvedDependencies", ())],
        "invocation": {
            "configSource": _kept(source, "uri", "digest") | _kept({"entryPoint": source.get("path")}, "entryPoint"),
            "parameters": external["request"],
            "environment": {
                "platform": internal["builderPlatform"],
                **_kept(internal, "dockerfileVersion"),
                **{key: value for key, value in internal.items() if key not in NAMED},
            },
        },
        "buildConfig": internal.get("buildConfig"),
        "metadata": _metadata(details["metadata"]) if details.get("metadata") else None,
    }
    return {key: value for key, value in made.items() if value}


def _metadata(found: Record) -> Record:
    complete = found["buildkit_completeness"]
    hermetic = {f"{BUILD_TYPE}#hermetic": True} if found.get("buildkit_hermetic") else {}
    names = {"invocationId": "buildInvocationID", "startedOn": "buildStartedOn", "finishedOn": "buildFinishedOn"}
    return {
        **{new: found[old] for old, new in names.items() if found.get(old)},
        "completeness": {
            "parameters": complete["request"],
            "environment": True,
            "materials": complete["resolvedDependencies"],
        },
        "reproducible": bool(found.get("buildkit_reproducible")),
        f"{BUILD_TYPE}#metadata": found.get("buildkit_metadata", {}),
        **hermetic,
    }


def _kept(values: Record, *keys: str) -> dict[str, Any]:
    return {key: values[key] for key in keys if values.get(key)}
