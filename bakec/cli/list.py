"""`bakec list`: targets or variables, without resolving anything."""

from __future__ import annotations

from bakec.cli.flags import add_definition_flags, compile_options
from bakec.cli.output import report
from bakec.cli.parser import Parser
from bakec.compiler.host import Host
from bakec.ir.codes import usage as codes
from bakec.ir.diagnostics import Diagnostics, fail
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bakec.compiler.options import CompileOptions
    from bakec.ir.module import Definitions


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec list", "List the targets and groups, or the variables, of the definition files.")
    add_definition_flags(parser)
    parser.switch("--variables", help="list variables instead of targets")
    parser.switch("--json", help="print JSON")
    args = parser.read(argv)
    what = "variables" if args.variables else "targets"
    return print_list(compile_options(args), f"type={what},format={'json' if args.json else 'table'}")


def print_list(options: CompileOptions, argument: str) -> int:
    """What `--list ARGUMENT` prints. Raises `Failed`."""
    from bakec.compiler.pipeline import define, parse

    host = Host()
    sink = Diagnostics()
    parsed = parse(options, host, sink)
    sink.check()
    definitions = define(parsed, options, host, sink)
    what, form = _parse(argument)
    report(sink.items)
    rows = list(_targets(definitions) if what == "targets" else _variables(definitions))
    if form == "json":
        from bakec.ir.gojson import dumps

        print(dumps(rows or None, indent=2))
    else:
        for line in _table(what, rows):
            print(line)
    return 0


def _parse(argument: str) -> tuple[str, str]:
    what, form = argument, "table"
    if "=" in argument or "," in argument:
        for part in argument.split(","):
            key, equals, value = part.partition("=")
            if not equals:
                raise _bad(f"invalid value {part}")
            if key == "type":
                what = value
            elif key == "format":
                form = value
            else:
                raise _bad(f"unexpected key '{key}' in '{part}'")
    if what not in ("targets", "variables"):
        raise _bad(f'invalid list type "{what}"')
    if form not in ("table", "json"):
        raise _bad(f'invalid list format "{form}"')
    return what, form


def _bad(reason: str) -> Exception:
    return fail(codes.LIST_ARGUMENT.at(None, reason=reason))


Row = dict[str, str | bool]


def _targets(definitions: Definitions) -> Iterator[Row]:
    """Targets and groups by name; a leading underscore hides one."""
    rows: list[Row] = []
    for target in definitions.targets:
        text = target.fields.get("description")
        rows.append(_row(target.name, text.text if isinstance(text, Value) else ""))
    for group in definitions.groups:
        members = ", ".join(sorted(member.text for member in group.targets or ()))
        about = f"{group.description} ({members})" if group.description else members
        rows.append({**_row(group.name, about), "group": True})
    return (row for row in sorted(rows, key=_name) if not _name(row).startswith("_"))


def _name(row: Row) -> str:
    return str(row["name"])


def _row(name: str, description: str) -> Row:
    return {"name": name, "description": description} if description else {"name": name}


def _variables(definitions: Definitions) -> Iterator[Row]:
    for variable in sorted(definitions.variables, key=lambda one: one.name):
        row = _row(variable.name, variable.description)
        if variable.type:
            row["type"] = variable.type
        if variable.shown is not None:
            row["value"] = variable.shown
        yield row


def _table(what: str, rows: Iterable[Row]) -> Iterator[str]:
    """Columns padded with tabs, as the reference's tab writer does."""
    cells: list[tuple[str, ...]]
    if what == "targets":
        cells = [("TARGET", "DESCRIPTION"), *((_name(row), str(row.get("description", ""))) for row in rows)]
    else:
        cells = [("VARIABLE", "TYPE", "VALUE", "DESCRIPTION"), *map(_variable_cells, rows)]
    widths = [-(-(max(map(len, column)) + 1) // 8) * 8 for column in zip(*cells, strict=True)]
    for line in cells:
        *padded, last = (cell + "\t" * -(-(width - len(cell)) // 8) for cell, width in zip(line, widths, strict=True))
        yield "".join(padded) + last.rstrip("\t")


def _variable_cells(row: Row) -> tuple[str, ...]:
    return (_name(row), str(row.get("type", "")), str(row.get("value", "<null>")), str(row.get("description", "")))
