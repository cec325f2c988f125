"""The seam to gRPC: what a daemon says becomes one of our diagnostics, or a failed build with its source."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import suppress

from google.protobuf.message import DecodeError

from bakec.ir.records import dataclass
from bakec.runtime.buildkit.proto.gateway_pb2 import Status
from bakec.runtime.buildkit.rpc import DEADLINE_EXCEEDED, UNAVAILABLE, RpcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bakec.runtime.buildkit.control import Control

PROBE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of a definition at fault: `lines` are ranges of line numbers from 1, both ends included."""

    filename: str
    text: str
    lines: tuple[tuple[int, int], ...]


class SolveError(Exception):
    """A daemon refused or failed a build. `status` is what it said, to be handed back to it."""

    def __init__(self, status: Status, sources: Sequence[Source]) -> None:
        super().__init__(status.message)
        self.status = status
        self.sources = tuple(sources)


class ConnectionLostError(Exception):
    """The daemon is gone."""


async def explain(error: RpcError, control: Control) -> SolveError | ConnectionLostError:
    """Tell a failed build from a daemon that is gone. The code does not say: a registry that is unavailable
    gives the same as a broken connection. So the daemon is asked whether it is there; a slow answer is
    one. It is asked twice, as the first time may be the last of a connection that has just broken."""
    try:
        try:
            await control.workers(seconds=PROBE_SECONDS)
        except RpcError:
            await control.workers(seconds=PROBE_SECONDS)
    except RpcError as probe:
        is_slow = probe.code == DEADLINE_EXCEEDED
        if not is_slow or error.code == UNAVAILABLE:
            return ConnectionLostError(_last_word(str(probe)))
    status = read_status(error)
    return SolveError(status, _sources(status))


def with_trouble(
    reason: SolveError | ConnectionLostError, error: RpcError, trouble: str
) -> SolveError | ConnectionLostError:
    """What the driver knows of a stream that has ended says more than gRPC can. A daemon's own errors have details."""
    is_broken = error.code == UNAVAILABLE and not error.details
    if not trouble or not is_broken:
        return reason
    if isinstance(reason, ConnectionLostError):
        return ConnectionLostError(trouble)
    return SolveError(Status(code=reason.status.code, message=trouble), ())


def at_home(reason: SolveError | ConnectionLostError, problems: Sequence[str]) -> SolveError | ConnectionLostError:
    """With what went wrong on this side, which the daemon often does not know."""
    known = [problem for problem in problems if problem not in str(reason)]
    if not known or isinstance(reason, ConnectionLostError):
        return reason
    status = Status(code=reason.status.code, message=f"{reason}: {'; '.join(known)}", details=reason.status.details)
    return SolveError(status, reason.sources)


def read_status(error: RpcError) -> Status:
    """The status with its details."""
    if error.details:
        with suppress(DecodeError):  # then the rest must do
            return Status.FromString(error.details)
    return Status(code=error.code, message=str(error))


def _sources(status: Status) -> list[Source]:
    """The details of BuildKit hold JSON where protobuf is expected; those of type Source are wanted."""
    found = []
    for detail in status.details:
        if "errdefs.Source" not in detail.type_url:
            continue
        try:
            value = json.loads(detail.value)
            found.append(_source(value))
        except (ValueError, KeyError, TypeError, binascii.Error):
            continue  # a daemon of another version: the message alone must do
    return found


def _source(value: dict[str, Any]) -> Source:
    info = value["info"]
    text = base64.b64decode(info.get("data") or "").decode(errors="replace")
    spans = [(_line(each, "start"), _line(each, "end")) for each in value.get("ranges") or ()]
    return Source(str(info.get("filename", "")), text, tuple((start, max(start, end)) for start, end in spans))


def _line(span: dict[str, Any], end: str) -> int:
    return int((span.get(end) or {}).get("line", 0))


def _last_word(text: str) -> str:
    """gRPC tells of every address it tried; what went wrong comes last."""
    return text.rpartition(": ")[2]
