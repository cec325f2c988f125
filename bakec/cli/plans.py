"""Reading plan files for the verbs, with errors a person can act on."""

import os
import sys

from bakec.ir.codes import plan as codes
from bakec.ir.diagnostics import fail
from bakec.ir.plan import FORMAT, Plan


def read_plan(path: str) -> Plan:
    """The plan at `path`, checked; `-` is standard input. Raises `Failed` with exit code 4."""
    from bakec.ir import codec
    from bakec.ir.verify import problems

    data = _read(path, codec.MAX_BYTES)
    try:
        plan = codec.load(data)
    except codec.NewerFormat as error:
        raise fail(codes.FORMAT.at(None, path=path, found=error, known=FORMAT)) from error
    except codec.MissingFeature as error:
        raise fail(codes.FEATURE.at(None, path=path, features=error)) from error
    except codec.DigestMismatch as error:
        raise fail(codes.DIGEST.at(None, path=path)) from error
    except codec.WireError as error:
        raise fail(codes.NOT_A_PLAN.at(None, path=path, reason=error)) from error
    for problem in problems(plan):
        raise fail(codes.INVALID.at(None, path=path, reason=problem))
    return plan


def _read(path: str, limit: int) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(limit + 1)
        with open(path, "rb") as file:  # noqa: PTH123 - start-up counts
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number).lower() if number else str(error)
        raise fail(codes.UNREADABLE.at(None, path=path, reason=reason)) from error
