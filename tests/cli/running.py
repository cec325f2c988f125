"""What tests of verbs share: definitions, and repositories with them."""

import os
import subprocess
from collections.abc import Callable

DEFINITIONS = """\
variable "GO_VERSION" {
  default = "1.24"
}
group "default" {
  targets = ["app", "tools"]
}
target "_common" {
  args = { GO_VERSION = GO_VERSION }
}
target "app" {
  inherits = ["_common"]
  tags     = ["example/app:${GO_VERSION}"]
  contexts = { base = "target:base" }
}
target "tools" {}
target "base" {}
"""

Bakec = Callable[..., tuple[int, str, str]]


def git(*argv: str) -> None:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(
        ("git", "-c", "init.defaultBranch=main", *argv), check=True, capture_output=True, env={**os.environ, **identity}
    )
