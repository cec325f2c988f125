"""The readers of CSV, JSON, numbers and words that variables and attributes share with the functions."""

import pytest

from bakec.compiler import graphemes
from bakec.compiler.csv import CsvError, parse_record, parse_records
from bakec.compiler.jsonwriter import encode
from bakec.compiler.stdlib.typedjson import TypedJsonError, from_typed_json
from bakec.compiler.timestamps import Time
from bakec.ir.durations import parse_duration
from bakec.ir.strconv import NumberError, parse_bool, parse_float, parse_int
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


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b", ["a", "b"]),
        ("a,", ["a", ""]),
        (" a, b", [" a", " b"]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi"""', ['say "hi"']),
        ("a\r\n", ["a"]),
        ("a\n\n", ["a\n"]),
        ("é", ["é"]),
    ],
)
def test_one_record(text: str, fields: list[str]) -> None:
    assert parse_record(text) == fields


def test_a_record_may_have_another_comma() -> None:
    assert parse_record("key:value", comma=":") == ["key", "value"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "EOF"),
        ("\n", "EOF"),
        ('type=local,dest=out,no"quote', 'parse error on line 1, column 23: bare " in non-quoted-field'),
        ('é,b"', 'parse error on line 1, column 5: bare " in non-quoted-field'),
        ('"ab', 'parse error on line 1, column 2: extraneous or missing " in quoted-field'),
        ('"a""b', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'),
        ('"a"\n\n', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'),
        ('"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'),
    ],
)
def test_bad_records(text: str, message: str) -> None:
    with pytest.raises(CsvError) as caught:
        parse_record(text)

    assert str(caught.value) == message


def test_records_know_their_lines() -> None:
    assert list(parse_records('a,b\n\n"x\ny",2\r\nz,3')) == [(1, ["a", "b"]), (3, ["x\ny", "2"]), (5, ["z", "3"])]


def test_words_for_booleans() -> None:
    assert [parse_bool(word) for word in ("1", "t", "True", "0", "FALSE")] == [True, True, True, False, False]
    with pytest.raises(NumberError) as caught:
        parse_bool("yes")

    assert str(caught.value) == 'strconv.ParseBool: parsing "yes": invalid syntax'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", 1000.0),
        ("+5", 5.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("0x1p4", 16.0),
        ("-0X.8P1", -1.0),
        ("1_0e1_0", 1e11),
        ("0x_1p0", 1.0),
    ],
)
def test_doubles(text: str, value: float) -> None:
    assert parse_float(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1 ", "0x10", "1__0", "_1", "1_", "1z", "e5", "."])
def test_what_is_no_double(text: str) -> None:
    with pytest.raises(NumberError, match="invalid syntax"):
        parse_float(text)


def test_numbers_out_of_range() -> None:
    with pytest.raises(NumberError, match="value out of range"):
        parse_float("1e400")
    with pytest.raises(NumberError, match="value out of range"):
        parse_int("9223372036854775808")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        (NUMBER, "1.50", "1.5"),
        (NUMBER, '"2"', "2"),
        (STRING, "1.50", '"1.50"'),
        (STRING, "true", '"true"'),
        (BOOL, '"true"', "true"),
        (ListType(NUMBER), "[1, 2]", "[1,2]"),
        (SetType(STRING), '["b", "a", "b"]', '["a","b"]'),
        (MapType(STRING), '{"b": 1, "a": null}', '{"a":null,"b":"1"}'),
        (TupleType((STRING, NUMBER)), '["a", 1]', '["a",1]'),
        (ObjectType({"a": NUMBER, "b": STRING}), '{"a": 1}', '{"a":1,"b":null}'),
        (DYNAMIC, '{"value": [1], "type": ["list", "string"]}', '["1"]'),
        (DYNAMIC, '{"value": {"a": 1}, "type": ["object", {"a": "string"}]}', '{"a":"1"}'),
        (ListType(STRING), "null", "null"),
    ],
)
def test_json_against_a_type(kind: Type, text: str, shown: str) -> None:
    assert encode(from_typed_json(text, kind)) == shown


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (NUMBER, "true", "number is required"),
        (BOOL, "1", "bool is required"),
        (STRING, "[]", "string is required"),
        (NUMBER, '"x"', "a number is required"),
        (ListType(STRING), "{}", "missing expected ["),
        (ListType(STRING), '["a"', "EOF"),
        (ListType(STRING), '["a" "b"]', "failed to read list value: expected comma after array element"),
        (TupleType((STRING,)), '["a", "b"]', "too many tuple elements (need 1)"),
        (TupleType((STRING,)), "[]", "not enough tuple elements (need 1)"),
        (ObjectType({"a": STRING}), '{"b": 1}', 'unsupported attribute "b"'),
        (DYNAMIC, "1", "missing expected {"),
        (DYNAMIC, '{"value": 1}', "missing type in dynamically-typed value"),
        (DYNAMIC, '{"type": "number"}', "missing value in dynamically-typed value"),
        (
            DYNAMIC,
            '{"value": 1, "type": "text"}',
            'failed to decode type for dynamic value: invalid primitive type name "text"',
        ),
        (DYNAMIC, '{"x": 1}', 'invalid key "x" in dynamically-typed value'),
    ],
)
def test_json_that_does_not_fit(kind: Type, text: str, message: str) -> None:
    with pytest.raises(TypedJsonError) as caught:
        from_typed_json(text, kind)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("", []),
        ("a\r\nb", ["a", "\r\n", "b"]),
        ("e\u0301x", ["e\u0301", "x"]),
        ("👨‍👩‍👧👍🏽", ["👨‍👩‍👧", "👍🏽"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("क्ष", ["क्", "ष"]),
        ("กำ", ["กำ"]),
    ],
)
def test_characters(text: str, characters: list[str]) -> None:
    assert graphemes.clusters(text) == characters
    assert graphemes.length(text) == len(characters)


@pytest.mark.parametrize(
    ("seconds", "shown", "week"),
    [
        (0, "1970-01-01T00:00:00Z", (1970, 1)),
        (951782400, "2000-02-29T00:00:00Z", (2000, 9)),
        (-62167219200, "0000-01-01T00:00:00Z", (-1, 52)),
        (253402300800, "10000-01-01T00:00:00Z", (9999, 52)),
        (1609459200, "2021-01-01T00:00:00Z", (2020, 53)),
    ],
)
def test_times_of_any_year(seconds: int, shown: str, week: tuple[int, int]) -> None:
    assert (Time(seconds).rfc3339(), Time(seconds).iso_week) == (shown, week)


def test_durations() -> None:
    assert parse_duration("1h2m3.5s") == 3_723_500_000_000
    assert parse_duration("-1.5us") == -1500
