"""The API server of a cluster, as one user sees it.

The library brings what is hard about it: kubeconfig files, credentials from plugins and from the pod we run in, and
TLS. Requests are made here, by path: its own classes for them cost half a second to import and say no more.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from bakec.ir.codes.kubernetes import API_FAILED, DENIED, LACKS_LIBRARY, NO_ACCESS
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from aiohttp import ClientWebSocketResponse
    from kubernetes_asyncio.client import ApiClient, Configuration

    from bakec.ir.diagnostics import Failed

T = TypeVar("T")

V5: Final = "v5.channel.k8s.io"
PROTOCOLS: Final = (V5, "v4.channel.k8s.io")
UPGRADE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "YmFrZWMgbGlzdGVucyBoZQ==",
    "Sec-WebSocket-Protocol": ",".join(PROTOCOLS),
}
"""Of a request that is expected to be refused, so any key will do."""
ANSWER_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 1.0
SWITCHED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 101, 401, 403, 404, 409, 429


class ApiError(Exception):
    """A request failed. `status` is that of HTTP, 0 when there was no answer."""

    def __init__(self, action: str, status: int, message: str) -> None:
        super().__init__(message)
        self.action = action
        self.status = status

    @property
    def is_final(self) -> bool:
        """Asking again would bring the same answer. A pod that is not there may be one that has just been replaced."""
        return 0 < self.status < 500 and self.status not in (NOT_FOUND, TOO_MANY)

    def failed(self, place: str) -> Failed:
        """As it is told to the user."""
        rule = DENIED if self.status in (UNAUTHORIZED, FORBIDDEN) else API_FAILED
        return fail(rule.at(None, place=place, action=self.action, reason=str(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a cluster and its user are described: the endpoint of a builder's node and the environment."""

    endpoint: str
    env: Mapping[str, str] = field(repr=False)

    @property
    def kubeconfig(self) -> str:
        """The file that the endpoint names; empty when it names none."""
        url = urlsplit(self.endpoint)
        return (parse_qs(url.query).get("kubeconfig") or [""])[0] if url.scheme == "kubernetes" else ""

    @property
    def default_files(self) -> str:
        """Paths with `:` between them."""
        home = self.env.get("HOME") or str(Path.home())
        return self.env.get("KUBECONFIG") or f"{home}/.kube/config"


GROUPS: Final[Mapping[str, str]] = {
    "configmaps": "/api/v1",
    "deployments": "/apis/apps/v1",
    "events": "/api/v1",
    "pods": "/api/v1",
    "statefulsets": "/apis/apps/v1",
}
"""Kind of object -> the group of the API that has it."""


class Cluster:
    """To be opened, used and closed. All calls raise `ApiError`."""

    def __init__(self, access: Access, namespace: str = "") -> None:
        self.namespace = namespace
        self._access = access
        self._clients: list[ApiClient] = []
        """The last one has the credentials that hold; streams may still go through the others."""

    async def open(self) -> None:
        """Find the credentials. No request is made. Raises `Failed`."""
        _check_library()
        configuration, namespace = await _configure(self._access)
        self.namespace = self.namespace or namespace or "default"
        self._clients.append(_client(configuration))

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        self._clients.clear()

    async def get(self, kind: str, name: str) -> Any:
        """An object as JSON, None when there is none."""
        try:
            return await self._call("get", kind, name)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def list(self, kind: str, **query: str) -> list[Any]:
        return list((await self._call("list", kind, query=query)).get("items") or ())

    async def create(self, kind: str, body: Mapping[str, Any]) -> None:
        await self._call("create", kind, body=body)

    async def replace(self, kind: str, body: Mapping[str, Any]) -> None:
        await self._call("update", kind, body["metadata"]["name"], body)

    async def delete(self, kind: str, name: str) -> None:
        """It is no error if there is none."""
        try:
            await self._call("delete", kind, name)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    async def execute(self, pod: str, container: str, command: Sequence[str]) -> ClientWebSocketResponse:
        """The standard streams of a command in a pod, as channels of a websocket."""
        streams = [(name, "true") for name in ("stdin", "stdout", "stderr")]
        query = [("container", container), *(("command", word) for word in command), *streams]
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/exec?{urlencode(query)}"
        action = f"run `{' '.join(command)}` in pod {pod}"
        try:
            return await self._renewing(lambda: self._upgrade(action, path))
        except ApiError as error:
            # The library does not read what comes with a refused upgrade, so it is asked for once more by hand.
            told = await self._refusal(action, path) if error.status else None
            raise (told if told is not None and told.status == error.status else error) from error

    # Requests

    async def _call(
        self, verb: str, kind: str, name: str = "", body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON of an answer."""
        action = f"{verb} {kind}{f' {name}' if name else ''} in namespace {self.namespace}"
        path = f"{GROUPS[kind]}/namespaces/{self.namespace}/{kind}{f'/{name}' if name else ''}"
        request = (action, VERBS[verb], path, body, tuple((query or {}).items()))
        return await self._renewing(lambda: self._request(*request))

    async def _renewing(self, perform: Callable[[], Awaitable[T]]) -> T:
        """Credentials that have expired are fetched anew, once."""
        try:
            return await perform()
        except ApiError as error:
            if error.status != UNAUTHORIZED:
                raise
        await self.open()
        return await perform()

    async def _request(
        self, action: str, method: str, path: str, body: object, query: Sequence[tuple[str, str]]
    ) -> Any:
        with _answering(action):
            client = self._clients[-1]
            answer = await client.rest_client.request(
                method,
                f"{client.configuration.host}{path}{f'?{urlencode(query)}' if query else ''}",
                headers=await self._headers(),
                body=body,
                _request_timeout=ANSWER_SECONDS,
            )
            return json.loads(answer.data)

    async def _upgrade(self, action: str, path: str) -> ClientWebSocketResponse:
        from aiohttp import ClientWSTimeout

        client = self._clients[-1]
        with _answering(action):
            async with asyncio.timeout(ANSWER_SECONDS):
                return await client.rest_client.pool_manager.ws_connect(
                    f"{client.configuration.host}{path}",
                    protocols=PROTOCOLS,
                    headers=await self._headers(),
                    timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    max_msg_size=0,
                    proxy=client.rest_client.proxy,
                    server_hostname=client.rest_client.server_hostname,
                )

    async def _refusal(self, action: str, path: str) -> ApiError | None:
        from aiohttp import ClientTimeout

        client = self._clients[-1]
        with suppress(ApiError), _answering(action):
            headers = {**await self._headers(), **UPGRADE}
            url = f"{client.configuration.host}{path}"
            async with client.rest_client.pool_manager.get(
                url,
                headers=headers,
                proxy=client.rest_client.proxy,
                server_hostname=client.rest_client.server_hostname,
                timeout=ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                if answer.status != SWITCHED:
                    return ApiError(action, answer.status, _message(await answer.text(), answer.reason))
        return None

    async def _headers(self) -> dict[str, str]:
        headers = {"Accept": "*/*"}  # the kubelet, which gets those of streams, has nothing else on offer
        await self._clients[-1].update_params_for_auth(headers, [], ["BearerToken"])
        return headers


VERBS: Final[Mapping[str, str]] = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
"""What is done, as rights are called -> method."""


@contextmanager
def _answering(action: str) -> Iterator[None]:
    """What the library raises becomes `ApiError`."""
    from aiohttp import ClientError, WSServerHandshakeError
    from kubernetes_asyncio.client import ApiException

    try:
        yield
    except ApiException as error:
        raise ApiError(action, error.status or 0, _message(error.body, error.reason)) from error
    except WSServerHandshakeError as error:
        raise ApiError(action, error.status, f"the API server answered {error.status}") from error
    except TimeoutError as error:
        raise ApiError(action, 0, f"no answer for {ANSWER_SECONDS:g} seconds") from error
    except (ClientError, OSError, ValueError) as error:
        raise ApiError(action, 0, str(error) or type(error).__name__) from error


def _message(body: object, reason: object) -> str:
    """The words of a `Status` object, or how HTTP calls the failure."""
    try:
        return str(json.loads(body)["message"])  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError):
        return str(reason)


# Credentials


def _check_library() -> None:
    """Raises `Failed`."""
    try:
        importlib.import_module("kubernetes_asyncio")
    except ImportError as error:
        raise fail(LACKS_LIBRARY.at(None)) from error
    # It prints what goes wrong with credentials besides raising it.
    logging.getLogger("kubernetes_asyncio").setLevel(logging.CRITICAL)


async def _configure(access: Access) -> tuple[Configuration, str]:
    """The cluster's address, the user's credentials, and the namespace that goes with them."""
    from kubernetes_asyncio.client import Configuration

    configuration = Configuration()
    configuration.connection_pool_maxsize = 0  # each stream is a connection that is kept
    reasons = []
    for source in (_from_file, _from_pod):
        try:
            namespace = await source(access, configuration)
        except Exception as error:  # noqa: BLE001 - whatever a file or a plugin of the user brings the library to raise
            reasons.append(str(error) or type(error).__name__)
        else:
            return configuration, namespace
    raise fail(NO_ACCESS.at(None, reason="; ".join(reasons)))


async def _from_file(access: Access, configuration: Configuration) -> str:
    from kubernetes_asyncio.config import load_kube_config

    files = access.kubeconfig or access.default_files
    if not any(Path(file).expanduser().exists() for file in files.split(":") if file):
        raise FileNotFoundError(f"no kubeconfig at {files}")
    loader = await load_kube_config(files, client_configuration=configuration)
    context = (loader.current_context or {}).get("context") or {}
    return str(context.get("namespace") or "")


async def _from_pod(access: Access, configuration: Configuration) -> str:
    from kubernetes_asyncio.config import incluster_config as pod

    token, certificate = pod.SERVICE_TOKEN_FILENAME, pod.SERVICE_CERT_FILENAME
    pod.InClusterConfigLoader(token, certificate, environ=dict(access.env)).load_and_set(configuration)
    return Path(token).with_name("namespace").read_text().strip()


def _client(configuration: Configuration) -> ApiClient:
    """Reads the certificates, after which the copies that the library has made of them are removed: it would do so
    at the end of the process only, and a process that is killed never gets there."""
    from kubernetes_asyncio.client import ApiClient
    from kubernetes_asyncio.config import kube_config

    try:
        return ApiClient(configuration)
    finally:
        kube_config._cleanup_temp_files()  # noqa: SLF001
