"""What a stage starts from: nothing, an image, or a named context in its place."""

from __future__ import annotations

from bakec.compiler.dockerfile import image as images
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.image import empty_config
from bakec.compiler.dockerfile.lint import BASE_PLATFORM, Finding
from bakec.compiler.dockerfile.named import find_context
from bakec.compiler.dockerfile.request import ImageRequest, UnresolvedError
from bakec.compiler.dockerfile.stages import SCRATCH
from bakec.compiler.dockerfile.steps import step_title
from bakec.compiler.suggest import search
from bakec.ir import platforms
from bakec.ir.codes import dockerfile as codes
from bakec.ir.llb import About, references, scratch
from bakec.ir.llb import image as image_state
from bakec.ir.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.compiler.dockerfile.image import ImageConfig
    from bakec.compiler.dockerfile.named import NamedContext
    from bakec.compiler.dockerfile.request import ImageAnswer
    from bakec.compiler.dockerfile.stages import Entry, StageTable
    from bakec.compiler.dockerfile.steps import Scene
    from bakec.ir.llb import State
    from bakec.ir.llb.references import Reference
    from bakec.ir.platforms import Platform

_COMMON = ("alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora")
_SUGGESTED = tuple(
    text
    for name in _COMMON
    for text in (name, f"docker.io/library{name}", f"{name}:latest", f"docker.io/library{name}:latest")
)


def named_context(scene: Scene, entry: Entry, name: str, platform: Platform | None) -> NamedContext | None:
    """The context that replaces a stage or an image, if there is one. Raises `DockerfileError`."""
    if scene.frontend is None or name.lower() in ("scratch", "context"):
        return None
    wanted = platform or (None if scene.implicit else scene.target)
    mode = scene.options.resolve_mode
    return find_context(scene.frontend, name, wanted, resolve_mode=mode, used=lambda: entry.paths)


class BaseResolver:
    """Finds the bases of stages. `direct` answers for images where there is no frontend to ask through."""

    def __init__(self, scene: Scene, table: StageTable, direct: Callable[[ImageRequest], ImageAnswer]) -> None:
        self._scene = scene
        self._table = table
        self._direct = direct

    def resolve(self, entry: Entry, *, reachable: bool) -> None:
        """Set state, image and platform of an entry without a base. Raises `DockerfileError`."""
        entry.resolved = reachable
        if entry.base_name == SCRATCH and entry.context is None:
            target = self._scene.target
            entry.state, entry.image, entry.platform = scratch(), empty_config(target), target
        else:
            try:
                self._resolve_name(entry, reachable=reachable)
            except DockerfileError as fault:
                raise fault.at(entry.lines) from None
        if entry.unregistered:
            entry.dispatched = True

    def _resolve_name(self, entry: Entry, *, reachable: bool) -> None:
        written = entry.base_name
        try:
            reference = references.parse_normalized(written)
        except references.ImageNameError as error:
            raise DockerfileError(
                codes.IMAGE_NAME, problem=f"failed to parse stage name {quote(written)}: {error}"
            ) from None
        platform = entry.platform or self._scene.target
        entry.base_name = str(reference.tagged())
        empty = False
        if reachable:
            if entry.context is not None:
                self._take_context(entry)
                return
            found = named_context(self._scene, entry, entry.base_name, platform)
            if found is not None:
                self._take_image_context(entry, found, platform)
                return
            platform, empty = self._take_image(entry, written, reference, platform)
        entry.state = scratch() if empty else self._image_state(entry, platform)
        if reachable and not empty:
            self._lint_platform(entry, written, platform)
        entry.platform = platform

    def _take_context(self, entry: Entry) -> None:
        assert entry.context is not None
        entry.state, config = entry.context.load()
        entry.dispatched = True
        if config is None:
            return
        entry.image = config._replace(created="")
        if config.architecture and config.os:
            entry.platform = config.platform

    def _take_image_context(self, entry: Entry, found: NamedContext, platform: Platform) -> None:
        state, config = found.load()
        config = config or empty_config(platform)
        entry.base_image = config
        entry.image = config._replace(created="")
        entry.state = state.with_platform(platform)
        entry.platform = platform

    def _take_image(
        self, entry: Entry, written: str, reference: Reference, platform: Platform
    ) -> tuple[Platform, bool]:
        """Resolve an image; returns its platform and whether it has no layers."""
        scene = self._scene
        answer = self._ask(entry, written, platform)
        if str(reference) != answer.ref:
            try:
                reference = references.parse_normalized(answer.ref)
            except references.ImageNameError as error:
                problem = f"failed to parse ref {quote(answer.ref)}: {error}"
                raise DockerfileError(codes.IMAGE_NAME, problem=problem) from None
        try:
            config = images.from_json(answer.config)
        except DockerfileError as fault:
            raise fault.within("failed to parse image config") from None
        entry.base_image = config
        if entry.platform is None and scene.implicit:
            platform = self._detected(config, platform)
        try:
            entry.base_name = str(reference.pinned(answer.digest) if answer.digest else reference)
        except references.ImageNameError as error:
            raise DockerfileError(codes.IMAGE_NAME, problem=error) from None
        entry.image = config._replace(created="")
        return platform, not config.diff_ids and all(item.empty_layer for item in config.history)

    def _detected(self, config: ImageConfig, wanted: Platform) -> Platform:
        """The platform of an image that is for another than the implicit target, if the worker can run it."""
        has = (config.os, config.architecture)
        for known in (wanted, self._scene.worker):
            if (known.os, known.architecture) == has:
                return known
        return wanted

    def _ask(self, entry: Entry, written: str, platform: Platform) -> ImageAnswer:
        scene = self._scene
        prefix = platforms.full_name(platform) + " " if scene.options.multi_platform else ""
        request = ImageRequest(
            ref=entry.base_name,
            platform=platform,
            resolve_mode=scene.options.resolve_mode,
            log_name=f"[{prefix}internal] load metadata for {entry.base_name}",
        )
        try:
            return scene.frontend.image_config(request) if scene.frontend else self._direct(request)
        except UnresolvedError as error:
            near = search(written, [*self._table.titles, *_SUGGESTED])
            unresolved = DockerfileError(codes.UNRESOLVED, image=written, problem=error)
            raise unresolved.suggesting(near).from_ignorance() from None

    def _image_state(self, entry: Entry, platform: Platform) -> State:
        scene = self._scene
        title = step_title(entry, f"FROM {entry.base_name}", platform, {})
        description = {"com.docker.dockerfile.v1.command": entry.code, "llb.customname": title}
        mode = scene.options.resolve_mode
        return image_state(
            entry.base_name,
            platform=platform,
            resolve_mode="" if mode == "default" else mode,
            about=About(description=description, locations=scene.locations(entry.lines)),
        )

    def _lint_platform(self, entry: Entry, written: str, expected: Platform) -> None:
        actual = entry.image.platform
        if (expected.os, expected.architecture) == (actual.os, actual.architecture):
            return
        values = {
            "image": written,
            "actual": quote(platforms.full_name(platforms.normalize(actual))),
            "expected": quote(platforms.full_name(platforms.normalize(expected))),
        }
        self._scene.linter.report(Finding(BASE_PLATFORM, entry.lines, values))
