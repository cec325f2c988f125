"""What holds for any arguments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.jsonwriter import encode
from bakec.compiler.stdlib.registry import FUNCTIONS, Function, FunctionError, call
from bakec.ir import numbers
from bakec.ir.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, ObjectType, SetType, Type
from bakec.ir.values import Value, boolean, list_, map_, null, number, object_, set_, string, tuple_
from tests.language.expressions import FixedWorld

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "1", "true", "a,b", "[", "%d %s", "{}", "10.0.0.0/8", "YYYY", "1.2.3"]
)
NUMBERS = st.integers(-300, 300) | st.floats(-1e6, 1e6).map(numbers.from_float) | st.integers(0, 9).map(numbers.integer)
PLAIN = (
    st.builds(string, TEXTS)
    | st.builds(number, NUMBERS)
    | st.builds(boolean, st.booleans())
    | st.builds(null, st.sampled_from([DYNAMIC, STRING, ListType(STRING)]))
)
STRINGS = st.lists(st.builds(string, TEXTS), max_size=3)
KEYED = st.dictionaries(st.sampled_from("abc"), st.builds(string, TEXTS), max_size=3)
COLLECTIONS = (
    st.builds(list_, st.just(STRING), STRINGS)
    | st.builds(set_, st.just(STRING), STRINGS)
    | st.builds(map_, st.just(STRING), KEYED)
)
VALUES = st.recursive(
    PLAIN | COLLECTIONS,
    lambda inner: (
        st.builds(tuple_, st.lists(inner, max_size=3))
        | st.builds(object_, st.dictionaries(st.sampled_from("abc"), inner, max_size=3))
    ),
    max_leaves=6,
)
TYPES: st.SearchStrategy[Type] = st.recursive(
    st.sampled_from([STRING, NUMBER, BOOL, DYNAMIC]),
    lambda inner: (
        st.builds(ListType, inner)
        | st.builds(SetType, inner)
        | st.builds(MapType, inner)
        | st.builds(lambda a, b: ObjectType({"a": a, "b": b}, frozenset("b")), inner, inner)
    ),
    max_leaves=4,
)
SETS = st.builds(set_, st.just(STRING), STRINGS)


@pytest.mark.parametrize("function", [row for row in FUNCTIONS.values() if not row.lazy], ids=lambda row: row.name)
@settings(max_examples=25)
@given(data=st.data())
def test_a_call_gives_a_value_or_says_why_not(function: Function, data: st.DataObject) -> None:
    count = len(function.params) + (data.draw(st.integers(0, 3)) if function.variadic else 0)
    args = data.draw(st.lists(VALUES, min_size=count, max_size=count))
    if function.name == "bcrypt":
        args = args[:1]
    try:
        result = call(function.name, args, FixedWorld())
    except FunctionError as error:
        assert error.message
        assert error.argument is None or 0 <= error.argument <= count
    else:
        assert result.type is not None


@given(VALUES, TYPES)
def test_converting_twice_changes_nothing_more(value: Value, kind: Type) -> None:
    try:
        once = convert(value, kind)
    except ConvertError:
        return

    assert convert(once, once.type) == once


@given(VALUES)
def test_json_round_trip(value: Value) -> None:
    text = encode(value)

    assert encode(call("jsondecode", [string(text)])) == text


@given(SETS, SETS)
def test_laws_of_sets(one: Value, other: Value) -> None:
    union = call("setunion", [one, other])
    both = call("setintersection", [one, other])
    either = call("setsymmetricdifference", [one, other])

    assert union == call("setunion", [other, one])
    assert both == call("setintersection", [other, one])
    assert call("setunion", [both, either]) == union
    assert call("setsubtract", [union, both]) == either


@given(st.text())
def test_text_comes_back_from_its_parts(text: str) -> None:
    value = string(text)

    assert call("join", [string(""), call("split", [string(""), value])]) == value
    assert call("base64decode", [call("base64encode", [value])]) == value
