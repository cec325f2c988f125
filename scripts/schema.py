"""Writes docs/plan-format.md and docs/plan.schema.json from the table in ir/columns.py; with `--check`, only says
whether they are fresh."""

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakec.ir.codec import FEATURES
from bakec.ir.columns import (
    DEFAULTS,
    HEADER,
    RECORDS,
    TEXT,
    Choice,
    Column,
    Leaf,
    ListOf,
    MapOf,
    RecordOf,
    Shape,
    TableOf,
    Tree,
)
from bakec.ir.packed import MAX_BYTES, MAX_DEPTH, MAX_KEYS, MAX_VALUES
from bakec.ir.plan import FORMAT, OriginRecord, Plan

DOCS = Path(__file__).parents[1] / "docs"
PAGE, SCHEMA = DOCS / "plan-format.md", DOCS / "plan.schema.json"

HEAD = f"""\
# The plan file, format {FORMAT}

Made by `scripts/schema.py` from `ir/columns.py` and `ir/plan.py`: edit those, then run the script.

A plan is one [msgpack](https://msgpack.org) map. The same plan always has the same bytes:

* keys are text and sorted by code point, each once;
* a field that has its default is left out (but `format`, `digest` and what the tables below call required);
* every value has its shortest form; there are no floats and no extension types;
* there is no clock, no host name, no absolute path and no secret value in it. Paths are relative to the *root*, the
  folder that was compiled in; `bakec run --root` says where that is. Secrets are named, and read when the plan runs.

`digest` is SHA-256 over the map without `digest` and `produced-by`: it names what the plan says, not who wrote it.

## Reading

A reader refuses a file that is not canonical, whose digest is another, that has a higher `format`, or that needs a
feature it does not know (this version knows: {", ".join(f"`{name}`" for name in sorted(FEATURES))}).
It refuses more than {MAX_BYTES >> 20} MiB, more than {MAX_KEYS:,} keys in the top map, more than {MAX_VALUES:,} values
and more than {MAX_DEPTH} levels, and what contradicts itself: a job before one that it needs, a name that occurs twice,
an absolute path, an operation whose digest is not its own.
A path that leaves the root (`../x`) is no error of the file; a run refuses it unless `--allow` grants it.
`bakec` exits with 4 for all of these, and has run nothing. The values of the top map can be read one by one: `bakec
show` does not look at `origins`, of which it prints nothing, once the digest was found right.

## How it may change

A field that a reader may ignore can be added at any time: it is optional, and an older reader carries it through when
it writes the plan again. What a reader must not ignore is named in `features`. The number of the format goes up only
when a field changes its meaning; a file of every released format is kept, and must load for ever.

## Notation

*use* says who may use a field: the runtime acts on `run` fields; `review` fields are for people and their tools, and
must not change what a run does. *list of* and *map of* are msgpack arrays and maps with text keys. A *table of* records
is a map of lists of equal length, one a field; texts in it are indexes into its list `texts`, which holds each text
once in the order of first use; a list of defaults alone is left out. *one of* is a map with the key `kind`. *any* is
any value that JSON has, floats excepted. `bakec show --json` prints the same maps, with bytes in base64;
docs/plan.schema.json describes that.
"""


def main(args: list[str]) -> int:
    texts = {PAGE: "\n".join(page()), SCHEMA: json.dumps(schema(), indent=2) + "\n"}
    if args == ["--check"]:
        stale = [path.name for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
        print(f"docs/{stale[0]} is out of date: run scripts/schema.py" if stale else "fresh")
        return 1 if stale else 0
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return 0


# --- the page -------------------------------------------------------------------------------------------------


def page() -> Iterator[str]:
    yield HEAD
    yield "## The top map\n"
    yield from table(HEADER, frozenset(("format", "digest")))
    yield from table(RECORDS[Plan], required(Plan), headless=True)
    for record, columns in RECORDS.items():
        if record is not Plan:
            yield f"\n## {record.__name__}\n"
            if record.__doc__:
                yield f"{inspect.getdoc(record)}\n"
            yield from table(columns, required(record))
    yield ""


def required(record: type) -> frozenset[str]:
    return frozenset(RECORDS[record].keys() - DEFAULTS[record].keys())


def table(columns: dict[str, Column], needed: frozenset[str], *, headless: bool = False) -> Iterator[str]:
    if not headless:
        yield "| field | value | use | since | |"
        yield "| --- | --- | --- | --- | --- |"
    for name, column in columns.items():
        mark = " (required)" if name in needed else ""
        yield f"| `{name}`{mark} | {spelled(column.shape)} | {column.use.value} | {column.since} | {column.doc} |"


def spelled(shape: Shape) -> str:
    match shape:
        case Leaf(name):
            return name
        case Tree():
            return "any"
        case ListOf(item):
            return f"list of {spelled(item)}"
        case MapOf(item):
            return f"map of {spelled(item)}"
        case RecordOf(record):
            return link(record)
        case TableOf(record):
            return f"table of {link(record)}"
        case Choice(options):
            return "one of " + ", ".join(f"`{name}` {link(record)}" for name, record in options.items())


def link(record: type) -> str:
    return f"[{record.__name__}](#{record.__name__.lower()})"


# --- the schema -----------------------------------------------------------------------------------------------

LEAVES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "flag": {"type": "boolean"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}


def schema() -> dict[str, Any]:
    """JSON Schema of what `show --json` prints. Fields it does not name are allowed: a newer version may add some."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"bakec plan, format {FORMAT}",
        **described({**HEADER, **RECORDS[Plan]}, required(Plan) | {"format", "digest"}),
        "$defs": {
            record.__name__: described(columns, required(record))
            for record, columns in RECORDS.items()
            if record not in (Plan, OriginRecord)
        },
    }


def described(columns: dict[str, Column], needed: frozenset[str] | set[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {**typed(one.shape), "description": one.doc} for name, one in columns.items()},
        "required": sorted(needed),
    }


def typed(shape: Shape) -> dict[str, Any]:
    match shape:
        case Leaf(name):
            return LEAVES[name]
        case Tree():
            return {}
        case ListOf(item):
            return {"type": "array", "items": typed(item)}
        case MapOf(item):
            return {"type": "object", "additionalProperties": typed(item)}
        case RecordOf(record):
            return {"$ref": f"#/$defs/{record.__name__}"}
        case TableOf(record):
            return columnar(record)
        case Choice(options):
            return {"oneOf": [kinded(name, record) for name, record in options.items()]}


def columnar(record: type) -> dict[str, Any]:
    lists = {
        name: {"type": "array", "items": {"type": "integer"} if column.shape is TEXT else typed(column.shape)}
        for name, column in RECORDS[record].items()
    }
    texts = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    return {"type": "object", "properties": {**lists, "texts": texts}, "required": sorted({*required(record), "texts"})}


def kinded(name: str, record: type) -> dict[str, Any]:
    return {
        "allOf": [{"$ref": f"#/$defs/{record.__name__}"}],
        "properties": {"kind": {"const": name}},
        "required": ["kind"],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
