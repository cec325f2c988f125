"""`SOURCE_DATE_EPOCH`: a number, or the time of the context or of a stage that adds one remote source."""

from __future__ import annotations

import io
import re
import tarfile

from bakec.compiler.dockerfile.contexts import source_of
from bakec.compiler.dockerfile.expand import expand
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gitref import checkout, read_git_reference
from bakec.compiler.dockerfile.gotext import decode
from bakec.compiler.dockerfile.instructions import Arg, Transfer
from bakec.compiler.dockerfile.named import find_context
from bakec.compiler.dockerfile.remote import check_checksum, http_filename, is_http
from bakec.compiler.dockerfile.request import UnresolvedError
from bakec.ir.codes.dockerfile import EPOCH
from bakec.ir.llb import http as http_state
from bakec.ir.llb.graph import NOTHING, Source
from bakec.ir.llb.state import source_state
from bakec.ir.records import NamedTuple, dataclass
from bakec.ir.strconv import int_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.compiler.dockerfile.contexts import Frontend
    from bakec.compiler.dockerfile.expand import Mode
    from bakec.compiler.dockerfile.instructions import Dockerfile, Stage
    from bakec.ir.llb import State

NAME = "SOURCE_DATE_EPOCH"


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(EPOCH, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochScope:
    """What a value that is no number is looked up in. `frontend` None: converting without a gateway."""

    frontend: Frontend | None
    file: Dockerfile
    variables: Mapping[str, str]
    build_args: Mapping[str, str]
    mode: Mode


class Epoch(NamedTuple):
    """A point in time: Unix seconds, and the offset of its time zone in seconds."""

    seconds: int
    offset: int = 0


def resolve_epoch(value: str, scope: EpochScope) -> Epoch | None:
    """The time that `value` stands for, None where there is none. Raises `DockerfileError`."""
    if not value:
        return None
    number = int_or_none(value)
    if number is not None:
        return Epoch(number)
    state = _state(value, scope)
    if state is None or scope.frontend is None:
        return None
    return _time_of(state, scope.frontend)


def _state(value: str, scope: EpochScope) -> State | None:
    frontend = scope.frontend
    if value == "context":
        return frontend.context() if frontend else None
    found = find_context(frontend, value, None) if frontend else None
    if found is not None:
        return found.load()[0]
    for stage in scope.file.stages:
        if stage.name and stage.name == value.lower():
            try:
                return _stage_source(stage, scope)
            except DockerfileError as fault:
                raise fault.at(stage.written.lines) from None
    raise _bad(f"invalid {NAME}: {value}")


def _stage_source(stage: Stage, scope: EpochScope) -> State:
    variables = {key: value for key, value in scope.variables.items() if key != NAME}
    if expand(stage.base, variables, scope.mode).text != "scratch":
        raise _bad(f"{NAME} stage must use FROM scratch")
    source: State | None = None
    for instruction in stage.instructions:
        match instruction:
            case Arg(arguments=arguments):
                for argument in arguments:
                    if argument.key in scope.build_args:
                        variables[argument.key] = scope.build_args[argument.key]
                    elif argument.value is not None:
                        variables[argument.key] = expand(argument.value, variables, scope.mode).text
            case Transfer(is_add=True):
                if source is not None:
                    raise _bad(f"{NAME} stage must contain exactly one remote ADD")
                source = _add_source(instruction, variables, scope.mode)
            case _:
                name = instruction.written.name
                raise _bad(f"{NAME} stage does not meet source-only requirements: unsupported {name} instruction")
    if source is None:
        raise _bad(f"{NAME} stage must contain exactly one remote ADD")
    return source


def _add_source(add: Transfer, variables: Mapping[str, str], mode: Mode) -> State:
    if add.files or len(add.sources) != 1:
        raise _bad(f"{NAME} stage must contain exactly one remote ADD source")
    source = expand(add.sources[0], variables, mode).text
    if is_http(source):
        checksum = expand(add.checksum, variables, mode).text if add.checksum else ""
        if add.checksum:
            check_checksum(checksum)
        return http_state(source, filename=http_filename(source), checksum=checksum)
    found = read_git_reference(source)
    if found is None or found.local_looking:
        raise _bad(f"{NAME} stage source must be a single HTTP(S) or Git ADD")
    checksum = expand(add.checksum, variables, mode).text if add.checksum else found.checksum
    return checkout(
        found,
        keep_git_dir=bool(add.keep_git_dir or found.keep_git_dir),
        mtime="",
        checksum=checksum,
        about=NOTHING,
    )


def _time_of(state: State, frontend: Frontend) -> Epoch | None:
    source = source_of(frontend.definition_of(state))
    if source is None:
        return None
    try:
        known = frontend.request.resolver.metadata(source.identifier)
    except UnresolvedError as error:
        raise _bad(str(error)).from_ignorance() from None
    if known.commit:
        return commit_time(known.commit)
    if known.last_modified is not None:
        return Epoch(known.last_modified)
    filename = source.attrs.get("http.filename", "")
    if not filename or not source.identifier.startswith(("http://", "https://")):
        return None
    frontend.solve(source_state(Source(identifier=source.identifier, attrs=dict(source.attrs), caps=())))
    return _archive_time(frontend, source.identifier, filename)


def commit_time(commit: bytes) -> Epoch | None:
    """The committer's time in a raw commit object."""
    for line in decode(commit).split("\n"):
        if not line:
            break
        if line.startswith("committer "):
            return _actor_time(line)
    raise _bad("invalid commit object: missing committer header")


_ZONE = re.compile(r"([+-])([0-9]{2})([0-9]{2})")


def _actor_time(line: str) -> Epoch | None:
    """The time behind `name <address>`: seconds and a zone."""
    fields = line.rpartition(">")[2].split()
    zone = _ZONE.fullmatch(fields[1]) if len(fields) >= 2 else None
    seconds = int_or_none(fields[0]) if zone else None
    if zone is None or seconds is None:
        return None
    offset = int(zone[2]) * 3600 + int(zone[3]) * 60
    return Epoch(seconds, -offset if zone[1] == "-" else offset)


def _archive_time(frontend: Frontend, identifier: str, filename: str) -> Epoch | None:
    """The newest file in a downloaded archive; None for anything that is no archive. Raises `DockerfileError`."""
    try:
        data = frontend.request.resolver.remote_file(identifier, filename)
    except UnresolvedError as error:
        raise _bad(str(error)).from_ignorance() from None
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            times = [int(member.mtime) for member in archive if member.isreg()]
    except (tarfile.TarError, EOFError, OSError):
        return None
    return Epoch(max(times)) if times else None
