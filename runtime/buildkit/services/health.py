"""Health: the daemon asks every five seconds whether the session lives, and gives up after two silences."""

from __future__ import annotations

from bakec.runtime.buildkit.server import unary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.runtime.buildkit.server import Services

SERVING = b"\x08\x01"
"""HealthCheckResponse with status SERVING."""


async def _check(_metadata: Mapping[str, list[str]], _request: bytes) -> bytes:
    return SERVING


def services() -> Services:
    return {"/grpc.health.v1.Health/Check": unary(_check)}
