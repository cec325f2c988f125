"""What the records here need of `dataclasses`, `enum` and `typing.NamedTuple`, at a twentieth of their price.

Those import `inspect` and `re`, and compile up to six functions for every class; for the hundred records of a small
`print` that is more than all its other work. Here the records share their methods, but for the one that makes an
instance, which is compiled when a few were made. The words mean what they mean there, and to a type checker they
are the same. A dataclass always has slots, and no fields but its own; `dataclasses.fields`, `asdict`, `replace` and
`is_dataclass` take it too. The members of an enum are its names in capitals.
"""

from __future__ import annotations

from collections import _tuplegetter, deque  # type: ignore[attr-defined]
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter

TYPE_CHECKING = False  # importing `typing` would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from dataclasses import dataclass, field, replace
    from enum import Enum, IntEnum
    from typing import Any, NamedTuple, TypeAlias

    _Sequence: TypeAlias = Sequence[Any]
else:
    _Sequence = Sequence

__all__ = [
    "Enum", "IntEnum", "NamedTuple", "Rows", "assign", "blanks", "column", "dataclass", "defaults", "field", "replace",
]  # fmt: skip

_NONE: Any = object()
_FEW = 16
"""Instances that are made slowly: compiling the faster way takes as long as making so many."""
_counts: dict[Any, int] = {}


def _are_few(cls: Any) -> bool:
    """Asked for each instance that is made, until it is not so any more."""
    _counts[cls] = count = _counts.get(cls, 0) + 1
    return count <= _FEW


# --- dataclasses ----------------------------------------------------------------------------------------------


class _Field:
    """What is known of one field. `make` makes its default, where that is no constant."""

    __slots__ = ("default", "init", "make", "repr")

    def __init__(
        self,
        *,
        default: Any = _NONE,
        default_factory: Any = _NONE,
        init: bool = True,
        repr: bool = True,  # noqa: A002
    ) -> None:
        self.default = default
        self.make = default_factory
        self.init = init
        self.repr = repr


_PLAIN = _Field()


def _record(*, slots: bool, frozen: bool = False, kw_only: bool = False, eq: bool = True) -> Any:
    assert slots

    def make(plain: Any) -> Any:
        names = tuple(plain.__annotations__)
        space = {name: value for name, value in vars(plain).items() if name not in ("__dict__", "__weakref__")}
        given = {name: space.pop(name, _PLAIN) for name in names}
        shared: dict[str, Any] = {"__init__": _first_init, "__repr__": _repr}
        if frozen:
            shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
        if eq:
            shared |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
        # Slots can only be given to a class that is made anew.
        own = {
            "__qualname__": plain.__qualname__,
            "__slots__": names,
            "__match_args__": () if kw_only else names,
            "__dataclass_fields__": _Standard(),
            "_record_fields": {n: one if type(one) is _Field else _Field(default=one) for n, one in given.items()},
            "_record_values": attrgetter(*names) if names else _nothing,
        }
        return type(plain)(plain.__name__, plain.__bases__, shared | space | own)

    return make


def _first_init(self: Any, *args: Any, **values: Any) -> None:
    cls = _owner(type(self), "_record_fields")
    if not _are_few(cls) or not _fill(self, cls, args, values):
        cls.__init__ = _init(cls)  # which also refuses what is wrong
        cls.__init__(self, *args, **values)


def _fill(self: Any, cls: Any, args: tuple[Any, ...], values: dict[str, Any]) -> bool:
    """Do what `_init` does; False if the arguments do not fit."""
    fields = cls._record_fields
    if args:
        names = [name for name, one in fields.items() if one.init] if cls.__match_args__ else []
        if len(args) > len(names) or not values.keys().isdisjoint(names[: len(args)]):
            return False
        values = values | dict(zip(names, args))  # noqa: B905 - what is not given has a default
    left = len(values)
    for name, one in fields.items():
        if one.init and name in values:
            value = values[name]
            left -= 1
        elif one.make is not _NONE:
            value = one.make()
        elif one.default is not _NONE:
            value = one.default
        elif one.init:
            return False
        else:
            continue
        object.__setattr__(self, name, value)
    if not left and hasattr(cls, "__post_init__"):
        self.__post_init__()
    return not left


def _owner(cls: type, mark: str) -> Any:
    """The record itself, where a child of it is being made."""
    return next(each for each in cls.__mro__ if mark in vars(each))


def _init(cls: Any) -> Any:
    """The `__init__` of a record; that of a frozen one goes past its `__setattr__`, through the slots."""
    assign = "_set_{0}(self, {1})" if cls.__setattr__ is _refuse else "self.{0} = {1}"
    head = ["self"] if cls.__match_args__ or not cls.__slots__ else ["self", "*"]
    body: list[str] = []
    space: dict[str, Any] = {"_none": _NONE}
    for name, one in cls._record_fields.items():
        space |= {
            f"_default_{name}": one.default,
            f"_make_{name}": one.make,
            f"_set_{name}": getattr(cls, name).__set__,
        }
        value = name if one.init else f"_default_{name}"
        if one.make is not _NONE:
            value = f"_make_{name}() if {value} is _none else {value}"
        if one.init:
            is_required = one.default is _NONE and one.make is _NONE
            head.append(name if is_required else f"{name}=_default_{name}")
        elif one.default is _NONE and one.make is _NONE:
            continue
        body.append(assign.format(name, value))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(head)}): {'; '.join(body) or 'pass'}", space)  # noqa: S102 - only names of fields
    init = space["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self._record_values(self) == other._record_values(other)


def _hash(self: Any) -> int:
    return hash(self._record_values(self))


def _nothing(_: object) -> tuple[()]:
    return ()


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, one in self._record_fields.items() if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(_: object, name: str, *__: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


class _Standard:
    """Stands for the fields as `dataclasses` knows them, which are made when they are asked for."""

    def __get__(self, _: object, cls: Any) -> Any:
        from dataclasses import field, make_dataclass

        rows = []
        for name, one in cls._record_fields.items():
            words = {"default": one.default, "default_factory": one.make, "init": one.init, "repr": one.repr}
            given = {word: value for word, value in words.items() if value is not _NONE}
            rows.append((name, object, field(**given)))
        twin: Any = make_dataclass(cls.__name__, rows, kw_only=True)
        cls.__dataclass_fields__ = twin.__dataclass_fields__
        return cls.__dataclass_fields__


def _replace(record: Any, /, **changes: Any) -> Any:
    fields = type(record)._record_fields
    kept = {name: getattr(record, name) for name, one in fields.items() if one.init}
    return type(record)(**kept | changes)


def defaults(record: type) -> dict[str, Any]:
    """The default of each field that has one."""
    fields: Any = record._record_fields  # type: ignore[attr-defined]
    given = {name: one.default if one.make is _NONE else one.make() for name, one in fields.items()}
    return {name: value for name, value in given.items() if value is not _NONE}


# --- many at once ---------------------------------------------------------------------------------------------


def blanks(record: Any, count: int, but: Container[str]) -> list[Any]:
    """New instances whose fields hold their defaults, `but` those and what has none: for who fills these by `assign`
    before anybody else sees them."""
    made = list(map(object.__new__, repeat(record, count)))
    for name, one in record._record_fields.items():
        if name in but:
            continue
        if one.make is not _NONE:
            assign(record, name, made, iter(one.make, _NONE))
        elif one.default is not _NONE:
            assign(record, name, made, repeat(one.default))
    return made


def assign(record: type, name: str, owners: Iterable[Any], values: Iterable[Any]) -> None:
    """Give each of `owners` its value of one field, frozen or not. It takes a fifth of making them one by one."""
    deque(map(getattr(record, name).__set__, owners, values), maxlen=0)


class Rows(_Sequence):
    """Records as columns, each made when somebody asks for it: as good as the tuple of them, and equal to it."""

    __slots__ = ("_columns", "_record")

    def __init__(self, record: Callable[..., Any], columns: Mapping[str, Sequence[Any]]) -> None:
        """`columns` are of one length, and in the order of the fields."""
        self._record = record
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __iter__(self) -> Iterator[Any]:
        return map(self._record, *self._columns.values())

    def __getitem__(self, at: int | slice) -> Any:
        values = [column[at] for column in self._columns.values()]
        return tuple(map(self._record, *values)) if isinstance(at, slice) else self._record(*values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows | tuple) and len(self) == len(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def column(records: Sequence[Any], name: str) -> Sequence[Any]:
    """One field of all the records, which need not be made for it."""
    return records._columns[name] if isinstance(records, Rows) else [getattr(one, name) for one in records]


# --- named tuples ---------------------------------------------------------------------------------------------


class _Tuples(type):
    """Makes the children of `NamedTuple`; what it makes are plain children of `tuple`."""

    def __new__(cls, name: str, bases: Any, space: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, space)
        shared = {"__slots__": (), "__new__": _first_new, "__repr__": _repr_of_tuple, "_replace": _replace_in_tuple}
        made: Any = type(name, (tuple,), shared | space)
        names = tuple(made.__annotations__)
        given = {each: space[each] for each in names if each in space}
        own = {each: _tuplegetter(at, "") for at, each in enumerate(names)}
        for each, value in {"_fields": names, "_field_defaults": given, "__match_args__": names, **own}.items():
            setattr(made, each, value)
        return made


class _NamedTuple(metaclass=_Tuples):
    pass


def _first_new(cls: Any, /, *args: Any, **values: Any) -> Any:
    owner = _owner(cls, "_fields")
    if _are_few(owner):
        all_values = {**cls._field_defaults, **values}
        rest = cls._fields[len(args) :]
        if all_values.keys() >= set(rest) and values.keys() <= set(rest) and len(args) <= len(cls._fields):
            return tuple.__new__(cls, (*args, *map(all_values.__getitem__, rest)))
    space = {"_new": tuple.__new__} | {f"_default_{name}": value for name, value in cls._field_defaults.items()}
    head = ", ".join(f"{name}=_default_{name}" if name in cls._field_defaults else name for name in cls._fields)
    tail = "".join(f"{name}, " for name in cls._fields)
    exec(f"def __new__(_cls, {head}): return _new(_cls, ({tail}))", space)  # noqa: S102 - only names of fields
    owner.__new__ = staticmethod(space["__new__"])
    return space["__new__"](cls, *args, **values)


def _repr_of_tuple(self: Any) -> str:
    shown = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"{type(self).__name__}({', '.join(shown)})"


def _replace_in_tuple(self: Any, /, **changes: Any) -> Any:
    values = tuple(map(changes.pop, self._fields, self))
    if changes:
        raise TypeError(f"{type(self).__name__} has no field {', '.join(changes)}")
    return tuple.__new__(type(self), values)


# --- enums ----------------------------------------------------------------------------------------------------


class _Enums(type):
    """Makes the members of an enum, each of which is there once."""

    _all: tuple[Any, ...]

    def __new__(cls, name: str, bases: Any, space: dict[str, Any]) -> Any:
        made = super().__new__(cls, name, bases, {each: value for each, value in space.items() if not each.isupper()})
        members = {each: _member(made, each, value) for each, value in space.items() if each.isupper()}
        made._all = tuple(members.values())
        for each, one in members.items():
            setattr(made, each, one)
        return made

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls._all)


def _member(made: Any, name: str, value: Any) -> Any:
    one = int.__new__(made, value) if issubclass(made, int) else object.__new__(made)
    one.name = name
    one.value = value
    return one


class _Enum(metaclass=_Enums):
    name: str
    value: Any

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    def __reduce__(self) -> Any:
        return getattr, (type(self), self.name)  # a copy is the same


class _IntEnum(int, metaclass=_Enums):
    name: str
    value: int

    __reduce__ = _Enum.__reduce__


if not TYPE_CHECKING:
    dataclass, field, replace, NamedTuple = _record, _Field, _replace, _NamedTuple
    Enum, IntEnum = _Enum, _IntEnum
