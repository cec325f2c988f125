"""EXPOSE: `port[-end][/protocol]`; addresses and host ports are checked and dropped."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.lint import EXPOSE_FORMAT, PROTOCOL_CASING
from bakec.compiler.dockerfile.options import format_ip
from bakec.ir.codes.dockerfile import PORT
from bakec.ir.quoting import quote
from bakec.ir.strconv import int_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bakec.compiler.dockerfile.stages import Step
    from bakec.compiler.dockerfile.steps import Scene

_MAX = 65535


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(PORT, problem=problem)


def read_ports(words: Iterable[str], scene: Scene, step: Step) -> list[str]:
    """Each port as `number/protocol`. Raises `DockerfileError`."""
    return [port for word in words for port in _ports(word, scene, step)]


def _ports(word: str, scene: Scene, step: Step) -> list[str]:
    address, host, container = _split(word)
    container, _, protocol = container.partition("/")
    if not container:
        raise _bad(f"invalid port: {quote(word)}: no port specified")
    if protocol.lower() not in ("", "tcp", "udp", "sctp"):
        raise _bad(f"invalid port: {quote(word)}: invalid proto: {protocol}")
    if protocol != protocol.lower():
        scene.lint(PROTOCOL_CASING, step, port=word)
    if address or host:
        scene.lint(EXPOSE_FORMAT, step, port=word)
    _check_address(address)
    span = _range(container)
    if span is None:
        raise _bad(f"invalid containerPort: {container}")
    _check_host(host, container, span)
    return [f"{port}/{protocol.lower() or 'tcp'}" for port in span]


def _split(word: str) -> tuple[str, str, str]:
    """Address, host port and the rest; an address may hold colons itself."""
    rest, _, container = word.rpartition(":")
    address, _, host = rest.rpartition(":")
    return address, host, container


def _check_address(address: str) -> None:
    if address.startswith("["):
        if not address.endswith("]") or address.count("[") > 1 or address.count("]") > 1:
            raise _bad(f"invalid IP address {address}: {_bracket_problem(address)}")
        address = address[1:-1]
    if address and not format_ip(address):
        raise _bad(f"invalid IP address: {address}")


def _bracket_problem(address: str) -> str:
    text = f"{address}:"
    end = text.find("]")
    if end < 0:
        return f"address {text}: missing ']' in address"
    if end + 1 != len(text) - 1:
        many = text[end + 1] == ":"
        return f"address {text}: " + ("too many colons in address" if many else "missing port in address")
    return f"address {text}: unexpected '[' in address"


def _check_host(host: str, container: str, span: range) -> None:
    if not host:
        return
    host_span = _range(host)
    if host_span is None:
        raise _bad(f"invalid hostPort: {host}")
    if len(span) != len(host_span) and len(span) != 1:
        raise _bad(f"invalid ranges specified for container and host Ports: {container} and {host}")


def _range(text: str) -> range | None:
    start, dash, end = text.partition("-")
    first = _number(start)
    last = first if not dash or start == end else _number(end)
    if first is None or last is None or last < first:
        return None
    return range(first, last + 1)


def _number(text: str) -> int | None:
    number = int_or_none(text)
    return number if number is not None and 0 <= number <= _MAX else None
