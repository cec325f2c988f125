"""BK5: what can be wrong in a Dockerfile, or in the options it is built with.

The summaries are the messages of BuildKit's Dockerfile frontend. Lint rules (BK570 up) are warnings: `detail` is the
general description that the frontend sends along.
"""

from __future__ import annotations

from bakec.ir.diagnostics import Rule, Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

EMPTY: Final = Rule(
    "BK501",
    "the Dockerfile cannot be empty",
    explain="The Dockerfile has no bytes at all. It needs at least one `FROM` instruction.",
)
NO_INSTRUCTIONS: Final = Rule(
    "BK502",
    "file with no instructions",
    explain="The Dockerfile holds only comments and blank lines.",
)
LINE_TOO_LONG: Final = Rule(
    "BK503",
    "dockerfile line greater than max allowed size of 65535",
    explain="A physical line is longer than 65535 bytes. Break it up with line continuations or a heredoc.",
)
DIRECTIVE_TWICE: Final = Rule(
    "BK504",
    "only one {name} parser directive can be used",
    explain="A parser directive (`# syntax=`, `# escape=`, `# check=`) stands twice at the top of the file.",
)
BAD_ESCAPE_TOKEN: Final = Rule(
    "BK505",
    "invalid escape token '{token}' does not match ` or \\",
    explain="The `# escape=` directive accepts a backslash or a backtick only.",
)
HEREDOC_OPEN: Final = Rule(
    "BK506",
    "unterminated heredoc",
    explain="A heredoc (`<<NAME`) is never closed by a line holding its name alone.",
)
HEREDOC_FORM: Final = Rule(
    "BK507",
    "{problem}",
    explain="A heredoc stands where the instruction cannot use it, or its name reads differently with its quotes.",
)
TWO_ARGUMENTS: Final = Rule(
    "BK508",
    "{instruction} must have two arguments",
    explain="The form `ENV key value` or `LABEL key value` has a key only. Write `key=value`.",
)
NO_EQUALS: Final = Rule(
    "BK509",
    "Syntax error - can't find = in {word}. Must be of the form: name=value",
    explain="A word of `ENV` or `LABEL` is not `name=value`. Values with spaces need quotes.",
)
JSON_STRINGS: Final = Rule(
    "BK510",
    "when using JSON array syntax, arrays must be comprised of strings only",
    explain="The exec form of an instruction is a JSON array of strings; numbers and others must be quoted.",
)
UNKNOWN_INSTRUCTION: Final = Rule(
    "BK511",
    "unknown instruction: {name}",
    explain="The first word of a line is no Dockerfile instruction; often a missing line continuation above it.",
)
ARGUMENT_COUNT: Final = Rule(
    "BK512",
    "{instruction} requires {count}",
    explain="The instruction has fewer or more arguments than it accepts.",
)
UNKNOWN_FLAG: Final = Rule(
    "BK513",
    "unknown flag: {flag}",
    explain="The instruction has no such flag. Flags stand between the instruction and its arguments.",
)
FLAG_TWICE: Final = Rule(
    "BK514",
    "duplicate flag specified: {flag}",
    explain="Only list flags such as `--mount` and `--exclude` may be given more than once.",
)
FLAG_VALUE: Final = Rule(
    "BK515",
    "missing a value on flag: {flag}",
    explain="The flag needs a value: `--flag=value`.",
)
FLAG_BOOL: Final = Rule(
    "BK516",
    "expecting boolean value for flag {flag}, not: {value}",
    explain="The flag is a switch: leave its value out, or write `true` or `false`.",
)
HEREDOC_PLACE: Final = Rule(
    "BK517",
    "{instruction} cannot accept a heredoc as {place}",
    explain="A heredoc can be a source of `COPY` and `ADD`, not the destination, which is the last argument.",
)
BLANK_NAME: Final = Rule(
    "BK518",
    "{instruction} names can not be blank",
    explain="The name before `=` is empty.",
)
STAGE_NAME: Final = Rule(
    "BK519",
    "invalid name for build stage: {name}, name can't start with a number or contain symbols",
    explain="A stage name starts with a letter; then letters, digits, `-`, `_` and `.` may follow.",
)
ONBUILD_CHAIN: Final = Rule(
    "BK520",
    "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    explain="A trigger cannot register a further trigger.",
)
ONBUILD_TRIGGER: Final = Rule(
    "BK521",
    "{trigger} isn't allowed as an ONBUILD trigger",
    explain="`FROM` and `MAINTAINER` cannot be deferred to a child build.",
)
HEALTHCHECK_FORM: Final = Rule(
    "BK522",
    "{problem}",
    explain="`HEALTHCHECK` is followed by `NONE` alone, or by `CMD` and a command.",
)
HEALTHCHECK_TIME: Final = Rule(
    "BK523",
    "{problem}",
    explain="A duration of `HEALTHCHECK` is a Go duration (`30s`, `1m30s`) of at least a millisecond, or 0.",
)
HEALTHCHECK_RETRIES: Final = Rule(
    "BK524",
    "{problem}",
    explain="`--retries` is a whole number from 0 up.",
)
VOLUME_EMPTY: Final = Rule(
    "BK525",
    "VOLUME specified can not be an empty string",
    explain="A path of `VOLUME` is empty, as written or after its variables were replaced.",
)
SHELL_JSON: Final = Rule(
    "BK526",
    "SHELL requires the arguments to be in JSON form",
    explain='Write `SHELL ["/bin/bash", "-c"]`.',
)
NO_STAGE: Final = Rule(
    "BK527",
    "no build stage in current context",
    explain="An instruction other than `ARG` stands before the first `FROM`.",
)
NO_STAGES: Final = Rule(
    "BK528",
    "dockerfile contains no stages to build",
    explain="The Dockerfile has no `FROM` instruction.",
)
NETWORK_MODE: Final = Rule(
    "BK529",
    "invalid network mode {mode}",
    explain="`RUN --network` is `default`, `none` or `host`.",
)
SECURITY_MODE: Final = Rule(
    "BK530",
    "security {mode} is not valid",
    explain="`RUN --security` is `sandbox` or `insecure`.",
)
MOUNT_FIELD: Final = Rule(
    "BK531",
    "invalid field '{field}' must be a key=value pair",
    explain="A field of `RUN --mount` or `--device` is neither a known word nor `key=value`.",
)
MOUNT_KEY: Final = Rule(
    "BK532",
    "unexpected key '{key}' {where}",
    explain="The mount has no such option, or not for its type; `type=` must come before options that depend on it.",
)
MOUNT_VALUE: Final = Rule(
    "BK533",
    "invalid value {what}",
    explain="An option of `RUN --mount` has a value of the wrong form.",
)
MOUNT_CHOICE: Final = Rule(
    "BK534",
    "unsupported {what} {value}",
    explain="Mount types are bind, cache, tmpfs, secret and ssh; sharing modes shared, private and locked.",
)
MOUNT_SHARING: Final = Rule(
    "BK535",
    "invalid cache sharing set for {type} mount",
    explain="`sharing=` belongs to cache mounts.",
)
MOUNT_OWNER: Final = Rule(
    "BK536",
    "{option} not allowed for {type} type mounts",
    explain="`mode`, `uid` and `gid` belong to cache, secret and ssh mounts.",
)
MOUNT_SECRET: Final = Rule(
    "BK537",
    "{problem}",
    explain="A secret mount names its secret by `id`, `source` or `target`, and has neither `from` nor `sharing`.",
)
CSV: Final = Rule(
    "BK538",
    "{problem}",
    explain="A list of comma-separated fields has a quote out of place. Quotes enclose a whole field.",
)
DEVICE: Final = Rule(
    "BK539",
    "{problem}",
    explain="`RUN --device` needs an experimental frontend; its value names one device.",
)
EXPANSION: Final = Rule(
    "BK540",
    "failed to process {word}: {problem}",
    explain="A variable reference or a quote in the word cannot be read, or a required variable (`${name:?}`) is not "
    "set.",
)
BASE_BLANK: Final = Rule(
    "BK541",
    "base name ({name}) should not be blank",
    explain="The image of `FROM` is empty after its variables were replaced. Give the `ARG` a default.",
)
PLATFORM: Final = Rule(
    "BK542",
    "{problem}",
    explain="A platform is `os/arch` or `os/arch/variant`, such as `linux/arm64` or `linux/arm/v7`.",
)
IMAGE_NAME: Final = Rule(
    "BK543",
    "{problem}",
    explain="An image name cannot be read. Names are lower case: `registry/path:tag@digest`.",
)
TARGET: Final = Rule(
    "BK544",
    "target stage {target} could not be found",
    explain="The Dockerfile has no stage of that name. Stages cannot be targeted by number.",
)
STAGE_INDEX: Final = Rule(
    "BK545",
    "invalid stage index {index}",
    explain="`--from` refers to a stage by a number that the file does not have.",
)
FROM_VARIABLE: Final = Rule(
    "BK546",
    "{problem}",
    explain="`--from` and `from=` take a fixed name. Define a stage `FROM $VAR AS name` and use its name.",
)
CIRCULAR: Final = Rule(
    "BK547",
    "circular dependency detected on stage: {stage}",
    explain="Stages copy or mount from each other in a circle.",
)
STAGE_LATER: Final = Rule(
    "BK548",
    "{problem}",
    explain="A stage is used before it is defined. Move it above the stage that copies or mounts from it.",
)
UNRESOLVED: Final = Rule(
    "BK549",
    "{image}: {problem}",
    explain="The configuration of a base image is not known: it does not exist, or the lock file has no pin for it.",
    hint="pin the image with `bakec lock`",
)
CHMOD: Final = Rule(
    "BK550",
    "{problem}",
    explain="`--chmod` is an octal number up to 07777 or a symbolic mode such as `u=rwx,go=rx`.",
)
CHECKSUM: Final = Rule(
    "BK551",
    "{problem}",
    explain="`ADD --checksum` takes one remote source: a digest for HTTP, a commit for git.",
)
COPY_SOURCE: Final = Rule(
    "BK552",
    "source can't be a {kind} for COPY",
    explain="Only `ADD` fetches URLs and git repositories.",
)
GIT_REFERENCE: Final = Rule(
    "BK553",
    "{problem}",
    explain="A git URL has options that are unknown, repeated, or contradict each other.",
)
MOUNT_TARGET: Final = Rule(
    "BK554",
    "invalid mount target {target}",
    explain="A mount cannot be the root directory; give it a `target`.",
)
SSH_SOURCE: Final = Rule(
    "BK555",
    "ssh does not support source",
    explain="An ssh mount is chosen by `id`, not by `source`.",
)
PATH: Final = Rule(
    "BK556",
    "{problem}",
    explain="A path for a Windows image is on another drive than C:, relative to a drive, or on a network share.",
)
PORT: Final = Rule(
    "BK557",
    "{problem}",
    explain="`EXPOSE` takes `port[-end][/protocol]`; ports are 0 to 65535, protocols tcp, udp and sctp.",
)
SIGNAL: Final = Rule(
    "BK558",
    "invalid signal: {signal}",
    explain="`STOPSIGNAL` is a number other than 0 or a Linux signal name, with or without `SIG`.",
)
ONBUILD_SINGLE: Final = Rule(
    "BK559",
    "{problem}",
    explain="An `ONBUILD` trigger recorded in a base image is not one instruction of a stage.",
)
OPTION: Final = Rule(
    "BK560",
    "{problem}",
    explain="A build option has a value that the Dockerfile frontend does not accept.",
)
CONTEXT: Final = Rule(
    "BK561",
    "{problem}",
    explain="A named context is not `docker-image://`, `oci-layout://`, `local:`, `input:`, git or http, or refers to "
    "something that is not there.",
)
IGNORE_FILE: Final = Rule(
    "BK562",
    "{problem}",
    explain="A pattern of the ignore file cannot be read.",
)
EPOCH: Final = Rule(
    "BK563",
    "{problem}",
    explain="`SOURCE_DATE_EPOCH` is a number of seconds, `context`, a named context, or a stage that adds one remote "
    "source to scratch.",
)
LINT: Final = Rule(
    "BK564",
    "lint violation found for rules: {rules}",
    explain="The Dockerfile asks for lint warnings to be errors (`# check=error=true`), and there are some.",
)
SUBREQUEST: Final = Rule(
    "BK565",
    "unsupported request {name}",
    explain="The frontend has no such request. It knows `frontend.outline`, `frontend.targets` and `frontend.lint`.",
)
MARSHAL: Final = Rule(
    "BK566",
    "{problem}",
    explain="The Dockerfile makes a step that BuildKit cannot represent: no command, or text that is not UTF-8.",
)
IMAGE_CONFIG: Final = Rule(
    "BK567",
    "{problem}",
    explain="The configuration of an image is not the JSON document it should be.",
)
READ: Final = Rule(
    "BK568",
    "{problem}",
    explain="A file that decides the build (the Dockerfile, an ignore file, a remote context) cannot be read "
    "ahead of time.",
)
CAPABILITY: Final = Rule(
    "BK569",
    "unsupported frontend capability {name}",
    explain="The client requires something of the frontend that it does not have.",
)


def _lint(code: str, summary: str, detail: str, explain: str = "") -> Rule:
    return Rule(code, summary, detail, explain or f"{detail}.", severity=Severity.WARNING)


STAGE_NAME_CASING: Final = _lint("BK570", "Stage name '{name}' should be lowercase", "Stage names should be lowercase")
FROM_AS_CASING: Final = _lint(
    "BK571",
    "'{as_word}' and '{from_word}' keywords' casing do not match",
    "The 'as' keyword should match the case of the 'from' keyword",
)
NO_EMPTY_CONTINUATION: Final = _lint(
    "BK572", "Empty continuation line", "Empty continuation lines will become errors in a future release"
)
INSTRUCTION_CASING: Final = _lint(
    "BK573",
    "Command '{name}' should match the case of the command majority ({casing})",
    "All commands within the Dockerfile should use the same casing (either upper or lower)",
)
DUPLICATE_STAGE_NAME: Final = _lint(
    "BK574",
    "Duplicate stage name {name}, stage names should be unique",
    "Stage names should be unique",
)
RESERVED_STAGE_NAME: Final = _lint(
    "BK575",
    "Stage name should not use the same name as reserved stage {name}",
    "Reserved words should not be used as stage names",
)
JSON_ARGS: Final = _lint(
    "BK576",
    "JSON arguments recommended for {name} to prevent unintended behavior related to OS signals",
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
)
MAINTAINER: Final = _lint(
    "BK577",
    "Maintainer instruction is deprecated in favor of using label",
    "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
)
UNDEFINED_ARG: Final = _lint(
    "BK578", "FROM argument '{name}' is not declared{suggestion}", "FROM command must use declared ARGs"
)
RELATIVE_WORKDIR: Final = _lint(
    "BK579",
    "Relative workdir {path} can have unexpected results if the base image changes",
    "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base "
    "image changes",
)
UNDEFINED_VAR: Final = _lint(
    "BK580",
    "Usage of undefined variable '${name}'{suggestion}",
    "Variables should be defined before their use",
)
ONLY_ONE: Final = _lint(
    "BK581",
    "Multiple {name} instructions should not be used in the same stage because only the last one will be used",
    "Multiple instructions of the same type should not be used in the same stage",
)
LEGACY_KEY_VALUE: Final = _lint(
    "BK582",
    '"{name} key=value" should be used instead of legacy "{name} key value" format',
    "Legacy key/value format with whitespace separator should not be used",
)
BASE_PLATFORM: Final = _lint(
    "BK583",
    "Base image {image} was pulled with platform {actual}, expected {expected} for current build",
    "Base image platform does not match expected target platform",
)
REDUNDANT_PLATFORM: Final = _lint(
    "BK584",
    "Setting platform to predefined {platform} in FROM is redundant as this is the default behavior",
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
)
SECRET_IN_ENV: Final = _lint(
    "BK585",
    "Do not use ARG or ENV instructions for sensitive data ({instruction} {key})",
    "Sensitive data should not be used in the ARG or ENV commands",
)
DEFAULT_ARG: Final = _lint(
    "BK586",
    "Default value for ARG {name} results in empty or invalid base image name",
    "Default value for global ARG results in an empty or invalid base image name",
)
CONSTANT_PLATFORM: Final = _lint(
    "BK587",
    "FROM --platform flag should not use constant value {platform}",
    "FROM --platform flag should not use a constant value",
)
COPY_IGNORED: Final = _lint(
    "BK588",
    "Attempting to {command} file {path} that is excluded by .dockerignore",
    "Attempting to Copy file that is excluded by .dockerignore",
)
DESCRIPTION: Final = _lint(
    "BK589",
    "Comment for {instruction} should follow the format: `# {name} <description>`",
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not "
    "intended to be a description comment, add an empty line or comment between the instruction and the comment.",
)
PROTOCOL_CASING: Final = _lint(
    "BK590",
    "Defined protocol '{port}' in EXPOSE instruction should be lowercase",
    "Protocol in EXPOSE instruction should be lowercase",
)
EXPOSE_FORMAT: Final = _lint(
    "BK591",
    "EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'",
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future "
    "release",
)
