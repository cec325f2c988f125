"""BK7: what can go wrong while a plan runs."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule, Severity

UNREACHABLE = Rule(
    "BK701",
    "cannot reach the builder at {endpoint}: {reason}",
    explain="The daemon that should build did not answer: it is not running, the address is wrong, or this "
    "user may not use its socket. Nothing was built.",
    hint="check that the daemon runs and that DOCKER_HOST or --builder names it",
    exit=Exit.DRIVER,
)
LOST = Rule(
    "BK702",
    "lost the connection to the builder at {endpoint}: {reason}",
    explain="The daemon answered at first and went away while it was building: it was stopped or killed, or"
    " the network between broke. Builds that had ended are kept by the daemon's cache; run the plan"
    " again.",
    hint="run the plan again; `--resume` skips what was finished",
    exit=Exit.DRIVER,
)
BUILD_FAILED = Rule(
    "BK703",
    "target `{target}`: failed to solve: {reason}",
    explain="The daemon could not build this target: a command ended with an error, a file was missing, or "
    "an image could not be fetched. The lines of the Dockerfile at fault are shown where the daemon"
    " says which they are.",
    exit=Exit.BUILD,
)
PUBLISH_FAILED = Rule(
    "BK704",
    "target `{target}`: failed to publish {name}: {reason}",
    explain="The image was built, and the registry refused it or could not be reached. Nothing else is "
    "wrong with the build; running the plan again pushes the finished image without building it "
    "anew.",
    hint="check the registry's address and that `docker login` was done for it",
    exit=Exit.PUBLISH,
)
UNSUPPORTED = Rule(
    "BK705",
    "target `{target}`: {feature} is not supported for the {driver} driver",
    explain="The builder cannot do what the target asks for. The classic image store of a Docker Engine has"
    " no OCI export, no cache export, no attestations and no images of several platforms.",
    hint="switch to a different driver, or turn on the containerd image store, and try again",
    exit=Exit.DRIVER,
)
BAD_REQUEST = Rule(
    "BK706",
    "target `{target}`: {reason}",
    explain="The target cannot be built as it stands in the plan: an output, a tag or an address is not "
    "usable with this builder.",
    exit=Exit.BUILD,
)
CONTEXT_MISSING = Rule(
    "BK707",
    "target `{target}`: {reason}",
    explain="A plan names its directories relative to the folder it was compiled in. This one is not there,"
    " or is not a directory, below the root that `run` was given.",
    hint="run the plan from the folder it was compiled in, or name that folder with --root",
    exit=Exit.BUILD,
)
SECRET_MISSING = Rule(
    "BK708",
    "target `{target}`: secret `{id}`: {reason}",
    explain="A plan holds secrets by reference only. The file it names cannot be read here, or is larger "
    "than the 500 kB that a daemon accepts.",
    exit=Exit.BUILD,
)
SSH_MISSING = Rule(
    "BK709",
    "target `{target}`: ssh `{id}`: {reason}",
    explain="The target forwards an SSH agent to its build, and there is no agent or key to forward.",
    hint="start an agent and set SSH_AUTH_SOCK, or name a key file",
    exit=Exit.BUILD,
)
NO_OUTPUT = Rule(
    "BK710",
    "no output specified for {targets} with the {driver} driver; the result stays in the build cache only",
    explain="Builders other than the Docker Engine keep what they build in their own cache. Without an "
    "output nobody can use it.",
    hint="use --push to push to a registry or --load to load into docker",
    severity=Severity.WARNING,
    exit=Exit.OK,
)
UNKNOWN_BUILDER = Rule(
    "BK711",
    'no builder "{name}" found',
    explain="A builder is named by an address (`unix://`, `tcp://`, …), by the name that `bakec builder create` or "
    "`docker buildx create` gave it, or by that of a docker context.",
    hint="`bakec builder ls` lists them",
    exit=Exit.DRIVER,
)
BAD_ENDPOINT = Rule(
    "BK712",
    "cannot use the builder address {endpoint}: {reason}",
    explain="The address of a daemon is `unix://PATH`, `tcp://HOST:PORT`, `ssh://HOST` or one of the forms "
    "that the drivers list.",
    exit=Exit.DRIVER,
)
SKIPPED = Rule(
    "BK713",
    "target `{target}` was not built: `{parent}` failed",
    explain="The target uses the result of another target, which could not be built.",
    exit=Exit.BUILD,
)
DEADLINE = Rule(
    "BK714",
    "target `{target}`: not finished after {seconds} seconds",
    explain="The time that was given for a build was over, and the build was stopped.",
    exit=Exit.DEADLINE,
)
METADATA_FILE = Rule(
    "BK715",
    "invalid output path: {reason}",
    explain="The folder of the metadata file must exist before the run.",
    exit=Exit.USAGE,
)
JOURNAL = Rule(
    "BK716",
    "cannot use journal {path}: {reason}",
    explain="A journal records which jobs of one plan have finished. It cannot be read or written, "
    "belongs to another plan, or another run is writing it.",
    hint="remove the file to start anew",
    exit=Exit.USAGE,
)
UNSUPPORTED_DRIVER = Rule(
    "BK717",
    "builder `{name}` uses the {driver} driver, which is not supported",
    explain="The builder was found in the store of buildx, and its driver is not one that bakec has.",
    hint="name another builder with --builder, or give the address of its daemon",
    exit=Exit.DRIVER,
)
FETCH = Rule(
    "BK718",
    "cannot read definitions from {url}: {reason}",
    explain="The builder could not fetch the repository or URL, or the definition file is not in it.",
    exit=Exit.DRIVER,
)
POLICY = Rule(
    "BK719",
    "target {target} has the source policy {policy}, which cannot be evaluated",
    explain="Policies in Rego restrict what a build may read. This version does not evaluate them and refuses to build "
    "without them.",
    hint="build it with docker buildx bake, or disable the policy: --policy disabled=true",
    exit=Exit.REFUSED,
)
RUN_DEADLINE = Rule(
    "BK720",
    "the run has not finished after {seconds} seconds",
    explain="The time that `--deadline` gives for a whole run was over. Everything was stopped.",
    hint="`--resume` goes on with what was not finished",
    exit=Exit.DEADLINE,
)
IDLE = Rule(
    "BK721",
    "the builder has said nothing for {seconds} seconds",
    explain="No step of any build started, ended or printed anything for the time that `--idle-timeout` allows. "
    "Everything was stopped. A step that works without printing is silent too, so the time should be longer than the "
    "longest of them.",
    hint="`--resume` goes on with what was not finished",
    exit=Exit.DEADLINE,
)
LOG_DIR = Rule(
    "BK722",
    "cannot write logs to {path}: {reason}",
    explain="`--log-dir` names a folder that gets a log of each target; it is made if it is not there.",
    exit=Exit.USAGE,
)
BAD_LIMIT = Rule(
    "BK723",
    "invalid {flag} `{value}`: {reason}",
    explain="A pool is given as NAME=SLOTS, a weight as TARGET=SLOTS or TARGET=SLOTS@POOL. A target cannot weigh more "
    "than its pool has, or it could never start.",
    exit=Exit.USAGE,
)
HAS_NO_JOURNAL = Rule(
    "BK724",
    "{flag} needs {needed}",
    explain="Only a journal knows what an earlier run has finished and what has failed.",
    exit=Exit.USAGE,
)
DOCKERFILE_URL = Rule(
    "BK728",
    "target `{target}`: cannot load Dockerfile {url}: {reason}",
    explain="The builder fetches a Dockerfile that is given as a URL, and could not, or it is too big to be one.",
    exit=Exit.BUILD,
)
SCRATCH = Rule(
    "BK729",
    "cannot make a folder in {place}: {reason}",
    explain="The socket of an agent that is started for key files is kept in a private folder while it is forwarded.",
    hint="TMPDIR names another place",
    exit=Exit.USAGE,
)
OTHER_NODES = Rule(
    "BK740",
    "failed to use {parent} as context {name} for {target} because targets build with different drivers",
    explain="The builder has several nodes, and each builds the platforms it is for. A target can use the result of "
    "another only on a node that has built it, so both must be for the same platforms.",
    hint="give both targets the same platforms",
    exit=Exit.BUILD,
)
SEVERAL_NODES = Rule(
    "BK741",
    "target `{target}`: {reason}",
    explain="The platforms of the target are built on several nodes of the builder. Their images can be put together "
    "in a registry only, not in an archive or in the store of a Docker Engine.",
    hint="push the image to a registry, or build for platforms of one node",
    exit=Exit.BUILD,
)
