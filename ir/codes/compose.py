"""BK4: Compose files."""

from __future__ import annotations

from bakec.ir.diagnostics import Rule, Severity

# --- YAML -------------------------------------------------------------------------------------------------------

YAML = Rule(
    "BK401", "failed to parse {file}: {problem}",
    explain="The file is not YAML, or YAML that no Compose file may be: an unknown anchor, a repeated key, a value "
    "that does not fit its tag. The lines in the message are the reference's: for errors of structure they "
    "count from 0. The excerpt shows the place.",
)  # fmt: skip
NON_STRING_KEY = Rule(
    "BK402", "non-string key {place}: {key}",
    explain="Every key of a Compose file is a string. Quote a number, a `true` or a `null` that is meant as a name.",
    hint='quote the key: `"{text}":`',
)  # fmt: skip
NOT_A_MAPPING = Rule(
    "BK403", "top-level object must be a mapping",
    explain="Every document of a Compose file is a mapping with keys like `services`. An empty document behind "
    "`---` is none.",
)  # fmt: skip
EMPTY = Rule(
    "BK404", "empty compose file",
    explain="The file has neither `services` nor `secrets`: nothing that a build could use.",
)  # fmt: skip

# --- interpolation ----------------------------------------------------------------------------------------------

FORMAT = Rule(
    "BK405",
    "invalid interpolation format for {path}.\nYou may need to escape any $ with another $.\n{template}",
    explain="A `$` starts a variable: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, "
    "`${NAME:+alternative}`. Write `$$` for a dollar sign.",
)  # fmt: skip
REQUIRED = Rule(
    "BK406", "error while interpolating {path}: {problem}",
    explain="The file asks for a variable with `${NAME:?message}`, and it is not set. Compose takes variables "
    "from `--var`, the environment and a `.env` file in the working folder.",
    hint="set it in the environment or with `--var {name}=…`",
)  # fmt: skip
CAST = Rule(
    "BK407", "error while interpolating {path}: failed to cast to expected type: {problem}",
    explain="The attribute is a number or a boolean, and its text, after interpolation, is neither.",
)  # fmt: skip
UNSET = Rule(
    "BK408", 'The "{name}" variable is not set. Defaulting to a blank string.',
    explain="A Compose file uses a variable that has no value. Write `${NAME:-}` where blank is meant.",
    severity=Severity.WARNING,
)  # fmt: skip
BOOLEAN_WORD = Rule(
    "BK409", "{word} for boolean is not supported by YAML 1.2, please use `{better}`",
    explain="`yes`, `on`, `y` and their opposites are strings in YAML 1.2.",
    severity=Severity.WARNING,
)  # fmt: skip

# --- the model --------------------------------------------------------------------------------------------------

STRUCTURE = Rule(
    "BK410", "{message}",
    explain="A part of the file is not of the kind that Compose wants there: a mapping, a list, a string, or a short "
    "form (`host:container` of a port, `source:target` of a volume) that cannot be read.",
)  # fmt: skip
OVERRIDE = Rule(
    "BK411", "cannot override {path}",
    explain="Two files (or a service and what it extends) say the same thing in two kinds, one a mapping and the "
    "other a list or a string, which cannot be merged. `!override` replaces instead.",
)  # fmt: skip
EXTENDS = Rule(
    "BK412", "{message}",
    explain="The service of an `extends` cannot be found, or services extend each other in a circle.",
)  # fmt: skip
INCLUDE = Rule(
    "BK413", "{message}",
    explain="An `include` does not say what to include, or files include each other in a circle.",
)  # fmt: skip
MISSING_FILE = Rule(
    "BK414", "open {path}: no such file or directory",
    explain="A file that `extends` or `include` names does not exist.",
)  # fmt: skip
ENV_FILE = Rule(
    "BK415", "{message}",
    explain="A file named by `env_file` does not exist or cannot be read as `NAME=value` lines. "
    "`required: false` allows a file to be missing.",
)  # fmt: skip
DOTENV = Rule(
    "BK417", "failed to read {file}: {problem}",
    explain="The file `.env` in the working folder is not made of `NAME=value` lines. Compose files take variables "
    "from it that the environment does not have.",
)  # fmt: skip
DEPRECATED_NAME = Rule(
    "BK416", "{path}: external.name is deprecated. Please set name and external: true",
    explain="`external: {name: …}` is an old form of `external: true` beside `name: …`.",
    severity=Severity.WARNING,
)  # fmt: skip

# --- the project ------------------------------------------------------------------------------------------------

SCHEMA = Rule(
    "BK420", "{path} {problem}",
    explain="A service's `build`, `image`, `environment` or `env_file`, or a secret, breaks the Compose specification. "
    "Other parts of the file are not checked, since a build does not use them.",
)  # fmt: skip
VALUE = Rule(
    "BK421", "decoding failed due to the following error(s):\n\n'{path}' {problem}",
    explain="A value has the right type but cannot be understood: a size, a boolean, a host.",
)  # fmt: skip
NUMBER = Rule(
    "BK422", "json: unsupported value: {value}",
    explain="Infinities and `.nan` have no meaning in a Compose file.",
)  # fmt: skip
CONSISTENCY = Rule(
    "BK423", "{problem}",
    explain="The parts of the project do not fit together: a service without image and build, a secret that is "
    "not defined, a context that names no service.",
)  # fmt: skip
TARGET = Rule(
    "BK424", "{problem}",
    explain="A service's build cannot become a target: a cache, output, secret, limit or name that is not valid.",
)  # fmt: skip
COLLISION = Rule(
    "BK425", "services {first} and {second} would both be target {target}",
    explain="A dot in the name of a service becomes an underscore in the name of its target, and another service has "
    "that name already. The reference merges the two in random order; rename one of them.",
)  # fmt: skip
