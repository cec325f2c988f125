"""Named contexts: what a build puts in the place of an image or a stage."""

from __future__ import annotations

from bakec.compiler.dockerfile import image as images
from bakec.compiler.dockerfile.contexts import HTTP_FILE, IGNORE, followed_paths, git_context
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gitref import read_git_reference
from bakec.compiler.dockerfile.ignore import read_patterns
from bakec.compiler.dockerfile.request import ImageRequest, UnresolvedError
from bakec.ir.codes.dockerfile import CONTEXT
from bakec.ir.llb import State, given, local, named, references, scratch
from bakec.ir.llb import http as http_state
from bakec.ir.llb import image as image_state
from bakec.ir.llb import oci_layout as oci_state
from bakec.ir.llb.graph import Late
from bakec.ir.platforms import full_name, normalize
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bakec.compiler.dockerfile.contexts import Frontend
    from bakec.compiler.dockerfile.image import ImageConfig
    from bakec.ir.llb.graph import Output
    from bakec.ir.platforms import Platform


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(CONTEXT, problem=problem)


def find_context(
    frontend: Frontend,
    name: str,
    platform: Platform | None,
    *,
    resolve_mode: str = "",
    used: Callable[[], Iterable[str]] | None = None,
) -> NamedContext | None:
    """The context that replaces `name`, looked up for the platform first. `used` tells in the end which paths of a
    local directory are needed. Raises `DockerfileError`."""
    try:
        key = references.parse_normalized(name).familiar().removesuffix(":latest")
    except references.ImageNameError as error:
        raise _bad(f"invalid context name {name}: {error}") from None
    with_platform = f"{key}::{full_name(normalize(platform or frontend.request.host))}"
    for title in (with_platform, key):
        value = frontend.context_value(title)
        if value is not None:
            return NamedContext(
                frontend=frontend,
                value=value,
                key=key,
                title=title,
                platform=platform,
                resolve_mode=resolve_mode,
                used=used,
            )
    return None


def with_config(state: State, config: ImageConfig) -> State:
    """`state` with the environment, directory and platform of an image config."""
    pairs = (entry.partition("=")[::2] for entry in config.env)
    state = state.with_envs((key, value) for key, value in pairs if key).with_cwd(config.working_dir)
    return state.with_platform(config.platform) if config.architecture and config.os else state


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedContext:
    """One `context:NAME` attribute. `key` is the name, `title` the name with the platform if it was given so."""

    frontend: Frontend
    value: str
    key: str
    title: str
    platform: Platform | None
    resolve_mode: str = ""
    used: Callable[[], Iterable[str]] | None = None

    def load(self) -> tuple[State, ImageConfig | None]:
        """The state and, where there is one, the image config. Raises `DockerfileError`."""
        scheme, colon, rest = self.value.partition(":")
        if not colon:
            raise _bad(f"invalid context specifier {self.value} for {self.title}")
        match "git" if scheme.startswith("git@") else scheme:
            case "docker-image":
                return self._image(rest.removeprefix("//"))
            case "git":
                return self._git(), None
            case "http" | "https":
                return self._http(), None
            case "oci-layout":
                return self._oci(rest.removeprefix("//"))
            case "local":
                return self._local(rest), None
            case "input":
                return self._input(rest)
            case _:
                raise _bad(f"unsupported context source {scheme} for {self.title}")

    def _ask(self, request: ImageRequest) -> tuple[str, ImageConfig]:
        try:
            answer = self.frontend.image_config(request)
        except UnresolvedError as error:
            raise _bad(str(error)).from_ignorance() from None
        return answer.ref, images.from_json(answer.config)

    def _image(self, ref: str) -> tuple[State, ImageConfig | None]:
        if ref == "scratch":
            return scratch(), None
        try:
            full = str(references.parse_normalized(ref).tagged())
        except references.ImageNameError as error:
            raise _bad(str(error)) from None
        request = ImageRequest(
            ref=full,
            platform=self.platform,
            resolve_mode=self.resolve_mode,
            log_name=f"[context {self.title}] load metadata for {ref}",
        )
        resolved, config = self._ask(request)
        try:
            state = image_state(resolved, platform=self.platform, about=named(f"[context {self.title}] {ref}"))
        except references.ImageNameError as error:
            raise _bad(str(error)) from None
        return with_config(state, config), config._replace(created="")

    def _oci(self, spec: str) -> tuple[State, ImageConfig | None]:
        try:
            reference = references.parse(spec)
        except references.ImageNameError as error:
            raise _bad(f"could not parse oci-layout reference {quote(spec)}: {error}") from None
        if not reference.digest:
            raise _bad(f"oci-layout reference {quote(str(reference))} has no digest")
        shown = str(references.parse_normalized(self.key).pinned(reference.digest))
        session = self.frontend.request.session
        request = ImageRequest(
            ref=shown,
            platform=self.platform,
            resolve_mode="",
            log_name=f"[context {self.title}] load metadata for {shown}",
            session=session,
            store=reference.name,
        )
        try:
            config = self._ask(request)[1]
        except DockerfileError as fault:
            if fault.rule is not CONTEXT:
                raise fault.within("could not parse oci-layout image config") from None
            raise
        state = oci_state(
            shown,
            session=session,
            store=reference.name,
            platform=self.platform,
            about=named(f"[context {self.title}] OCI load from client"),
        )
        return with_config(state, config), config

    def _git(self) -> State:
        found = read_git_reference(self.value)
        if found is None:
            raise _bad(f"invalid git context {self.value}")
        return git_context(found, self.value)

    def _http(self) -> State:
        found = read_git_reference(self.value)
        if found is not None:
            return git_context(found, self.value)
        return http_state(self.value, filename=HTTP_FILE, about=named(f"[context {self.title}] {self.value}"))

    def _local(self, name: str) -> State:
        frontend = self.frontend
        session = frontend.options.local_sessions.get(name, frontend.request.session)
        ignore = local(
            name,
            session=session,
            follow=(IGNORE,),
            shared_key=f"context:{self.title}-{IGNORE}",
            differ="none",
            about=named(f"[context {self.title}] load {IGNORE}"),
        )
        frontend.solve(ignore)
        data = frontend.request.local_files.get(name, {}).get(IGNORE, b"")
        patterns = read_patterns(data, IGNORE)

        def decide() -> Output:
            state = local(
                name,
                session=session,
                exclude=patterns,
                shared_key=f"context:{self.title}-{frontend.shared_key(self.title)}",
                follow=followed_paths(self.used() if self.used else ()),
                about=named(f"[context {self.title}] load from client"),
            )
            assert state.output is not None
            return state.output

        return State(output=Late(decide))

    def _input(self, name: str) -> tuple[State, ImageConfig | None]:
        definition = self.frontend.request.inputs.get(name)
        if definition is None:
            raise _bad(f"invalid input {name} for {self.title}")
        data = self.frontend.input_config(name)
        if data is None:
            return given(definition), None
        try:
            config = images.from_json(data)
        except DockerfileError as fault:
            raise fault.within(f"failed to parse image config for {self.title}") from None
        return with_config(given(definition), config), config
