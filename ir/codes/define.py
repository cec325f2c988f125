"""BK3: what definition files say about variables, functions, targets and groups."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule

# --- declarations ---------------------------------------------------------------------------------------------

MISSING_LABEL = Rule(
    "BK301", "Missing name for {type}", "All {type} blocks must have 1 labels (name).",
    "Variables, functions, targets and groups are named: `target \"app\" {{ … }}`.",
)  # fmt: skip
EXTRA_LABEL = Rule(
    "BK302", "Extraneous label for {type}", "Only 1 labels (name) are expected for {type} blocks.",
    "A block has exactly one name.",
)  # fmt: skip
UNSUPPORTED_ARGUMENT = Rule(
    "BK303", "Unsupported argument", 'An argument named "{name}" is not expected here.{suggestion}',
    "`function` and `validation` blocks take only the arguments they know.",
)  # fmt: skip
UNSUPPORTED_BLOCK = Rule(
    "BK304", "Unsupported block type", 'Blocks of type "{name}" are not expected here.{suggestion}',
    "`function` and `validation` blocks take no blocks.",
)  # fmt: skip
MISSING_ARGUMENT = Rule(
    "BK305", "Missing required argument", 'The argument "{name}" is required, but no definition was found.',
    "A group says its `targets`.",
)  # fmt: skip
STATIC_VARIABLE = Rule(
    "BK306", "Variables not allowed", "Variables may not be used here.",
    "The description of a variable is fixed text.",
)  # fmt: skip
STATIC_FUNCTION = Rule(
    "BK307", "Function calls not allowed", "Functions may not be called here.",
    "The description of a variable is fixed text.",
)  # fmt: skip
INVALID_VALUE = Rule(
    "BK310", "Invalid value", "{reason}",
    "The default or the override (environment, `--var`) of a variable does not fit its type.",
)  # fmt: skip
INVALID_FUNCTION = Rule(
    "BK311", "Invalid function", "{reason}", "A `function` block says its `params` and its `result`.",
)  # fmt: skip
INVALID_PARAMETER = Rule(
    "BK312", "Invalid param element", "Each parameter name must be an identifier.",
    "Parameters are bare words: `params = [a, b]`.",
)  # fmt: skip
INVALID_EXPRESSION = Rule(
    "BK313", "Invalid expression", "{reason}",
    "The expression refers to something that cannot be evaluated here: a name that depends on itself, or blocks as "
    "a whole.",
)  # fmt: skip
INVALID_ATTRIBUTE = Rule(
    "BK314", "Invalid attribute", "{reason}", "A global attribute cannot be evaluated.",
)  # fmt: skip
LIST_EXPECTED = Rule(
    "BK317", "Invalid expression", "A static list expression is required.",
    "`params` is a list of names in brackets.",
)  # fmt: skip
VALIDATION_FAILED = Rule(
    "BK315", "Validation failed", "{message}", "A `validation` of a variable says that its value is not acceptable.",
)  # fmt: skip
CONDITION_RESULT = Rule(
    "BK316", "Invalid condition result", "{reason}", "The `condition` of a `validation` must be true or false.",
)  # fmt: skip

# --- targets and groups ---------------------------------------------------------------------------------------

INVALID_NAME = Rule(
    "BK320", "Invalid name", "{reason}",
    "Names of targets and groups are made of letters, digits, `_` and `-`, and the names of a matrix differ.",
)  # fmt: skip
UNSUITABLE = Rule(
    "BK321", "Unsuitable value type", "Unsuitable value: {reason}",
    "The attribute takes another type of value: docs/targets.md lists the types.",
)  # fmt: skip
NO_TARGET = Rule(
    "BK330", "failed to find target {name}", explain="No target or group of that name is defined.",
)  # fmt: skip
NO_MATCH = Rule(
    "BK331", 'could not find any target matching "{pattern}"',
    explain="The pattern matches neither a group nor a target.",
)  # fmt: skip
NO_SET_MATCH = Rule(
    "BK332", "could not find any target matching '{pattern}'",
    explain="The part before the first dot of `--set` is a target name or a pattern over target names; groups and "
    "the label of a matrix do not count.",
)  # fmt: skip
SET_PATTERN = Rule(
    "BK333", "could not match targets with '{pattern}': syntax error in pattern",
    explain="A bracket of the pattern is not closed.",
)  # fmt: skip
BAD_OVERRIDE = Rule(
    "BK334", "{reason}",
    explain="`--set` reads `TARGET.KEY=VALUE`, `TARGET.KEY.NAME=VALUE` or `TARGET.KEY+=VALUE`.",
)  # fmt: skip
SELF_LINK = Rule(
    "BK340", "target {name} cannot link to itself",
    explain="A named context `target:NAME` points to the target it belongs to.",
)  # fmt: skip
LINK_CYCLE = Rule(
    "BK341", "infinite loop from {start} to {end}",
    explain="Targets use each other's results as named contexts in a circle. The hint lists every link of it.",
)  # fmt: skip
PLATFORM_SUBSET = Rule(
    "BK342",
    "target {parent} can't be used by {user} because its platforms [{user_platforms}] are not a subset of "
    "[{parent_platforms}]",
    explain="A target that builds for several platforms needs its links for each of them.",
)  # fmt: skip

# --- conversion to build options ------------------------------------------------------------------------------

BAD_OPTION = Rule(
    "BK350", "{reason}", explain="The value of an attribute cannot be turned into what the builder takes.",
)  # fmt: skip
STDIN_CONTEXT = Rule(
    "BK351", "{what} from stdin not allowed in bake", explain="A plan is run later, elsewhere: it has no input.",
)  # fmt: skip
SECRET_FILE = Rule(
    "BK352", "failed to stat {path}: stat {path}: {reason}",
    explain="The file of a secret is not there. Only its path enters the plan, never its content.",
)  # fmt: skip
SECRET_TOO_BIG = Rule(
    "BK353", "secret {id} too big. max size 500KB", explain="Secrets are limited to 500 KB.",
)  # fmt: skip
SSH_AGENT = Rule(
    "BK354",
    "failed to convert agent config {{{id} [] false}}: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set",
    explain="An SSH entry without paths forwards the agent that SSH_AUTH_SOCK names, and that is not set.",
)  # fmt: skip
SSH_PATH = Rule(
    "BK355", "{reason}", explain="A path of an SSH entry is neither a socket nor a key file.",
)  # fmt: skip
OUTPUT = Rule(
    "BK356", "{reason}", explain="The output cannot be written as asked.",
)  # fmt: skip

# --- files ----------------------------------------------------------------------------------------------------

NO_DEFINITION = Rule(
    "BK360", "couldn't find a bake definition",
    explain="None of the default files is in this folder, and none was named with `-f`.",
    hint="name a file with -f, or run in the folder of docker-bake.hcl",
)  # fmt: skip
CANNOT_READ = Rule(
    "BK361", "{action} {path}: {reason}", explain="A definition file cannot be read.",
)  # fmt: skip
NOT_RECOGNIZED = Rule(
    "BK362", "failed to parse {name}: parsing yaml: {yaml}, parsing hcl: {hcl}",
    explain="A file without a known extension is neither Compose, HCL nor JSON.",
)  # fmt: skip
BAD_VARIABLE_FLAG = Rule(
    "BK363", "{reason}", explain="`--var` reads `NAME=VALUE`.", exit=Exit.USAGE,
)  # fmt: skip
BAD_CALL = Rule(
    "BK366", "{reason}", explain="`--call` reads `NAME[,format=json][,ignorestatus=BOOL]`.", exit=Exit.USAGE,
)  # fmt: skip
BAD_POLICY = Rule(
    "BK369", "{reason}", explain="`--policy` takes `disabled`, `strict` and `log-level`.", exit=Exit.USAGE,
)  # fmt: skip
BAD_ALLOW = Rule(
    "BK367", "{reason}", hint="network.host, security.insecure, ssh, device, fs=PATH, fs.read=PATH, fs.write=PATH",
    explain="`--allow` grants a privilege that the definitions ask for.", exit=Exit.USAGE,
)  # fmt: skip
REFUSED = Rule(
    "BK368", "additional privileges requested",
    explain="The definitions ask for more than a build may do unasked: the host's network, unconfined steps, files "
    "outside of the working folder. Nothing was built.", exit=Exit.REFUSED,
)  # fmt: skip
BAD_ENVIRONMENT = Rule(
    "BK364", 'failed to parse {name} value "{value}": {reason}',
    explain="An environment variable that steers the compiler has a value it cannot use.", exit=Exit.USAGE,
)  # fmt: skip
NOT_TEXT = Rule(
    "BK365", "{path}: not valid UTF-8 text", explain="Definition files are UTF-8 text.",
)  # fmt: skip
