"""YAML as Compose reads it: how scalars resolve, and what is refused with which words."""

import pytest

from bakec.compiler.compose.document import MAX_DEPTH, parse_documents
from bakec.compiler.compose.nodes import Listing, Scalar, Table, plain_text, text_of
from bakec.compiler.compose.scalars import resolve
from bakec.ir.diagnostics import Failed
from bakec.ir.span import Source
from tests.compose.loading import as_json, errors, load_text

SCALARS = [
    # YAML, as an argument
    ("1.10", "1.1"), ("1e6", "1e+06"), ("1e5", "100000"), ("123456789.0", "1.23456789e+08"), ("1.", "1"),
    (".5", "0.5"), ("0.00001", "1e-05"), ("-0", "-0"), ("1e400", "1e400"), ("1e21", "1e+21"), ("1_0.5", "10.5"),
    ("0777", "511"), ("0o17", "15"), ("0x1F", "31"), ("-0x1F", "-31"), ("0b11", "3"), ("0999", "999"), ("08", "8"),
    ("1_000", "1000"), ("+5", "5"), ("12345678901234567890", "12345678901234567890"),
    ("18446744073709551616", "1.8446744073709552e+19"), ("190:20", "190:20"), ("0x_1F", "31"), ("20000101", "20000101"),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("true", "true"), ("False", "false"), ("~", "<nil>"), ("Null", "<nil>"),
    ("2001-12-14", "2001-12-14 00:00:00 +0000 UTC"), ("2001-1-2", "2001-01-02 00:00:00 +0000 UTC"),
    ("2001-12-14T21:59:43.10+02:00", "2001-12-14 21:59:43.1 +0200 +0200"),
    ("2001-12-14 1:2:3.500", "2001-12-14 01:02:03.5 +0000 UTC"), ("2001-13-14", "2001-13-14"),
    ("=", "="), (".", "."), ("-", "-"), ("1.2.3", "1.2.3"), ("+.inf", "+Inf"), (".nan", "NaN"),
]  # fmt: skip

TAGGED = [
    ("!!str 5", "5"), ("!!float 5", "5"), ("!!binary aGk=", "hi"), ("! 5", "5"), ("!anything 5", "5"), ("'5'", "5"),
    ('"~"', "~"), ("!!null ''", "<nil>"), ("!!bool true", "true"), ("!!int 0x10", "16"),
]  # fmt: skip

REFUSED = [
    ("a: b\n c: d", "failed to parse : yaml: line 2, column 3: mapping values are not allowed in this context"),
    (
        "a: [1,2",
        (
            "failed to parse : yaml: while parsing a flow sequence at <unknown position>: line 1: did not find "
            "expected ',' or ']'"
        ),
    ),
    ("a: *x", "failed to parse : yaml: line 1, column 5: unknown anchor 'x' referenced"),
    (
        "\ta: b",
        (
            "failed to parse : yaml: while scanning for the next token at line 1: found character that cannot "
            "start any token"
        ),
    ),
    ("a: \x001", "failed to parse : yaml: offset 3: control characters are not allowed"),
    (
        "a: {{ x }}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot use 'map[string]interface "
            '{}{"x":interface {}(nil)}\' as a map key; try decoding into yaml.Node'
        ),
    ),
    (
        "a: 'x\nb: 2",
        (
            "failed to parse : yaml: while scanning a quoted scalar at line 1, column 4: line 2, column 5: "
            "found unexpected end of stream"
        ),
    ),
    ("a: b: c", "failed to parse : yaml: line 1, column 5: mapping values are not allowed in this context"),
    (
        "- a\nb: c",
        (
            "failed to parse : yaml: while parsing a block collection at <unknown position>: line 1: did not "
            "find expected '-' indicator"
        ),
    ),
    (
        "services:\n  a:\n    build: .\n   foo: x\n",
        (
            "failed to parse : yaml: while parsing a block mapping at line 1, column 3: line 3, column 4: did "
            "not find expected key"
        ),
    ),
    (
        "services:\n  a:\n    build: .\n    build: x\n",
        'failed to parse : yaml: construct errors:\n  line 1: line 4: mapping key "build" already defined at line 3',
    ),
    ("5: x", "non-string key at top level: 5"),
    ("# x", "empty compose file"),
    ("foo: 1", "empty compose file"),
    ("--- \n", "top-level object must be a mapping"),
    (
        "a: !!int x",
        "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot construct !!str `x` as a !!int",
    ),
    (
        "a: {? {x: 1} : 5}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot use 'map[string]interface "
            '{}{"x":1}\' as a map key; try decoding into yaml.Node'
        ),
    ),
    (
        "services: {a: {build: &b {args: [*b]}}}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: cycle detected: node at path "
            "services.a.build.args.0.args.0 references node at path services.a.build.args.0"
        ),
    ),
    (
        "a: &a [*a]",
        (
            "failed to parse : yaml: construct errors:\n  line 1: cycle detected: node at path a.0.0 "
            "references node at path a.0"
        ),
    ),
    (
        "x: &a {y: *a}\nservices: {a: {build: .}}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: cycle detected: node at path x.y.y "
            "references node at path x.y"
        ),
    ),
    ("services: {a: {build: .}}\n---\n", "top-level object must be a mapping"),
    (
        "services: {a: {build: {<<: 5}}}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: map merge requires map or sequence of "
            "maps as the value"
        ),
    ),
    (
        "services: {a: {build: {<<: [5]}}}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: map merge requires map or sequence of "
            "maps as the value"
        ),
    ),
    ("services: {a: {build: .}}\n...\nfoo", "failed to parse : yaml: line 2: did not find expected <document start>"),
    ("services: {1: {build: .}}", "non-string key in services: 1"),
    ("services: {true: {build: .}}", "non-string key in services: true"),
    ("services: {a: {~: 5}}", "non-string key in services.a: <nil>"),
    ("services: {a: {x: [{5: 6}]}}", "non-string key in services.a.x[0]: 5"),
    ("services: {a: {1.5: 6}}", "non-string key in services.a: 1.5"),
    (
        "x: {[a]: 6}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot use '[]interface {}{\"a\"}' as "
            "a map key; try decoding into yaml.Node"
        ),
    ),
    (
        "x: {[a, 5]: 6}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot use '[]interface {}{\"a\", 5}' "
            "as a map key; try decoding into yaml.Node"
        ),
    ),
    (
        "x: {{}: 6}",
        (
            "failed to parse : yaml: construct errors:\n  line 1: yaml: cannot use 'map[string]interface {}{}' "
            "as a map key; try decoding into yaml.Node"
        ),
    ),
    (
        "services: {a: {build: {context: ., target: !!binary aGk}}}",
        "failed to parse : yaml: construct errors:\n  line 1: yaml: !!binary value contains invalid base64 data",
    ),
    ("services: {a: {build: {context: ., args: {Q: .nan}}}}", "json: unsupported value: NaN"),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_plain_scalars(text: str, expected: str) -> None:
    assert expected == plain_text(resolve(text))


@pytest.mark.parametrize(("text", "expected"), TAGGED)
def test_tagged_and_quoted_scalars(text: str, expected: str) -> None:
    (document,) = parse_documents(Source("x", f"- {text}"), "x")

    assert f"[{expected}]" == text_of(document)


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    _, sink = load_text(text)

    assert message == errors(sink)


def test_windows_line_ends_and_byte_order_mark() -> None:
    definitions, sink = load_text("\ufeffservices:\r\n  a:\r\n    build:\r\n      target: x\r\n")

    assert not errors(sink)
    assert as_json(definitions)["target"]["a"] == {"context": ".", "target": "x"}
    target = definitions.targets[0].fields["target"]
    assert target.origin.span.text == "x"  # type: ignore[union-attr]


def test_nodes_know_where_they_stand() -> None:
    text = "a:\n  b: [1, 'é', x]\n  c:\n    d: |\n      x\n\n# end\nf: {g: 1}\n"
    (document,) = parse_documents(Source("x", text), "x")
    assert isinstance(document, Table)
    inner = document.items["a"]
    assert isinstance(inner, Table)
    listing = inner.items["b"]
    assert isinstance(listing, Listing)

    assert listing.span.text == "[1, 'é', x]"
    assert [item.span.text for item in listing.items] == ["1", "'é'", "x"]
    assert inner.span.text == "b: [1, 'é', x]\n  c:\n    d: |\n      x\n\n"
    assert inner.key_span("c").text == "c"
    assert document.items["f"].span.text == "{g: 1}"


def test_an_error_points_at_its_place() -> None:
    text = "services:\n  a:\n    build: .\n   foo: x\n"

    with pytest.raises(Failed) as caught:
        list(parse_documents(Source("x", text), "x"))

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.subject is not None
    assert (diagnostic.subject.line, diagnostic.subject.text) == (4, "f")


def test_documents_before_an_error_are_read() -> None:
    documents = parse_documents(Source("x", "a: 1\n---\nb: [\n"), "x")

    assert text_of(next(documents)) == "map[a:1]"
    with pytest.raises(Failed):
        next(documents)


@pytest.mark.parametrize("open_close", ["[]", "{}"])
def test_nesting_is_bounded(open_close: str) -> None:
    depth = 100_000
    text = "a: " + (open_close[0] if open_close == "[]" else "{a: ") * depth

    _, sink = load_text(text)

    assert f"exceeded max depth of {MAX_DEPTH}" in errors(sink)


def test_aliases_share_their_node() -> None:
    (document,) = parse_documents(Source("x", "a: &a {k: 1}\nb: *a\n"), "x")

    assert isinstance(document, Table)
    assert document.items["a"] is document.items["b"]


def test_an_alias_bomb_costs_nothing() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 60))

    _, sink = load_text(f"l0: &l0 [x]\n{levels}")

    assert "document contains excessive aliasing" in errors(sink)


def test_anchors_of_keys_and_of_earlier_documents() -> None:
    first, second = parse_documents(Source("x", "&k a: 1\n---\nb: *k\n"), "x")

    assert isinstance(first, Table)
    assert isinstance(second, Table)
    assert isinstance(second.items["b"], Scalar)
    assert second.items["b"].value == "a"
