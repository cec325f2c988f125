"""Writes docs/functions.md from the table of standard functions; with `--check`, only says whether it is fresh."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bakec.compiler.stdlib.table import FUNCTIONS, Function, Parameter

PAGE = Path(__file__).parents[1] / "docs" / "functions.md"
HEAD = """\
# Standard functions

Made by `scripts/function_docs.py` from `compiler/stdlib/table.py`: edit the table, then run the script.

Arguments are converted to the types of the parameters, so a number may be given as a string. Null is an error
unless the signature has `null`. `name...` takes any number of arguments. A file may call all of these everywhere;
a `function` block of the same name has no effect.
"""
TITLES = {
    "numbers": "Numbers",
    "logic": "Logic and conversion",
    "text": "Text",
    "formatting": "Formatting",
    "regexes": "Regular expressions",
    "semver": "Versions",
    "collections": "Lists and maps",
    "sets": "Sets",
    "encoding": "Encoding",
    "crypto": "Hashes and identifiers",
    "time": "Time",
    "net": "Networks and machine",
}


def main(args: list[str]) -> int:
    page = "\n".join(lines())
    if args == ["--check"]:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page
        print("fresh" if fresh else "docs/functions.md is out of date: run scripts/function_docs.py")
        return 0 if fresh else 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


def lines() -> Iterator[str]:
    yield HEAD
    for module, title in TITLES.items():
        yield f"## {title}\n"
        for function in sorted(FUNCTIONS.values()):
            if function.module == module:
                yield from entry(function)


def entry(function: Function) -> Iterator[str]:
    yield f"### `{signature(function)}`\n"
    notes = [function.doc]
    if not function.pure:
        notes.append("Its result differs from run to run or from machine to machine, and so do plans made with it.")
    yield " ".join(notes) + "\n"
    yield f"```hcl\n{function.example} # {function.result}\n```\n"


def signature(function: Function) -> str:
    parameters = [*map(spelled, function.params)]
    if function.variadic:
        parameters.append(spelled(function.variadic).replace(":", "...:", 1))
    return f"{function.name}({', '.join(parameters)})"


def spelled(parameter: Parameter) -> str:
    return f"{parameter.name}: {parameter.type!r}{' or null' if parameter.null else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
