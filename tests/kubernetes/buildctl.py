"""A `buildctl` for the pods of the tests' API server: `dial-stdio` joins its standard streams to the BuildKit inside of
a Docker Engine on this machine, so that what is built through a pod is built for real."""

import sys
from pathlib import Path

TEXT = """#!{python}
import socket, sys, threading
daemon = socket.socket(socket.AF_UNIX)
daemon.connect({path!r})
daemon.sendall(b"POST /grpc HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n")
head = b""
while not head.endswith(b"\\r\\n\\r\\n"):
    head += daemon.recv(1)
def out():
    while data := daemon.recv(1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
threading.Thread(target=out, daemon=True).start()
while data := sys.stdin.buffer.read1(1 << 16):
    daemon.sendall(data)
"""


def write(folder: Path, host: str) -> Path:
    """`host` is the DOCKER_HOST of the engine. Returns the folder."""
    folder.mkdir(exist_ok=True)
    program = folder / "buildctl"
    program.write_text(TEXT.format(python=sys.executable, path=host.removeprefix("unix://")))
    program.chmod(0o755)
    return folder
