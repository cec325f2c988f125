"""Who may import whom. Run as `python scripts/contracts.py`; prints what breaks a contract and exits 1."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {"ir": {"ir"}, "compiler": {"ir", "compiler"}, "runtime": {"ir", "runtime"}}
FRONT_ENDS = ("hcl", "json", "compose")
ONLY = {
    "dataclasses": {  # the others take theirs from ir.records, which costs less to import
        *("ir/records.py", "compiler/render/graph.py", "bakec/cli/why.py"),
        *("runtime/engine.py", "runtime/publish.py", "runtime/reports/json.py"),
    },
    "enum": {"ir/records.py", "runtime/schedule.py", "runtime/results.py"},
    "_sha2": {"ir/digests.py"},  # of newer versions of Python
    "networkx": {"compiler/graph.py"},
    "lark": {"scripts/grammar", "scripts/grammar.py"},
    "msgpack": {"ir/packed.py", "runtime/journal.py"},
}
"""Libraries that one module alone may import."""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full module name of every import, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def broken(path: str, module: str) -> str:
    """What is wrong with `module` being imported in `path`, or an empty string."""
    parts = module.split(".")
    top = path.split("/")[0]
    if parts[0] in ONLY and path not in ONLY[parts[0]]:
        return f"{parts[0]} belongs to {', '.join(sorted(ONLY[parts[0]]))} alone"
    if parts[0] != "bakec":
        third_party = parts[0] not in sys.stdlib_module_names and parts[0] not in ONLY
        return "ir imports nothing from outside" if top == "ir" and third_party else ""
    if len(parts) == 1:
        return ""  # the package itself is its version
    layer = parts[1]
    if top in LAYERS and layer not in LAYERS[top]:
        return f"{top} may import only {', '.join(sorted(LAYERS[top]))}"
    return _inside(path.split("/"), parts)


def _inside(path: list[str], parts: list[str]) -> str:
    if path[:2] == ["compiler", "passes"] and parts[1:3] == ["compiler", "passes"]:
        return "passes do not know each other; compiler.pipeline knows their order"
    package = parts[2] if len(parts) > 2 else ""
    if path[0] == "compiler" and len(path) > 2 and path[1] in FRONT_ENDS and package in FRONT_ENDS:
        # HCL-JSON strings are HCL templates: the one thing that front ends share.
        shared = path[1] == "json" and package == "hcl"
        return "" if package == path[1] or shared else "front ends do not import each other"
    if path[:2] == ["runtime", "drivers"] and path[2] != "__init__.py" and parts[1:3] == ["runtime", "drivers"]:
        # A driver of several modules is a package.
        return "" if parts[3:4] in (["base"], path[2:3]) else "drivers import drivers/base only"
    return ""


def main() -> int:
    found = 0
    for folder in ("bakec", "compiler", "ir", "runtime"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(("bakec/compiler", "bakec/ir", "bakec/runtime")):
                continue
            for line, module in imports(path):
                problem = broken(name, module)
                if problem:
                    found += 1
                    print(f"{name}:{line}: imports {module}: {problem}")
    print(f"import contracts: {found} broken" if found else "import contracts: kept")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
