"""Runs definitions in a process of its own, with little memory and little time."""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

MEMORY: Final = 1 << 30
SECONDS: Final = 120


def main() -> None:
    """Reads `[name, text, sets, variables, guided]` lines; for each writes what became of it (ok, `failed` or a
    traceback) and, when guided, how many lines of the compiler ran for the first time."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        name, text, sets, variables, guided = json.loads(line)
        before = len(REACHED)
        sys.settrace(_enter if guided else None)
        try:
            outcome = attempt(name, text, sets, variables)
        finally:
            sys.settrace(None)
        print(json.dumps([outcome, len(REACHED) - before]), flush=True)


REACHED: Final[set[tuple[CodeType, int]]] = set()


def _enter(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
    """Follow the functions of the compiler alone."""
    return _step if "/compiler/" in frame.f_code.co_filename else None


def _step(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
    if event == "line":
        REACHED.add((frame.f_code, frame.f_lineno))
    return _step


def attempt(name: str, text: str, sets: list[str], variables: list[str]) -> str:
    import traceback

    from bakec.cli.bake_json import bake_json
    from bakec.compiler.host import Host
    from bakec.compiler.options import CompileOptions, parse_variables
    from bakec.compiler.pipeline import compile_plan, load, printable
    from bakec.ir.diagnostics import Diagnostics, Failed

    path = Path.cwd() / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    host = Host(env={}, cwd=Path.cwd(), stdin=lambda: b"")
    try:
        options = CompileOptions(files=(name,), sets=tuple(sets), variables=parse_variables(tuple(variables)))
        _, _, selection = load(options, host, Diagnostics())
        bake_json(printable(selection, host))
        compile_plan(options, host, Diagnostics())
    except Failed as error:
        return described(error)
    except BaseException:  # noqa: BLE001 - the very thing that is looked for
        return traceback.format_exc()
    finally:
        path.unlink()
    return "ok"


def described(error: Exception) -> str:
    """A failure must also be one that can be told."""
    from bakec.compiler.render import annotations, json, sarif, text

    for form in (annotations, json, sarif, text):
        list(form.render(error.diagnostics))  # type: ignore[attr-defined]
    return "failed"


if __name__ == "__main__":
    main()
