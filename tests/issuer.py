"""An authorization server's side of OAuth2: keys, their JWKS, and tokens, good ones and others."""

import base64
import hmac
import json
import time
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from features.settings import Settings

ISSUER, AUDIENCE = "https://issuer.example/", "foreland"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@cache
def keys() -> dict[str, RSAKey | ECKey | OKPKey]:
    """By kid; made once, because RSA keys take long."""
    return {
        "rsa-1": RSAKey.generate_key(2048),
        "ec-1": ECKey.generate_key("P-256"),
        "ed-1": OKPKey.generate_key("Ed25519"),
    }


@cache
def stranger() -> RSAKey:
    """A key of nobody we know."""
    return RSAKey.generate_key(2048)


@cache
def weak() -> RSAKey:
    """512 bits take an afternoon to factor; 1024, the least that can be made here, some money."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RSAKey.generate_key(1024)


def public(kid: str, key: Key, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", **more}


def key_set(*more: Mapping[str, Any]) -> bytes:
    return as_json({"keys": [*(public(kid, key) for kid, key in keys().items()), *more]})


def claims(**changed: Any) -> dict[str, Any]:
    """Of a good token; a claim that is changed to None is left out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "port-system",
        "agency": "border",
        "scope": "score.write outcome.write openid",
        "iat": now,
        "nbf": now,
        "exp": now + 86_400,
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def header(algorithm: Any = "RS256", kid: Any = "rsa-1", **more: Any) -> dict[str, Any]:
    return {"alg": algorithm, "kid": kid, "typ": "at+jwt", **more}


def signed(head: Any, payload: Any, *, key: Key | None = None, algorithm: str | None = None) -> str:
    """Signed by the key that the header names, unless another is given; bytes stay as they are."""
    parts = [part if isinstance(part, bytes) else as_json(part) for part in (head, payload)]
    text = ".".join(map(encoded, parts))
    key = key or keys()[head["kid"]]
    signing = JWSRegistry.algorithms[algorithm or head["alg"]]
    return f"{text}.{encoded(signing.sign(text.encode(), key))}"


def token(**changed: Any) -> str:
    return signed(header(), claims(**changed))


def shared(algorithm: str, secret: bytes, kid: str = "rsa-1") -> str:
    """Signed with a secret, as the issuer never does."""
    text = ".".join(encoded(as_json(part)) for part in (header(algorithm, kid), claims()))
    digest = hmac.digest(secret, text.encode(), f"sha{algorithm.removeprefix('HS')}")
    return f"{text}.{encoded(digest)}"


def trusting(settings: Settings, jwks: str) -> Settings:
    return settings.model_copy(
        update={"jwks": jwks, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    )
