"""Reading a plan is reading untrusted input: one clear diagnostic for whatever is not a sound plan."""

from __future__ import annotations

import os

from bakec.ir import codec, packed
from bakec.ir.diagnostics import fail
from bakec.ir.plan import FORMAT
from bakec.ir.verify import problems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.plan import Plan


def load(source: bytes | str | os.PathLike[str]) -> Plan:
    """The plan in a file or in bytes, checked. Raises `Failed` with exit code 4 for anything but a sound plan."""
    return unseal(source)[0]


def unseal(source: bytes | str | os.PathLike[str], left_out: Collection[str] = ()) -> tuple[Plan, str]:
    """What `load` gives, and its digest, which does not have to be computed again. `left_out` are fields that nobody
    will look at (`codec.unseal`)."""
    path = "plan" if isinstance(source, bytes) else os.fspath(source)
    try:
        plan, digest = codec.unseal(
            source if isinstance(source, bytes) else _read(path, packed.MAX_BYTES + 1), left_out
        )
    except packed.WireError as error:
        raise fail(_unreadable(path, error)) from error
    problem = next(problems(plan, left_out), None)
    if problem is not None:
        from bakec.ir.codes import plan as codes

        raise fail(codes.INVALID.at(None, path=path, reason=problem))
    return plan, digest


def _unreadable(path: str, error: packed.WireError) -> Diagnostic:
    from bakec.ir.codes import plan as codes

    match error:
        case packed.NewerFormat():
            return codes.FORMAT.at(None, path=path, found=error, known=FORMAT)
        case packed.MissingFeature():
            return codes.FEATURE.at(None, path=path, features=error)
        case packed.DigestMismatch():
            return codes.DIGEST.at(None, path=path)
        case _:
            return codes.NOT_A_PLAN.at(None, path=path, reason=error)


def _read(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - start-up counts
            return file.read(limit)
    except (OSError, ValueError) as error:
        from bakec.ir.codes import plan as codes

        number = getattr(error, "errno", None)
        reason = os.strerror(number).lower() if number else str(error)
        raise fail(codes.UNREADABLE.at(None, path=path, reason=reason)) from error
