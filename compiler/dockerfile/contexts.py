"""Where a build's files come from: the Dockerfile, the main context, the ignore file."""

from __future__ import annotations

import base64
import json
import tarfile

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gitref import checkout, read_git_reference
from bakec.compiler.dockerfile.ignore import read_patterns
from bakec.compiler.dockerfile.request import UnresolvedError
from bakec.compiler.jsontext import problem as json_problem
from bakec.ir.codes.dockerfile import CONTEXT, MARSHAL, READ
from bakec.ir.llb import Copy, SourceFile, given, local, named, ops, scratch
from bakec.ir.llb import http as http_state
from bakec.ir.llb.graph import Defaults
from bakec.ir.llb.wire import WireError
from bakec.ir.paths import base as base_name
from bakec.ir.paths import join
from bakec.ir.records import dataclass
from bakec.ir.strconv import is_true

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from bakec.compiler.dockerfile.gitref import GitReference
    from bakec.compiler.dockerfile.options import Options
    from bakec.compiler.dockerfile.request import ImageAnswer, ImageRequest, Lowered, Request
    from bakec.ir.llb import Definition, State, graph

_MAGIC: Final = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00")
HTTP_FILE: Final = "context"
IGNORE: Final = ".dockerignore"
_CONFIG_KEY: Final = "containerimage.config"


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(CONTEXT, problem=problem)


def internal(name: str) -> graph.About:
    return named(f"[internal] {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MainContext:
    """`remote` is the main context unless it is a local directory; `dockerfile` where the Dockerfile is read from
    instead of the local directory `local_dockerfile`."""

    filename: str
    local_dockerfile: str
    remote: State | None = None
    dockerfile: State | None = None


class Frontend:
    """What one lowering knows and has asked: the options, the contexts, and a record of every question."""

    def __init__(self, request: Request, options: Options, result: Lowered) -> None:
        self.request = request
        self.options = options
        self._attrs = dict(options.attrs)
        self._result = result
        self._answers: dict[ImageRequest, ImageAnswer | str] = {}
        self._patterns: tuple[str, ...] | None = None
        self._main: MainContext | None = None
        self._ignore_file: bytes | None = None
        self._ignore_name = IGNORE

    # Asking.

    def image_config(self, request: ImageRequest) -> ImageAnswer:
        """The config of an image; each question is asked once. Raises `UnresolvedError`."""
        if request not in self._answers:
            self._result.image_requests.append(request)
            try:
                self._answers[request] = self.request.resolver.image(request)
            except UnresolvedError as error:
                self._answers[request] = str(error)
        answer = self._answers[request]
        if isinstance(answer, str):
            raise UnresolvedError(answer)
        return answer

    def definition_of(self, state: State) -> Definition:
        """A graph the frontend makes for itself. Raises `DockerfileError`."""
        try:
            return state.marshal(Defaults(platform=self.request.host))
        except WireError as error:
            raise DockerfileError(MARSHAL, problem=f"failed to marshal local source: {error}") from None

    def solve(self, state: State) -> Definition:
        """A graph that the frontend solves before the conversion, to read files of its result. Raises
        `DockerfileError`."""
        definition = self.definition_of(state)
        self._result.pre_solves.append(definition)
        return definition

    def _read(self, definition: Definition, path: str) -> bytes | None:
        """A file of a solved graph, None if it is not there."""
        source = source_of(definition)
        if source is None:
            return None
        if source.identifier.startswith("local://"):
            return self.request.local_files.get(source.identifier.removeprefix("local://"), {}).get(path)
        return self.request.resolver.remote_file(source.identifier, path)

    def _session(self, name: str) -> str:
        return self.options.local_sessions.get(name, self.request.session)

    # The main context.

    def main(self) -> MainContext:
        if self._main is None:
            self._main = self._find_main()
        return self._main

    def _find_main(self) -> MainContext:
        attrs = self._attrs
        forced = "dockerfilekey" in attrs
        filename = attrs.get("filename", "Dockerfile")
        local_dockerfile = attrs.get("dockerfilekey", "dockerfile")
        found = self._remote_main(attrs.get(attrs.get("contextkey", "context"), ""), filename, local_dockerfile)
        remote = found.remote
        if remote is not None and "contextsubdir" in attrs:
            step = Copy(source=remote.output, src=attrs["contextsubdir"], dest="/", contents_only=True)
            remote = scratch().file(step)
        return MainContext(
            filename=found.filename,
            local_dockerfile=local_dockerfile,
            remote=remote,
            dockerfile=None if forced else found.dockerfile,
        )

    def _remote_main(self, text: str, filename: str, local_dockerfile: str) -> MainContext:
        git = self._git_main(text)
        if git is not None:
            return MainContext(
                filename=filename,
                local_dockerfile=local_dockerfile,
                remote=git,
                dockerfile=git,
            )
        if text.startswith(("http://", "https://")):
            return self._http_main(text, filename, local_dockerfile)
        inputs = self.request.inputs
        dockerfile, context = inputs.get(local_dockerfile), inputs.get("context")
        return MainContext(
            filename=filename,
            local_dockerfile=local_dockerfile,
            remote=given(context) if context else None,
            dockerfile=given(dockerfile) if dockerfile else None,
        )

    def _git_main(self, text: str) -> State | None:
        found = read_git_reference(text)
        if found is None:
            return None
        keep = is_true(self._attrs.get("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", ""))
        mtime = "commit" if self._attrs.get("build-arg:SOURCE_DATE_EPOCH") else ""
        return git_context(found, text, keep=keep, mtime=mtime)

    def _http_main(self, text: str, filename: str, local_dockerfile: str) -> MainContext:
        fetched = http_state(text, filename=HTTP_FILE, about=internal("load remote build context"))
        definition = self.solve(fetched)
        try:
            data = self._read(definition, HTTP_FILE)
        except UnresolvedError as error:
            problem = f"failed to read downloaded context: {error}"
            raise DockerfileError(READ, problem=problem).from_ignorance() from None
        archive = is_archive(data or b"")
        remote = fetched
        if archive:
            step = Copy(source=fetched.output, src=join("/", HTTP_FILE), dest="/", unpack=True)
            remote = scratch().file(step)
        return MainContext(
            filename=filename if archive else HTTP_FILE,
            local_dockerfile=local_dockerfile,
            remote=remote,
            dockerfile=remote,
        )

    def context(self, followed: tuple[str, ...] = ()) -> State:
        """The main context, of a local directory only the paths that are used. Raises `DockerfileError`."""
        main = self.main()
        if main.remote is not None:
            return main.remote
        try:
            patterns = self.ignore_patterns()
        except DockerfileError as fault:
            raise fault.within("failed to read dockerignore patterns") from None
        return local(
            "context",
            session=self._session("context"),
            exclude=patterns,
            shared_key="context",
            follow=followed,
            about=internal("load build context"),
        )

    # Files that decide the build.

    def entrypoint(self) -> SourceFile:
        """The Dockerfile. Raises `DockerfileError`."""
        main = self.main()
        state = main.dockerfile or self._local_dockerfile(main)
        definition = self.solve(state)
        source = source_of(definition)
        own = source is None or source.identifier == f"local://{main.local_dockerfile}"
        try:
            data = self.request.dockerfile if own else self._remote_dockerfile(definition, main.filename)
            self._ignore_file = self._optional(definition, main.filename + IGNORE)
        except UnresolvedError as error:
            problem = f"failed to read dockerfile: {error}"
            raise DockerfileError(READ, problem=problem).from_ignorance() from None
        if self._ignore_file is not None:
            self._ignore_name = main.filename + IGNORE
        return SourceFile(filename=main.filename, language="Dockerfile", data=data, definition=definition)

    def _remote_dockerfile(self, definition: Definition, filename: str) -> bytes:
        """The Dockerfile of a remote context, else one in lower case. Raises `UnresolvedError` about the first."""
        missing = UnresolvedError(f"open {filename}: no such file or directory")
        try:
            data = self._read(definition, filename)
        except UnresolvedError as error:
            data, missing = None, error
        if data is None and base_name(filename) == "Dockerfile":
            data = self._optional(definition, _lower_name(filename))
        if data is None:
            raise missing
        return data

    def _optional(self, definition: Definition, path: str) -> bytes | None:
        try:
            return self._read(definition, path)
        except UnresolvedError:
            return None

    def _local_dockerfile(self, main: MainContext) -> State:
        names = [main.filename, main.filename + IGNORE]
        if base_name(main.filename) == "Dockerfile":
            names.append(_lower_name(main.filename))
        return local(
            main.local_dockerfile,
            session=self._session(main.local_dockerfile),
            follow=names,
            shared_key=main.local_dockerfile,
            differ="none",
            about=internal(f"load build definition from {main.filename}"),
        )

    def ignore_patterns(self) -> tuple[str, ...]:
        """The patterns that keep files out of a local main context. Raises `DockerfileError`."""
        if self.main().remote is not None:
            return ()
        if self._patterns is None:
            if self._ignore_file is None:
                self._ignore_file = self._main_ignore_file()
            self._patterns = read_patterns(self._ignore_file, self._ignore_name)
        return self._patterns

    def _main_ignore_file(self) -> bytes:
        state = local(
            "context",
            session=self._session("context"),
            follow=(IGNORE,),
            shared_key=f"context-{IGNORE}",
            differ="none",
            about=internal(f"load {IGNORE}"),
        )
        return self._read(self.solve(state), IGNORE) or b""

    # What named contexts need.

    def context_value(self, title: str) -> str | None:
        """The attribute of a named context."""
        return self._attrs.get(f"context:{title}")

    def shared_key(self, title: str) -> str:
        return self._attrs.get(f"sharedkey:localdir:{title}", "")

    def input_config(self, name: str) -> bytes | None:
        """The image config sent along with an input. Raises `DockerfileError`."""
        text = self._attrs.get(f"input-metadata:{name}")
        if text is None:
            return None
        try:
            found = json.loads(text).get(_CONFIG_KEY)
            return None if found is None else base64.b64decode(found, validate=True)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise _bad(f"failed to parse input metadata {text}: {json_problem(text, 'map[string][]uint8')}") from None


def _lower_name(filename: str) -> str:
    folder, slash, _ = filename.rpartition("/")
    return join(folder + slash, "dockerfile")


def source_of(definition: Definition) -> ops.SourceOp | None:
    """The first source op of a definition."""
    for data in definition.ops:
        op = ops.decode_op(data).op
        if isinstance(op, ops.SourceOp):
            return op
    return None


def is_archive(data: bytes) -> bool:
    """Whether a download is an archive: bzip2, gzip or xz, or a tar file by its first header."""
    if data.startswith(_MAGIC):
        return True
    try:
        header = tarfile.TarInfo.frombuf(data[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return header.size >= 0


def git_context(found: GitReference, text: str, *, keep: bool = False, mtime: str = "") -> State:
    return checkout(
        found,
        keep_git_dir=keep or found.keep_git_dir is True,
        mtime=found.mtime or mtime,
        checksum=found.checksum,
        about=internal(f"load git source {text}"),
    )


def followed_paths(used: Iterable[str]) -> tuple[str, ...]:
    """The paths to send of a local directory: none means all of it."""
    paths = set(used)
    if "/" in paths:
        return ()
    return tuple(sorted(join(".", path.lstrip("/")) for path in paths))
