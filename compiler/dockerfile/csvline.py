"""One line of comma-separated fields, as flags such as `--mount` hold them."""

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import encode
from bakec.ir.codes.dockerfile import CSV


def csv_fields(line: str, prefix: str) -> list[str]:
    """The fields of `line`; double quotes enclose a field. Raises `DockerfileError` whose text starts with `prefix`."""
    text = line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line
    if not text:
        raise _fault(prefix, "EOF")
    fields, at = [], 0
    while True:
        field, at = _quoted(text, at, prefix) if text.startswith('"', at) else _bare(text, at, prefix)
        fields.append(field)
        if at < 0:
            return fields


def _fault(prefix: str, problem: str) -> DockerfileError:
    return DockerfileError(CSV, problem=f"{prefix}: {problem}" if prefix else problem)


def _parse_error(text: str, at: int, what: str) -> str:
    return f"parse error on line 1, column {len(encode(text[:at])) + 1}: {what}"


def _bare(text: str, at: int, prefix: str) -> tuple[str, int]:
    comma = text.find(",", at)
    field = text[at:] if comma < 0 else text[at:comma]
    if '"' in field:
        problem = _parse_error(text, at + field.index('"'), 'bare " in non-quoted-field')
        raise _fault(prefix, problem)
    return field, -1 if comma < 0 else comma + 1


def _quoted(text: str, at: int, prefix: str) -> tuple[str, int]:
    """The field whose opening quote is at `at`, and where the next one starts (-1: there is none)."""
    at += 1
    parts: list[str] = []
    while True:
        close = text.find('"', at)
        if close < 0:
            raise _fault(prefix, _parse_error(text, at, 'extraneous or missing " in quoted-field'))
        parts.append(text[at:close])
        at = close + 1
        if text.startswith('"', at):
            parts.append('"')
            at += 1
        elif text.startswith(",", at):
            return "".join(parts), at + 1
        elif at == len(text):
            return "".join(parts), -1
        else:
            raise _fault(prefix, _parse_error(text, close, 'extraneous or missing " in quoted-field'))
