"""What kind of place a context names: a folder here, a repository, a URL, an image, another target."""

import re
from typing import Final

_SCP: Final = re.compile(r"[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:.*", re.DOTALL)
_URL: Final = re.compile(r"(https?|git|ssh)://", re.IGNORECASE)


def is_http(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def is_git(text: str) -> bool:
    """Whether the reference takes `text` for a Git repository: a scheme of its own, `user@host:path`,
    `github.com/…`, or a URL whose path ends in `.git`."""
    if text.startswith(("github.com/",)):
        return True
    match = _URL.match(text)
    if match is None:
        return _SCP.fullmatch(text) is not None
    if match[1].lower() in ("git", "ssh"):
        return True
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    return path.endswith(".git")


def is_git_ssh(text: str) -> bool:
    """Whether fetching the repository needs an SSH agent."""
    return text.lower().startswith("ssh://") or (not _URL.match(text) and _SCP.fullmatch(text) is not None)


def is_remote(text: str) -> bool:
    """Whether the builder fetches it instead of reading it here."""
    return is_http(text) or is_git(text)


def is_elsewhere(text: str) -> bool:
    """Whether a named context is not a folder of this machine."""
    return text.startswith(("target:", "docker-image:", "oci-layout://")) or is_remote(text)
