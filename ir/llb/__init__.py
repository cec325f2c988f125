"""LLB, BuildKit's build graph: a small library to make, marshal, read and print it.

States (`image`, `local`, `scratch` … with `.run`, `.file`) build a graph; `State.marshal` turns it into a `Definition`
whose bytes, and therefore digests, are those of BuildKit's own client.
"""

from __future__ import annotations

from bakec.ir.digests import digest_of as digest
from bakec.ir.gojson import dumps as go_json
from bakec.ir.llb.graph import (
    About,
    Copy,
    Defaults,
    LlbError,
    Mkdir,
    Mkfile,
    MountSpec,
    Rm,
    SecretSpec,
    SourceFile,
    SourceLocation,
    SshSpec,
    Symlink,
    named,
)
from bakec.ir.llb.ops import Definition, Op, OpMetadata, decode, decode_op, encode
from bakec.ir.llb.show import dump_definition, dump_op, proto_json
from bakec.ir.llb.sources import git, http, image, local, oci_layout
from bakec.ir.llb.state import RunOptions, State, diff, given, merge, owner, scratch
from bakec.ir.llb.wire import WireError

__all__ = [
    "About",
    "Copy",
    "Defaults",
    "Definition",
    "LlbError",
    "Mkdir",
    "Mkfile",
    "MountSpec",
    "Op",
    "OpMetadata",
    "Rm",
    "RunOptions",
    "SecretSpec",
    "SourceFile",
    "SourceLocation",
    "SshSpec",
    "State",
    "Symlink",
    "WireError",
    "decode",
    "decode_op",
    "diff",
    "digest",
    "dump_definition",
    "dump_op",
    "encode",
    "git",
    "given",
    "go_json",
    "http",
    "image",
    "local",
    "merge",
    "named",
    "oci_layout",
    "owner",
    "proto_json",
    "scratch",
]
