"""Networks in CIDR notation, and the home directory."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from bakec.compiler.stdlib.arguments import FunctionError, whole
from bakec.ir.types import STRING
from bakec.ir.values import list_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.compiler.stdlib.arguments import Context
    from bakec.ir.values import Value

Network: TypeAlias = IPv4Network | IPv6Network


def _network(prefix: Value, argument: int | None = None) -> Network:
    text = prefix.text
    fault = FunctionError(f"invalid CIDR expression: invalid CIDR address: {text}", argument)
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()) or len(bits) > 3 or (len(bits) > 1 and bits[0] == "0"):
        raise fault
    if "%" in address:
        raise fault
    try:
        parsed = ip_address(address)
        kind = IPv4Network if isinstance(parsed, IPv4Address) else IPv6Network
        return kind((address, int(bits)), strict=False)
    except ValueError:
        raise fault from None


def _address(value: int, network: Network) -> str:
    if network.version == 4:
        return str(IPv4Address(value))
    address = IPv6Address(value)
    # An IPv4 address in IPv6 clothes is written as what it is.
    return str(address.ipv4_mapped or address)


def cidrhost(prefix: Value, hostnum: Value) -> Value:
    number = whole(hostnum)
    network = _network(prefix)
    highest = (1 << (network.max_prefixlen - network.prefixlen)) - 1
    distance = -number - 1 if number < 0 else number
    if distance > highest:
        raise FunctionError(f"prefix of {network.prefixlen} does not accommodate a host numbered {number}")
    host = highest - distance if number < 0 else number
    return string(_address(int(network.network_address) | host, network))


def cidrnetmask(prefix: Value) -> Value:
    network = _network(prefix)
    return string(_address(int(network.netmask), network))


def cidrsubnet(prefix: Value, newbits: Value, netnum: Value) -> Value:
    bits, number = whole(newbits), whole(netnum)
    network = _network(prefix)
    if bits > 32:
        raise FunctionError("may not extend prefix by more than 32 bits")
    length = network.prefixlen + bits
    if length > network.max_prefixlen:
        raise FunctionError(f"insufficient address space to extend prefix of {network.prefixlen} by {bits}")
    if length < 0 or not 0 <= number < 1 << max(bits, 0):
        raise FunctionError(f"prefix extension of {bits} does not accommodate a subnet numbered {number}")
    start = int(network.network_address) | number << (network.max_prefixlen - length)
    return string(_subnet(start, length, network))


def _subnet(start: int, length: int, network: Network) -> str:
    return f"{_address(start, network)}/{length}"


def cidrsubnets(prefix: Value, *newbits: Value) -> Value:
    network = _network(prefix, 0)
    free = int(network.network_address)
    end = free + (1 << (network.max_prefixlen - network.prefixlen))
    before = ""
    subnets: list[Value] = []
    for position, bits in enumerate(newbits, start=1):
        length = _longer(network, bits, position)
        size = 1 << (network.max_prefixlen - length)
        start = -(-free // size) * size
        if start + size > end:
            before = before or _before_first(network, newbits[0])
            raise FunctionError(
                f"not enough remaining address space for a subnet with a prefix of {length} bits after {before}",
                position,
            )
        before = _subnet(start, length, network)
        subnets.append(string(before))
        free = start + size
    return list_(STRING, subnets)


def _before_first(network: Network, newbits: Value) -> str:
    """The subnet that ends where `network` begins."""
    length = network.prefixlen + whole(newbits)
    size = 1 << (network.max_prefixlen - length)
    start = (int(network.network_address) - size) % (1 << network.max_prefixlen)
    return _subnet(start, length, network)


def _longer(network: Network, bits: Value, position: int) -> int:
    """The prefix length of a subnet."""
    try:
        extension = whole(bits)
    except FunctionError as error:
        raise FunctionError(error.message, position) from None
    if extension < 1:
        raise FunctionError("must extend prefix by at least one bit", position)
    if extension > 32:
        raise FunctionError("may not extend prefix by more than 32 bits", position)
    length = network.prefixlen + extension
    if length > network.max_prefixlen:
        protocol = f"IPv{network.version}"
        reason = f"would extend prefix to {length} bits, which is too long for an {protocol} address"
        raise FunctionError(reason, position)
    return length


def homedir(ctx: Context) -> Value:
    home = ctx.env.get("HOME")
    if home:
        return string(home)
    import os
    import pwd

    try:
        return string(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise FunctionError("the user has no home directory") from None
