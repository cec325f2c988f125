"""Folding: declarations to values, on demand, and blocks to definitions of targets and groups.

The order is the reference's, because it decides which error comes first: variables, validations, functions, names of
blocks (with their matrices), blocks in source order, and last the global attributes that nothing used.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain

from bakec.compiler.declarations import missing_span
from bakec.compiler.decode import DecodeError, decode, decode_strings, encode
from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.eval.evaluate import elements, evaluate_whole
from bakec.compiler.eval.overrides import OverrideError, override
from bakec.compiler.eval.ranges import start_span
from bakec.compiler.eval.scope import Budget, DependencyFailed, Scope
from bakec.compiler.eval.typeexpr import type_constraint
from bakec.compiler.jsonwriter import shown
from bakec.compiler.rebase import bases_of
from bakec.ir import syntax
from bakec.ir.codes import define as codes
from bakec.ir.codes import evaluate as evaluate_codes
from bakec.ir.fields import FIELDS
from bakec.ir.module import Definitions, GroupDef, TargetDef, VariableInfo
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.records import dataclass, field
from bakec.ir.syntax import ScopeTraversal
from bakec.ir.types import BOOL, DYNAMIC, STRING
from bakec.ir.values import UNKNOWN, UNKNOWN_VALUE, Value, object_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Final, NoReturn

    from bakec.compiler.declarations import Declarations, FunctionDecl, VariableDecl
    from bakec.compiler.host import Host
    from bakec.ir.diagnostics import Diagnostic, Diagnostics, Rule
    from bakec.ir.module import FieldValue
    from bakec.ir.span import Span
    from bakec.ir.syntax import Attribute, Block, Expr
    from bakec.ir.types import Type

TARGET_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
MAX_INSTANCES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Where values from outside come from: `--var`, then the environment unless that is switched off."""

    flags: Mapping[str, str]
    env: Mapping[str, str]

    def find(self, name: str) -> tuple[str, OriginKind] | None:
        if name in self.flags:
            return self.flags[name], OriginKind.FLAG
        if name in self.env:
            return self.env[name], OriginKind.ENVIRONMENT
        return None


@dataclass(slots=True)
class _Instance:
    """One target or group that a block makes: one of a matrix, or the block itself."""

    block: Block
    name: str
    scope: Scope
    values: dict[str, FieldValue | None] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)


class Folder:
    """The `World` of expressions: evaluates names when they are first asked for."""

    def __init__(
        self,
        declarations: Declarations,
        builtins: Mapping[str, str],
        overrides: Overrides,
        host: Host,
        *,
        traces: bool = True,
    ) -> None:
        self.declarations = declarations
        self.overrides = overrides
        self.host = host
        self.traces = traces
        self.budget = Budget()
        self.scope = Scope(self)
        self.values: dict[str, Value] = {
            name: string(text).with_origin(Origin(OriginKind.BUILTIN, name, None)) for name, text in builtins.items()
        }
        self.builtins = builtins
        self.types: dict[str, Type | None] = {}
        self.sources: dict[str, str] = {}
        self.instances: dict[str, dict[str, list[_Instance]]] = {}
        self.evaluated: set[str] = set()
        self._expanded: list[tuple[Block, list[_Instance]]] = []
        self._running: set[str] = set()
        self._reading: list[Expr] = []
        self._functions_done: set[str] = set()
        self._hidden_functions: Collection[str] = ()
        self._hidden_attributes: Collection[str] = ()
        self._now: float | None = None

    # --- the World ----------------------------------------------------------------------------------------------

    def variable(self, name: str) -> Value | None:
        found = self.values.get(name)
        if name in self._hidden_attributes:
            return None
        if found is not None:
            return found
        if name not in self.declarations.attributes and name not in self.declarations.variables:
            return None
        with self._guard(name, f"variable cycle not allowed for {name}"):
            try:
                value = self._resolve(name)
            except (OverrideError, ConvertError) as error:
                self._fail(str(error))
        self.values[name] = value
        return value

    def is_block_type(self, name: str) -> bool:
        return name in self.instances

    def function(self, name: str) -> FunctionDecl | None:
        return None if name in self._hidden_functions else self.declarations.functions.get(name)

    def variable_names(self) -> Iterable[str]:
        names = chain(self.values, self.declarations.variables, self.declarations.attributes)
        return (name for name in names if name not in self._hidden_attributes)

    def function_names(self) -> Iterable[str]:
        return (name for name in self.declarations.functions if name not in self._hidden_functions)

    def timestamp(self) -> float:
        """One time for the whole compilation: that of `SOURCE_DATE_EPOCH`, else that of the first question."""
        if self._now is None:
            epoch = self.host.env.get("SOURCE_DATE_EPOCH", "")
            self._now = float(epoch) if epoch.isdecimal() else self.host.now()
        return self._now

    def random_bytes(self, count: int) -> bytes:
        return self.host.random_bytes(count)

    @property
    def env(self) -> Mapping[str, str]:
        return self.host.env

    def reference(self, traversal: ScopeTraversal) -> tuple[Value, int] | Diagnostic:
        kind, steps = traversal.root, traversal.steps
        if not steps:
            self._fail(f"cannot access {kind} as a variable")
        if not isinstance(steps[0], syntax.AttrStep):
            self._fail(f"cannot traverse {kind} without attribute")
        name = steps[0].name
        instances = self.instances[kind].get(name)
        if not instances:
            if kind not in self.evaluated:
                return evaluate_codes.MISSING_ELEMENT.at(steps[0].span, key=name)
            reason = f'This object does not have an attribute named "{name}".'
            return evaluate_codes.UNSUPPORTED_ATTRIBUTE.at(steps[0].span, reason=reason)
        if len(steps) == 1 or not isinstance(steps[1], syntax.AttrStep):
            return self._whole_block(kind, instances), 1
        attribute = steps[1].name
        value: Value | None = None
        for instance in instances:
            value = self._block_attribute(kind, instance, attribute)
        if value is None:
            reason = f'This object does not have an attribute named "{attribute}".'
            return evaluate_codes.UNSUPPORTED_ATTRIBUTE.at(steps[1].span, reason=reason)
        origin = Origin(OriginKind.REFERENCE, f"{kind}.{name}.{attribute}", traversal.span, _inputs(value))
        return value.with_origin(origin), 2

    # --- variables ----------------------------------------------------------------------------------------------

    def fold_variables(self, sink: Diagnostics) -> None:
        """Evaluate every declared variable, then every validation."""
        for name, declared in self.declarations.variables.items():
            try:
                self._fold_variable(name, declared, sink)
            except DependencyFailed as error:
                sink.extend(error.diagnostics)
        rules = [rule for declared in self.declarations.variables.values() for rule in declared.validations]
        if sink.failed or not rules:
            return
        self._hidden_functions, self._hidden_attributes = self._unused_by_defaults()
        for rule in rules:
            self._validate(rule.condition, rule.error_message, rule.span, sink)
        self._hidden_functions = self._hidden_attributes = ()

    def _unused_by_defaults(self) -> tuple[Collection[str], Collection[str]]:
        """Functions and global attributes that no default needs: the reference defines those after it has validated."""
        functions, attributes = dict(self.declarations.functions), dict(self.declarations.attributes)
        left = [(one.default.expr, set[str]()) for one in self.declarations.variables.values() if one.default]
        while left:
            expr, local = left.pop()
            for called in _calls(expr):
                function = functions.pop(called, None)
                if function is not None:
                    left.append((function.result, {*function.parameters, function.variadic}))
            for root in _free_names(expr, local):
                attribute = attributes.pop(root, None)
                if attribute is not None:
                    left.append((attribute.expr, set()))
        return functions.keys(), attributes.keys()

    def _fold_variable(self, name: str, declared: VariableDecl, sink: Diagnostics) -> None:
        if name in self.values:
            return
        try:
            self._running.add(name)
            self.values[name] = self._resolve(name)
        except (OverrideError, ConvertError) as error:
            sink.add(codes.INVALID_VALUE.at(declared.missing, reason=error))
            self.values[name] = UNKNOWN_VALUE
        finally:
            self._running.discard(name)

    def _resolve(self, name: str) -> Value:
        """The value of a variable or global attribute, override included."""
        declared = self.declarations.variables.get(name)
        attribute = self.declarations.attributes.get(name)
        kind: Type | None = None
        default = attribute
        if attribute is None and declared is not None:
            default = declared.default
            kind = self._type(declared)
        value = self._default(name, default, kind)
        self.types[name] = kind
        text, source, is_json = self._override(name, kind) if declared else (None, None, False)
        if text is None or source is None:
            self.sources[name] = OriginKind.DEFAULT.value if declared else OriginKind.GLOBAL.value
            shape = OriginKind.GLOBAL if attribute else OriginKind.VARIABLE
            span = default.name_span if default else declared.span if declared else None
            if value is None:
                value = string("") if kind is None else Value(kind, None)
            return value.with_origin(Origin(shape, name, span, _inputs(value)))
        self.sources[name] = source.value
        changed = override(name, kind, value, text, is_json)
        origin = Origin(source, name + "_JSON" if is_json else name, None)
        return changed.with_origin(Origin(OriginKind.VARIABLE, name, declared.span if declared else None, (origin,)))

    def _default(self, name: str, default: Attribute | None, kind: Type | None) -> Value | None:
        if default is None:
            return None
        value = self._dependency(default.expr, self.scope)
        if kind is None:
            return value
        try:
            return convert(value, kind)
        except ConvertError as error:
            wanted = kind.friendly_name()
            raise ConvertError(f"invalid type {wanted} for variable {name} default value: {error}") from error

    def _type(self, declared: VariableDecl) -> Type | None:
        if declared.type is None:
            return None
        sink: list[Diagnostic] = []
        kind = type_constraint(declared.type, sink)
        if sink:
            raise DependencyFailed(sink)
        return kind

    def _override(self, name: str, kind: Type | None) -> tuple[str | None, OriginKind | None, bool]:
        """The text that overrides a declared variable, where it is from, and whether it came as `NAME_JSON`."""
        plain = self.overrides.find(name)
        json_name = f"{name}_JSON"
        if plain is None or kind is not None:
            free = json_name not in self.declarations.variables and json_name not in self.builtins
            found = self.overrides.find(json_name) if free else None
            if found:
                return found[0], found[1], True
        return (*plain, False) if plain else (None, None, False)

    def _validate(self, condition: Expr | None, message: Expr | None, missing: Span, sink: Diagnostics) -> None:
        reported: list[Diagnostic] = []
        result = evaluate_whole(condition, self.scope, reported) if condition else Value(DYNAMIC, None)
        subject = condition.span if condition else missing
        if reported:
            sink.extend(reported)
        elif result.raw is None:
            reason = "Condition expression must return either true or false, not null."
            sink.add(codes.CONDITION_RESULT.at(subject, reason=reason))
        else:
            self._check_condition(result, message, subject, sink)

    def _check_condition(self, result: Value, message: Expr | None, subject: Span, sink: Diagnostics) -> None:
        try:
            passed = convert(result, BOOL)
        except ConvertError as error:
            sink.add(codes.CONDITION_RESULT.at(subject, reason=f"Invalid condition result value: {error}"))
            return
        if passed.raw is True:
            return
        reported: list[Diagnostic] = []
        text = evaluate_whole(message, self.scope, reported) if message else Value(DYNAMIC, None)
        sink.extend(reported)
        if not reported:
            shown = text.raw if isinstance(text.raw, str) else "This check failed, but has an invalid error message."
            sink.add(codes.VALIDATION_FAILED.at(subject, message=shown))

    # --- functions ----------------------------------------------------------------------------------------------

    def check_functions(self, sink: Diagnostics) -> None:
        """Report what every `function` refers to but nobody defines, and functions that call themselves."""
        for name, function in self.declarations.functions.items():
            try:
                self._check_function(name, function, ())
            except DependencyFailed as error:
                sink.extend(error.diagnostics)
            except RecursionError:
                sink.add(evaluate_codes.TOO_DEEP.at(function.span))
                return

    def _check_function(self, name: str, function: FunctionDecl, above: tuple[str, ...]) -> None:
        if name in self._functions_done:
            return
        local = {*function.parameters, function.variadic}
        with self._reading_expr(function.result):
            for called in _calls(function.result):
                inner = self.declarations.functions.get(called)
                if called in (*above, name) and inner is not None:
                    self._fail(f"function cycle not allowed for {called}")
                if inner is not None:
                    self._check_function(called, inner, (*above, name))
                elif not _is_standard(called):
                    self._fail(f'function "{called}" does not exist: undefined')
            for root in _free_names(function.result, local):
                if self.variable(root) is None:
                    self._fail(f'variable "{root}" does not exist: undefined')
        self._functions_done.add(name)

    # --- blocks -------------------------------------------------------------------------------------------------

    def expand_blocks(self, sink: Diagnostics) -> Mapping[str, list[str]]:
        """Name every block and expand its matrix. Returns the names made by each label of a target."""
        renamed: dict[str, list[str]] = {}
        instances: dict[str, dict[str, list[_Instance]]] = {"target": {}, "group": {}}
        for block in self.declarations.blocks:
            try:
                found = self._instances(block)
            except DependencyFailed as error:
                sink.extend(error.diagnostics)
                continue
            except ValueError as error:
                label = block.label_spans[0]
                sink.add(codes.INVALID_NAME.at(label, context=label, reason=error))
                continue
            self._expanded.append((block, found))
            for instance in found:
                instances[block.type].setdefault(instance.name, []).append(instance)
            if block.type == "target":
                renamed.setdefault(block.labels[0], []).extend(instance.name for instance in found)
        self.instances = instances
        return renamed

    def _instances(self, block: Block) -> list[_Instance]:
        """The instances of a block; `ValueError` carries the reference's message about its name."""
        attributes = block.body.attributes
        matrix, name = attributes.get("matrix"), attributes.get("name")
        if block.type == "group":
            for unsupported in ("matrix", "name"):
                if unsupported in attributes:
                    raise ValueError(f"{unsupported} is not supported for groups")
        scopes = [self.scope] if matrix is None else list(self._bindings(matrix))
        label = block.labels[0]
        if scopes:
            check_name(label)
        if name is not None and matrix is None:
            raise ValueError("name requires matrix")
        seen: set[str] = set()
        found: list[_Instance] = []
        for scope in scopes:
            own = self._name(name, scope) if name else label
            check_name(own)
            if own in seen:
                raise ValueError(f'duplicate name "{own}"')
            seen.add(own)
            found.append(_Instance(block, own, scope))
        return found

    def _name(self, name: Attribute, scope: Scope) -> str:
        value = self._dependency(name.expr, scope)
        try:
            text = convert(value, STRING)
        except ConvertError as error:
            raise ValueError(str(error)) from error
        if not isinstance(text.raw, str):
            raise ValueError("name must not be null")
        return text.raw

    def _bindings(self, matrix: Attribute) -> Iterator[Scope]:
        """One scope for each combination of values; the first key, in sorted order, varies fastest."""
        value = self._dependency(matrix.expr, self.scope)
        if not isinstance(value.raw, dict):
            raise ValueError("matrix must be a map")
        combinations: list[dict[str, Value]] = [{}]
        for key, items in value.raw.items():
            if not isinstance(items.raw, tuple | dict):
                raise ValueError("matrix values must be a list")
            choices = [_matrix_item(key, item, matrix.span) for _, item in elements(items)]
            if len(combinations) * len(choices) > MAX_INSTANCES:
                raise ValueError(f"matrix makes more than {MAX_INSTANCES} targets")
            combinations = [{**one, key: item} for item in choices for one in combinations]
        return (self.scope.child(names) for names in combinations)

    def decode_blocks(self, sink: Diagnostics) -> tuple[list[TargetDef], list[GroupDef]]:
        """Evaluate all attributes of all blocks, in source order."""
        targets: list[TargetDef] = []
        groups: list[GroupDef] = []
        for block, instances in self._expanded:
            for instance in instances:
                reported: list[Diagnostic] = []
                try:
                    if block.type == "target":
                        targets.append(self._target(instance, reported))
                    else:
                        groups.append(self._group(instance, reported))
                except DependencyFailed as error:
                    reported.extend(error.diagnostics)
                sink.extend(reported)
                self.evaluated.add(block.type)
                if reported:
                    break
        return targets, groups

    def _target(self, instance: _Instance, sink: list[Diagnostic]) -> TargetDef:
        body = instance.block.body
        fields: dict[str, FieldValue] = {}
        for name, attribute in body.attributes.items():
            if name in FIELDS:
                value = self._field(instance, name, attribute, sink)
                if value is not None:
                    fields[name] = value
        inherits = body.attributes.get("inherits")
        parents: FieldValue | None = ()
        if inherits is not None:
            parents = self._once(instance, "inherits", lambda: self._parents(inherits, instance.scope, sink)) or ()
        assert isinstance(parents, tuple)
        return TargetDef(
            name=instance.name,
            fields=fields,
            inherits=tuple(item for item in parents if isinstance(item, Value)),
            span=instance.block.header,
            bases=self._bases(instance, fields),
        )

    def _bases(self, instance: _Instance, fields: Mapping[str, FieldValue]) -> dict[str, str]:
        """Where paths are relative to; a context copied from another target stays relative to that one's file."""
        bases = bases_of(fields, instance.block.header.source)
        context = instance.block.body.attributes.get("context")
        match context and context.expr:
            case ScopeTraversal(root="target", steps=(syntax.AttrStep(name=name), syntax.AttrStep(name="context"))):
                for other in self.instances["target"].get(name, ()):
                    bases["context"] = bases_of({}, other.block.header.source).get("", "")
        return bases

    def _group(self, instance: _Instance, sink: list[Diagnostic]) -> GroupDef:
        attributes = instance.block.body.attributes
        members = attributes.get("targets")
        if members is None:
            sink.append(codes.MISSING_ARGUMENT.at(missing_span(instance.block.body), name="targets"))
            return GroupDef(name=instance.name, targets=())
        names = self._once(instance, "targets", lambda: self._parents(members, instance.scope, sink))
        description = attributes.get("description")
        text = self._field(instance, "description", description, sink) if description else None
        assert names is None or isinstance(names, tuple)
        unique = {item.raw: item for item in names or () if isinstance(item, Value)}
        return GroupDef(
            name=instance.name,
            targets=None if names is None else tuple(unique.values()),
            description=text.text if isinstance(text, Value) else "",
            span=instance.block.header,
        )

    def _field(self, instance: _Instance, name: str, attribute: Attribute, sink: list[Diagnostic]) -> FieldValue | None:
        return self._once(instance, name, lambda: self._decode(name, attribute.expr, instance.scope, sink))

    def _once(self, instance: _Instance, name: str, make: Callable[[], FieldValue | None]) -> FieldValue | None:
        if name not in instance.values:
            instance.values[name] = make()
        return instance.values[name]

    def _decode(self, name: str, expr: Expr, scope: Scope, sink: list[Diagnostic]) -> FieldValue | None:
        value = self._read(expr, scope, sink)
        try:
            return decode(FIELDS[name], value)
        except DecodeError as error:
            sink.append(codes.UNSUITABLE.at(start_span(expr), context=expr.span, reason=error))
            return None

    def _parents(self, attribute: Attribute, scope: Scope, sink: list[Diagnostic]) -> tuple[Value, ...] | None:
        expr = attribute.expr
        try:
            return decode_strings(self._read(expr, scope, sink))
        except DecodeError as error:
            sink.append(codes.UNSUITABLE.at(start_span(expr), context=expr.span, reason=error))
            return ()

    def _block_attribute(self, kind: str, instance: _Instance, name: str) -> Value | None:
        """The value of one attribute of a block as a reference sees it, None for a name no block has."""
        if name == "name":
            return string(instance.name)
        if name not in (_GROUP_ATTRIBUTES if kind == "group" else _TARGET_ATTRIBUTES):
            return None
        attribute = instance.block.body.attributes.get(name)
        sink: list[Diagnostic] = []
        value: FieldValue | None = None
        with self._referring(kind, instance, name):
            if attribute is not None and name in ("inherits", "targets"):
                value = self._once(instance, name, lambda: self._parents(attribute, instance.scope, sink)) or ()
            elif attribute is not None:
                value = self._field(instance, name, attribute, sink)
        self.evaluated.add(kind)
        if sink:
            raise DependencyFailed(sink)
        field_row = FIELDS.get(name, FIELDS["tags"])
        origin = Origin(OriginKind.LITERAL, "", attribute.span) if attribute else None
        return encode(field_row, value, origin)

    @contextmanager
    def _referring(self, kind: str, instance: _Instance, name: str) -> Iterator[None]:
        """One reference to an attribute at a time. The evaluation of the block itself is none: a circle is reported
        where it is entered for the second time."""
        if name in instance.running:
            self._fail(f"reference cycle not allowed for {kind}.{instance.name}.{name}")
        instance.running.add(name)
        try:
            yield
        finally:
            instance.running.discard(name)

    def _whole_block(self, kind: str, instances: list[_Instance]) -> Value:
        names = _GROUP_ATTRIBUTES if kind == "group" else _TARGET_ATTRIBUTES
        items: dict[str, Value] = {}
        for instance in instances:
            for name in ("name", *names):
                value = self._block_attribute(kind, instance, name)
                if value is not None:
                    items[name] = value
        return object_(items)

    def fold_globals(self, sink: Diagnostics) -> None:
        """Evaluate the global attributes that nothing has used: an error in one is still an error."""
        for name, attribute in self.declarations.attributes.items():
            if name in self.values:
                continue
            try:
                self._running.add(name)
                self.values[name] = self._resolve(name)
            except DependencyFailed as error:
                sink.extend(error.diagnostics)
            except (OverrideError, ConvertError) as error:
                sink.add(codes.INVALID_ATTRIBUTE.at(attribute.span, reason=error))
            finally:
                self._running.discard(name)

    # --- evaluation with a place to report from ------------------------------------------------------------------

    def _read(self, expr: Expr, scope: Scope, sink: list[Diagnostic]) -> Value:
        self._reading.append(expr)  # without `_reading_expr`: this is done for every attribute
        try:
            return evaluate_whole(expr, scope, sink)
        finally:
            self._reading.pop()

    def _dependency(self, expr: Expr, scope: Scope) -> Value:
        """The value of an expression that another one needs: any error ends that one."""
        sink: list[Diagnostic] = []
        value = self._read(expr, scope, sink)
        if sink:
            raise DependencyFailed(sink)
        return value

    @contextmanager
    def _reading_expr(self, expr: Expr) -> Iterator[None]:
        self._reading.append(expr)
        try:
            yield
        finally:
            self._reading.pop()

    @contextmanager
    def _guard(self, name: str, message: str) -> Iterator[None]:
        if name in self._running:
            self._fail(message)
        self._running.add(name)
        try:
            yield
        finally:
            self._running.discard(name)

    def _fail(self, reason: str, rule: Rule = codes.INVALID_EXPRESSION) -> NoReturn:
        """The expression being read cannot be evaluated."""
        span = self._reading[-1].span
        raise DependencyFailed([rule.at(span, context=span, reason=reason)])


_TARGET_ATTRIBUTES: Final = frozenset((*FIELDS, "inherits"))
_GROUP_ATTRIBUTES: Final = frozenset(("description", "targets"))


def _inputs(value: Value) -> tuple[Origin, ...]:
    return () if value.origin is None else (value.origin,)


def _matrix_item(key: str, item: Value, span: Span) -> Value:
    return item.with_origin(Origin(OriginKind.MATRIX, key, span, _inputs(item)))


def check_name(name: str) -> None:
    """Raise `ValueError` with the reference's message unless `name` may name a target."""
    if not name or not TARGET_NAME.issuperset(name):
        raise ValueError('only "[a-zA-Z0-9_-]+" are allowed')


def _is_standard(name: str) -> bool:
    from bakec.compiler.stdlib.registry import FUNCTIONS

    return name in FUNCTIONS


def _calls(expr: Expr) -> Iterator[str]:
    return (node.name for node in syntax.walk(expr) if isinstance(node, syntax.Call))


def _free_names(expr: Expr, local: set[str]) -> Iterator[str]:
    """Root names that `expr` takes from outside, less those that are bound inside."""
    if isinstance(expr, ScopeTraversal):
        if expr.root not in local:
            yield expr.root
        return
    if isinstance(expr, syntax.ObjectKey) and expr.name:
        return
    if isinstance(expr, syntax.Call) and expr.name in ("try", "can", "convert"):
        # What these take may be undefined, or a type.
        return
    if isinstance(expr, syntax.For):
        yield from _free_names(expr.collection, local)
        bound = {expr.key_var, expr.value_var}
        for inner in (expr.key, expr.value, expr.condition):
            if inner is not None:
                yield from _free_names(inner, local | bound)
        return
    for inner in syntax.children(expr):
        yield from _free_names(inner, local)


def fold(
    declarations: Declarations,
    builtins: Mapping[str, str],
    overrides: Overrides,
    host: Host,
    sink: Diagnostics,
    *,
    traces: bool = True,
) -> tuple[Definitions, Mapping[str, list[str]]]:
    """Evaluate everything that is declared.

    After: names of targets and groups are literal; there may be several definitions of one name, in source order.
    Also returns the target names made by each label, for the groups that matrices make. Without `traces` results of
    calls do not say what they come from.
    """
    folder = Folder(declarations, builtins, overrides, host, traces=traces)
    folder.fold_variables(sink)
    if not sink.failed:
        folder.check_functions(sink)
    renamed: Mapping[str, list[str]] = {}
    targets: list[TargetDef] = []
    groups: list[GroupDef] = []
    if not sink.failed:
        renamed = folder.expand_blocks(sink)
    if not sink.failed:
        targets, groups = folder.decode_blocks(sink)
    if not sink.failed:
        folder.fold_globals(sink)
    variables = () if sink.failed else tuple(_describe(folder))
    return Definitions(targets=tuple(targets), groups=tuple(groups), variables=variables), renamed


def _describe(folder: Folder) -> Iterator[VariableInfo]:
    for name, declared in folder.declarations.variables.items():
        kind = folder.types.get(name)
        description = evaluate_whole(declared.description, folder.scope, []) if declared.description else None
        yield VariableInfo(
            name=name,
            value=folder.values[name],
            source=folder.sources.get(name, ""),
            description=description.raw if description and isinstance(description.raw, str) else "",
            type=kind.constraint_name() if kind else "",
            shown=_shown(folder.values[name], kind),
            span=declared.span,
        )


def _shown(value: Value, kind: Type | None) -> str | None:
    """The value of a variable as `--list` prints it."""
    if value.raw is None or value.raw is UNKNOWN:
        return None
    if kind is None and not isinstance(value.raw, tuple | dict):
        return convert(value, STRING).text
    text = shown(value)
    return text.strip('"') if kind is STRING else text
