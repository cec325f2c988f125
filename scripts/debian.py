"""What the scripts of this folder share: Debian's packages, unpacked and never installed, and processes that are
started and ended with all they have made."""

import fcntl
import http.client
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

NEWEST_SUITE = "sid"
START_SECONDS = 60
STOP_SECONDS = 20


class Package(NamedTuple):
    name: str
    version: str
    depends: str

    @property
    def libc(self) -> str:
        match = re.search(r"\blibc6 \(>= ([^)]+)\)", self.depends)
        return match[1] if match else "0"


def die(message: str) -> NoReturn:
    sys.exit(f"scripts/{Path(sys.argv[0]).name}: {message}")


def run(*argv: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return its output; a failure ends the script with what it said."""
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        die(f"`{shlex.join(map(str, argv))}` failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


# Packages


def own_suite() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", NEWEST_SUITE)


def apt_source() -> tuple[str, str]:
    """The mirror and keyring that this machine's own apt uses for its own release."""
    codename = own_suite()
    etc = Path("/etc/apt")
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in path.read_text().split("\n\n"):
            fields = dict(re.findall(r"(?m)^(\w[\w-]*):[ \t]*(.+)$", stanza))
            if codename in fields.get("Suites", "").split():
                return fields["URIs"].split()[0], fields.get("Signed-By", "")
    for path in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))):
        text = path.read_text() if path.exists() else ""
        match = re.search(rf"(?m)^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+{codename}\s", text)
        if match:
            key = re.search(r"signed-by=(\S+)", match[1] or "")
            return match[2], key[1] if key else ""
    die(f"no apt source for {codename} under /etc/apt: cannot tell which mirror to use")


def apt_options(cache: Path) -> list[str]:
    """An apt of our own: it reads the machine's list of installed packages and shares nothing else."""
    apt = cache / "apt"
    return [
        *("-o", f"Dir::State={apt}/state", "-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::Cache={apt}/cache"),
        *("-o", f"Dir::Etc::sourcelist={apt}/debian.sources", "-o", "Dir::Etc::sourceparts=-"),
        # Images of Debian turn these off; without them every look-up parses 150,000 stanzas anew.
        *("-o", "Dir::Cache::pkgcache=pkgcache.bin", "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"),
        *("-o", "APT::Sandbox::User=root", "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"),
    ]


def apt_update(cache: Path, suites: Sequence[str], types: str = "deb") -> None:
    mirror, keyring = apt_source()
    apt = cache / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    signed = f"Signed-By: {keyring}\n" if keyring else ""
    text = f"Types: {types}\nURIs: {mirror}\nSuites: {' '.join(suites)}\nComponents: main\n{signed}"
    (apt / "debian.sources").write_text(text)
    run("apt-get", *apt_options(cache), "update")


def versions(cache: Path, name: str) -> list[Package]:
    """All versions on offer, newest first."""
    command = ("apt-cache", *apt_options(cache), "show", "--all-versions", name)
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    stanzas = (dict(re.findall(r"(?m)^([\w-]+): (.*)$", stanza)) for stanza in listing.split("\n\n"))
    return [Package(name, each["Version"], each.get("Depends", "")) for each in stanzas if each.get("Package") == name]


def is_at_most(version: str, limit: str) -> bool:
    return subprocess.run(("dpkg", "--compare-versions", version, "le", limit), check=False).returncode == 0


def choose(cache: Path, name: str, libc: str, exactly: str = "") -> Package | None:
    """The newest version that the machine's own libc can run."""
    fits = (each for each in versions(cache, name) if is_at_most(each.libc, libc))
    return next((each for each in fits if exactly in ("", each.version)), None)


def installed(name: str) -> str:
    query = ("dpkg-query", "--show", "--showformat=${Version}", name)
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout


def with_libraries(cache: Path, roots: list[Package], libc: str) -> list[Package]:
    """The packages and the shared libraries they need that this machine lacks."""
    chosen = {each.name: each for each in roots}
    queue = list(roots)
    while queue:
        for name, _, exactly in re.findall(r"\b(lib[\w.+-]+)(?: \((=) ([^)]+)\))?", queue.pop().depends):
            if name in chosen or name == "libc6" or (installed(name) and exactly in ("", installed(name))):
                continue
            library = choose(cache, name, libc, exactly) or die(f"no version of {name} runs with libc {libc}")
            chosen[name] = library
            queue.append(library)
    return list(chosen.values())


def unpack(cache: Path, packages: Sequence[Package], into: Path) -> None:
    """Download packages of exactly these versions, and unpack them into a folder."""
    debs = cache / "debs"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    into.mkdir(parents=True, exist_ok=True)
    wanted = [f"{each.name}={each.version}" for each in packages]
    subprocess.run(("apt-get", "-qq", *apt_options(cache), "download", *wanted), cwd=debs, check=True)
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg-deb", "--extract", deb, into)
    shutil.rmtree(debs)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def check_debian(*tools: str) -> None:
    release = platform.freedesktop_os_release() if sys.platform == "linux" else {}
    if release.get("ID") != "debian":
        die(f"needs Debian, whose packages are what runs; this is {release.get('PRETTY_NAME', sys.platform)}")
    missing = [tool for tool in ("apt-get", "dpkg-deb", *tools) if not shutil.which(tool)]
    if missing:
        die(f"needs {', '.join(missing)} on PATH (Debian packages apt, dpkg, iproute2, util-linux)")


# Processes


def alive(pid: int) -> bool:
    """Running, and not a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def spawn(argv: list[str], log: Path, env: dict[str, str]) -> int:
    with log.open("ab") as sink:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, start_new_session=True, cwd="/"
        )
    return process.pid


def wait_for(ready: Callable[[], bool], pid: int, what: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if not alive(pid) or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            die(f"{what} did not come up; the end of {log}:\n{tail}")
        time.sleep(0.05)


def answers(address: str | Path, path: str) -> bool:
    """Whether an HTTP server on a unix socket or `host:port` says 200."""
    try:
        with connect(address) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            reply = http.client.HTTPResponse(connection)
            reply.begin()
            return reply.status == 200
    except (OSError, http.client.HTTPException):
        return False


def connect(address: str | Path) -> socket.socket:
    if isinstance(address, Path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(str(address))
        return connection
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def terminate(pid: int) -> None:
    """Ask, wait, and then insist."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)


def first_child(pid: int) -> int:
    """The init of the engine's namespace as this machine sees it: `unshare` itself passes no signal on."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return int(children.read_text().split()[0]) if children.exists() and children.read_text().strip() else pid


def number(state: dict[str, object], key: str) -> int:
    value = state.get(key)
    return value if isinstance(value, int) else 0


def remove_cgroup(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()
