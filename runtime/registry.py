"""A client of image registries, for the little that BuildKit leaves to its clients: reading manifests and pushing an
index of some."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bakec.ir.digests import digest_of
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from requests import PreparedRequest, Response

    from bakec.ir.llb.references import Reference
    from bakec.runtime.dockerconfig import Credentials

OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution"
ACCEPT = f"{OCI}.index.v1+json, {DOCKER}.manifest.list.v2+json, {OCI}.manifest.v1+json, {DOCKER}.manifest.v2+json"
LIMIT = 4 << 20
"""Bytes of a manifest or an image config; registries allow no larger ones."""
SECONDS = 60.0
"""How long a registry may be silent."""
TRIES = 5
BUSY = (429, 500, 502, 503, 504)
"""How a registry says that it may answer later."""
LOCAL = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
HUB, HUB_HOST = "docker.io", "registry-1.docker.io"


class RegistryError(Exception):
    """What a registry refused, or that it does not answer."""


class Manifest(NamedTuple):
    """Bytes with their type and their `sha256:` digest."""

    media_type: str
    data: bytes
    digest: str


class Registry:
    """A connection to registries. Only those of this machine, and the one whose domain is `insecure`, are spoken to
    without TLS."""

    def __init__(self, look_up: Callable[[str], Credentials], *, insecure: str = "") -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        self._session = requests.Session()
        retry = Retry(
            TRIES,
            connect=1,
            status_forcelist=BUSY,
            backoff_factor=0.2,
            raise_on_status=False,
            respect_retry_after_header=False,  # it could say an hour, and nothing can end that sleep
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))
        self._look_up = look_up
        self._insecure = insecure
        self._tokens: dict[tuple[str, str], str] = {}
        """The header that answers the challenge of a registry for a scope."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def manifest(self, name: Reference) -> Manifest:
        """Raises `RegistryError`, also for bytes that are not those of the digest."""
        answer = self._call("GET", name, f"manifests/{name.digest or name.tag}", headers={"Accept": ACCEPT})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        return Manifest(media_type, _checked(answer.content, name.digest), name.digest)

    def blob(self, name: Reference, digest: str) -> bytes:
        return _checked(self._call("GET", name, f"blobs/{digest}").content, digest)

    def push(self, name: Reference, manifest: Manifest) -> None:
        self._call(
            "PUT",
            name,
            f"manifests/{name.tag or manifest.digest}",
            headers={"Content-Type": manifest.media_type},
            data=manifest.data,
        )

    def _call(
        self, method: str, name: Reference, path: str, headers: Mapping[str, str] | None = None, data: bytes = b""
    ) -> Response:
        from requests import RequestException

        url = f"{self._root(name.domain)}/v2/{name.path}/{path}"
        scope = f"repository:{name.path}:{'pull' if method == 'GET' else 'pull,push'}"
        key = (name.domain, scope)
        try:
            answer = self._send(method, url, headers or {}, data, key)
            if answer.status_code == 401:
                self._tokens[key] = self._token(answer.headers.get("WWW-Authenticate", ""), name.domain, scope)
                answer = self._send(method, url, headers or {}, data, key)
        except RequestException as error:
            raise RegistryError(f"{name.domain} does not answer: {error}") from error
        if not answer.ok:
            raise RegistryError(
                f"unexpected status from {method} request to {url}: {answer.status_code} {_said(answer)}"
            )
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str], data: bytes, key: tuple[str, str]) -> Response:
        token = self._tokens.get(key, "")
        given = {**headers, **({"Authorization": token} if token else {})}
        # None is what the environment says.
        verify = False if key[0] == self._insecure else None
        return self._session.request(
            method, url, headers=given, data=data or None, timeout=SECONDS, verify=verify, auth=_as_it_is
        )

    def _root(self, domain: str) -> str:
        host = HUB_HOST if domain == HUB else domain
        is_plain = domain == self._insecure or LOCAL.fullmatch(host)
        return f"{'http' if is_plain else 'https'}://{host}"

    def _token(self, challenge: str, domain: str, scope: str) -> str:
        """The header that answers a registry's challenge."""
        from requests.auth import _basic_auth_str

        found = self._look_up(HUB_HOST if domain == HUB else domain)
        scheme, values = challenge.partition(" ")[0].lower(), dict(CHALLENGE.findall(challenge))
        if scheme == "basic" and found.username:
            return str(_basic_auth_str(found.username, found.secret))
        realm = values.get("realm", "")
        if scheme != "bearer" or urlsplit(realm).scheme not in ("http", "https"):
            raise RegistryError(f"{domain} wants a login: `docker login {domain}`")
        return f"Bearer {self._fetch(realm, {'service': values.get('service', ''), 'scope': scope}, found)}"

    def _fetch(self, realm: str, query: Mapping[str, str], found: Credentials) -> str:
        if found.secret and not found.username:
            form = {**query, "grant_type": "refresh_token", "refresh_token": found.secret, "client_id": "bakec"}
            answer = self._session.post(realm, data=form, timeout=SECONDS, auth=_as_it_is)
        else:
            login = (found.username, found.secret) if found.username else _as_it_is
            answer = self._session.get(realm, params=query, auth=login, timeout=SECONDS)
        if not answer.ok:
            raise RegistryError(f"failed to authorize: {answer.status_code} from {realm}")
        try:
            told = answer.json()
            return str(told.get("token") or told["access_token"])
        except (ValueError, KeyError, AttributeError) as error:
            raise RegistryError(f"failed to authorize: {realm} gave no token") from error


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    """Without this the library would look for a login in `~/.netrc`, and prefer that."""
    return request


def _checked(data: bytes, digest: str) -> bytes:
    if len(data) > LIMIT:
        raise RegistryError(f"{digest} is larger than {LIMIT >> 20} MiB")
    if digest != digest_of(data):
        raise RegistryError(f"the registry's {digest} has other bytes")
    return data


def _said(answer: Response) -> str:
    """The first message of a registry's error."""
    try:
        first = answer.json()["errors"][0]
        return str(first.get("message") or first["code"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return answer.reason or ""
