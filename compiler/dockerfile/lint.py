"""The lint rules of the Dockerfile frontend, and which of them a file or a build asks for."""

from __future__ import annotations

from bakec.compiler.dockerfile.directives import DirectiveReader
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import SPACE, valid
from bakec.ir.codes import dockerfile as codes
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field, replace
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.dockerfile.faults import Lines
    from bakec.ir.diagnostics import Rule


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule under the name that users skip it by. `page` is the last part of its documentation's address."""

    name: str
    rule: Rule
    page: str
    experimental: bool = False

    @property
    def url(self) -> str:
        return f"https://docs.docker.com/go/dockerfile/rule/{self.page}/" if self.page else ""


STAGE_NAME_CASING: Final = LintRule("StageNameCasing", codes.STAGE_NAME_CASING, "stage-name-casing")
FROM_AS_CASING: Final = LintRule("FromAsCasing", codes.FROM_AS_CASING, "from-as-casing")
NO_EMPTY_CONTINUATION: Final = LintRule("NoEmptyContinuation", codes.NO_EMPTY_CONTINUATION, "no-empty-continuation")
INSTRUCTION_CASING: Final = LintRule(
    "ConsistentInstructionCasing", codes.INSTRUCTION_CASING, "consistent-instruction-casing"
)
DUPLICATE_STAGE_NAME: Final = LintRule("DuplicateStageName", codes.DUPLICATE_STAGE_NAME, "duplicate-stage-name")
RESERVED_STAGE_NAME: Final = LintRule("ReservedStageName", codes.RESERVED_STAGE_NAME, "reserved-stage-name")
JSON_ARGS: Final = LintRule("JSONArgsRecommended", codes.JSON_ARGS, "json-args-recommended")
MAINTAINER: Final = LintRule("MaintainerDeprecated", codes.MAINTAINER, "maintainer-deprecated")
UNDEFINED_ARG: Final = LintRule("UndefinedArgInFrom", codes.UNDEFINED_ARG, "undefined-arg-in-from")
RELATIVE_WORKDIR: Final = LintRule("WorkdirRelativePath", codes.RELATIVE_WORKDIR, "workdir-relative-path")
UNDEFINED_VAR: Final = LintRule("UndefinedVar", codes.UNDEFINED_VAR, "undefined-var")
ONLY_ONE: Final = LintRule("MultipleInstructionsDisallowed", codes.ONLY_ONE, "multiple-instructions-disallowed")
LEGACY_KEY_VALUE: Final = LintRule("LegacyKeyValueFormat", codes.LEGACY_KEY_VALUE, "legacy-key-value-format")
BASE_PLATFORM: Final = LintRule("InvalidBaseImagePlatform", codes.BASE_PLATFORM, "")
REDUNDANT_PLATFORM: Final = LintRule("RedundantTargetPlatform", codes.REDUNDANT_PLATFORM, "redundant-target-platform")
SECRET_IN_ENV: Final = LintRule("SecretsUsedInArgOrEnv", codes.SECRET_IN_ENV, "secrets-used-in-arg-or-env")
DEFAULT_ARG: Final = LintRule("InvalidDefaultArgInFrom", codes.DEFAULT_ARG, "invalid-default-arg-in-from")
CONSTANT_PLATFORM: Final = LintRule(
    "FromPlatformFlagConstDisallowed", codes.CONSTANT_PLATFORM, "from-platform-flag-const-disallowed"
)
COPY_IGNORED: Final = LintRule("CopyIgnoredFile", codes.COPY_IGNORED, "copy-ignored-file")
DESCRIPTION: Final = LintRule(
    "InvalidDefinitionDescription", codes.DESCRIPTION, "invalid-definition-description", experimental=True
)
PROTOCOL_CASING: Final = LintRule("ExposeProtoCasing", codes.PROTOCOL_CASING, "expose-proto-casing")
EXPOSE_FORMAT: Final = LintRule("ExposeInvalidFormat", codes.EXPOSE_FORMAT, "expose-invalid-format")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a rule says about some lines, None for what no line names. `comments` above the instruction may ask for
    it to be skipped."""

    rule: LintRule
    lines: Lines | None
    values: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        return valid(self.rule.rule.summary.format(**self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class LintOptions:
    """`skip=…;experimental=…;error=…`."""

    skip_all: bool = False
    skip: frozenset[str] = frozenset()
    experimental_all: bool = False
    experimental: frozenset[str] = frozenset()
    error: bool = False


def parse_options(text: str) -> LintOptions:
    """Read the value of a `check` directive. Raises `DockerfileError`."""
    options = LintOptions()
    text = text.strip(SPACE)
    for part in text.split(";", 2) if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise DockerfileError(codes.OPTION, problem=f"invalid check option {quote(part)}")
        options = _with_option(options, key.strip(SPACE), value.strip(SPACE), part)
    return options


def _with_option(options: LintOptions, key: str, value: str, part: str) -> LintOptions:
    names = frozenset(name.strip(SPACE) for name in value.split(","))
    match key:
        case "skip":
            return replace(options, skip_all=True) if value == "all" else replace(options, skip=names)
        case "experimental":
            every = value == "all"
            return replace(options, experimental_all=True) if every else replace(options, experimental=names)
        case "error":
            try:
                return replace(options, error=parse_bool(value))
            except NumberError as error:
                problem = f"failed to parse check option {quote(part)}: {error}"
                raise DockerfileError(codes.OPTION, problem=problem) from None
        case _:
            raise DockerfileError(codes.OPTION, problem=f"invalid check option {quote(key)}")


class Linter:
    """Collects the findings that the options let through. `silent` drops them all (later platforms of a build)."""

    def __init__(self, options: LintOptions, *, silent: bool = False) -> None:
        self._options = options
        self._silent = silent
        self.findings: list[Finding] = []

    def report(self, finding: Finding) -> None:
        options = _merged(self._options, finding.comments)
        if self._silent or not _wanted(finding.rule, options):
            return
        self.findings.append(finding)

    def check(self) -> None:
        """Raise `DockerfileError` if there are findings and they count as errors."""
        if self._options.error and self.findings:
            names = dict.fromkeys(finding.rule.name for finding in self.findings)
            raise DockerfileError(codes.LINT, rules=", ".join(names))


def _wanted(rule: LintRule, options: LintOptions) -> bool:
    if rule.experimental:
        return options.experimental_all or rule.name in options.experimental
    return not (options.skip_all or rule.name in options.skip)


def _merged(options: LintOptions, comments: tuple[str, ...]) -> LintOptions:
    """`options` with the first `check=` comment above an instruction added."""
    for comment in comments:
        directive = DirectiveReader("").read(comment)
        if directive is None or directive.name != "check":
            continue
        try:
            extra = parse_options(directive.first_word)
        except DockerfileError:
            return options
        return replace(
            options,
            skip_all=options.skip_all or extra.skip_all,
            skip=options.skip | extra.skip,
            experimental_all=options.experimental_all or extra.experimental_all,
            experimental=options.experimental | extra.experimental,
        )
    return options
