"""Inheritance: a target with what its ancestors define and what was set for each of them."""

from __future__ import annotations

from bakec.compiler.merge import merge, normalize
from bakec.compiler.overrides import OverrideProblem, apply
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.module import Target
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.values import Value, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.compiler.merge import Fields
    from bakec.compiler.overrides import Overrides
    from bakec.ir.module import TargetDef


class Inheritance:
    """Resolves targets of one set of definitions; each is worked out once.

    Inheriting in a circle is allowed: an ancestor that is being resolved counts as empty. What was worked out while
    one was left out so is not kept, because it depends on where the circle was entered.
    """

    def __init__(self, targets: Mapping[str, TargetDef], overrides: Overrides) -> None:
        self.targets = targets
        self.overrides = overrides
        self._done: dict[str, Fields] = {}

    def resolve(self, name: str, user: Value | None = None) -> Target:
        """The target `name`, complete. Raises `Failed` for unknown names and bad overrides; `user` is the text that
        asked for it."""
        fields = dict(self._resolve(name, user))
        fields.setdefault("context", _default(self.targets[name].default_context, "context"))
        dockerfile = fields.get("dockerfile")
        if not isinstance(dockerfile, Value) or not dockerfile.raw:
            fields["dockerfile"] = _default("Dockerfile", "dockerfile")
        return Target(name=name, fields=fields, span=self.targets[name].span)

    def _resolve(self, name: str, user: Value | None) -> Fields:
        """Depth first without recursion: chains of ancestors may be thousands long."""
        running: dict[str, int] = {}
        local: dict[str, Fields] = {}
        stack: list[tuple[str, Value | None, bool]] = [(name, user, False)]
        lowest: dict[str, int] = {}
        while stack:
            current, used_by, ready = stack.pop()
            if ready:
                self._finish(current, local, running, lowest)
            elif current not in self._done and current not in local and current not in running:
                definition = self.targets.get(current)
                if definition is None:
                    where = used_by.origin.span if used_by and used_by.origin else None
                    raise fail(codes.NO_TARGET.at(where, name=current))
                running[current] = len(running)
                stack.append((current, used_by, True))
                stack.extend((parent.text, parent, False) for parent in reversed(definition.inherits))
        return self._done[name] if name in self._done else local[name]

    def _finish(self, name: str, local: dict[str, Fields], running: dict[str, int], lowest: dict[str, int]) -> None:
        definition = self.targets[name]
        own = running.pop(name)
        low = own
        inherited: Fields = {}
        for parent in definition.inherits:
            known = self._done.get(parent.text)
            if known is None:
                known = local.get(parent.text)
                low = min(low, running.get(parent.text, own), lowest.get(parent.text, own))
            if known is not None:
                inherited = merge(inherited, known)
        try:
            fields = normalize(apply(merge(inherited, definition.fields), self.overrides.get(name, {})))
        except OverrideProblem as error:
            raise fail(codes.BAD_OVERRIDE.at(None, reason=error)) from error
        if low < own:
            local[name] = fields
            lowest[name] = low
        else:
            self._done[name] = fields


def _default(text: str, field: str) -> Value:
    return string(text).with_origin(Origin(OriginKind.IMPLICIT, field, None))
