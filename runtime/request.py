"""A job in the words of one builder: all that goes into its solve request, but for the results of other
jobs."""

from __future__ import annotations

import json
import re
import time

from bakec.ir.codes.lock import OTHER_BUILDER
from bakec.ir.codes.run import BAD_REQUEST, CONTEXT_MISSING, DOCKERFILE_URL, SECRET_MISSING
from bakec.ir.diagnostics import fail
from bakec.ir.plan import Cache, FrontendSolve, LlbSolve
from bakec.ir.records import dataclass, field
from bakec.runtime import layout, vcs
from bakec.runtime.buildkit.session import make_id
from bakec.runtime.buildkit.tree import Single
from bakec.runtime.exports import TRUE, outputs_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from bakec.ir.diagnostics import Failed
    from bakec.ir.plan import Job
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.exports import Output, Place

DOCKERFILE = "Dockerfile"
MAIN_MOUNTS = ("context", "dockerfile")
ATTESTATIONS = "exporter.image.attestations"
MULTIPLE_EXPORTERS = "exporter.multiple"
OPTIONAL_CACHES = {"gha": "cache.gha", "s3": "cache.s3"}
"""Kinds of cache that are left out, silently, where the daemon lacks the capability."""
DEFAULT_PROVENANCE = "mode=min,inline-only=true"
HOST_GATEWAY = "host-gateway"
EXPORT_STORE = "export"
TAGGED = re.compile(r"(?P<path>.*?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z")

Attrs = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a run happens: the machine's side and the builder's."""

    place: Place
    config: DockerConfig
    node_id: str
    caps: frozenset[str] = frozenset()
    platform: str = ""
    """That of the builder, normalized."""
    downloads: Mapping[str, bytes | str] = field(default_factory=dict)
    """Dockerfiles by their URL, or why one cannot be had."""
    checkouts: dict[Path, vcs.Checkout | None] = field(default_factory=dict)

    def checkout(self, context: Path) -> vcs.Checkout | None:
        """What git says of a context; asked once for all jobs that use it."""
        if context not in self.checkouts:
            self.checkouts[context] = vcs.find_checkout(context, self.env)
        return self.checkouts[context]

    @property
    def root(self) -> Path:
        return self.place.root

    @property
    def env(self) -> Mapping[str, str]:
        return self.place.env


@dataclass(slots=True, kw_only=True)
class Request:
    """What will be sent for one job. `mounts` are local directories by the name that the frontend asks for, and
    `dockerfile` is one that is in no folder of ours, in place of that mount."""

    job: Job
    root: Path
    frontend: str
    attrs: Attrs
    outputs: list[Output]
    mounts: dict[str, Path]
    dockerfile: Single | None
    shared_key: str
    cache_exports: list[tuple[str, Attrs]] = field(default_factory=list)
    cache_imports: list[tuple[str, Attrs]] = field(default_factory=list)
    stores: dict[str, Path] = field(default_factory=dict)
    """Directories of blobs by the id under which the daemon reads or writes them."""
    indexes: list[tuple[Path, str]] = field(default_factory=list)
    """Local caches to be listed in their index when they are written, and their tags."""
    local_sessions: Attrs = field(default_factory=dict)
    """Mount -> id of the shared session that serves it."""
    proxies: Attrs = field(default_factory=dict)
    """Of this machine, for processes of a lowered job."""
    labels: Attrs = field(default_factory=dict)
    """What the image of a lowered job is labeled with here."""

    @property
    def entitlements(self) -> list[str]:
        host = self.attrs.get("force-network-mode") == "host"
        return [*self.job.entitlements, *(["network.host"] if host else [])]


def wants_caps(job: Job) -> bool:
    """Whether what is sent depends on the daemon's capabilities, which take a small build to find out."""
    caches = {cache.type for cache in (*job.cache_from, *job.cache_to)}
    return job.provenance_default or len(job.exports) > 1 or bool(caches & OPTIONAL_CACHES.keys())


def compose(job: Job, site: Site) -> Request:
    """Raises `Failed` for what cannot be built here: a directory that is missing, an output the builder
    lacks. Looks at files, so it blocks."""
    _check_secrets(job, site)
    _check_builder(job, site)
    text = _given_dockerfile(job, site)
    mounts = _mounts(job, site, but=set() if text is None else {"dockerfile"})
    solve = job.solve
    attrs = dict(solve.attrs)
    if text is not None:
        attrs |= {"filename": DOCKERFILE, "dockerfilekey": "dockerfile"}
    outputs = outputs_of(job, site.place)
    if len(outputs) > 1 and MULTIPLE_EXPORTERS not in site.caps:
        problem = "multiple outputs currently unsupported by the current BuildKit daemon"
        raise _bad(job, f"{problem}, please upgrade to version v0.13+ or use a single output")
    request = Request(
        job=job,
        root=site.root,
        frontend=solve.frontend if isinstance(solve, FrontendSolve) else "",
        attrs=attrs,
        outputs=outputs,
        mounts=mounts,
        dockerfile=None if text is None else Single(DOCKERFILE, text, time.time_ns()),
        shared_key=shared_key(mounts["context"], site.node_id) if "context" in mounts else "",
    )
    _find_dockerfile(request)
    _attest(request, site)
    _resolve(request, site)
    checkout = site.checkout(mounts["context"]) if "context" in mounts else None
    if checkout is not None:
        dockerfile = mounts.get("dockerfile", site.root) / attrs.get("filename", DOCKERFILE)
        attrs |= vcs.attrs_of(checkout, site.env, mounts, dockerfile if text is None else None)
    _add_contexts(request, site)
    if request.frontend:
        _add_proxies(request, site)
        _add_host_gateway(request, site)
    else:
        request.proxies = site.config.proxy_args(site.env.get("DOCKER_HOST", ""))
        request.labels = {key.removeprefix("label:"): text for key, text in attrs.items() if key.startswith("label:")}
    if job.call:
        attrs["requestid"] = f"frontend.{job.call}"
        attrs["frontend.caps"] = _joined(attrs.get("frontend.caps"), "moby.buildkit.frontend.subrequests+forward")
    _add_stores(request, site)
    _add_caches(request, site)
    return request


def _mounts(job: Job, site: Site, but: Container[str]) -> dict[str, Path]:
    mounts = {local.name: site.root / local.path for local in job.locals if local.name not in but}
    for name, path in mounts.items():
        if not path.is_dir():
            raise fail(CONTEXT_MISSING.at(None, target=job.target, reason=_missing(job, name, path)))
    return mounts


def _given_dockerfile(job: Job, site: Site) -> bytes | None:
    """The text of one that is in no folder of ours."""
    if job.dockerfile_inline is not None:
        return job.dockerfile_inline.encode()
    url = remote_dockerfile(job)
    found = site.downloads[url] if url else None
    if isinstance(found, str):
        raise fail(DOCKERFILE_URL.at(None, target=job.target, url=url, reason=found))
    return found


def remote_dockerfile(job: Job) -> str:
    """The URL of the Dockerfile; empty for one that is in a folder, in the plan, or in the remote context."""
    name = job.solve.attrs.get("filename", "") if isinstance(job.solve, FrontendSolve) else ""
    return name if name.startswith(("http://", "https://")) and job.dockerfile_inline is None else ""


def _missing(job: Job, name: str, path: Path) -> str:
    """What the reference says of a directory that is not there."""
    shown = next((local.path for local in job.locals if local.name == name), name)
    if name in MAIN_MOUNTS:
        return f'unable to prepare context: path "{shown}" not found'
    key = _context_key(name)
    if path.exists():
        return f"failed to get build context path {{{shown} <nil>}}: not a directory"
    return f"failed to get build context {key}: stat {shown}: no such file or directory"


def _context_key(mount: str) -> str:
    """One called like a main mount goes under `_NAME`."""
    return mount[1:] if mount in [f"_{main}" for main in MAIN_MOUNTS] else mount


def _find_dockerfile(request: Request) -> None:
    """A `Dockerfile` that is absent may be called `dockerfile`."""
    name, folder = request.attrs.get("filename", ""), request.mounts.get("dockerfile")
    if name != DOCKERFILE or folder is None or (folder / name).exists():
        return
    # Names as they are in the folder: on a disk that ignores case both would be found.
    if any(entry.name == "dockerfile" for entry in folder.iterdir()):
        request.attrs["filename"] = "dockerfile"


def _check_builder(job: Job, site: Site) -> None:
    wanted = job.solve.builder if isinstance(job.solve, LlbSolve) else ""
    if wanted and site.platform not in ("", wanted):
        raise fail(OTHER_BUILDER.at(None, target=job.target, wanted=wanted, found=site.platform))


def _check_secrets(job: Job, site: Site) -> None:
    """Before anything is built: a typing error should not show after an hour."""
    if not job.secrets:
        return
    from bakec.runtime.buildkit.services import secrets

    for secret in job.secrets:
        if secrets.variable_of(secret, site.env):
            continue
        name = secrets.file_of(secret)
        try:
            size = (site.root / name).stat().st_size
        except OSError as error:
            problem = f"failed to stat {name}: {error.strerror}"
            raise fail(SECRET_MISSING.at(None, target=job.target, id=secret.id, reason=problem)) from error
        if size > secrets.MAX_SIZE:
            problem = f"{name} is too big: max size 500kB"
            raise fail(SECRET_MISSING.at(None, target=job.target, id=secret.id, reason=problem))


def shared_key(path: Path, node_id: str) -> str:
    """Names a directory towards the daemon. It travels as a header, where a line feed would begin another one."""
    name = "".join([char if char.isprintable() else "_" for char in path.absolute().name])
    return f"{name}:{node_id}"


def _attest(request: Request, site: Site) -> None:
    asked = any(key.startswith("attest:") for key in request.attrs)
    able = site.place.features.multi_platform and ATTESTATIONS in site.caps
    if asked and not site.place.features.multi_platform:
        raise _bad(request.job, f"Attestation is not supported for the {site.place.driver} driver.")
    if asked and not able:
        raise _bad(request.job, "Attestations are not supported by the current BuildKit daemon")
    declined = site.env.get("BUILDX_NO_DEFAULT_ATTESTATIONS", "") in TRUE
    if able and request.job.provenance_default and not declined:
        request.attrs.setdefault("attest:provenance", DEFAULT_PROVENANCE)


def _resolve(request: Request, site: Site) -> None:
    if request.job.pull:
        request.attrs["image-resolve-mode"] = "pull"
    elif site.place.features.moby:
        request.attrs["image-resolve-mode"] = "local"
    if len(request.job.platforms) > 1 and not site.place.features.multi_platform:
        raise _bad(request.job, f"Multi-platform build is not supported for the {site.place.driver} driver.")


def _add_contexts(request: Request, site: Site) -> None:
    """Named contexts that are directories."""
    for name, path in request.mounts.items():
        if name in MAIN_MOUNTS:
            continue
        key = _context_key(name)
        request.attrs[f"context:{key}"] = f"local:{name}"
        request.attrs[f"sharedkey:localdir:{key}"] = shared_key(path, site.node_id)


def _add_proxies(request: Request, site: Site) -> None:
    given = {key.removeprefix("build-arg:").lower() for key in request.attrs if key.startswith("build-arg:")}
    for name, value in site.config.proxy_args(site.env.get("DOCKER_HOST", "")).items():
        if name.lower() not in given:
            request.attrs[f"build-arg:{name}"] = value


def _add_host_gateway(request: Request, site: Site) -> None:
    hosts = request.attrs.get("add-hosts", "").split(",")
    if not any(host.endswith(f"={HOST_GATEWAY}") for host in hosts):
        return
    address = site.place.features.host_gateway
    if not address:
        problem = f"host-gateway is not supported by the {site.place.driver} driver"
        raise _bad(request.job, f"unable to derive the IP value for host-gateway: {problem}")
    request.attrs["add-hosts"] = ",".join(host.replace(f"={HOST_GATEWAY}", f"={address}") for host in hosts)


def _add_stores(request: Request, site: Site) -> None:
    """Layouts to build from, and the one to export to."""
    for name, value in request.job.oci_layouts.items():
        match = TAGGED.match(value)
        found = match.groupdict() if match else {"path": value, "tag": None, "digest": None}
        path = site.root / (found["path"] or "")
        digest = found["digest"] or _digest_in(request.job, path, found["tag"] or "latest", value)
        store = make_id()
        tag = f":{found['tag']}" if found["tag"] else "" if found["digest"] else ":latest"
        request.stores[f"oci:{store}"] = path
        request.attrs[f"context:{name}"] = f"oci-layout://{store}{tag}@{digest}"
    for output in request.outputs:
        if output.store is not None:
            request.stores[EXPORT_STORE] = output.store


def _digest_in(job: Job, path: Path, tag: str, value: str) -> str:
    manifests = layout.read_index(path)
    digest = layout.find_digest(path, tag) or (str(manifests[0].get("digest")) if len(manifests) == 1 else "")
    if not digest:
        raise _bad(job, f'oci-layout reference "oci-layout://{value}" could not be resolved')
    return digest


def _add_caches(request: Request, site: Site) -> None:
    features = site.place.features
    exports = list(request.job.cache_to)
    if request.attrs.get("build-arg:BUILDKIT_INLINE_CACHE", "") in TRUE:
        exports.append(Cache(type="inline"))
    for cache in exports:
        if cache.type != "inline" and not features.cache_export:
            raise _bad(request.job, f"Cache export is not supported for the {site.place.driver} driver.")
        attrs = _active(cache, site)
        if attrs is None:
            continue
        if cache.type == "local":
            attrs["dest"] = _export_locally(request, site, attrs)
        request.cache_exports.append((cache.type, attrs))
    for cache in request.job.cache_from:
        attrs = _active(cache, site)
        if attrs is not None and (cache.type != "local" or _import_locally(request, site, attrs)):
            request.cache_imports.append((cache.type, attrs))
    if request.cache_imports and request.frontend:
        wire = [{"Type": kind, "Attrs": attrs} for kind, attrs in request.cache_imports]
        request.attrs["cache-imports"] = json.dumps(wire, separators=(",", ":"))


def _active(cache: Cache, site: Site) -> Attrs | None:
    """The attributes with what the environment adds; None for a cache that cannot be used here."""
    attrs, env = dict(cache.attrs), site.env
    needed = OPTIONAL_CACHES.get(cache.type)
    if needed and needed not in site.caps:
        return None
    if cache.type == "gha":
        v2 = attrs.get("version", "2" if env.get("ACTIONS_CACHE_SERVICE_V2", "") in TRUE else "") == "2"
        results = env.get("ACTIONS_RESULTS_URL", "")
        defaults = {
            "token": env.get("ACTIONS_RUNTIME_TOKEN", ""),
            "url": env.get("ACTIONS_CACHE_URL") or results,
            "url_v2": results if v2 else "",
        }
        attrs = {**{key: value for key, value in defaults.items() if value}, **attrs}
        return attrs if attrs.get("token") and (attrs.get("url") or attrs.get("url_v2")) else None
    if cache.type == "s3" and not {"access_key_id", "secret_access_key"} <= attrs.keys():
        for key in ("access_key_id", "secret_access_key", "session_token"):
            value = env.get(f"AWS_{key.upper()}")
            if value:
                attrs.setdefault(key, value)
    return attrs


def _export_locally(request: Request, site: Site, attrs: Attrs) -> str:
    if not attrs.get("dest"):
        raise _bad(request.job, "local cache exporter requires dest")
    path = site.root / attrs["dest"]
    request.stores[f"local:{path}"] = path
    request.indexes.append((path, attrs.get("tag", "latest")))
    return str(path)


def _import_locally(request: Request, site: Site, attrs: Attrs) -> bool:
    """False for a cache that is not there (yet): the build goes on without it."""
    if not attrs.get("src"):
        raise _bad(request.job, "local cache importer requires src")
    path = site.root / attrs["src"]
    digest = attrs.get("digest") or layout.find_digest(path, attrs.get("tag", "latest"))
    if not digest or not (path / "blobs" / digest.replace(":", "/")).exists():
        return False
    attrs["src"], attrs["digest"] = str(path), digest
    request.stores[f"local:{path}"] = path
    return True


def _joined(first: str | None, second: str) -> str:
    return f"{first},{second}" if first else second


def _bad(job: Job, reason: str) -> Failed:
    return fail(BAD_REQUEST.at(None, target=job.target, reason=reason))
