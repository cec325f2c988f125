"""The Docker client's configuration: credentials and proxies."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from contextlib import suppress
from pathlib import Path

from bakec.ir.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DOCKER_HUB = "https://index.docker.io/v1/"
HUB_HOSTS = frozenset(("registry-1.docker.io", "docker.io", "index.docker.io"))
PROXY_ARGS = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}
HELPER_SECONDS = 60


class Credentials(NamedTuple):
    """A token passes as a secret without a user name."""

    username: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """`config.json` of `folder`. Secrets stay out of its text form."""

    folder: Path
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def credentials(self, host: str) -> Credentials:
        """For a registry host, from a credential helper or from the file. Empty when there are none."""
        key = DOCKER_HUB if host in HUB_HOSTS else host
        helper = self.values.get("credHelpers", {}).get(key) or self.values.get("credsStore")
        if helper:
            return _ask_helper(str(helper), key, self.env)
        auths = self.values.get("auths", {})
        same_host = (auths[name] for name in auths if _hostname(name) == key)
        entry: Mapping[str, Any] = auths.get(key) or next(same_host, {})
        return _from_entry(entry)

    def auth_for_push(self, image: str) -> dict[str, str]:
        """What the engine's API wants for pushing `image`."""
        host = registry_of(image)
        found = self.credentials(host)
        if not found.username:
            return {"identitytoken": found.secret, "serveraddress": host} if found.secret else {}
        return {"username": found.username, "password": found.secret, "serveraddress": host}

    def proxy_args(self, host: str) -> dict[str, str]:
        """Build arguments for the proxies configured for the engine at `host`."""
        proxies = self.values.get("proxies", {})
        chosen = proxies.get(host) or proxies.get("default") or {}
        found = {name: str(chosen[key]) for key, name in PROXY_ARGS.items() if chosen.get(key)}
        return found | {name.lower(): value for name, value in found.items()}


def load(env: Mapping[str, str]) -> DockerConfig:
    """A missing or broken file counts as empty, as it does for the Docker client."""
    folder = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or Path.home()) / ".docker")
    values: Mapping[str, Any] = {}
    with suppress(OSError, ValueError):
        values = json.loads((folder / "config.json").read_text())
    return DockerConfig(folder, values if isinstance(values, dict) else {}, env)


def registry_of(image: str) -> str:
    """The registry host of an image name."""
    first, slash, _ = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def _hostname(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _from_entry(entry: Mapping[str, Any]) -> Credentials:
    if entry.get("identitytoken"):
        return Credentials("", str(entry["identitytoken"]))
    with suppress(ValueError, binascii.Error):
        name, colon, password = base64.b64decode(str(entry.get("auth") or "")).decode().partition(":")
        if colon:
            return Credentials(name, password.rstrip("\0"))
    return Credentials(str(entry.get("username") or ""), str(entry.get("password") or ""))


def _ask_helper(helper: str, key: str, env: Mapping[str, str]) -> Credentials:
    """`docker-credential-HELPER get`. One that knows nothing of the host, or is not there, gives nothing."""
    command = (f"docker-credential-{helper}", "get")
    try:
        done = subprocess.run(
            command,
            input=key,
            capture_output=True,
            text=True,
            env=dict(env),
            timeout=HELPER_SECONDS,
            check=True,
        )
        answer = json.loads(done.stdout)
        name, secret = str(answer["Username"]), str(answer["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return Credentials()
    return Credentials("" if name == "<token>" else name, secret)
