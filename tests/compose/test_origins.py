"""Values say where they come from."""

from collections.abc import Mapping

from bakec.compiler.compose.load import load_compose, probe
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.module import Entry
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.span import Source
from bakec.ir.values import Value
from tests.compose.loading import ENV, fields_of, load, load_text, value_at, warnings


def origin_of(text: str, field: str, key: str = "", env: Mapping[str, str] = ENV) -> Origin:
    origin = value_at(text, field, key, env).origin
    assert origin is not None
    return origin


def place(origin: Origin) -> str:
    assert origin.span is not None
    return origin.span.text


def test_a_literal_points_at_its_text() -> None:
    origin = origin_of("services: {a: {build: {context: ./x}}}", "context")

    assert (origin.kind, place(origin), origin.inputs) == (OriginKind.LITERAL, "./x", ())


def test_a_template_names_its_variables_in_order() -> None:
    text = "services: {a: {build: {context: ., args: {V: '$A-${B:-$C}'}}}}"
    origin = origin_of(text, "args", "V", {"A": "1", "C": "3"})

    assert (origin.kind, place(origin)) == (OriginKind.TEMPLATE, "'$A-${B:-$C}'")
    assert [item.name for item in origin.inputs] == ["A", "B", "C"]
    assert {OriginKind.ENVIRONMENT} == {item.kind for item in origin.inputs}


def test_an_argument_without_a_value_names_the_variable() -> None:
    origin = origin_of("services: {a: {build: {context: ., args: [V]}}}", "args", "V", {"V": "1"})

    assert (place(origin), [item.name for item in origin.inputs]) == ("V", ["V"])


def test_a_variable_of_an_env_file_says_so() -> None:
    files = {"compose.yml": "services: {a: {build: {args: [V]}, env_file: e.env}}", "e.env": "V=1\n"}
    definitions, _ = load(files)

    args = fields_of(definitions, "a")["args"]
    assert isinstance(args, Mapping)
    origin = args["V"].origin
    assert origin is not None
    assert (place(origin), origin.inputs[0].kind) == ("e.env", OriginKind.DOTENV)


def test_the_caller_says_where_variables_come_from() -> None:
    source = Source("x.yml", "services: {a: {build: $CTX}}")
    kinds = {"CTX": OriginKind.FLAG}

    definitions = load_compose([source], {"CTX": "dir"}, lambda _: None, Diagnostics(), kinds=kinds)

    context = definitions.targets[0].fields["context"]
    assert isinstance(context, Value)
    assert context.origin is not None
    assert (context.origin.inputs[0].kind, context.origin.inputs[0].name) == (OriginKind.FLAG, "CTX")


def test_a_merged_value_points_into_its_own_file() -> None:
    files = {
        "one.yml": "services: {a: {build: {args: {A: 1, B: 2}}}}",
        "two.yml": "services: {a: {build: {args: {B: three}}}}",
    }
    definitions, _ = load(files, ("one.yml", "two.yml"))

    args = fields_of(definitions, "a")["args"]
    assert isinstance(args, Mapping)
    spans = {key: value.origin.span for key, value in args.items() if value.origin and value.origin.span}
    assert {key: (span.source.name, span.text) for key, span in spans.items()} == {
        "A": ("one.yml", "1"),
        "B": ("two.yml", "three"),
    }


def test_entries_and_targets_have_places() -> None:
    definitions, _ = load_text("services:\n  app:\n    build: {cache_from: ['a,b']}\n")

    (target,) = definitions.targets
    assert target.span is not None
    assert (target.span.text, target.span.line) == ("app", 2)
    entries = target.fields["cache-from"]
    assert isinstance(entries, tuple)
    assert [place(entry.origin) for entry in entries if isinstance(entry, Entry) and entry.origin] == ["'a,b'"] * 2


def test_services_keep_their_order() -> None:
    definitions, _ = load_text("services: {z: {build: .}, a: {build: .}, m: {image: x}, b: {build: .}}")

    assert [target.name for target in definitions.targets] == ["z", "a", "b"]
    members = definitions.groups[0].targets
    assert members is not None
    assert [member.raw for member in members] == ["z", "a", "b"]


def test_file_relative_mode_counts_from_the_first_file() -> None:
    files = {
        "d/one.yml": "services: {a: {build: {context: x, additional_contexts: {n: y}}}}",
        "e/two.yml": "services: {b: {build: .}}",
    }
    definitions, _ = load(files, ("d/one.yml", "e/two.yml"))

    first, second = definitions.targets
    assert first.bases == {"": "d", "context": "d", "contexts.n": "d"}
    assert second.bases == {"": "d", "context": "d"}


def test_an_unset_variable_is_warned_of_once() -> None:
    _, sink = load_text("x-a: $A\nservices: {a: {build: {args: {X: $A, Y: '${B-}'}}}}")

    assert warnings(sink) == ['The "A" variable is not set. Defaulting to a blank string.']


def test_old_boolean_words_are_warned_of() -> None:
    _, sink = load_text("services: {a: {build: ., tty: 'yes', init: 'off'}}")

    assert warnings(sink) == [
        '"yes" for boolean is not supported by YAML 1.2, please use `true`',
        '"off" for boolean is not supported by YAML 1.2, please use `false`',
    ]


def test_probing() -> None:
    def why(text: str) -> str:
        diagnostic = probe(Source("-", text), {}, lambda _: None)
        return diagnostic.message if diagnostic else ""

    assert why("services: {a: {build: .}}") == ""
    assert why("services: {a: {}}") == "", "whether a project is consistent is not asked"
    assert why("") == "empty compose file"
    assert why("target") == "top-level object must be a mapping"
    assert why('target "app" {\n  tags = ["x"]\n}\n') == "top-level object must be a mapping"
    assert why('variable "A" { default = "b:" }\nx: {').startswith("failed to parse : yaml: ")
