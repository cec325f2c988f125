"""Writes the generated pages of docs/ anew, those of other scripts too. With `--check`, only says which are out of
date, and exits 1."""

# ruff: noqa: E501 - paragraphs of the pages

import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

import bakec.ir.codes
from bakec.compiler.lint.check import ALWAYS, ASKED
from bakec.ir.codes import lint
from bakec.ir.diagnostics import Rule, Severity
from bakec.ir.fields import FIELDS, RESOURCES, SETTABLE, Dedup, Field, Kind, Merge, SetMode

ROOT: Final = Path(__file__).resolve().parents[1]
NOTE: Final = "Made by `scripts/generate.py` from {source}: edit that, then run `make generate`.\n"


def main(args: list[str]) -> int:
    stale = 0 if script("schema").main(args) == 0 else 1
    for name, lines in PAGES.items():
        path, page = ROOT / "docs" / name, "\n".join(lines())
        if not path.exists() or path.read_text("utf-8") != page:
            stale += 1
            if args == ["--check"]:
                print(f"docs/{name} is out of date: run make generate")
            else:
                path.write_text(page, "utf-8")
    return 1 if stale and args == ["--check"] else 0


def script(name: str) -> ModuleType:
    """The module of another script of this folder."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- diagnostics ----------------------------------------------------------------------------------------------


def rules() -> dict[str, list[Rule]]:
    """The rules of every table of `ir.codes`, in order of their codes."""
    found: dict[str, list[Rule]] = {}
    for entry in pkgutil.iter_modules(bakec.ir.codes.__path__):
        module = import_module(f"bakec.ir.codes.{entry.name}")
        declared = {id(one): one for one in vars(module).values() if isinstance(one, Rule)}
        title = (module.__doc__ or entry.name).partition(": ")[2].partition("\n\n")[0].replace("\n", " ")
        found[title] = sorted(declared.values(), key=lambda rule: rule.code)
    return dict(sorted(((title, table) for title, table in found.items() if table), key=lambda pair: pair[1][0].code))


def diagnostics() -> Iterator[str]:
    yield "# Diagnostics\n"
    yield NOTE.format(source="the tables in `ir/codes/`")
    yield (
        "Every message has a code. `--diagnostics text|json|sarif|github` chooses the form; errors in text form end with\n"
        "one `ERROR:` line, worded as `docker buildx bake` words it. Words in braces stand for what a message is about.\n"
        "Warnings are told by every verb that compiles, or where that is said, by `bakec lint` only. `--no-warnings` or\n"
        "`BAKEC_WARNINGS=off` silences them, a comment `# bakec: ignore BK801` those of its line.\n"
    )
    for title, table in rules().items():
        yield f"## {title[:1].upper()}{title[1:].rstrip('.')}\n"
        for rule in table:
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    kind = "warning" if rule.severity is Severity.WARNING else f"exit {int(rule.exit)}"
    yield f"### {rule.code} ({kind})\n"
    yield f"> {_message(rule)}\n"
    if rule.explain:
        yield f"{rule.explain}\n"
    if rule.hint and not rule.hint.startswith("{"):
        yield f"Hint: {_unescaped(rule.hint)}\n"
    yield from _examples(rule)


def _message(rule: Rule) -> str:
    return _unescaped("; ".join(part for part in (rule.summary, rule.detail) if part)).replace("\n", "\n> ")


def _unescaped(template: str) -> str:
    return template.replace("{{", "{").replace("}}", "}").replace("<", "&lt;")


def _examples(rule: Rule) -> Iterator[str]:
    for name in (*ALWAYS, *ASKED):
        if getattr(lint, name.upper()) is rule:
            example = import_module(f"bakec.compiler.lint.rules.{name}")
            where = "every compilation" if name in ALWAYS else "`bakec lint`"
            yield f"Checked by {where}. Good:\n\n```hcl\n{example.GOOD}```\n\nBad:\n\n```hcl\n{example.BAD}```\n"


# --- attributes of targets ------------------------------------------------------------------------------------

_MERGE: Final = {
    Merge.REPLACE: "replaces",
    Merge.APPEND: "appends",
    Merge.BY_KEY: "by key",
}
_DEDUP: Final = {
    Dedup.NONE: "",
    Dedup.FIRST: "first stays",
    Dedup.KEYED: "last of a key, at the place of the first",
    Dedup.SWAP: "equal ones once; the last may move into the gap",
}
_SET: Final = {
    SetMode.NONE: "",
    SetMode.TEXT: "`{key}=VALUE`",
    SetMode.FLAG: "`{key}=BOOL`",
    SetMode.LIST: "`{key}=VALUE`, `{key}+=VALUE`",
    SetMode.EXTEND: "`{key}=VALUE` (appends)",
    SetMode.LOST: "`{key}` loses its value",
    SetMode.ITEM: "`{key}.NAME=VALUE`",
}


def targets() -> Iterator[str]:
    yield "# Attributes of targets\n"
    yield NOTE.format(source="`ir/fields.py`")
    yield (
        "What a definition may say about a target. *Merge*: how a newer definition of a target meets an older one, also\n"
        "when it inherits. *Repeats*: which of several equal elements stay. *Effect*: whether a change runs build steps\n"
        "again or changes what is published, as `bakec diff` says. Further attributes are `inherits` (a list of targets,\n"
        "appended), `matrix` and `name`; they are gone when the target is resolved.\n"
    )
    yield "| attribute | type | what it is | merge | repeats | `--set TARGET.…` | effect |"
    yield "|---|---|---|---|---|---|---|"
    yield from map(_row, FIELDS.values())
    yield "\n`--set TARGET.push=BOOL` and `--set TARGET.load=BOOL` change `output`; `--set TARGET.secret.ID=SPEC` one secret.\n"
    yield (
        "Keys of `resources`: "
        + ", ".join(f"`{name}` ({'text' if kind is str else 'number'})" for name, kind in RESOURCES.items())
        + ".\n"
    )


def _row(field: Field) -> str:
    merge = _MERGE[field.merge] + (f" (`{field.key}`)" if field.key else "")
    effect = ", ".join(word for word, on in (("rebuilds", field.rebuilds), ("publishes", field.publishes)) if on)
    kind = field.kind.value if field.kind is not Kind.ENTRIES else "list of `key=value,…` or objects"
    key = _SET[field.set_mode].format(key=field.set_key) if SETTABLE.get(field.set_key) is field else ""
    cells = (f"`{field.name}`", kind, field.doc.replace("|", "\\|"), merge, _DEDUP[field.dedup], key, effect)
    return f"| {' | '.join(cells)} |"


def functions() -> Iterator[str]:
    lines: Iterator[str] = script("function_docs").lines()
    return lines


PAGES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "diagnostics.md": diagnostics,
    "functions.md": functions,
    "targets.md": targets,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
