"""The standard functions, by the tables in this folder and by the examples of their own rows."""

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from bcrypt import checkpw
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bakec.compiler.jsonwriter import encode
from bakec.compiler.stdlib.registry import FUNCTIONS, ArityError, Function, FunctionError, call
from bakec.ir.values import Value, integer, null, string, tuple_
from tests.language.expressions import Example, examples, outcome, value_of

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TABLES = sorted(HERE.glob("*.examples"))
ROWS = [pytest.param(row, id=f"{table.stem}-{row.line}") for table in TABLES for row in examples(table)]


def python(*args: str) -> str:
    """What a new interpreter prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False, env=env).stdout


@pytest.mark.parametrize("row", ROWS)
def test_table(row: Example) -> None:
    row.check()


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_the_example_of_each_row_is_true(function: Function) -> None:
    assert encode(value_of(function.example)) == encode(value_of(function.result))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_each_row_is_documented_in_one_line(function: Function) -> None:
    assert function.doc.endswith(".")
    assert "\n" not in function.doc


def test_the_page_of_functions_is_fresh() -> None:
    script = ROOT / "scripts" / "function_docs.py"

    assert python(str(script), "--check") == "fresh\n"


def test_every_function_has_a_table_or_is_lazy_or_impure() -> None:
    used = " ".join(row.left for table in TABLES for row in examples(table))
    missing = [name for name, row in FUNCTIONS.items() if f"{name}(" not in used and row.pure and not row.lazy]

    assert missing == []


def test_arity_is_checked_before_the_arguments() -> None:
    with pytest.raises(ArityError) as few:
        call("substr", [string("a")])
    with pytest.raises(ArityError) as many:
        call("upper", [null(), null()])

    assert (few.value.expected, few.value.missing, few.value.at_least) == (3, "offset", False)
    assert (many.value.expected, many.value.missing) == (1, "")


def test_an_error_names_the_argument_at_fault() -> None:
    with pytest.raises(FunctionError) as caught:
        call("join", [string(","), tuple_([string("a"), null()])])

    assert caught.value.message == "element 1 is null; cannot concatenate null values"
    assert caught.value.argument == 1


def test_impure_functions_ask_the_context() -> None:
    assert value_of("timestamp()") == string("2023-11-14T22:13:20Z")
    assert value_of("uuidv4()") == string("00000000-0000-4000-8000-000000000000")
    assert value_of("homedir()") == string("/home/ada")


def test_bcrypt_takes_its_salt_from_the_context() -> None:
    hashed = value_of('bcrypt("secret", 4)').text

    assert hashed.startswith("$2a$04$" + "." * 22)
    assert checkpw(b"secret", hashed.encode())


def test_rsadecrypt_reads_what_was_encrypted_for_the_key() -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    secret = b64encode(key.public_key().encrypt(b"top secret", PKCS1v15())).decode()

    assert call("rsadecrypt", [string(secret), string(pem)]) == string("top secret")
    with pytest.raises(FunctionError) as caught:
        call("rsadecrypt", [string(secret), string(pem.replace("A", "B"))])
    assert pem[100:140] not in caught.value.message


def test_lengths_are_numbers_of_64_bits() -> None:
    # It shows when one is divided by another.
    assert value_of('"-${length([1]) / length([1, 2, 3])}"') == string("-0.33333333333333333334")
    assert call("length", [tuple_([])]) == integer(0)


@pytest.mark.parametrize(
    "expression",
    [
        'format("%999999999d", 1)',
        'indent(999999999, "a\\nb")',
        "setproduct(range(1000), range(1000))",
        'replace(join("", formatlist("%05000d", range(1000))), "0", "0123456789")',
        'parseint(format("%020000d", 1), 10)',
        'formatlist("%09999999d", range(1000))',
    ],
)
def test_what_would_take_unreasonable_memory_is_refused(expression: str) -> None:
    assert len(outcome(expression)[1]) == 1


def doubled(value: Value, times: int) -> Value:
    for _ in range(times):
        value = tuple_([value, value])
    return value


@pytest.mark.parametrize("name", ["flatten", "jsonencode"])
def test_values_that_share_their_parts_cannot_explode(name: str) -> None:
    with pytest.raises(FunctionError, match="the result would"):
        call(name, [doubled(string("a"), 60)])


def test_loading_the_registry_loads_no_library() -> None:
    code = "import sys; import bakec.compiler.stdlib.registry; print(*sys.modules)"
    loaded = python("-c", code).split()

    heavy = {"re2", "regex", "hashlib", "json", "datetime", "ipaddress", "uuid", "dataclasses", "inspect", "lark"}
    assert heavy.isdisjoint(loaded)
    modules = {name for name in loaded if name.startswith("bakec.compiler.stdlib.")}
    assert modules == {f"bakec.compiler.stdlib.{name}" for name in ("arguments", "registry", "table")}
