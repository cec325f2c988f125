"""An image to run a real BuildKit daemon from, for the docker-container driver.

Debian has no package of BuildKit's own daemon, and has the Docker Engine, in which the same BuildKit works. A small
`buildctl` does the two things that drivers ask of it: join its standard streams to the daemon, and tell whether it
answers.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

IMAGE = "bakec-test/buildkit"
PROGRAMS = ("sbin/dockerd", "bin/containerd", "bin/containerd-shim-runc-v2", "sbin/runc", "sbin/docker-init")
ENTRYPOINT = """#!/bin/sh
mkdir -p /tmp /run
exec dockerd --data-root /var/lib/buildkit/engine --exec-root /run/docker --bridge none --iptables=false \\
    --ip6tables=false --feature containerd-snapshotter=true --userland-proxy=false --tls=false --host tcp://127.0.0.1:2375
"""
# The engine loses bytes that come before its answer to the upgrade.
BUILDCTL = """#!/bin/sh
if [ "$1" = debug ]; then
    exec wget -q -O /dev/null http://127.0.0.1:2375/_ping
fi
end=$(printf '\\r')
{ printf 'POST /grpc HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n'; sleep 0.3; cat; } |
    nc 127.0.0.1 2375 | { while read -r line && [ "$line" != "$end" ]; do :; done; cat; }
"""
DOCKERFILE = """FROM scratch
COPY . /
RUN ["/bin/busybox", "--install", "/bin"]
ENTRYPOINT ["/entrypoint"]
"""


def make(folder: Path, prefix: Path, env: Mapping[str, str]) -> str:
    """Build the image on the engine of `env` from the packages unpacked in `prefix`; returns its name."""
    for name in ("bin", "etc", "lib64", "lib", "tmp", "run", "var/lib"):
        (folder / name).mkdir(parents=True)
    shutil.copy(prefix / "usr/bin/busybox", folder / "bin/busybox")
    libraries: set[str] = set()
    for program in PROGRAMS:
        path = prefix / "usr" / program
        shutil.copy(path, folder / "bin" / path.name)
        listed = subprocess.run(("ldd", str(path)), capture_output=True, text=True, check=False).stdout
        libraries.update(re.findall(r"(/\S+) \(0x", listed.replace("=> ", "")))
    for library in libraries:
        where = folder / ("lib64" if "ld-linux" in library else "lib")
        shutil.copy(library, where / Path(library).name)
    for name, text in (("entrypoint", ENTRYPOINT), ("bin/buildctl", BUILDCTL), ("Dockerfile", DOCKERFILE)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "etc/ld.so.conf").write_text("/lib\n")
    (folder / ".dockerignore").write_text("Dockerfile\n")
    command = ("docker", "buildx", "build", "-q", "-t", IMAGE, str(folder))
    subprocess.run(command, env=dict(env), check=True, capture_output=True)
    return IMAGE
