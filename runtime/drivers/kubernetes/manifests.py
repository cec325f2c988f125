"""What a cluster is given to make a builder: the manifests that buildx writes for the same options."""

from __future__ import annotations

from typing import Any

from bakec.ir.platforms import full_name
from bakec.ir.records import dataclass
from bakec.runtime.drivers.kubernetes.options import APP_LABEL, PLATFORM_ANNOTATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from bakec.ir.platforms import Platform
    from bakec.runtime.drivers.kubernetes.options import Settings

Manifest = dict[str, Any]
"""An object of the Kubernetes API as JSON."""

CONTAINER: Final = "buildkitd"
CLAIM: Final = "buildkitd"
STATE: Final = "/var/lib/buildkit"
ROOTLESS_STATE: Final = "/home/user/.local/share/buildkit"
APPARMOR: Final = f"container.apparmor.security.beta.kubernetes.io/{CONTAINER}"
PROBE: Final = ("buildctl", "debug", "workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """`workload` is a Deployment, or a StatefulSet where the cache is to persist."""

    workload: Manifest
    config_maps: tuple[Manifest, ...] = ()

    @property
    def name(self) -> str:
        return str(self.workload["metadata"]["name"])

    @property
    def kind(self) -> str:
        """`deployments` or `statefulsets`, as in paths of the API."""
        return f"{self.workload['kind'].lower()}s"

    @property
    def replicas(self) -> int:
        return int(self.workload["spec"]["replicas"])

    @property
    def labels(self) -> Mapping[str, str]:
        """What all pods of the workload have."""
        labels: Mapping[str, str] = self.workload["spec"]["selector"]["matchLabels"]
        return labels


@dataclass(frozen=True, slots=True)
class _Folder:
    """Configuration files of one folder below /etc/buildkit, which one ConfigMap holds."""

    name: str
    path: str
    files: dict[str, str]


def make(
    name: str,
    settings: Settings,
    flags: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    platforms: Sequence[Platform] = (),
) -> Manifests:
    """`files` are the configuration files below /etc/buildkit by relative path; `flags` those of the daemon."""
    meta = _pruned({"labels": _labels(name, settings), "annotations": _annotations(settings, platforms)})
    folders = _folders(files or {})
    template = {"metadata": meta, "spec": _pod(name, settings, flags, folders)}
    spec: Manifest = {
        "replicas": settings.replicas,
        "selector": {"matchLabels": meta["labels"]},
        "template": template,
    }
    kind = "Deployment"
    if settings.persistent_volume_claim_requests_storage:
        kind = "StatefulSet"
        spec |= {
            "serviceName": "buildkitd",
            "podManagementPolicy": "Parallel",
            "volumeClaimTemplates": [_claim(settings)],
        }
    workload = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, **meta}, "spec": spec}
    return Manifests(workload=workload, config_maps=tuple(_config_map(name, folder, meta) for folder in folders))


def _labels(name: str, settings: Settings) -> dict[str, str]:
    return {APP_LABEL: name, **settings.labels}


def _annotations(settings: Settings, platforms: Sequence[Platform]) -> dict[str, str]:
    """They are on the workload, its pods and the ConfigMaps, also the one for AppArmor that only pods need."""
    names = ",".join(map(full_name, platforms))
    rootless = {APPARMOR: "unconfined"} if settings.rootless else {}
    return {**({PLATFORM_ANNOTATION: names} if names else {}), **settings.annotations, **rootless}


def _pod(name: str, settings: Settings, flags: Sequence[str], folders: Sequence[_Folder]) -> Manifest:
    pod: Manifest = {
        "serviceAccountName": settings.serviceaccount,
        "schedulerName": settings.schedulername,
        "nodeSelector": dict(settings.nodeselector),
        "tolerations": [dict(each) for each in settings.tolerations],
        "initContainers": [_qemu(settings)] if settings.qemu_install else [],
        "containers": [_container(settings, flags, folders)],
        "volumes": [*(_config_volume(name, folder) for folder in folders), *_state_volumes(settings)],
    }
    return _pruned(pod)


def _container(settings: Settings, flags: Sequence[str], folders: Sequence[_Folder]) -> Manifest:
    rootless = ["--oci-worker-no-process-sandbox"] if settings.rootless else []
    container: Manifest = {
        "name": CONTAINER,
        "image": settings.image,
        "args": [*flags, *rootless],
        "env": [{"name": name, "value": value} for name, value in settings.env.items()],
        "resources": _resources(settings),
        "volumeMounts": _mounts(settings, folders),
        "livenessProbe": _probe(),
        "readinessProbe": _probe(),
        "securityContext": {"seccompProfile": {"type": "Unconfined"}} if settings.rootless else {"privileged": True},
    }
    return _pruned(container)


def _probe() -> Manifest:
    return {
        "exec": {"command": list(PROBE)},
        "initialDelaySeconds": 5,
        "timeoutSeconds": 60,
        "periodSeconds": 30,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _qemu(settings: Settings) -> Manifest:
    return {
        "name": "qemu",
        "image": settings.qemu_image,
        "args": ["--install", "all"],
        "securityContext": {"privileged": True},
    }


def _resources(settings: Settings) -> Manifest:
    """A request of ephemeral storage has always been written as a limit, and a limit that is given wins."""
    storage = settings.limits_ephemeral_storage or settings.requests_ephemeral_storage
    requests = {"cpu": settings.requests_cpu, "memory": settings.requests_memory}
    limits = {"cpu": settings.limits_cpu, "memory": settings.limits_memory, "ephemeral-storage": storage}
    return _pruned({"requests": _pruned(requests), "limits": _pruned(limits)})


# Volumes


def _mounts(settings: Settings, folders: Sequence[_Folder]) -> list[Manifest]:
    is_persistent = bool(settings.persistent_volume_claim_requests_storage)
    if is_persistent and not settings.rootless:
        # The only mount then: the reference forgets those of configuration files and of memory.
        return [{"name": CLAIM, "mountPath": STATE}]
    mounts = [{"name": folder.name, "mountPath": f"/etc/buildkit/{folder.path}".rstrip("/")} for folder in folders]
    if settings.rootless:
        mounts.append({"name": CLAIM, "mountPath": ROOTLESS_STATE})
    elif settings.buildkit_root_volume_memory:
        mounts.append({"name": "buildkit-memory", "mountPath": STATE})
    return mounts


def _config_volume(name: str, folder: _Folder) -> Manifest:
    return {"name": folder.name, "configMap": {"name": f"{name}-{folder.name}"}}


def _state_volumes(settings: Settings) -> list[Manifest]:
    memory = settings.buildkit_root_volume_memory
    source = {"medium": "Memory", "sizeLimit": memory} if memory else {}
    if settings.rootless:
        return [{"name": CLAIM, "emptyDir": source}]
    return [{"name": "buildkit-memory", "emptyDir": source}] if memory else []


def _claim(settings: Settings) -> Manifest:
    storage = settings.persistent_volume_claim_requests_storage
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return {"metadata": {"name": CLAIM}, "spec": spec}


# Configuration files


def _folders(files: Mapping[str, bytes]) -> list[_Folder]:
    """The files right below /etc/buildkit are `config`; folders are numbered in order of their files, because their
    paths are no names of Kubernetes."""
    found: dict[str, _Folder] = {}
    for file, data in sorted(files.items()):
        path, _, base = file.rpartition("/")
        if path not in found:
            number = 1 + len(found.keys() - {""})
            found[path] = _Folder(f"config-{number}" if path else "config", path, {})
        found[path].files[base] = data.decode(errors="replace")
    return list(found.values())


def _config_map(name: str, folder: _Folder, meta: Mapping[str, object]) -> Manifest:
    about = _pruned({"name": f"{name}-{folder.name}", "annotations": meta.get("annotations")})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": folder.files}


def _pruned(found: Mapping[str, Any]) -> Manifest:
    """Without what is empty: the API takes the absent for it."""
    return {key: value for key, value in found.items() if value not in ("", None, [], {}, ())}
