"""What every instruction needs while it is lowered: the scope of the whole file, and how steps are named."""

from __future__ import annotations

import math

from bakec.compiler.dockerfile.expand import ExpansionError, expand
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.image import History
from bakec.compiler.dockerfile.lint import UNDEFINED_VAR, Finding
from bakec.compiler.suggest import search
from bakec.ir import platforms
from bakec.ir.digests import sha256
from bakec.ir.llb import SourceLocation
from bakec.ir.llb.ops import Position, Range
from bakec.ir.platforms import Platform
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.compiler.dockerfile.contexts import Frontend
    from bakec.compiler.dockerfile.epoch import Epoch
    from bakec.compiler.dockerfile.expand import Expansion, Mode
    from bakec.compiler.dockerfile.faults import Lines
    from bakec.compiler.dockerfile.ignore import IgnoreMatcher
    from bakec.compiler.dockerfile.lint import Linter, LintRule
    from bakec.compiler.dockerfile.options import Options
    from bakec.compiler.dockerfile.stages import Entry, Step
    from bakec.ir.llb import SourceFile, State
    from bakec.ir.llb.ops import ProxyEnv

HISTORY_COMMENT = "buildkit.dockerfile.v0"
HIDDEN_ARGS = frozenset(("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"))
"""Arguments that steer the build and do not become environment variables."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """One conversion for one platform. `target` is the wanted platform, `implicit` if none was asked for;
    `frontend` None converts without a gateway."""

    options: Options
    frontend: Frontend | None
    mode: Mode
    linter: Linter
    target: Platform
    worker: Platform
    implicit: bool
    variables: dict[str, str]
    build_args: dict[str, str]
    epoch: Epoch | None
    main: State
    caps_known: bool
    missing_caps: frozenset[str]
    source: SourceFile | None
    proxy: ProxyEnv | None
    seed: str
    ignored: IgnoreMatcher | None = None
    groups: int = 0

    def pin(self, source: str) -> str:
        """The commit of a repository, if one is known (see `Resolver.pin`)."""
        return self.frontend.request.resolver.pin(source) if self.frontend else ""

    def supports(self, cap: str) -> bool:
        return self.caps_known and cap not in self.missing_caps

    def locations(self, lines: Lines | None) -> tuple[SourceLocation, ...]:
        """Where an op comes from; none if no source map is wanted."""
        if self.source is None:
            return ()
        numbers = lines.numbers if lines else ()
        ranges = (Range(start=Position(line=n), end=Position(line=n)) for n in numbers)
        return (SourceLocation(self.source, tuple(ranges)),)

    def lint(self, rule: LintRule, step: Step, **values: str) -> None:
        written = step.instruction.written
        self.linter.report(Finding(rule, written.lines, values, written.comments))

    def group_id(self) -> str:
        """The id of a new progress group. The reference's are random; these only have to differ."""
        self.groups += 1
        return sha256(f"{self.seed}#{self.groups}".encode())[:25]

    def expand(self, word: str, entry: Entry, step: Step, mode: Mode | None = None) -> str:
        """Expand a word of an instruction in the stage as it is now. Raises `DockerfileError`."""
        env = entry.state.env
        try:
            found = expand(word, env, mode or self.mode)
        except ExpansionError as fault:
            self._lint_unset(fault.expansion, entry, step, env)
            raise
        self._lint_unset(found, entry, step, env)
        return found.text

    def _lint_unset(self, found: Expansion, entry: Entry, step: Step, env: Mapping[str, str]) -> None:
        if not found.unmatched:
            return
        declared = {argument.key for argument in entry.arguments} | HIDDEN_ARGS
        for name in found.unmatched:
            if name in declared:
                continue
            near = search(name, env)
            suggestion = f" (did you mean ${near}?)" if near else ""
            self.lint(UNDEFINED_VAR, step, name=name, suggestion=suggestion)


def quiet_expand(text: str, env: Mapping[str, str], mode: Mode) -> str:
    """`text` expanded, or as it is where that fails: for display only."""
    try:
        return expand(text, env, mode).text
    except DockerfileError:
        return text


def upper_first(text: str) -> str:
    first, space, rest = text.partition(" ")
    return first.upper() + space + rest


def step_title(entry: Entry, text: str, platform: Platform | None, env: Mapping[str, str]) -> str:
    """The next progress title of a stage: `[name 2/5] text`."""
    if entry.step_total == 0:
        return text
    head = ""
    if entry.prefix_platform and platform is not None:
        head = platforms.full_name(platform) + _cross_target(platform, env) + " "
    if entry.title:
        head += entry.title + " "
    entry.step_index += 1
    width = int(1 + math.log10(entry.step_total))
    trigger = "ONBUILD " if entry.in_trigger else ""
    return f"[{head}{entry.step_index:{width}d}/{entry.step_total}] {trigger}{text}"


def _cross_target(base: Platform, env: Mapping[str, str]) -> str:
    """`->arch` where the variables of a stage say that it compiles for another platform than it runs on."""
    target = _target_of(env)
    if target is None:
        return ""
    wanted = platforms.normalize(
        target._replace(os=target.os or base.os, architecture=target.architecture or base.architecture)
    )
    if wanted.os != base.os:
        return "->" + platforms.full_name(wanted)
    if wanted.architecture == base.architecture:
        return ""
    return "->" + wanted.architecture + (f"/{wanted.variant}" if wanted.variant else "")


def _target_of(env: Mapping[str, str]) -> Platform | None:
    found = None
    for key, value in env.items():
        if key == "TARGETPLATFORM":
            try:
                return platforms.parse(value)
            except platforms.PlatformError:
                continue
        attr = _TARGET_PARTS.get(key)
        if attr:
            found = _with_part(found or Platform(), attr, value)
    return found


_TARGET_PARTS = {"TARGETOS": "os", "TARGETARCH": "architecture", "TARGETVARIANT": "variant"}


def _with_part(platform: Platform, attr: str, value: str) -> Platform:
    match attr:
        case "os":
            return platform._replace(os=value)
        case "architecture":
            return platform._replace(architecture=value)
        case _:
            return platform._replace(variant=value)


def commit(entry: Entry, text: str, epoch: Epoch | None, *, layer: bool = False) -> None:
    """Add an entry to the history of the stage's image."""
    added = History(
        created=rfc3339(epoch) if epoch else "",
        created_by=text,
        comment=HISTORY_COMMENT,
        empty_layer=not layer,
    )
    entry.image = entry.image._replace(history=(*entry.image.history, added))


def rfc3339(epoch: Epoch) -> str:
    """The text of a time in its zone, for any year."""
    days, rest = divmod(epoch.seconds + epoch.offset, 86400)
    year, month, day = _civil(days)
    sign, minutes = "-" if epoch.offset < 0 else "+", abs(epoch.offset) // 60
    zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if epoch.offset else "Z"
    return f"{year:04d}-{month:02d}-{day:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{zone}"


def _civil(days: int) -> tuple[int, int, int]:
    """The date of a number of days since 1970-01-01 in the proleptic Gregorian calendar."""
    days += 719468
    era, of_era = divmod(days, 146097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1
