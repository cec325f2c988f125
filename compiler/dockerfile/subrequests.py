"""Questions about a Dockerfile that are answered without building: outline, targets, lint, the graph itself."""

from __future__ import annotations

from typing import TypeVar

from bakec.compiler.dockerfile.gotext import decode, encode
from bakec.compiler.dockerfile.outline import KnownArgument, KnownSecret
from bakec.ir.digests import digest_of
from bakec.ir.llb import Definition, decode_op, go_json, proto_json
from bakec.ir.llb.ops import SourceInfo, SourceMap
from bakec.ir.llb.show import dump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Final, TypeAlias

    from bakec.compiler.dockerfile.faults import DockerfileError, Lines
    from bakec.compiler.dockerfile.instructions import Dockerfile
    from bakec.compiler.dockerfile.lint import Finding
    from bakec.compiler.dockerfile.stages import Entry
    from bakec.ir.llb import SourceFile

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None
_PREFIX: Final = "frontend."
_Known = TypeVar("_Known", KnownArgument, KnownSecret)


def _location(lines: Lines | None) -> Json:
    if lines is None:
        return None
    ranges: list[Json] = [_range(number, number) for number in lines.numbers]
    return {"ranges": ranges}


def _range(first: int, last: int) -> Json:
    return {"start": {"line": first} if first else {}, "end": {"line": last} if last else {}}


def _row(**values: Json) -> dict[str, Json]:
    return {key: value for key, value in values.items() if value}


def _base64(data: bytes) -> str:
    shown = dump(SourceInfo(data=data))
    return str(shown["data"]) if isinstance(shown, dict) and data else ""


def _result(json_text: str, text: str, version: str = "1.0.0") -> dict[str, bytes]:
    return {"result.json": json_text.encode(), "result.txt": encode(text), "version": version.encode()}


def table(rows: Sequence[Sequence[str]], padding: int) -> str:
    """Rows in columns as Go's `tabwriter` sets them: every cell but the last is padded."""
    if not rows:
        return ""
    widths = [max(len(row[at]) for row in rows) + padding for at in range(len(rows[0]) - 1)]
    lines = ("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1] for row in rows)
    return "".join(line + "\n" for line in lines)


def targets(file: Dockerfile, data: bytes) -> dict[str, bytes]:
    """The stages of a file."""
    last = len(file.stages) - 1
    rows: list[Json] = []
    shown = [("TARGET", "DESCRIPTION")]
    for at, stage in enumerate(file.stages):
        rows.append(
            _row(
                name=stage.name,
                default=at == last,
                description=stage.description,
                base=stage.base,
                platform=stage.platform,
                location=_location(stage.written.lines),
            )
        )
        name = stage.name
        if at == last:
            name = f"{name} (default)" if name else "(default)"
        shown.append((name, stage.description))
    value = {"targets": rows or None, "sources": [_base64(data)]}
    return _result(go_json(value, indent=2), table(shown, 1))


def outline(target: Entry, data: bytes) -> dict[str, bytes]:
    """The arguments, secrets and agents of a target and of everything it needs."""
    arguments = _collect(target, _used_arguments)
    secrets = _collect(target, lambda entry: entry.outline.secrets)
    agents = _collect(target, lambda entry: entry.outline.ssh)
    value = _row(
        name=target.name,
        description=target.description,
        args=[_argument(known) for _, known in arguments],
        secrets=[_secret(name, known) for name, known in secrets],
        ssh=[_secret(name, known) for name, known in agents],
        sources=[_base64(data)],
    )
    return _result(go_json(value, indent=2), _outline_text(target, arguments, secrets, agents))


def _argument(known: KnownArgument) -> Json:
    row: dict[str, Json] = {"name": known.argument.key}
    description = known.argument.description
    return row | _row(description=description, value=known.value, location=_location(known.lines))


def _secret(name: str, known: KnownSecret) -> Json:
    row: dict[str, Json] = {"name": name}
    return row | _row(required=known.required, location=_location(known.lines))


def _used_arguments(entry: Entry) -> dict[str, KnownArgument]:
    entry.outline.mark_used()
    known = entry.outline.arguments
    return {key: known[key] for key in entry.outline.used if key in known}


def _collect(target: Entry, rows_of: Callable[[Entry], dict[str, _Known]]) -> list[tuple[str, _Known]]:
    """The rows of a stage, then of its base and of what it needs; the first of each name; in order of lines."""
    found: dict[str, _Known] = {}
    waiting: list[Entry] = [target]
    seen: set[Entry] = set()
    while waiting:
        entry: Entry = waiting.pop()
        if entry in seen:
            continue
        seen.add(entry)
        for name, known in rows_of(entry).items():
            found.setdefault(name, known)
        waiting += [*reversed(entry.needs), *((entry.base,) if entry.base else ())]
    return sorted(found.items(), key=lambda item: item[1].lines.first)


def _outline_text(
    target: Entry,
    arguments: Iterable[tuple[str, KnownArgument]],
    secrets: Iterable[tuple[str, KnownSecret]],
    agents: Iterable[tuple[str, KnownSecret]],
) -> str:
    blocks = []
    if target.name or target.description:
        rows = [("TARGET:", target.name or "(default)")]
        rows += [("DESCRIPTION:", target.description)] if target.description else []
        blocks.append(table(rows, 1))
    rows3 = [(known.argument.key, known.value, known.argument.description) for _, known in arguments]
    if rows3:
        blocks.append(table([("BUILD ARG", "VALUE", "DESCRIPTION"), *rows3], 3))
    for head, found in (("SECRET", secrets), ("SSH", agents)):
        shown = [(name, "true" if known.required else "") for name, known in found]
        if shown:
            blocks.append(table([(head, "REQUIRED"), *shown], 3))
    return "".join(block + "\n" for block in blocks)


def lint(findings: Sequence[Finding], source: SourceFile, fault: DockerfileError | None) -> dict[str, bytes]:
    """The warnings of a file, and why it cannot be built, if so."""
    warnings: list[Json] = [_finding(finding) for finding in findings]
    info: dict[str, Json] = _row(filename=source.filename, data=_base64(source.data))
    info |= {"definition": dump(source.definition or Definition())}
    info |= _row(language=source.language)
    value: dict[str, Json] = {"warnings": warnings or None, "sources": [info]}
    if fault is not None:
        value["buildError"] = {"message": fault.message, "location": _merged(fault.locations)}
    printed = sorted(findings, key=lambda finding: finding.lines.first if finding.lines else 0)
    text = "".join(_finding_text(finding, source) for finding in printed)
    status = b"1" if findings or fault else b"0"
    return {**_result(go_json(value, indent=2), text), "result.statuscode": status}


def _finding(finding: Finding) -> Json:
    row: dict[str, Json] = {"ruleName": finding.rule.name}
    return row | _row(
        description=finding.rule.rule.detail,
        url=finding.rule.url,
        detail=finding.message,
        location=_location(finding.lines),
    )


def _merged(locations: Iterable[Lines | None]) -> Json:
    """The lines of a fault with touching ranges joined."""
    numbers = sorted(number for lines in locations if lines for number in lines.numbers)
    ranges: list[Json] = [_range(number, number) for number in dict.fromkeys(numbers)]
    return _row(ranges=ranges)


def _finding_text(finding: Finding, source: SourceFile) -> str:
    url = f" - {finding.rule.url}" if finding.rule.url else ""
    return f"\nWARNING: {finding.rule.name}{url}\n{finding.message}\n" + excerpt(source, finding.lines)


def excerpt(source: SourceFile, lines: Lines | None) -> str:
    """The lines and some around them, as the reference prints them."""
    if lines is None:
        return ""
    text = decode(source.data).split("\n")
    start, end = lines.first, max(lines.first, lines.last)
    if not 1 <= start <= len(text):
        return ""
    first, last = _padded(start, min(end, len(text)), len(text))
    rows = [
        f" {number:3d} | {'>>>' if start <= number <= end else '   '} {text[number - 1]}\n"
        for number in range(first, last + 1)
    ]
    rule = "-" * 20 + "\n"
    return f"{source.filename}:{start}\n{rule}{''.join(rows)}{rule}"


def _padded(first: int, last: int, total: int) -> tuple[int, int]:
    pad, wanted = 0, 4 if first == last else 2
    while pad < wanted:
        if first > 1:
            first -= 1
            pad += 1
        if last != total:
            last += 1
            pad += 1
        pad += 1
    return first, last


def graph(definition: Definition) -> dict[str, bytes]:
    """The whole definition as JSON."""
    ops = {digest_of(op): op for op in definition.ops}
    value: dict[str, Json] = {
        "def": {name: proto_json(decode_op(ops[name])) for name in sorted(ops)},
        "metadata": {name: dump(definition.metadata[name]) for name in sorted(definition.metadata)},
        "source": proto_json(definition.source or SourceMap()),
    }
    return {"result.json": go_json(value, indent=2).encode(), "version": b"0.1.0"}


_DEFINITIONS: Final[tuple[tuple[str, str, Json], ...]] = (
    (
        "frontend.outline",
        "List all parameters current build target supports",
        [{"name": "target", "description": "Target build stage"}],
    ),
    ("frontend.targets", "List all targets current build supports", []),
    ("frontend.subrequests.describe", "List available subrequest types", None),
)


def describe() -> dict[str, bytes]:
    """The requests a client may send."""
    rows: list[Json] = []
    shown = [("NAME", "VERSION", "DESCRIPTION")]
    for name, description, options in _DEFINITIONS:
        rows.append(
            {
                "name": name,
                "version": "1.0.0",
                "type": "rpc",
                "description": description,
                "opts": options,
                "inputs": None,
                "metadata": [{"name": key, "description": ""} for key in ("result.json", "result.txt")],
                "refs": None,
            }
        )
        shown.append((name.removeprefix(_PREFIX), "1.0.0", description))
    return _result(go_json(rows, indent=2), table(shown, 1))
