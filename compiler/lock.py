"""The lock file: which digest each image and repository has, and the configs of the images, as a builder found them.

Canonical JSON: what has not moved keeps its bytes, the time included at which it was found. `bakec lock` writes it, a
person reviews it, `compile` reads it instead of asking.
"""

from __future__ import annotations

import json

from bakec.ir.codes.lock import LOCK_UNREADABLE
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

FORMAT: Final = 1
DEFAULT_PATH: Final = "bakec.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """`digest` is that of the index or manifest. `configs` are image configs as JSON text by platform; none for an
    image that is only run, as a frontend is. `resolved` is when the digest was found (UTC, to the second), `origins`
    are the Dockerfiles and targets that ask for it."""

    digest: str
    configs: Mapping[str, str] = field(default_factory=dict)
    resolved: str = ""
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRepository:
    """`resolved` and `origins` as for images."""

    commit: str
    resolved: str = ""
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """`images` by normalized reference, `repositories` by URL as written. `builder` is the platform of the builder that
    was asked: what a target without a platform is built for."""

    builder: str = ""
    images: Mapping[str, LockedImage] = field(default_factory=dict)
    repositories: Mapping[str, LockedRepository] = field(default_factory=dict)


def dump(lock: Lock) -> bytes:
    """The file: sorted JSON, configs as JSON below their platforms, so that a change in one is a line of a diff."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "builder": lock.builder,
        "images": {
            ref: {
                "digest": image.digest,
                "configs": {name: json.loads(text) for name, text in image.configs.items()},
                **_about(image),
            }
            for ref, image in lock.images.items()
        },
        "repositories": {url: {"commit": one.commit, **_about(one)} for url, one in lock.repositories.items()},
    }
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _about(found: LockedImage | LockedRepository) -> dict[str, Any]:
    return {"resolved": found.resolved, "from": list(found.origins)}


def load(data: bytes, path: str) -> Lock:
    """Raises `Failed`."""
    try:
        body = json.loads(data)
        if body["format"] != FORMAT:
            raise _bad(path, f"it has format {body['format']}, this version reads {FORMAT}")
        return Lock(
            builder=_text(body["builder"]),
            images={ref: _image(one) for ref, one in body["images"].items()},
            repositories={url: _repository(one) for url, one in body["repositories"].items()},
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _bad(path, str(error)) from error
    except KeyError as error:
        raise _bad(path, f"{error} is missing") from error


def _image(data: Any) -> LockedImage:
    return LockedImage(
        digest=_text(data["digest"]),
        configs={_text(name): json.dumps(one, ensure_ascii=False) for name, one in data["configs"].items()},
        resolved=_text(data.get("resolved", "")),
        origins=tuple(map(_text, data.get("from", ()))),
    )


def _repository(data: Any) -> LockedRepository:
    return LockedRepository(
        commit=_text(data["commit"]),
        resolved=_text(data.get("resolved", "")),
        origins=tuple(map(_text, data.get("from", ()))),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {json.dumps(value)}")
    return value


def _bad(path: str, reason: str) -> Exception:
    return fail(LOCK_UNREADABLE.at(None, path=path, reason=reason))
