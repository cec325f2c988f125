"""Runs definitions in a process of its own, with little memory and little time."""

import json
import resource
import sys
from pathlib import Path
from typing import Final

MEMORY: Final = 1 << 30
SECONDS: Final = 120


def main() -> None:
    """Reads `[name, text, options]` lines; for each writes what became of it: ok, `failed` or a traceback."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        name, text, sets, variables = json.loads(line)
        print(json.dumps(attempt(name, text, sets, variables)), flush=True)


def attempt(name: str, text: str, sets: list[str], variables: list[str]) -> str:
    import traceback

    from bakec.cli.output import bake_json
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
