"""Types, values, conversion and operators."""

from pathlib import Path

import pytest

from bakec.compiler.eval.convert import ConvertError, convert, unify
from bakec.compiler.eval.operators import OperatorError, apply_binary
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from bakec.ir.values import (
    FALSE,
    TRUE,
    UNKNOWN_VALUE,
    Value,
    list_,
    map_,
    null,
    number,
    object_,
    set_,
    string,
    tuple_,
)
from tests.language.expressions import Example, examples

HERE = Path(__file__).parent
ROWS = [
    pytest.param(row, id=f"{table.stem}-{row.line}")
    for table in sorted(HERE.glob("*.examples"))
    for row in examples(table)
]


@pytest.mark.parametrize("row", ROWS)
def test_table(row: Example) -> None:
    row.check()


@pytest.mark.parametrize(
    ("kind", "of_values", "of_constraints"),
    [
        (STRING, "string", "string"),
        (DYNAMIC, "dynamic", "any type"),
        (ListType(NUMBER), "list of number", "list of number"),
        (ListType(DYNAMIC), "list of dynamic", "list of any single type"),
        (MapType(SetType(DYNAMIC)), "map of set of dynamic", "map of set of any single type"),
        (TupleType((STRING,)), "tuple", "tuple"),
        (ObjectType({"a": BOOL}), "object", "object"),
    ],
)
def test_types_have_two_names(kind: Type, of_values: str, of_constraints: str) -> None:
    assert (kind.friendly_name(), kind.constraint_name()) == (of_values, of_constraints)


def test_types_are_compared_by_structure() -> None:
    assert ListType(STRING) == ListType(STRING)
    assert ListType(STRING) != SetType(STRING)
    assert ObjectType({"a": STRING, "b": BOOL}) == ObjectType({"b": BOOL, "a": STRING})
    assert ObjectType({"a": STRING}) != ObjectType({"a": STRING}, frozenset("a"))
    assert len({ListType(STRING), ListType(STRING), MapType(STRING)}) == 2


def test_equal_values_have_equal_types() -> None:
    assert tuple_([string("a")]) == tuple_([string("a")])
    assert tuple_([string("a")]) != list_(STRING, [string("a")])
    assert number(1) != string("1")
    assert number(1) != TRUE
    assert object_({"a": TRUE}) != map_(BOOL, {"a": TRUE})
    assert null(STRING) != null(NUMBER)


def test_origin_is_no_part_of_equality() -> None:
    origin = Origin(OriginKind.LITERAL, "", None)

    assert string("a").with_origin(origin) == string("a")
    assert hash(string("a").with_origin(origin)) == hash(string("a"))


def test_strings_and_keys_are_in_normalization_form_c() -> None:
    assert string("e\u0301") == string("é")
    assert list(object_({"e\u0301": TRUE}).mapping) == ["é"]


def test_keys_are_sorted_by_their_bytes() -> None:
    assert list(object_({"é": TRUE, "a": TRUE, "Z": TRUE, "😀": TRUE, "｡": TRUE}).mapping) == [
        "Z", "a", "é", "｡", "😀",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("element", "given", "kept"),
    [
        (STRING, [string("b"), string("a"), string("b")], [string("a"), string("b")]),
        (NUMBER, [number(10), number(9), number(10)], [number(9), number(10)]),
        (BOOL, [TRUE, FALSE, TRUE], [FALSE, TRUE]),
        (STRING, [null(STRING), string("a")], [string("a"), null(STRING)]),
    ],
)
def test_sets_drop_duplicates_and_have_an_order(element: Type, given: list[Value], kept: list[Value]) -> None:
    assert set_(element, given).items == tuple(kept)


def test_the_type_of_a_tuple_is_worked_out_from_its_items() -> None:
    value = tuple_([string("a"), object_({"b": null()})])

    assert value.type == TupleType((STRING, ObjectType({"b": DYNAMIC})))


def test_converted_elements_keep_their_origins() -> None:
    origin = Origin(OriginKind.ENVIRONMENT, "PORT", None)
    converted = convert(tuple_([number(80, origin), string("a")]), ListType(STRING))

    assert [item.origin for item in converted.items] == [origin, None]


def test_null_takes_the_type_it_is_converted_to() -> None:
    assert convert(null(), ListType(STRING)) == null(ListType(STRING))
    assert convert(null(TupleType((STRING,))), ListType(DYNAMIC)) == null(ListType(STRING))
    with pytest.raises(ConvertError, match="string required, but have list of string"):
        convert(null(ListType(STRING)), STRING)


@pytest.mark.parametrize(
    ("kinds", "common"),
    [
        ([STRING, NUMBER, BOOL], STRING),
        ([NUMBER, BOOL], None),
        ([DYNAMIC, NUMBER], NUMBER),
        ([TupleType((STRING,)), TupleType((NUMBER,))], TupleType((STRING,))),
        ([TupleType((STRING,)), TupleType(())], ListType(STRING)),
        ([ObjectType({"a": STRING}), ObjectType({"b": NUMBER})], MapType(STRING)),
        ([ListType(NUMBER), TupleType((STRING, STRING))], ListType(STRING)),
        ([SetType(STRING), ListType(STRING)], ListType(STRING)),
        ([ObjectType({}), TupleType(())], None),
        ([], None),
    ],
)
def test_unify(kinds: list[Type], common: Type | None) -> None:
    assert unify(kinds) == common


def test_safe_unification_never_parses_strings() -> None:
    assert unify([ListType(STRING), SetType(STRING)], unsafe=False) == ListType(STRING)
    assert unify([MapType(STRING), ObjectType({"a": NUMBER})], unsafe=False) == MapType(STRING)


def test_operators_on_what_failed_before_give_the_unknown() -> None:
    assert apply_binary("+", UNKNOWN_VALUE, number(1)) is UNKNOWN_VALUE
    with pytest.raises(OperatorError, match="argument must not be null"):
        apply_binary("+", null(NUMBER), number(1))
