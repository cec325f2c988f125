"""The driver itself: it makes the workload, waits for its pods, and opens streams to them."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import contextmanager

from bakec.ir.codes.kubernetes import NO_PODS, NO_STREAM, NOT_READY
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.durations import format_duration
from bakec.ir.records import dataclass, field
from bakec.runtime.drivers.base import SILENT, Features, bad_option
from bakec.runtime.drivers.kubernetes import pods
from bakec.runtime.drivers.kubernetes.api import CONFLICT, Access, ApiError, Cluster
from bakec.runtime.drivers.kubernetes.manifests import make
from bakec.runtime.drivers.kubernetes.options import SECOND, OptionError, read
from bakec.runtime.drivers.kubernetes.streams import ExecPipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from bakec.ir.platforms import Platform
    from bakec.runtime.drivers.base import Boot, Endpoint, Engine, Images, Pipe, Status
    from bakec.runtime.drivers.kubernetes.manifests import Manifests
    from bakec.runtime.drivers.kubernetes.options import Settings

DIAL = ("buildctl", "dial-stdio")
POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""Between two looks at the pods and what happened to them, while they are waited for."""
BOOTS = 3
WHY_SECONDS = 3.0
"""How long the API server may take to say what became of a pod whose stream has ended."""
DIALS, DIAL_SECONDS, DIAL_LIMIT = 5, 0.5, 10.0
"""Tries to reach a pod; the first is followed by so many seconds, each other one by twice those of the one before."""


@dataclass(slots=True)
class KubernetesDriver:
    """`node` is the name of the builder's node and of its workload, `url` what the store has for it;
    `directory` decides which pod serves it when pods are sticky. `files` belong below /etc/buildkit. `engine` is a
    Docker Engine to load images into. Raises `Failed` for options that make no sense."""

    node: str
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    platforms: tuple[Platform, ...] = ()
    directory: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    engine: Engine | None = None
    name: str = field(default="kubernetes", init=False)
    endpoint: Endpoint | None = field(default=None, init=False)
    images: Images | None = field(default=None, init=False)
    settings: Settings = field(init=False, repr=False)
    manifests: Manifests = field(init=False, repr=False)
    trouble: str = field(default="", init=False)
    """Why the last stream ended that was not ended on this side."""
    _cluster: Cluster | None = field(default=None, init=False)
    _first: ExecPipe | None = field(default=None, init=False)
    """The stream that has shown that a pod can be reached; the first one to be asked for."""
    _pod: str = field(default="", init=False)
    _streams: dict[ExecPipe, str] = field(default_factory=dict, init=False)
    """Those that are open, and the names of their pods."""

    def __post_init__(self) -> None:
        try:
            self.settings = read(self.options)
        except OptionError as error:
            raise bad_option(str(error)) from error
        name = self.node.replace("_", "-")
        self.manifests = make(name, self.settings, self.flags, self.files, self.platforms)

    @property
    def place(self) -> str:
        return f"kubernetes://{self.node.replace('_', '-')}"

    def features(self, labels: Mapping[str, str]) -> Features:
        del labels
        return Features(
            docker_exporter=self.images is not None,
            default_load=self.settings.default_load,
            spread=self.settings.is_spread,
        )

    async def session(self, headers: Sequence[tuple[str, str]]) -> Pipe | None:
        del headers
        return None

    # The workload

    async def open(self, boot: Boot = SILENT) -> None:
        """Make the workload unless it is there, wait until its pods are ready, and reach one. A workload with a pod
        that is ready is taken as it is."""
        if self.engine is not None and await self._answers(self.engine):
            self.images = self.engine.images
        with self._telling():
            for _ in range(BOOTS):
                if await self.status() == "running":
                    break
                await self._boot(boot)
            self._first = await self._dial()

    async def _answers(self, engine: Engine) -> bool:
        try:
            return (await engine.call("GET", "/_ping"))[0] == 200
        except Failed:
            return False  # builds need no engine; only what asks for loading is told that there is none

    async def status(self) -> Status:
        with self._telling():
            found = await self._find()
        return "inactive" if found is None else "running" if _ready(found) else "stopped"

    async def stop(self) -> None:
        """Nothing: a workload scaled to zero would be waited for in vain by buildx, which may share this builder."""

    async def remove(self, *, keep_state: bool) -> None:
        """Claims of a StatefulSet, which hold the cache, are never removed."""
        del keep_state
        with self._telling():
            api = await self._api()
            await api.delete(self.manifests.kind, self.manifests.name)
            for each in self.manifests.config_maps:
                await api.delete("configmaps", each["metadata"]["name"])

    async def close(self) -> None:
        await asyncio.gather(*(pipe.finish() for pipe in tuple(self._streams)))
        if self._cluster is not None:
            await self._cluster.close()
            self._cluster = None
        if self.engine is not None:
            await self.engine.close()

    async def _api(self) -> Cluster:
        if self._cluster is None:
            cluster = Cluster(Access(endpoint=self.url, env=self.env), self.settings.namespace)
            await cluster.open()
            self._cluster = cluster
        return self._cluster

    async def _find(self) -> Any:
        return await (await self._api()).get(self.manifests.kind, self.manifests.name)

    async def _boot(self, boot: Boot) -> None:
        if await self._find() is None:
            with boot.part(f"creating {self.manifests.workload['kind']} {self.manifests.name}"):
                await self._create(await self._api())
        limit = format_duration(round(self.settings.timeout * SECOND))
        with boot.part(f"waiting for {self.manifests.replicas} pods to be ready, timeout: {limit}"):
            await self._wait(boot)

    async def _create(self, api: Cluster) -> None:
        for each in self.manifests.config_maps:
            if not await _made(api, "configmaps", each):
                await api.replace("configmaps", each)
        # One that is there by now was made for the same builder by somebody at the same time.
        await _made(api, self.manifests.kind, self.manifests.workload)

    async def _wait(self, boot: Boot) -> None:
        """Until all pods are ready. What keeps them from it is told when it becomes known, and again at the end."""
        deadline = time.monotonic() + self.settings.timeout
        told: set[str] = set()
        looks = 0.0
        while True:
            now = time.monotonic()
            is_over = now >= deadline
            ready, reasons = await self._look(closely=is_over or now >= looks)
            if ready >= self.manifests.replicas:
                return
            if is_over:
                raise self._not_ready(ready, reasons)
            if now >= looks:
                looks = now + LOOK_SECONDS
            for reason in reasons:
                if reason not in told:
                    told.add(reason)
                    boot.say(f"{reason}\n".encode())
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self, *, closely: bool) -> tuple[int, list[str]]:
        """How many pods are ready and, looking closely, why others are not. An API server that does not answer this
        time is a reason too; one that never will raises `ApiError`."""
        try:
            found = await self._find()
            if found is None:
                return 0, [f"{self.manifests.name}: was deleted"]
            return _ready(found), await self._reasons(found) if closely else []
        except ApiError as error:
            if error.is_final:
                raise
            return 0, [str(error)]

    def _not_ready(self, ready: int, reasons: Sequence[str]) -> Failed:
        text = f": {'; '.join(reasons)}" if reasons else ""
        name, wanted = self.manifests.name, self.manifests.replicas
        return fail(NOT_READY.at(None, place=self.place, name=name, wanted=wanted, ready=ready, reasons=text))

    async def _reasons(self, workload: Any) -> list[str]:
        """Why pods are not ready."""
        found = await self._pods()
        ours = {each["metadata"].get("uid") for each in (workload, *found)}
        about = [event for event in await self._warnings() if (event.get("involvedObject") or {}).get("uid") in ours]
        return [*pods.conditions_of(workload), *pods.troubles(found, about)]

    async def _warnings(self) -> list[pods.Pod]:
        """The events of the namespace. Who may not read them does without: the pods say most of it themselves."""
        try:
            return await (await self._api()).list("events", fieldSelector="type=Warning")
        except ApiError:
            return []

    async def _pods(self) -> list[pods.Pod]:
        selector = ",".join(f"{key}={value}" for key, value in sorted(self.manifests.labels.items()))
        return await (await self._api()).list("pods", labelSelector=selector)

    # Streams

    async def dial(self) -> Pipe:
        first, self._first = self._first, None
        if first is not None:
            return first
        try:
            with self._telling():
                return await self._dial()
        except Failed as failure:
            self.trouble = self.trouble or str(failure)
            raise

    async def _dial(self) -> ExecPipe:
        """A stream to a pod. What may be over soon is tried again: pods come and go, and a node is announced before
        its certificate is signed."""
        for tries in range(DIALS):
            if tries:
                await asyncio.sleep(min(DIAL_SECONDS * 2 ** (tries - 1), DIAL_LIMIT))
            pod = await self._choose()
            if pod is None:
                problem = NO_PODS.at(None, place=self.place, reasons="")
                continue
            try:
                return await self._stream(pod)
            except ApiError as error:
                if error.is_final:
                    raise
                reason = f"{error}, after {DIALS} attempts"
                problem = NO_STREAM.at(None, place=self.place, pod=pods.name_of(pod), reason=reason)
        raise fail(problem)

    async def _choose(self) -> pods.Pod | None:
        """A sticky pod is kept while it is there, also if another one that comes along would be chosen now."""
        found = {pods.name_of(pod): pod for pod in pods.usable(await self._pods())}
        if not found:
            return None
        if self.settings.is_spread:
            return found[random.choice(tuple(found))]  # noqa: S311
        if self._pod not in found:
            self._pod = pods.sticky(tuple(found), self.directory)
        return found[self._pod]

    async def _stream(self, pod: pods.Pod) -> ExecPipe:
        name, api = pods.name_of(pod), await self._api()
        socket = await api.execute(name, str(pod["spec"]["containers"][0]["name"]), DIAL)
        pipe = ExecPipe(socket, self._ended)
        self._streams[pipe] = name
        return pipe

    async def _ended(self, pipe: ExecPipe, problem: str) -> None:
        """Somebody else has ended a stream: find out why, while that can be known. What comes of trying again at once,
        with a daemon that is not up yet, says less than why that had to be tried."""
        name = self._streams.pop(pipe, "")
        if self.trouble and not pipe.has_answered:
            return
        try:
            async with asyncio.timeout(WHY_SECONDS):
                pod = await (await self._api()).get("pods", name)
        except (ApiError, TimeoutError):
            pod = {"metadata": {"name": name}}
        reasons = pods.troubles((pod,)) if pod is not None else [f"{name}: was deleted"]
        self.trouble = "; ".join(reasons) or f"{name}: {problem}"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise error.failed(self.place) from error


async def _made(api: Cluster, kind: str, body: Mapping[str, Any]) -> bool:
    """Whether there was no such object, and now is."""
    try:
        await api.create(kind, body)
    except ApiError as error:
        if error.status != CONFLICT:
            raise
        return False
    return True


def _ready(workload: Mapping[str, Any]) -> int:
    return int((workload.get("status") or {}).get("readyReplicas") or 0)
