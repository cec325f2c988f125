"""Variables into the strings of a document, and the few casts that Compose makes afterwards.

The whole document is interpolated, also what a build does not use: a required variable is required wherever it
stands.
"""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.compose.nodes import Listing, Plain, Scalar, Table
from bakec.compiler.compose.patterns import compiled
from bakec.compiler.compose.template import InvalidTemplateError, MissingError, substitute
from bakec.ir.codes.compose import BOOLEAN_WORD, CAST, FORMAT, REQUIRED, UNSET
from bakec.ir.diagnostics import Failed
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from bakec.compiler.compose.nodes import Node
    from bakec.compiler.compose.patterns import Pattern
    from bakec.ir.diagnostics import Diagnostic, Diagnostics
    from bakec.ir.span import Span


class CastError(Exception):
    """The text is not of the type wanted; the message is the reference's."""


Cast = Callable[[str], Plain]

_WORDS: Final = {"y": True, "yes": True, "on": True, "n": False, "no": False, "off": False}


def to_boolean(text: str) -> bool:
    """A boolean as Compose takes it from a string: `true` and `false` in any case, and the words of YAML 1.1."""
    word = text.lower()
    if word in ("true", "false"):
        return word == "true"
    if word not in _WORDS:
        raise CastError(f"invalid boolean: {text}")
    return _WORDS[word]


def _integer(function: str) -> Cast:
    def cast(text: str) -> int:
        digits = text.removeprefix("-" if text.startswith("-") else "+")
        if not (digits.isascii() and digits.isdecimal()):
            raise CastError(f"strconv.{function}: parsing {quote(text)}: invalid syntax")
        if len(digits) > 20 or not -(2**63) <= int(text) < 2**63:
            raise CastError(f"strconv.{function}: parsing {quote(text)}: value out of range")
        return int(text)

    return cast


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CastError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax") from None


_to_int: Final = _integer("Atoi")
_to_int64: Final = _integer("ParseInt")


def _service(cast: Cast, paths: Iterable[str]) -> dict[str, Cast]:
    return {f"services.*.{path}": cast for path in paths}


_CASTS: Final[Pattern[Cast]] = compiled(
    {
        **_service(
            _to_int64,
            ("cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "oom_score_adj",
             "pids_limit"),
        ),
        **_service(
            _real,
            ("cpu_percent", "cpus", "deploy.update_config.max_failure_ratio",
             "deploy.rollback_config.max_failure_ratio"),
        ),
        **_service(
            _to_int,
            ("deploy.replicas", "deploy.update_config.parallelism", "deploy.rollback_config.parallelism",
             "deploy.restart_policy.max_attempts", "deploy.placement.max_replicas_per_node", "healthcheck.retries",
             "ports.[].target", "scale", "ulimits.*", "ulimits.*.hard", "ulimits.*.soft"),
        ),
        **_service(
            to_boolean,
            ("init", "depends_on.*.required", "depends_on.*.restart", "healthcheck.disable", "oom_kill_disable",
             "privileged", "read_only", "stdin_open", "tty", "volumes.[].read_only", "volumes.[].volume.nocopy"),
        ),
        **dict.fromkeys(
            ("networks.*.external", "networks.*.internal", "networks.*.attachable", "networks.*.enable_ipv4",
             "networks.*.enable_ipv6", "volumes.*.external", "secrets.*.external", "configs.*.external"),
            to_boolean,
        ),
    }
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Environment:
    """The variables of a load. `kinds` says where one came from, if not from the environment; `sink` hears of
    each variable without a value once."""

    values: Mapping[str, str]
    sink: Diagnostics
    kinds: Mapping[str, OriginKind] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)

    def having(self, values: Mapping[str, str]) -> Environment:
        """The same load with other variables."""
        return Environment(values, self.sink, self.kinds, self.warned)

    def origin(self, name: str) -> Origin:
        return Origin(self.kinds.get(name, OriginKind.ENVIRONMENT), name, None)

    def warn(self, name: str, span: Span | None) -> None:
        if name not in self.warned:
            self.warned.add(name)
            self.sink.add(UNSET.at(span, name=name))


def interpolate(document: Table, env: Environment) -> Table:
    """`document` with every string interpolated. Raises `Failed` with one error for each string that fails, in
    the order of their paths."""
    walk = _Interpolation(env)
    result = walk.table(document, "", _CASTS)
    if walk.errors:
        raise Failed(walk.errors[path] for path in sorted(walk.errors))
    return result


class _Interpolation:
    def __init__(self, env: Environment) -> None:
        self.errors: dict[tuple[str, ...], Diagnostic] = {}
        self._env = env

    def table(self, table: Table, path: str, casts: Pattern[Cast] | None) -> Table:
        items = {
            key: self._node(item, f"{path}.{key}" if path else key, casts and casts.step(key))
            for key, item in table.items.items()
        }
        return table.having(items)

    def _node(self, node: Node, path: str, casts: Pattern[Cast] | None) -> Node:
        match node:
            case Table():
                return self.table(node, path, casts)
            case Listing():
                below, inner = f"{path}.[]", casts and casts.step("[]")
                return Listing(tuple([self._node(item, below, inner) for item in node.items]), node.span)
            case Scalar(value=str(text)) if "$" in text or (casts and casts.action):
                return self._scalar(node, text, path, casts.action if casts else None)
            case _:
                return node

    def _scalar(self, node: Scalar, text: str, path: str, cast: Cast | None) -> Scalar:
        used: dict[str, Origin] = {}

        def lookup(name: str) -> str | None:
            used[name] = self._env.origin(name)
            return self._env.values.get(name)

        try:
            value = substitute(text, lookup, lambda name: self._env.warn(name, node.span))
            return Scalar(self._cast(cast, value, node.span) if cast else value, node.span, tuple(used.values()))
        except InvalidTemplateError as error:
            found = FORMAT.at(node.span, path=path, template=error.template)
        except MissingError as error:
            found = REQUIRED.at(node.span, path=path, problem=error, name=error.name)
        except CastError as error:
            found = CAST.at(node.span, path=path, problem=error)
        self.errors[*path.split("."), str(node.span.start)] = found
        return node

    def _cast(self, cast: Cast, text: str, span: Span) -> Plain:
        value = cast(text)
        if cast is to_boolean and text.lower() in _WORDS:
            self._env.sink.add(BOOLEAN_WORD.at(span, word=quote(text), better="true" if value else "false"))
        return value
