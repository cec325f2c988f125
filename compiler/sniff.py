"""Files whose name does not tell their format: Compose if it validates as such, else HCL, else JSON."""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.render.ranges import messages
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import Diagnostic, Diagnostics
from bakec.ir.span import Source
from bakec.ir.syntax import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Front = Callable[[Source, Diagnostics], File]
Probe = Callable[[Source], Diagnostic | None]


def sniff(source: Source, probe: Probe | None, fronts: Sequence[Front], sink: Diagnostics) -> File | None:
    """The tree of the first of `fronts` (HCL, JSON) that can read `source`; None for Compose.

    `probe` says why the file is not Compose; None where Compose is out of the question. Messages call the file by its
    name with the extension of the format that was tried.
    """
    problem = probe(source) if probe else None
    if probe and problem is None:
        return None
    attempts: list[Diagnostics] = []
    for front, extension in zip(fronts, (".hcl", ".json"), strict=True):
        tried = Diagnostics()
        tree = front(Source(source.name + extension, source.text), tried)
        if not tried.failed:
            return tree
        attempts.append(tried)
    if problem:
        hcl = messages(attempts[0].errors)
        sink.add(codes.NOT_RECOGNIZED.at(None, name=source.name, yaml=problem.message, hcl=hcl))
    else:
        sink.extend(attempts[0])
    return tree
