"""A small Kubernetes API server for tests. It checks what it is given, keeps it, makes the pods that a real cluster
would make, and runs the commands of `exec` for real, on this machine. It can be told to refuse, to delay, and to lose
pods and streams.

    with ApiServer(commands) as server:
        driver = KubernetesDriver(node="node", url=server.url_for(tmp_path))

`commands` is the folder of the programs that there are in a pod, such as `buildctl`.
"""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import WSMsgType, web

from tests.kubernetes.schema import problems

T = TypeVar("T")
Object = dict[str, Any]
STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
SINGULAR = {"deployments": "Deployment", "statefulsets": "StatefulSet", "configmaps": "ConfigMap", "pods": "Pod"}
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}
TOKEN = "of-the-test"


def status(code: int, reason: str, message: str) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response(body, status=code)


class ApiServer:
    """`fate` is what becomes of pods that are made: it gets a pod and returns its status."""

    def __init__(self, commands: Path, protocols: tuple[str, ...] = (V5, V4)) -> None:
        self.commands = commands
        self.protocols = protocols
        self.token = TOKEN
        self.fate: Callable[[Object], Object] = ready
        self.start_seconds = 0.0
        """Until a pod has met its fate."""
        self.denied: set[tuple[str, str]] = set()
        """(verb, kind) that the user may not do, as in RBAC."""
        self.broken: list[int] = []
        """Statuses that the next attempts to run a command are answered with."""
        self.exec_seconds = 0.0
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in (*SINGULAR, "events")}
        self.log: list[tuple[str, str]] = []
        """What was asked for: (verb, kind)."""
        self.executed: list[tuple[str, str, str]] = []
        """Pod, container and command of each stream that was opened."""
        self.agreed: list[str | None] = []
        """The protocol of each stream."""
        self.closed_input = 0
        """Streams whose input was closed by itself, as the fifth protocol can."""
        self._ids = itertools.count(1)
        self._streams: dict[str, set[asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    # From the test

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kubeconfig(self, folder: Path, **user: object) -> Path:
        """A file that leads here; `user` is what it says of the user, the token unless something is given."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "here", "user": "me", "namespace": "builders"}}],
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "me", "user": user or {"token": TOKEN}}],
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(document))
        return path

    def url(self, folder: Path) -> str:
        """The endpoint of a builder's node here."""
        return f"kubernetes:///builder?deployment=node&kubeconfig={self.kubeconfig(folder)}"

    def pods(self) -> list[str]:
        return sorted(self.objects["pods"])

    def delete_pod(self, name: str) -> None:
        """As `kubectl delete pod` does: its commands end, and its workload gets another one."""
        self._do(self._delete_pod(name))

    def scale(self, name: str, replicas: int) -> None:
        self._do(self._scale(name, replicas))

    def cut(self, pod: str) -> None:
        """Break the streams to a pod, which goes on."""
        self._do(self._cut(pod))

    def warn(self, involved: Object, reason: str, message: str) -> None:
        """An event about an object."""
        meta = {"name": f"event-{next(self._ids)}"}
        about = {"name": involved["metadata"]["name"], "uid": involved["metadata"]["uid"]}
        event = {"metadata": meta, "type": "Warning", "reason": reason, "message": message, "involvedObject": about}
        self.objects["events"][meta["name"]] = event

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    # The server

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._guard])
        for group in ("/api/v1", "/apis/apps/v1"):
            place = group + "/namespaces/{namespace}/{kind}"
            app.router.add_get(place, self._list)
            app.router.add_post(place, self._create)
            app.router.add_get(place + "/{name}", self._get)
            app.router.add_put(place + "/{name}", self._replace)
            app.router.add_delete(place + "/{name}", self._delete)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{name}/exec", self._exec)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        for pod in tuple(self._streams):
            await self._cut(pod)
        await self._runner.cleanup()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # closing takes a few turns of the loop

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        is_exec = request.path.endswith("/exec")
        kind = "pods/exec" if is_exec else request.match_info["kind"]
        named = "name" in request.match_info
        verb = {"GET": "get" if named else "list", "POST": "create", "PUT": "update", "DELETE": "delete"}[
            request.method
        ]
        self.log.append((verb, kind))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return status(401, "Unauthorized", "Unauthorized")
        if (verb, kind) in self.denied:
            who = f'User "me" cannot {verb} resource "{kind}" in the namespace "builders"'
            return status(403, "Forbidden", f'{kind} "{request.match_info.get("name", "")}" is forbidden: {who}')
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        found = list(self.objects[request.match_info["kind"]].values())
        for part in filter(None, request.query.get("labelSelector", "").split(",")):
            key, _, value = part.partition("=")
            found = [each for each in found if each["metadata"].get("labels", {}).get(key) == value]
        for part in filter(None, request.query.get("fieldSelector", "").split(",")):
            key, _, value = part.partition("=")
            found = [each for each in found if each.get(key) == value]
        return web.json_response({"items": found})

    async def _get(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        found = self.objects[kind].get(name)
        if found is None:
            return status(404, "NotFound", f'{kind} "{name}" not found')
        return web.json_response(found)

    async def _create(self, request: web.Request) -> web.Response:
        kind, body = request.match_info["kind"], await request.json()
        name = body["metadata"]["name"]
        if name in self.objects[kind]:
            return status(409, "AlreadyExists", f'{kind} "{name}" already exists')
        return self._keep(kind, body)

    async def _replace(self, request: web.Request) -> web.Response:
        return self._keep(request.match_info["kind"], await request.json())

    def _keep(self, kind: str, body: Object) -> web.Response:
        if found := problems(kind, body):
            return status(422, "Invalid", f"{SINGULAR[kind]} is invalid: {'; '.join(found)}")
        body["metadata"]["uid"] = f"uid-{next(self._ids)}"
        self.objects[kind][body["metadata"]["name"]] = body
        if kind != "configmaps":
            self._fill(kind, body)
        return web.json_response(body, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        found = self.objects[kind].pop(name, None)
        if found is None:
            return status(404, "NotFound", f'{kind} "{name}" not found')
        for pod in self._pods_of(found):
            await self._end_pod(pod["metadata"]["name"])
        return web.json_response({"kind": "Status", "status": "Success"})

    # Workloads and pods

    def _pods_of(self, workload: Object) -> list[Object]:
        app = workload["metadata"].get("labels", {}).get("app")
        return [pod for pod in self.objects["pods"].values() if pod["metadata"]["labels"]["app"] == app and app]

    def _fill(self, kind: str, workload: Object) -> None:
        """Pods until there are as many as the workload wants."""
        spec, name = workload["spec"], workload["metadata"]["name"]
        for index in itertools.count():
            if len(self._pods_of(workload)) >= spec.get("replicas", 1):
                break
            pod_name = f"{name}-{index}" if kind == "statefulsets" else f"{name}-7d9f-{next(self._ids)}"
            if pod_name not in self.objects["pods"]:
                self._make_pod(pod_name, workload)
        self._count(workload)

    def _make_pod(self, name: str, workload: Object) -> None:
        template = workload["spec"]["template"]
        meta = {**template["metadata"], "name": name, "uid": f"uid-{next(self._ids)}"}
        pod = {"metadata": meta, "spec": template["spec"], "status": {"phase": "Pending"}}
        self.objects["pods"][name] = pod

        def meet_fate() -> None:
            pod["status"] = self.fate(pod)
            self._count(workload)

        if self.start_seconds:
            self._loop.call_later(self.start_seconds, meet_fate)
        else:
            meet_fate()

    def _count(self, workload: Object) -> None:
        count = sum(1 for pod in self._pods_of(workload) if _is_ready(pod))
        workload.setdefault("status", {})["readyReplicas"] = count

    async def _scale(self, name: str, replicas: int) -> None:
        kind = "deployments" if name in self.objects["deployments"] else "statefulsets"
        workload = self.objects[kind][name]
        workload["spec"]["replicas"] = replicas
        for pod in sorted(str(pod["metadata"]["name"]) for pod in self._pods_of(workload))[replicas:]:
            await self._end_pod(pod)
        self._fill(kind, workload)

    async def _delete_pod(self, name: str) -> None:
        await self._end_pod(name)
        for kind in ("deployments", "statefulsets"):
            for workload in self.objects[kind].values():
                self._fill(kind, workload)

    async def _end_pod(self, name: str) -> None:
        self.objects["pods"].pop(name, None)
        await self._cut(name)

    async def _cut(self, pod: str) -> None:
        tasks = self._streams.pop(pod, set())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Commands

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        name, container = request.match_info["name"], request.query["container"]
        pod = self.objects["pods"].get(name)
        if pod is None:
            return status(404, "NotFound", f'pods "{name}" not found')
        if self.broken:
            return status(
                self.broken.pop(0), "InternalError", "error dialing backend: remote error: tls: internal error"
            )
        if container not in {each["name"] for each in pod["spec"]["containers"]}:
            return status(400, "BadRequest", f"container {container} is not valid for pod {name}")
        if "Upgrade" not in request.headers:
            return status(400, "BadRequest", "Upgrade request required")
        await asyncio.sleep(self.exec_seconds)
        socket = web.WebSocketResponse(protocols=self.protocols, max_msg_size=0)
        command = request.query.getall("command")
        self.executed.append((name, container, " ".join(command)))
        task = asyncio.ensure_future(self._run(request, socket, command))
        self._streams.setdefault(name, set()).add(task)
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
        if task.cancelled() and request.transport is not None:
            request.transport.abort()  # a stream that is cut says no goodbye
        return socket

    async def _run(self, request: web.Request, socket: web.WebSocketResponse, command: list[str]) -> None:
        await socket.prepare(request)
        self.agreed.append(socket.ws_protocol)
        for channel in (STDIN, STDOUT, STDERR, ERROR):
            await socket.send_bytes(bytes((channel,)))
        pipe = asyncio.subprocess.PIPE
        env = {"PATH": f"{self.commands}:/usr/bin:/bin"}
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=env)
        except OSError as error:
            await self._tell(socket, 126, f"exec failed: {error}")
            return
        reader = asyncio.create_task(self._feed(socket, process))
        try:
            outputs = ((STDOUT, process.stdout), (STDERR, process.stderr))
            await asyncio.gather(*(self._copy(socket, channel, stream) for channel, stream in outputs))
            code = await process.wait()
            await self._tell(socket, code, f"command terminated with exit code {code}")
        except (ConnectionError, RuntimeError):
            pass  # the client has gone
        finally:
            reader.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _copy(self, socket: web.WebSocketResponse, channel: int, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while data := await stream.read(1 << 16):
            await socket.send_bytes(bytes((channel,)) + data)

    async def _feed(self, socket: web.WebSocketResponse, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
            if message.data[0] == CLOSE and socket.ws_protocol == V5:
                self.closed_input += 1
                process.stdin.close()
            elif message.data[0] == STDIN and not process.stdin.is_closing():
                process.stdin.write(message.data[1:])
                await process.stdin.drain()
        if process.returncode is None:
            process.stdin.close()

    async def _tell(self, socket: web.WebSocketResponse, code: int, message: str) -> None:
        outcome = {"status": "Failure", "message": message} if code else {"status": "Success"}
        await socket.send_bytes(bytes((ERROR,)) + json.dumps(outcome).encode())
        await socket.close()


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


# Fates of pods


def ready(_pod: Object) -> Object:
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def without_image(pod: Object) -> Object:
    image = pod["spec"]["containers"][0]["image"]
    waiting = {"reason": "ErrImagePull", "message": f'failed to pull image "{image}": not found'}
    return {"phase": "Pending", "containerStatuses": [{"name": "buildkitd", "state": {"waiting": waiting}}]}


def without_node(_pod: Object) -> Object:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [condition]}


def crashing(_pod: Object) -> Object:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    last = {"terminated": {"exitCode": 1, "reason": "Error"}}
    container = {"name": "buildkitd", "state": {"waiting": waiting}, "lastState": last}
    return {"phase": "Running", "containerStatuses": [container]}


def starting(_pod: Object) -> Object:
    waiting = {"reason": "ContainerCreating"}
    return {"phase": "Pending", "containerStatuses": [{"name": "buildkitd", "state": {"waiting": waiting}}]}
