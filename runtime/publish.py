"""What BuildKit leaves to the client of a Docker Engine: pushing through the engine's own API.

A classic engine cannot push from a build. The image is built into its store and pushed from there, tag by
tag.
"""

from __future__ import annotations

import dataclasses

from bakec.ir.plan import Exporter
from bakec.runtime.exports import TRUE
from bakec.runtime.progress.step import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.ir.plan import Plan
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.drivers.base import Images
    from bakec.runtime.exports import Output
    from bakec.runtime.progress.step import Step, Watcher

DIGEST = "containerimage.digest"
CONFIG_DIGEST = "containerimage.config.digest"


class PublishError(Exception):
    """The registry or the engine refused `name`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


async def push_all(
    images: Images, config: DockerConfig, output: Output, response: dict[str, str], watch: Watcher
) -> None:
    """Push every tag of an output. The digest in the registry takes the place of that of the engine, which
    is the digest of the image's config. Raises `PublishError`."""
    for name in output.names:
        await push(images, config, name, watch)
    first = output.names[0]
    try:
        remote = await images.remote_digest(first, config.auth_for_push(first))
    except OSError as error:
        raise PublishError(first, str(error)) from error
    if remote:
        response.setdefault(CONFIG_DIGEST, response.get(DIGEST, ""))
        response[DIGEST] = remote


async def push(images: Images, config: DockerConfig, name: str, watch: Watcher) -> None:
    with shown(f"pushing {name} with docker", watch) as step:
        try:
            async for message in images.push(name, config.auth_for_push(name)):
                if message.get("error"):
                    raise PublishError(name, str(message["error"]))
                _show(step, message)
        except OSError as error:
            raise PublishError(name, str(error)) from error


def has_pushes(plan: Plan) -> bool:
    return any(_is_push(export) for job in plan.jobs for export in job.exports)


def without_pushes(plan: Plan) -> Plan:
    """The same builds, with their results kept in the builder's cache instead of being pushed."""
    jobs = [dataclasses.replace(job, exports=tuple(_kept(export) for export in job.exports)) for job in plan.jobs]
    return dataclasses.replace(plan, jobs=tuple(jobs))


def _is_push(export: Exporter) -> bool:
    return export.type == "registry" or export.attrs.get("push", "") in TRUE


def _kept(export: Exporter) -> Exporter:
    return Exporter(type="cacheonly") if _is_push(export) else export


def _show(step: Step, message: Mapping[str, object]) -> None:
    """One message of the engine about one layer."""
    progress, layer = message.get("progressDetail"), message.get("id")
    is_pushed = message.get("status") == "Pushed"
    if not layer or not (progress or is_pushed):
        return
    known = progress if isinstance(progress, dict) else {}
    current, total = int(known.get("current") or 0), int(known.get("total") or 0)
    step.item(f"pushing layer {layer}", current, total, is_done=is_pushed)
