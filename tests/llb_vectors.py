"""Runs golden LLB vectors: `python -m tests.llb_vectors DIR...`.

A DIR is one case (`Dockerfile`, `input.json`, `expected.json`) or a folder of cases. Failing cases are named with what
differs first; the last line is `N of M`. `-v` shows every difference in full.
"""

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bakec.compiler.dockerfile.faults import Lines
from bakec.compiler.dockerfile.image import from_json, to_json
from bakec.compiler.dockerfile.lower import lower
from bakec.compiler.dockerfile.request import (
    Build,
    ImageAnswer,
    ImageRequest,
    Lowered,
    LowerFailed,
    Request,
    SourceMetadata,
    UnresolvedError,
)
from bakec.ir import platforms
from bakec.ir.digests import digest_of
from bakec.ir.llb import Definition, decode_op, dump_op, references
from bakec.ir.llb.ops import OpMetadata
from bakec.ir.llb.show import dump
from bakec.ir.platforms import Platform

Json = Any


class GoldenResolver:
    """Answers from the `images`, `remote_files` and `source_metadata` of a case."""

    def __init__(self, given: Json, dockerfile: bytes) -> None:
        self._images = {_full_name(name): image for name, image in given.get("images", {}).items()}
        self._files = given.get("remote_files", {})
        self._metadata = given.get("source_metadata", {})
        self._dockerfile = dockerfile

    def image(self, request: ImageRequest) -> ImageAnswer:
        image = self._images.get(request.ref)
        if image is None:
            raise UnresolvedError(f"failed to resolve source metadata for {request.ref}: {request.ref}: not found")
        config = _variant(image["variants"], request.platform)
        if config is None:
            raise UnresolvedError(f"failed to resolve source metadata for {request.ref}: no match for platform")
        return ImageAnswer(
            ref=image.get("updated_ref") or request.ref,
            digest=image.get("digest", ""),
            config=json.dumps(config).encode(),
        )

    def remote_file(self, identifier: str, path: str) -> bytes:
        text = self._files.get(identifier, {}).get(path)
        if text is None:
            raise UnresolvedError(f"open {path}: no such file or directory")
        if text == "@Dockerfile":
            return self._dockerfile
        if text.startswith("base64:"):
            return base64.b64decode(text.removeprefix("base64:"))
        return str(text).encode()

    def pin(self, source: str) -> str:
        del source
        return ""

    def metadata(self, identifier: str) -> SourceMetadata:
        known = self._metadata.get(identifier, {})
        commit = known.get("git_commit_object", "") or known.get("git_commit", "")
        modified = known.get("http_last_modified")
        return SourceMetadata(commit=commit.encode(), last_modified=_seconds(modified) if modified else None)


def _seconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp())


def _full_name(name: str) -> str:
    try:
        return str(references.parse_normalized(name).tagged())
    except references.ImageNameError:
        return name


def _variant(variants: list[Json], platform: Platform | None) -> Json | None:
    wanted = platforms.normalize(platform or platforms.AMD64)
    known = [(platforms.normalize(platforms.parse(item["platform"])), item["config"]) for item in variants]
    for found, config in known:
        if (found.os, found.architecture, found.variant) == (wanted.os, wanted.architecture, wanted.variant):
            return config
    for found, config in known:
        if (found.os, found.architecture) == (wanted.os, wanted.architecture):
            return config
    return known[0][1] if len(known) == 1 else None


def request_of(given: Json, dockerfile: bytes) -> Request:
    """The request that the input of a case stands for."""
    worker = platforms.parse(given.get("worker_platform", "linux/amd64"))
    attrs = dict(given.get("attrs", {}))
    inputs = {}
    for name, source in given.get("frontend_inputs", {}).items():
        inner = {key: given[key] for key in ("images", "session_id", "worker_platform") if key in given}
        made = lower(request_of(inner, source["dockerfile"].encode()))
        inputs[name] = made.builds[0].definition
        if source.get("with_metadata"):
            config = base64.b64encode(made.builds[0].config).decode()
            attrs[f"input-metadata:{name}"] = json.dumps({"containerimage.config": config}, separators=(",", ":"))
    files = {
        name: {path: str(text).encode() for path, text in found.items()}
        for name, found in given.get("local_files", {}).items()
    }
    return Request(
        dockerfile=dockerfile,
        attrs=attrs,
        resolver=GoldenResolver(given, dockerfile),
        local_files=files,
        inputs=inputs,
        session=given.get("session_id", ""),
        worker=worker,
        missing_caps=frozenset(given.get("disabled_llb_caps", ())),
        direct=given.get("mode") == "direct",
        source_map=not given.get("no_source_map", False),
        local_unique=given.get("local_unique_id", ""),
    )


def lines_text(lines: Lines | None) -> list[str]:
    return [f"{number}:0-{number}:0" for number in lines.numbers] if lines else []


def shown_definition(key: str, definition: Definition, groups: dict[str, str] | None = None) -> Json:
    """A definition in the layout of `expected.json`."""
    shown: dict[str, Json] = {"id": key, "head_digest": "", "head_index": 0, "terminal_digest": "", "ops": []}
    if not definition.ops:
        return shown
    head = definition.terminal
    assert head is not None
    shown |= {"head_digest": head.digest, "head_index": head.index}
    shown["terminal_digest"] = digest_of(definition.ops[-1])
    for data in definition.ops:
        name = digest_of(data)
        row: dict[str, Json] = {
            "digest": name,
            "pb": base64.b64encode(data).decode(),
            "op": dump_op(decode_op(data)),
            "metadata": _metadata(definition.metadata.get(name, OpMetadata()), groups),
        }
        places = _places(definition, name)
        if places:
            row["locations"] = places
        shown["ops"].append(row)
    return shown


def _metadata(metadata: OpMetadata, groups: dict[str, str] | None) -> Json:
    shown: Json = dump(metadata)
    group = shown.get("progress_group")
    if group and groups is not None:
        group["id"] = groups.setdefault(group["id"], f"<progress-group-{len(groups) + 1}>")
    return shown


def _places(definition: Definition, name: str) -> list[str]:
    found = definition.source.locations.get(name) if definition.source else None
    places = []
    for location in found.locations if found else ():
        for item in location.ranges:
            start, end = item.start, item.end
            assert start is not None
            assert end is not None
            places.append(f"{start.line}:{start.character}-{end.line}:{end.character}")
    return places


def shown_result(result: Lowered, failed: LowerFailed | None, given: Json) -> Json:
    """What a case gave, in the layout of `expected.json`."""
    direct = given.get("mode") == "direct"
    shown: dict[str, Json] = {"warnings": _warnings(result)}
    if failed is not None:
        shown["error"] = {"message": failed.message}
        if failed.locations:
            shown["error"]["lines"] = [lines_text(lines) for lines in failed.locations]
    if result.builds and failed is None:
        shown["builds"] = [_build(build) for build in sorted(result.builds, key=lambda build: build.id)]
    if result.image_requests:
        shown["image_config_requests"] = sorted((_request(item) for item in result.image_requests), key=_key)
    if result.pre_solves:
        shown["pre_solves"] = [shown_definition("", item) for item in result.pre_solves]
    if result.subrequest is not None:
        shown["subrequest_result"] = {key: value.decode() for key, value in result.subrequest.items()}
    elif failed is None and not direct and result.builds:
        shown["result_metadata_keys"] = sorted(result.metadata)
        shown["refs.platforms"] = json.loads(result.metadata["refs.platforms"])
    if result.forward is not None:
        attrs = {f"opt:{key}": value for key, value in result.forward.attrs.items()}
        shown["forwarded_frontend"] = {"frontend": result.forward.frontend, **attrs}
    if result.scan_targets:
        shown["sbom"] = sorted(item.terminal.digest for item in result.scan_targets.values() if item.terminal)
    return shown


def _key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _warnings(result: Lowered) -> list[Json]:
    rows = []
    for warning in result.warnings:
        row = {"short": warning.short, "detail": warning.detail, "url": warning.url, "level": 1}
        rows.append({key: value for key, value in row.items() if value} | {"lines": lines_text(warning.lines)})
    return rows


def _build(build: Build) -> Json:
    shown = shown_definition(build.id, build.definition, {})
    shown["image_config_raw"] = build.config.decode()
    shown["image_config"] = json.loads(build.config)
    if build.base_config is not None:
        shown["base_image_config"] = json.loads(build.base_config)
    if build.epoch is not None:
        shown["source_date_epoch"] = str(build.epoch)
    return shown


def _request(request: ImageRequest) -> Json:
    platform = platforms.full_name(request.platform or platforms.AMD64)
    row = {
        "ref": request.ref,
        "platform": platform,
        "resolve_mode": request.resolve_mode,
        "log_name": request.log_name,
    }
    return {key: value for key, value in row.items() if value}


def _asked(row: Json) -> Json:
    """A question for an image config by the keys that every such question has."""
    keys = ("ref", "platform", "resolve_mode", "log_name")
    return {key: row[key] for key in keys if row.get(key)}


_UNORDERED: Mapping[str, Callable[[Json], Json]] = {
    "warnings": lambda rows: sorted(rows, key=_key),
    "pre_solves": lambda rows: sorted(rows, key=_key),
    "image_config_requests": lambda rows: sorted(map(_asked, rows), key=_key),
}


def differences(expected: Json, actual: Json, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, as `path: expected != actual`."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in [*expected, *(key for key in actual if key not in expected)]:
            yield from differences(expected.get(key), actual.get(key), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for at, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(left, right, f"{path}[{at}]")
    elif expected != actual:
        yield f"{path}: expected {expected!r}, got {actual!r}"


def _prepared(value: Json, *, raw: bool) -> Json:
    """A result with what has no order sorted, and base configs read as configs."""
    value = dict(value)
    for key, order in _UNORDERED.items():
        if value.get(key):
            value[key] = order(value[key])
    if raw:
        for build in value.get("builds") or ():
            if "base_image_config" in build:
                text = json.dumps(build["base_image_config"]).encode()
                build["base_image_config"] = json.loads(to_json(from_json(text)))
    return value


def run_case(folder: Path) -> list[str]:
    """The differences of one case; none means it passes."""
    given = json.loads((folder / "input.json").read_text())
    expected = json.loads((folder / "expected.json").read_text())
    dockerfile = (folder / "Dockerfile").read_bytes()
    failed: LowerFailed | None = None
    try:
        result = lower(request_of(given, dockerfile))
    except LowerFailed as failure:
        failed, result = failure, failure.partial
    actual = shown_result(result, failed, given)
    _reduce_scans(expected, actual)
    return list(differences(_prepared(expected, raw=False), _prepared(actual, raw=True)))


def _reduce_scans(expected: Json, actual: Json) -> None:
    """Compare SBOM scan targets by the digests of their heads alone; the result itself may be named as well."""
    if "sbom" not in expected:
        actual.pop("sbom", None)
        return
    found = set(re.findall("sha256:[0-9a-f]{64}", json.dumps(expected["sbom"])))
    results = {build["head_digest"] for build in expected.get("builds", ())}
    expected["sbom"] = sorted(found - results)
    actual["sbom"] = sorted(set(actual.get("sbom", ())) - results)


def cases_in(folders: list[Path]) -> list[Path]:
    """All cases of the given folders, in order."""
    cases: list[Path] = []
    for folder in folders:
        if (folder / "expected.json").exists():
            cases.append(folder)
        else:
            cases += sorted(path.parent for path in folder.glob("*/expected.json"))
    return cases


def main(arguments: list[str]) -> int:
    verbose = "-v" in arguments
    cases = cases_in([Path(item) for item in arguments if item != "-v"])
    passed = 0
    for case in cases:
        found = run_case(case)
        passed += not found
        for text in found if verbose else found[:1]:
            print(f"FAIL {case.name}: {text if verbose else text[:300]}")
    print(f"{passed} of {len(cases)}")
    return 0 if passed == len(cases) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
