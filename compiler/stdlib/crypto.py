"""Hashes, UUIDs, and decryption. `bcrypt` and `rsadecrypt` need the library `cryptography` or `bcrypt`."""

from __future__ import annotations

import re

from bakec.compiler.stdlib.arguments import FunctionError, whole
from bakec.ir import digests
from bakec.ir.quoting import quote
from bakec.ir.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from bakec.compiler.stdlib.arguments import Context
    from bakec.ir.values import Value


def md5(text: Value) -> Value:
    import hashlib

    return string(hashlib.md5(text.text.encode(), usedforsecurity=False).hexdigest())


def sha1(text: Value) -> Value:
    import hashlib

    return string(hashlib.sha1(text.text.encode(), usedforsecurity=False).hexdigest())


def sha256(text: Value) -> Value:
    return string(digests.sha256(text.text.encode()))


def sha512(text: Value) -> Value:
    import hashlib

    return string(hashlib.sha512(text.text.encode()).hexdigest())


def uuidv4(ctx: Context) -> Value:
    from uuid import UUID

    return string(str(UUID(bytes=ctx.random_bytes(16), version=4)))


_NAMESPACES = {
    "dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
    "oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
    "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}
_HEX = r"[0-9a-fA-F]"
_DASHED = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUID = rf"{_DASHED}|[uU][rR][nN]:[uU][uU][iI][dD]:{_DASHED}|\{{{_DASHED}\}}|{_HEX}{{32}}"


def uuidv5(namespace: Value, name: Value) -> Value:
    from uuid import UUID, uuid5

    text = _NAMESPACES.get(namespace.text, namespace.text)
    if not re.fullmatch(_UUID, text):
        raise FunctionError(f"uuidv5() doesn't support namespace {text} ({_uuid_problem(text)})")
    return string(str(uuid5(UUID(text.lower()), name.text)))


def _uuid_problem(text: str) -> str:
    length = len(text.encode())
    if length == 45 and text[:9].lower() != "urn:uuid:":
        return f"invalid urn prefix: {quote(text[:9])}"
    return "invalid UUID format" if length in (32, 36, 38, 45) else f"invalid UUID length: {length}"


_DEFAULT_COST = 10
_LEAST_COST = 4
_MOST_COST = 31
_BEARABLE_COST = 16
_MOST_BYTES = 72


def bcrypt(ctx: Context, text: Value, *costs: Value) -> Value:
    cost = whole(costs[0]) if costs else _DEFAULT_COST
    if len(costs) > 1:
        raise FunctionError("bcrypt() takes no more than two arguments")
    password = text.text.encode()
    if len(password) > _MOST_BYTES:
        raise _bcrypt_fault("bcrypt: password length exceeds 72 bytes")
    if cost > _MOST_COST:
        raise _bcrypt_fault(f"crypto/bcrypt: cost {cost} is outside allowed inclusive range 4..31")
    if cost > _BEARABLE_COST:
        raise FunctionError(f"a cost of {cost} takes too long here: the limit is {_BEARABLE_COST}")
    if cost < _LEAST_COST:
        cost = _DEFAULT_COST
    return string(_bcrypt(password, _bcrypt_salt(ctx.random_bytes(16), cost)))


def _bcrypt_fault(reason: str) -> FunctionError:
    return FunctionError(f"error occured generating password {reason}")


_BCRYPT_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _bcrypt_salt(data: bytes, cost: int) -> str:
    bits = int.from_bytes(data) << 4
    digits = [_BCRYPT_DIGITS[bits >> shift & 63] for shift in range(126, -1, -6)]
    return f"$2a${cost:02d}${''.join(digits)}"


def _bcrypt(password: bytes, salt: str) -> str:
    try:
        from bcrypt import hashpw
    except ImportError:
        raise FunctionError("it needs the library `bcrypt`; install bakec[crypto]") from None
    return hashpw(password, salt.encode()).decode()


_PEM = r"-----BEGIN ([^\n-]+)-----\s*\n(.*?)\n-----END \1-----"


def rsadecrypt(ciphertext: Value, privatekey: Value) -> Value:
    from bakec.compiler.stdlib.encoding import decode_base64

    data = decode_base64(ciphertext.text)
    if data is None:
        reason = "cipher text must be base64-encoded"
        raise FunctionError(f"failed to decode input {quote(ciphertext.text)}: {reason}")
    plain = _decrypted(data, privatekey.text)
    return string(plain.decode(errors="replace"))


def _decrypted(data: bytes, key_text: str) -> bytes:
    if not re.search(_PEM, key_text, re.DOTALL):
        raise FunctionError("failed to parse key: no key found")
    if "Proc-Type: 4,ENCRYPTED" in key_text:
        raise FunctionError(
            "failed to parse key: password protected keys are not supported. Please decrypt the key prior to use"
        )
    try:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    except ImportError:
        raise FunctionError("it needs the library `cryptography`; install bakec[crypto]") from None
    key = _private_key(key_text)
    try:
        return key.decrypt(data, PKCS1v15())
    except ValueError:
        raise FunctionError("crypto/rsa: decryption error") from None


def _private_key(text: str) -> RSAPrivateKey:
    """The key; what is wrong with one never quotes it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FunctionError("failed to parse key: it is no PKCS #1 private key") from None
    if not isinstance(key, RSAPrivateKey):
        raise FunctionError("failed to parse key: it is no RSA key")
    return key
