"""Reading an OAuth2 access token: a JWT that is right in every part, or nothing at all.

Pure: keys, rules and the time come in, a client or a reason goes out. The header is read here,
strictly, before any cryptography; it chooses among our keys and never brings one.

References:
    RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practices), RFC 9068 (access tokens)
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from features.errors import ForelandError
from serving.auth.access import Client, CredentialRefused, is_client_of_token, is_name
from serving.problems import RequestRefused
from serving.strict_json import parse_strictly

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""What may sign a token, with the type and the curve of its key. None of them is symmetric."""

MOST_TOKEN_CHARACTERS = 8192
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 100
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_HEADER = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""Everything else is refused: keys or addresses of keys (jwk, jku, x5c, x5u), crit, b64, zip."""
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class TokenRules(NamedTuple):
    """What a token must say."""

    issuer: str
    audience: str
    leeway_seconds: float = 10.0
    """How far the clocks of issuer and service may be apart."""
    scope_claim: str = "scope"
    agency_claim: str = "agency"
    client_claim: str = "sub"


class PublicKey(NamedTuple):
    key: Key
    algorithms: frozenset[str]


class ReadToken(NamedTuple):
    client: Client
    good_until: float
    """Seconds since 1970, leeway included: the first instant at which it is refused."""


class KeySetUnusable(ForelandError):
    """What should be a JWKS holds no key that can verify a token."""


class UnknownKeyId(CredentialRefused):
    """No key has this id; the issuer may have a new one."""


def read_key_set(body: bytes) -> dict[str, PublicKey]:
    """The keys of a JWKS (RFC 7517) by id; those that cannot verify a token are left out.

    Raises:
        KeySetUnusable: it is no JWKS, names one id twice, or none of its keys can be used.
    """
    try:
        document = parse_strictly(body)
    except RequestRefused as exc:
        raise KeySetUnusable(f"the JWKS is not strict JSON ({exc})") from exc
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list) or len(given) > _MOST_KEYS:
        raise KeySetUnusable(f"the JWKS has no list 'keys' of at most {_MOST_KEYS}")
    found: dict[str, PublicKey] = {}
    for one in given:
        key_id, key = _public_key(one)
        if key is None:
            continue
        if key_id in found:
            raise KeySetUnusable("the JWKS gives two keys one kid; a token could mean either")
        found[key_id] = key
    if not found:
        raise KeySetUnusable(f"no key of the JWKS has a kid and can verify {', '.join(ALGORITHMS)}")
    return found


def read_token(
    token: str, keys: Mapping[str, PublicKey], rules: TokenRules, now: float
) -> ReadToken:
    """The client that a token stands for.

    Args:
        now: seconds since 1970.

    Raises:
        UnknownKeyId: none of ``keys`` has the id that the token names.
        CredentialRefused: anything else is not as it must be.
    """
    if len(token) > MOST_TOKEN_CHARACTERS:
        raise CredentialRefused("token_too_long")
    parts = _PARTS.fullmatch(token)
    if parts is None:
        raise CredentialRefused("malformed_token")
    header = _object(parts[1], "header")
    key_id, algorithm = _key_id(header), _algorithm(header)
    if key_id not in keys:
        raise UnknownKeyId("unknown_kid")
    _check_signature(parts, algorithm, keys[key_id])
    return _read_claims(_object(parts[2], "claims"), rules, now)


def _public_key(given: Any) -> tuple[str, PublicKey | None]:
    if not isinstance(given, dict) or not isinstance(given.get("kid"), str):
        return "", None
    key_id, kind = given["kid"], (given.get("kty"), given.get("crv"))
    fitting = frozenset(name for name, its_kind in ALGORITHMS.items() if its_kind == kind)
    if (only := given.get("alg")) is not None:
        fitting &= {only} if isinstance(only, str) else frozenset()
    operations = given.get("key_ops", ["verify"])
    signs = given.get("use", "sig") == "sig" and "verify" in operations
    if not fitting or not signs or _too_short(given):
        return key_id, None
    try:
        public = {name: given[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in given}
        return key_id, PublicKey(JWKRegistry.import_key(public), fitting)
    except (JoseError, ValueError, TypeError):
        return key_id, None


def _too_short(given: Mapping[str, Any]) -> bool:
    """RFC 7518 section 3.3: 2048 bits at least. The modulus has no leading zeros by section 6.3."""
    if given["kty"] != "RSA":
        return False
    modulus = given.get("n")
    if not isinstance(modulus, str):
        return True
    try:
        return int.from_bytes(_bytes(modulus), "big").bit_length() < _LEAST_RSA_BITS
    except (ValueError, binascii.Error):
        return True


def _key_id(header: Mapping[str, Any]) -> str:
    key_id = header.get("kid")
    if not isinstance(key_id, str):
        raise CredentialRefused("no_kid")
    return key_id


def _algorithm(header: Mapping[str, Any]) -> str:
    if not _HEADER.issuperset(header):
        raise CredentialRefused("header_not_allowed")
    algorithm, media_type = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise CredentialRefused("algorithm_not_allowed")
    if not isinstance(media_type, str) or media_type.lower() not in _TYPES:
        raise CredentialRefused("not_an_access_token")
    return algorithm


def _check_signature(parts: "re.Match[str]", algorithm: str, public: PublicKey) -> None:
    if algorithm not in public.algorithms:
        raise CredentialRefused("algorithm_of_another_key")
    signed = parts[0].rpartition(".")[0].encode()
    try:
        # Not by deserialize_compact: it would read the header a second time, by other rules.
        good = JWSRegistry.algorithms[algorithm].verify(signed, _bytes(parts[3]), public.key)
    except (JoseError, ValueError, TypeError):
        good = False
    if not good:
        raise CredentialRefused("bad_signature")


def _read_claims(claims: Mapping[str, Any], rules: TokenRules, now: float) -> ReadToken:
    if claims.get("iss") != rules.issuer:
        raise CredentialRefused("wrong_issuer")
    audience = claims.get("aud")
    if rules.audience not in (audience if isinstance(audience, list) else [audience]):
        raise CredentialRefused("wrong_audience")
    good_until = _instant(claims, "exp") + rules.leeway_seconds
    if now >= good_until:
        raise CredentialRefused("token_expired")
    for claim in ("nbf", "iat"):
        if claim in claims and _instant(claims, claim) > now + rules.leeway_seconds:
            raise CredentialRefused("token_not_yet_valid")
    return ReadToken(_client(claims, rules), good_until)


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CredentialRefused(f"bad_{name}")
    return value


def _client(claims: Mapping[str, Any], rules: TokenRules) -> Client:
    name, agency = claims.get(rules.client_claim), claims.get(rules.agency_claim)
    if not is_client_of_token(name):
        raise CredentialRefused("no_client")
    if not is_name(agency):
        raise CredentialRefused("no_agency")
    return Client(str(name), str(agency), _scopes(claims.get(rules.scope_claim, "")))


def _scopes(given: Any) -> frozenset[str]:
    """Words between spaces (RFC 8693 section 4.2), or a list; of others' scopes nothing is said."""
    words = given.split(" ") if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise CredentialRefused("bad_scope")
    return frozenset(words)


def _object(encoded: str, part: str) -> dict[str, Any]:
    try:
        value = parse_strictly(_bytes(encoded))
    except (RequestRefused, ValueError, binascii.Error) as exc:
        raise CredentialRefused(f"malformed_{part}") from exc
    if not isinstance(value, dict):
        raise CredentialRefused(f"malformed_{part}")
    return value


def _bytes(encoded: str) -> bytes:
    """Of base64url without padding, in its one spelling: no bit is left over.

    >>> _bytes("AQ")
    b'\\x01'
    """
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != encoded:
        raise ValueError("not the one spelling of these bytes")
    return decoded
