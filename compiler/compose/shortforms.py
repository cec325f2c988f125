"""Short forms of ports and volumes. No build uses them; they are only checked, as the reference does."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


def port_problem(text: str) -> str:
    """What is wrong with `[ip:][host[-host]:]port[-port][/protocol]`, or nothing."""
    *before, container = text.split(":")
    host = before.pop() if before else ""
    address = ":".join(before)
    ports, _, protocol = container.partition("/")
    if not ports:
        return f"no port specified: {text}<empty>"
    if protocol and protocol.lower() not in ("tcp", "udp", "sctp"):
        return f"invalid proto: {protocol.lower()}"
    return _address_problem(address) or _range_problem(ports, host)


def _address_problem(address: str) -> str:
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not address:
        return ""
    from ipaddress import ip_address

    try:
        ip_address(bare)
    except ValueError:
        return f"invalid IP address: {bare}"
    return f"invalid IP address: {bare}" if "%" in bare else ""


def _range_problem(container: str, host: str) -> str:
    inner = _port_range(container)
    if inner is None:
        return f"invalid containerPort: {container}"
    outer = _port_range(host) if host else None
    if host and outer is None:
        return f"invalid hostPort: {host}"
    if outer and inner[0] != inner[1] and inner[1] - inner[0] != outer[1] - outer[0]:
        return f"invalid ranges specified for container and host Ports: {container} and {host}"
    return ""


_PORTS: Final = re.compile(r"\+?([0-9]+)(?:-\+?([0-9]+))?\Z", re.ASCII)


def _port_range(text: str) -> tuple[int, int] | None:
    found = _PORTS.match(text)
    if not found or len(text) > 40:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if first <= last <= 65535 else None


def volume_problem(text: str) -> str:
    """What is wrong with `[source:]target[:options]`, or nothing."""
    if not text:
        return "invalid empty volume spec"
    if len(text.encode()) <= 2:
        return ""
    parts = _sections(text)
    if "" in parts[:3]:
        return f"invalid spec: {text}: empty section between colons"
    if len(parts) > 3:
        return f"invalid spec: {text}: too many colons"
    return ""


def _sections(text: str) -> list[str]:
    """The parts between colons; that of a Windows drive, or within `${…}`, does not count."""
    parts, depth = [""], 0
    for at, char in enumerate(text):
        if char == "$" and text[at + 1 : at + 2] == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif char == ":" and not depth and not (len(parts[-1]) == 1 and parts[-1].isalpha()):
            parts.append("")
            continue
        parts[-1] += char
    return parts
