"""BK75: builders, the store that holds them, and their caches."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule, Severity

BAD_NAME = Rule(
    "BK751",
    "invalid name {name}, name needs to start with a letter and may not contain symbols, except ._-",
    explain="Builders and their nodes have names that can be those of files and containers.",
    exit=Exit.USAGE,
)
BAD_BUILDER = Rule(
    "BK752",
    "{reason}",
    explain="What was asked for contradicts itself, or the builder that there is. The store was not changed.",
    exit=Exit.USAGE,
)
BROKEN_STORE = Rule(
    "BK753",
    "cannot read {path} of the builder store: {reason}",
    explain="A file of the store is not what buildx and bakec write there: it was cut short or edited.",
    hint="`bakec builder rm NAME` removes a builder that cannot be read, `use NAME` writes `current` anew",
    exit=Exit.DRIVER,
)
STORE_FAILED = Rule(
    "BK754",
    "cannot write the builder store at {path}: {reason}",
    explain="The folder is `BUILDX_CONFIG`, or `buildx` in the folder of the Docker client's configuration.",
    exit=Exit.DRIVER,
)
STORE_BUSY = Rule(
    "BK755",
    "the builder store at {path} has been in use by another program for {seconds} seconds",
    explain="Who changes the store holds its lock, and gives it back when he ends, however he does.",
    hint="end the program that holds {path}/.lock (`fuser` tells which it is)",
    exit=Exit.DRIVER,
)
NODE_FAILED = Rule(
    "BK756",
    "failed to initialize builder {name} ({node}): {reason}",
    explain="A node of the builder could not be asked for its state, or its options make no sense. The store is as it "
    "was before.",
    exit=Exit.DRIVER,
)
BAD_CONFIG = Rule(
    "BK757",
    "{what}: {path}: {reason}",
    explain="The configuration of a daemon is copied when its builder is made, with the certificates that it names.",
    exit=Exit.USAGE,
)
BAD_CONTEXT = Rule(
    "BK758",
    "cannot use the docker context {name}: {reason}",
    explain="A context says where a Docker Engine is and how to reach it; `docker context ls` lists them.",
    hint="`docker context inspect {name}` shows it; DOCKER_CONTEXT and `docker context use` choose another",
    exit=Exit.DRIVER,
)
NOT_REMOVED = Rule(
    "BK759",
    "failed to remove {name}: {reason}",
    explain="The builder is gone from the store, and something that belongs to it may be left.",
    exit=Exit.DRIVER,
)
BAD_FILTER = Rule(
    "BK760",
    "{reason}",
    explain="A filter is `KEY=VALUE`, `KEY!=VALUE`, `KEY~=PATTERN` or `KEY`; `until` takes a duration such as `24h`.",
    exit=Exit.USAGE,
)
CACHE_FAILED = Rule(
    "BK761",
    "builder {name} ({node}): {reason}",
    explain="The daemon did not tell or prune its cache.",
    exit=Exit.DRIVER,
)
LOCAL_FAILED = Rule(
    "BK762",
    "cannot start a local builder: {reason}",
    explain="With no builder at hand, bakec starts a daemon of its own from a `buildkitd` or `dockerd` on PATH.",
    hint="name another builder with --builder, or set DOCKER_HOST",
    exit=Exit.DRIVER,
)
OTHER_CONTEXT = Rule(
    "BK763",
    'use `docker --context={name} buildx` to switch to context "{name}"',
    explain="The name is that of a docker context, and another context is the current one. What is built would not be "
    "where the Docker client looks for it.",
    hint="DOCKER_CONTEXT={name} switches for one command of bakec, too",
    exit=Exit.DRIVER,
)
BAD_OPTION = Rule(
    "BK764",
    "{reason}",
    explain="A driver has options of its own; `docs/drivers` lists them.",
    hint="`bakec builder create --name NAME --node NODE --driver-opt …` gives a node other options",
    exit=Exit.DRIVER,
)
RESTART = Rule(
    "BK765",
    "new settings may not be used until builder is restarted",
    explain="A daemon that runs already goes on with the settings that it was started with.",
    hint="`bakec builder rm --keep-state` and a new `create` make it anew with the cache it has",
    severity=Severity.WARNING,
    exit=Exit.OK,
)
LOCAL_STARTED = Rule(
    "BK766",
    "builds run in a private {program} that was started in {folder} and stays for the next build",
    explain="No Docker Engine answers and none was named, or the builder `local` was asked for. The program was at "
    "hand. What it keeps is in its folder.",
    hint="`bakec builder stop local` ends it, `bakec builder rm local` removes what it keeps",
    severity=Severity.WARNING,
    exit=Exit.OK,
)
