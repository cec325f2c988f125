"""What a compilation is asked to do, and how flags become `--set` specifications."""

from __future__ import annotations

from bakec.compiler.entries import EntryError, parse_policy
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, field
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bakec.compiler.remote import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """`files` as given with `-f` (empty: look for the default names). `sets` are `--set` specifications in order,
    implied ones last. `variables` are those of `--var`."""

    files: tuple[str, ...] = ()
    warnings: bool = True
    """Report what is most likely not meant so, too."""
    targets: tuple[str, ...] = ("default",)
    sets: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    builtins: Mapping[str, str] = field(default_factory=dict)
    """Overrides of the built-in variables."""
    lower: str = "auto"
    """Which jobs become LLB: `auto` for those that can, `llb` for all or none, `frontend` for none."""
    build_platform: str = ""
    """The platform of the builders that the plan is for, where the lock file does not tell."""
    lock_file: str = ""
    """Another lock file than `bakec.lock`."""
    locked: bool = False
    """Refuse what is not pinned."""
    traces: bool = True
    """Have values say where they come from. What is only printed need not."""
    remote: Remote | None = None
    """Definitions that were fetched from elsewhere; `files` then names those of this machine, as `cwd://NAME`."""


def implied_sets(
    *,
    push: bool = False,
    load: bool = False,
    call: str = "",
    no_cache: bool | None = None,
    pull: bool | None = None,
    sbom: str = "",
    provenance: str = "",
    policies: Sequence[str] = (),
) -> tuple[str, ...]:
    """The `--set` specifications that other flags stand for, in the reference's order."""
    specs: list[str] = []
    if push:
        specs.append("*.push=true")
    if load:
        specs.append("*.load=true")
    method = call_method(call)
    if method:
        specs.append(f"*.call={method}")
    if no_cache is not None:
        specs.append(f"*.no-cache={str(no_cache).lower()}")
    if pull is not None:
        specs.append(f"*.pull={str(pull).lower()}")
    if sbom:
        specs.append(f"*.attest={attest_text('sbom', sbom)}")
    if provenance:
        specs.append(f"*.attest={attest_text('provenance', provenance)}")
    specs += _policy_sets(policies)
    return tuple(specs)


def _policy_sets(policies: Sequence[str]) -> list[str]:
    """`--policy` takes only what does not name a file; `disabled=true` stands alone and replaces every policy."""
    disabled = False
    for text in policies:
        try:
            [attrs] = parse_policy(text)
        except EntryError as error:
            raise fail(codes.BAD_POLICY.at(None, reason=error)) from error
        if attrs["filename"]:
            reason = "--policy does not accept filename; define policy files in the bake definition"
            raise fail(codes.BAD_POLICY.at(None, reason=reason))
        if "reset" in attrs:
            reason = "--policy does not accept reset; define policy composition in the bake definition"
            raise fail(codes.BAD_POLICY.at(None, reason=reason))
        disabled = disabled or attrs.get("disabled") is True
    if disabled and len(policies) > 1:
        raise fail(codes.BAD_POLICY.at(None, reason="disabled policy cannot be combined with other policy flags"))
    return [f"*.policy{'' if disabled else '+'}={text}" for text in policies]


def call_method(text: str) -> str:
    """The name in `--call NAME[,format=…][,ignorestatus=…]`; empty for an ordinary build. Raises `Failed`."""
    method = ""
    for part in text.split(",") if text else ():
        key, equals, _ = part.partition("=")
        if not equals and method:
            raise fail(codes.BAD_CALL.at(None, reason=f"invalid print value: {text}"))
        if equals and key not in ("format", "ignorestatus"):
            raise fail(codes.BAD_CALL.at(None, reason=f"invalid print field: {part}"))
        if not equals:
            method = part
    return {"check": "lint", "build": ""}.get(method, method)


def attest_text(kind: str, value: str) -> str:
    """The attestation that `--sbom VALUE` or `--provenance VALUE` means: a bool switches it, else attributes."""
    try:
        return f"type={kind},disabled={str(not parse_bool(value)).lower()}"
    except NumberError:
        return f"type={kind},{value}"


def parse_variables(texts: tuple[str, ...]) -> dict[str, str]:
    """`--var NAME=VALUE` flags; empty ones are ignored. Raises `Failed`."""
    found: dict[str, str] = {}
    for text in texts:
        if not text:
            continue
        name, equals, value = text.partition("=")
        if not equals:
            reason = f'invalid variable "{text}", expected key=value'
            raise fail(codes.BAD_VARIABLE_FLAG.at(None, reason=reason))
        if not name:
            raise fail(codes.BAD_VARIABLE_FLAG.at(None, reason=f'invalid variable "{text}", key is empty'))
        found[name] = value
    return found


def environment_flag(env: Mapping[str, str], name: str) -> bool:
    """A bool from the environment; unset or empty is false. Raises `Failed`."""
    text = env.get(name, "").strip()
    if not text:
        return False
    try:
        return parse_bool(text)
    except NumberError as error:
        raise fail(codes.BAD_ENVIRONMENT.at(None, name=name, value=text, reason=error)) from error


def environment_switch(env: Mapping[str, str], name: str) -> bool:
    """Like `environment_flag`, but what cannot be read is false."""
    try:
        return parse_bool(env.get(name, ""))
    except NumberError:
        return False
