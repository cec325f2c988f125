"""Records and enums do what `dataclasses`, `enum` and `typing.NamedTuple` say they do."""

import copy
import dataclasses
import enum
import pickle
import typing
from types import SimpleNamespace
from typing import Any

import pytest

from bakec.ir import records

STANDARD = SimpleNamespace(
    dataclass=dataclasses.dataclass,
    field=dataclasses.field,
    replace=dataclasses.replace,
    Enum=enum.Enum,
    IntEnum=enum.IntEnum,
    NamedTuple=typing.NamedTuple,
)


@pytest.fixture(params=["standard", "own", "own, many"])
def kit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each test is true of the standard modules as well, and of records of which there are few and many."""
    if request.param == "own, many":
        monkeypatch.setattr(records, "_FEW", 0)
    return STANDARD if request.param == "standard" else records


@pytest.fixture
def frozen(kit: Any) -> Any:
    @kit.dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        name: str
        secret: str = kit.field(default="s", repr=False)
        parts: dict[str, int] = kit.field(default_factory=dict)

        @property
        def title(self) -> str:
            return self.name.title()

    return Frozen


@pytest.fixture
def node(kit: Any) -> Any:
    @kit.dataclass(slots=True)
    class Node:
        left: int
        right: int = 2
        sum: int = kit.field(init=False)
        seen: list[int] = kit.field(default_factory=list, init=False)

        def __post_init__(self) -> None:
            self.sum = self.left + self.right

    return Node


def test_fields_are_given_by_name_or_have_defaults(frozen: Any) -> None:
    one = frozen(name="a")

    assert (one.name, one.secret, one.parts, one.title) == ("a", "s", {}, "A")
    assert frozen(name="a").parts is not one.parts


@pytest.mark.parametrize(
    ("args", "words"), [((), {}), (("a",), {}), ((), {"name": "a", "nope": 1})], ids=["missing", "by place", "unknown"]
)
def test_other_calls_are_refused_by_the_name_of_the_class(frozen: Any, args: Any, words: Any) -> None:
    for _ in range(2):  # the first call of a class is not like the others
        with pytest.raises(TypeError, match=r"Frozen\.__init__"):
            frozen(*args, **words)


def test_what_is_frozen_cannot_be_changed(frozen: Any) -> None:
    one = frozen(name="a")

    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(AttributeError):
        del one.name
    with pytest.raises((AttributeError, TypeError)):
        one.other = "b"
    assert one.name == "a"


def test_records_of_equal_values_are_equal(kit: Any, frozen: Any) -> None:
    @kit.dataclass(frozen=True, slots=True)
    class Pair:
        one: int
        two: int

    assert frozen(name="a") == frozen(name="a", secret="s")
    assert frozen(name="a") != frozen(name="b")
    assert Pair(1, 2) != (1, 2)
    assert {Pair(1, 2), Pair(1, 2), Pair(2, 1)} == {Pair(2, 1), Pair(1, 2)}


def test_what_can_change_has_no_hash(node: Any) -> None:
    assert node(1) == node(1, 2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(node(1))


def test_without_eq_a_record_equals_itself_alone(kit: Any) -> None:
    @kit.dataclass(frozen=True, slots=True, eq=False)
    class Own:
        one: int

    one = Own(1)
    assert one == one
    assert one != Own(1)
    assert hash(one) == hash(one)


def test_a_record_shows_its_fields(frozen: Any) -> None:
    assert repr(frozen(name="a")).endswith("Frozen(name='a', parts={})")


def test_fields_that_are_not_given_are_set_behind_the_others(node: Any) -> None:
    one = node(1)
    one.seen.append(1)

    assert (one.sum, one.seen, node(1, right=5).sum) == (3, [1], 6)
    match one:
        case node(left, right):
            assert (left, right) == (1, 2)


def test_a_changed_copy(kit: Any, frozen: Any) -> None:
    one = frozen(name="a", parts={"x": 1})

    assert kit.replace(one, name="b") == frozen(name="b", parts={"x": 1})
    assert dataclasses.replace(one, name="b") == frozen(name="b", parts={"x": 1})
    with pytest.raises(TypeError):
        kit.replace(one, nope=1)


def test_the_standard_module_knows_the_fields(frozen: Any) -> None:
    one = frozen(name="a")

    assert dataclasses.is_dataclass(frozen)
    assert [(each.name, each.repr) for each in dataclasses.fields(one)] == [
        ("name", True), ("secret", False), ("parts", True)
    ]  # fmt: skip
    assert dataclasses.asdict(one) == {"name": "a", "secret": "s", "parts": {}}


def test_a_named_tuple(kit: Any) -> None:
    class Point(kit.NamedTuple):
        """A place."""

        x: int
        y: int = 2

        @property
        def sum(self) -> int:
            return self.x + self.y

    for _ in range(2):
        with pytest.raises(TypeError):
            Point()
        with pytest.raises(TypeError):
            Point(1, z=1)
    assert Point(1) == (1, 2) == Point(y=2, x=1)
    assert (Point(1).x, Point(1).y, Point(1).sum) == (1, 2, 3)
    assert Point(1)._replace(y=5) == (1, 5)
    with pytest.raises((TypeError, ValueError)):
        Point(1)._replace(z=5)
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert (Point._fields, Point.__doc__) == (("x", "y"), "A place.")
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
    match Point(1):
        case Point(x, y=y):
            assert (x, y) == (1, 2)


def test_children_make_themselves(kit: Any, node: Any) -> None:
    class Point(kit.NamedTuple):
        x: int

    class Near(Point):  # type: ignore[misc]
        pass

    class Child(node):  # type: ignore[misc]
        def __init__(self, left: int) -> None:
            super().__init__(left, right=left)

    for at in range(2):
        assert (type(Near(at)), type(Point(at))) == (Near, Point)
        assert (Child(at).sum, node(at, at).sum) == (2 * at, 2 * at)


def test_the_defaults_of_a_record() -> None:
    @records.dataclass(slots=True)
    class Some:
        one: int
        two: int = 2
        three: list[int] = records.field(default_factory=list)

    assert records.defaults(Some) == {"two": 2, "three": []}


class Color(records.Enum):
    """The primary ones."""

    RED = "red"
    BLUE = "blue"

    @property
    def is_warm(self) -> bool:
        return self is Color.RED


def test_an_enum(kit: Any) -> None:
    class Size(kit.Enum):
        SMALL = "s"
        LARGE = "l"

        @property
        def title(self) -> str:
            return self.name.title()

    assert [(one.name, one.value, one.title) for one in Size] == [("SMALL", "s", "Small"), ("LARGE", "l", "Large")]
    assert Size.SMALL is not Size.LARGE
    assert Size.SMALL == Size.SMALL != Size.LARGE
    assert {Size.SMALL: 1}[Size.SMALL] == 1
    assert repr(Size.SMALL) == "<Size.SMALL: 's'>"
    assert isinstance(Size.SMALL, Size)


def test_an_enum_of_numbers(kit: Any) -> None:
    class Code(kit.IntEnum):
        OK = 0
        BAD = 3

    assert (Code.BAD, int(Code.BAD), f"{Code.BAD}", Code.BAD.name) == (3, 3, "3", "BAD")
    assert not Code.OK
    assert max(Code) is Code.BAD


def test_a_copy_of_a_member_is_the_member() -> None:
    assert copy.deepcopy([Color.RED]) == [Color.RED]
    assert copy.copy(Color.BLUE) is Color.BLUE
    assert pickle.loads(pickle.dumps(Color.BLUE)) is Color.BLUE
    assert Color.RED.is_warm
