"""Credentials that somebody might try; none of them may open anything."""

import string
import time
from typing import Any

from tests.issuer import (
    as_json,
    claims,
    encoded,
    header,
    key_set,
    keys,
    public,
    shared,
    signed,
    stranger,
    token,
    weak,
)

_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def attack_tokens() -> dict[str, str]:
    """What follows ``Bearer``, by what is wrong with it."""
    return {
        **_unsigned(),
        **_confused_algorithms(),
        **_other_keys(),
        **_key_ids(),
        **_headers(),
        **_times(),
        **_claims(),
        **_tampered(),
        **_shapes(),
        **_no_keys_of_ours(),
    }


def _raw(head: Any, payload: Any, signature: bytes = b"signature") -> str:
    parts = [part if isinstance(part, bytes) else as_json(part) for part in (head, payload)]
    return ".".join(map(encoded, (*parts, signature)))


def _unsigned() -> dict[str, str]:
    good = token()
    found = {
        f"alg {name}, signed by nobody": _raw(header(name), claims(), b"x")
        for name in ("none", "None", "NONE", "nOnE", "")
    }
    return {
        **found,
        "alg none and an empty signature": _raw(header("none"), claims(), b""),
        "an empty signature": good.rpartition(".")[0] + ".",
        "no signature": good.rpartition(".")[0],
        "alg none with the signature of a good token": (
            f"{encoded(as_json(header('none')))}.{good.split('.', 1)[1]}"
        ),
    }


def _confused_algorithms() -> dict[str, str]:
    """The public key, which everybody has, taken for a shared secret."""
    pem = keys()["rsa-1"].as_pem(private=False)
    tries: dict[str, bytes] = {
        "its PEM": pem,
        "its PEM without the last line end": pem.strip(),
        "its DER": keys()["rsa-1"].as_der(private=False),
        "its JWK": as_json(public("rsa-1", keys()["rsa-1"])),
        "nothing": b"\0",
    }
    found = {
        f"HS256 with {name} as secret": shared("HS256", material)
        for name, material in tries.items()
    }
    longer = {f"{name} with its PEM as secret": shared(name, pem) for name in ("HS384", "HS512")}
    return {
        **found,
        **longer,
        "RS512, which is not on the list": signed(header("RS512"), claims()),
        "ES256 claimed for an RSA key": signed(header("ES256"), claims(), key=keys()["ec-1"]),
        "RS256 claimed for an EC key": signed(
            header("RS256", "ec-1"), claims(), key=keys()["rsa-1"]
        ),
        "PS256 claimed, RS256 signed": signed(header("PS256"), claims(), algorithm="RS256"),
        "EdDSA claimed for an EC key": signed(
            header("EdDSA", "ec-1"), claims(), key=keys()["ed-1"]
        ),
        "alg a list": _raw(header(["RS256"]), claims()),
        "alg a number": _raw(header(1), claims()),
        "alg null": _raw(header(None), claims()),
        "alg in small letters": _raw(header("rs256"), claims()),
    }


def _other_keys() -> dict[str, str]:
    psychic = {
        f"ES256 with a signature of {name}": _raw(header("ES256", "ec-1"), claims(), signature)
        for name, signature in {
            "zeros (psychic)": bytes(64),
            "the order of the curve": bytes.fromhex(
                2 * "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
            ),
            "63 bytes": bytes(63),
            "65 bytes": bytes(65),
        }.items()
    }
    return {
        **psychic,
        "EdDSA with a signature of zeros": _raw(header("EdDSA", "ed-1"), claims(), bytes(64)),
        "signed by a stranger": signed(header(), claims(), key=stranger()),
        "signed by a short RSA key of the set": signed(header(kid="short-1"), claims(), key=weak()),
        "signed by the symmetric key of the set": shared(
            "HS256", b"shared secret of 32 bytes length", "oct-1"
        ),
        "signed by an encryption key of the set": signed(
            header(kid="enc-1"), claims(), key=stranger()
        ),
    }


def _key_ids() -> dict[str, str]:
    tries: dict[str, Any] = {
        "of nobody": "rsa-2",
        "a path": "../../../../dev/null",
        "a file": "/proc/sys/kernel/randomize_va_space",
        "SQL": "x' UNION SELECT 'key' --",
        "a command": "rsa-1|/bin/true",
        "an address": "https://attacker.example/key",
        "with a zero byte": "rsa-1\0",
        "with a space": "rsa-1 ",
        "empty": "",
        "a number": 1,
        "a list": ["rsa-1"],
        "an object": {"kid": "rsa-1"},
        "null": None,
    }
    found = {
        f"kid {name}": signed(header(kid=kid), claims(), key=stranger())
        for name, kid in tries.items()
    }
    without = {name: value for name, value in header().items() if name != "kid"}
    return {**found, "no kid": signed(without, claims(), key=keys()["rsa-1"])}


def _headers() -> dict[str, str]:
    """Good signatures, except where the header brings the key: none may be looked at."""
    own = public("rsa-1", stranger())
    ours: dict[str, dict[str, Any]] = {
        "crit": {"crit": ["exp"], "exp": 0},
        "crit of nothing": {"crit": []},
        "b64": {"b64": False, "crit": ["b64"]},
        "zip": {"zip": "DEF"},
        "typ of another kind": {"typ": "logout+jwt"},
        "typ a list": {"typ": ["at+jwt"]},
        "cty, a token in a token": {"cty": "JWT"},
        "an unknown member": {"admin": True},
    }
    theirs: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": own},
        "jku": {"jku": "https://attacker.example/jwks"},
        "x5u": {"x5u": "https://attacker.example/chain"},
        "x5c": {"x5c": ["AAAA"]},
    }
    doubled = b'{"alg":"none","alg":"RS256","kid":"rsa-1"}'
    return {
        **{name: signed(header(**more), claims()) for name, more in ours.items()},
        **{
            f"a key of its own by {name}": signed(header(**more), claims(), key=stranger())
            for name, more in theirs.items()
        },
        "jku beside a good signature": signed(header(jku="https://issuer.example/"), claims()),
        "a header with alg twice": signed(
            doubled, claims(), key=keys()["rsa-1"], algorithm="RS256"
        ),
        "a header that is a list": signed(
            [header()], claims(), key=keys()["rsa-1"], algorithm="RS256"
        ),
        "a header that is no JSON": signed(b"{", claims(), key=keys()["rsa-1"], algorithm="RS256"),
    }


def _times() -> dict[str, str]:
    now = int(time.time())
    return {
        "expired": token(exp=now - 11),
        "expired long ago": token(exp=0),
        "exp below zero": token(exp=-1),
        "no exp": token(exp=None),
        "exp as text": token(exp=str(now + 86_400)),
        "exp true": token(exp=True),
        "exp a list": token(exp=[now + 86_400]),
        "exp infinite": signed(header(), as_json(claims()).replace(b'"exp":', b'"exp":1e999,"x":')),
        "exp NaN": signed(header(), as_json(claims()).replace(b'"exp":', b'"exp":NaN,"x":')),
        "not yet good": token(nbf=now + 86_400),
        "nbf as text": token(nbf="0"),
        "issued in the future": token(iat=now + 86_400),
        "iat as text": token(iat="now"),
        "nbf true": token(nbf=True),
        "iat true": token(iat=True),
    }


def _claims() -> dict[str, str]:
    twice = as_json(claims())[:-1] + b',"scope":"score.write"}'
    return {
        "aud of another": token(aud="another-service"),
        "aud without ours": token(aud=["a", "b"]),
        "aud that begins like ours": token(aud="foreland2"),
        "aud an object": token(aud={"foreland": 1}),
        "no aud": token(aud=None),
        "iss of another": token(iss="https://attacker.example/"),
        "iss without the last slash": token(iss="https://issuer.example"),
        "iss a list": token(iss=["https://issuer.example/"]),
        "no iss": token(iss=None),
        "no sub": token(sub=None),
        "sub a number": token(sub=7),
        "sub with a line end": token(sub="port\nroot"),
        "sub endless": token(sub="x" * 129),
        "no agency": token(agency=None),
        "agency a list": token(agency=["border", "customs"]),
        "agency with a separator": token(agency="border\x1fcustoms"),
        "agency a path": token(agency="../customs"),
        "scope a number": token(scope=1),
        "scope an object": token(scope={"score.write": True}),
        "scope a list of objects": token(scope=[{"scope": "score.write"}]),
        "scope true": token(scope=True),
        "a claim twice": signed(header(), twice),
        "claims that are a list": signed(header(), [claims()]),
        "claims that are text": signed(header(), "all"),
        "claims that are no JSON": signed(header(), b"exp=never"),
        "claims that are not UTF-8": signed(header(), b'{"iss":"\xff"}'),
        "claims nested deeply": signed(header(), b'{"x":' + b"[" * 50 + b"]" * 50 + b"}"),
    }


def _tampered() -> dict[str, str]:
    head, payload, signature = token().split(".")
    # The last letter of 256 bytes has four bits that count for nothing.
    spare = _ALPHABET[_ALPHABET.index(signature[-1]) ^ 1]
    richer = encoded(as_json(claims(scope="audit.read")))
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return {
        "claims changed": f"{head}.{richer}.{signature}",
        "header changed": f"{encoded(as_json(header(x5t='a')))}.{payload}.{signature}",
        "one letter of the signature": (
            f"{head}.{payload}.{signature[:middle]}{other}{signature[middle + 1 :]}"
        ),
        "half of the signature": f"{head}.{payload}.{signature[:middle]}",
        "signature twice": f"{head}.{payload}.{signature}{signature}",
        "parts swapped": f"{payload}.{head}.{signature}",
        "a signature of other claims": f"{head}.{payload}.{token(sub='other').split('.')[2]}",
        "a signature too long": f"{head}.{payload}.{signature}A",
        "bits left over in the signature": f"{head}.{payload}.{signature[:-1]}{spare}",
    }


def _shapes() -> dict[str, str]:
    head, payload, signature = token().split(".")
    return {
        "two dots and nothing": "..",
        "three dots": f"{head}.{payload}.{signature}.",
        "five parts, as when encrypted": f"{head}.{payload}.{signature}.{payload}.{signature}",
        "one part": head,
        "padding": f"{head}==.{payload}==.{signature}==",
        "the other alphabet": f"{head}.{payload}.+/{signature[2:]}",
        "a space inside": f"{head}.{payload} .{signature}",
        "a tab inside": f"{head}.\t{payload}.{signature}",
        "another token behind a comma": f"{token()},{token()}",
        "not ASCII": f"{head}.{payload}.é{signature[1:]}",
        "a percent escape": f"{head}.{payload}%2e{signature}",
        "quotes around it": f'"{token()}"',
        "too long": token(padding="x" * 8200),
        "JSON serialization": as_json(
            {"protected": head, "payload": payload, "signature": signature}
        ).decode(),
    }


def _no_keys_of_ours() -> dict[str, str]:
    return {
        "a key of the right make that was never given": f"fl_{'0' * 12}_{'A' * 43}",
        "a short key": "fl_0",
        "a word": "undefined",
        "a key id alone": f"fl_{'0' * 12}",
        "a key with SQL": f"fl_{'0' * 12}_' OR 1=1 --",
        "the JWKS": key_set().decode(),
    }
