"""What kind of place a context names: a folder here, a repository, a URL, an image, another target."""

from __future__ import annotations


def is_http(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _may_be_git(text: str) -> bool:
    """False for nearly every context there is, whose run then does without the parser of URLs."""
    return "://" in text or "@" in text or text.startswith("github.com/")


def is_git(text: str) -> bool:
    """Whether the reference takes `text` for a Git repository: a scheme of its own, `user@host:path`,
    `github.com/…`, or a URL whose path ends in `.git`."""
    if not _may_be_git(text):
        return False
    from bakec.ir.giturl import repository

    return repository(text) is not None


def is_git_ssh(text: str) -> bool:
    """Whether fetching the repository needs an SSH agent."""
    if not _may_be_git(text):
        return False
    from bakec.ir import giturl, urls

    try:
        return giturl.parse(text).scheme == "ssh"
    except (giturl.UnknownProtocolError, urls.UrlError):
        return False


def is_remote(text: str) -> bool:
    """Whether the builder fetches it instead of reading it here."""
    return is_http(text) or is_git(text)


def is_elsewhere(text: str) -> bool:
    """Whether a named context is not a folder of this machine."""
    return text.startswith(("target:", "docker-image:", "oci-layout://")) or is_remote(text)
