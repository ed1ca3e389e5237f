"""Tokens at the door of the service: good ones get in, and of the others none."""

import base64
import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.auth import gate, tokens
from serving.auth.access import CredentialRefused
from serving.auth.tokens import TokenRules, read_key_set, read_token
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.app_client import AppClient, refused_with
from tests.attack_tokens import attack_tokens
from tests.issuer import (
    AUDIENCE,
    ISSUER,
    claims,
    encoded,
    header,
    key_set,
    keys,
    public,
    signed,
    stranger,
    token,
    trusting,
    weak,
)

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
ATTACKS = attack_tokens()
UNFIT = [
    public("short-1", weak()),
    public("enc-1", stranger()) | {"use": "enc"},
    {"kty": "oct", "kid": "oct-1", "k": encoded(b"shared secret of 32 bytes length")},
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppClient]:
    home = tmp_path_factory.mktemp("home")
    (home / "jwks.json").write_bytes(key_set(*UNFIT))
    plain = Settings(home=home, ledger_url=f"sqlite:///{home / 'ledger.db'}")
    settings = trusting(plain, str(home / "jwks.json"))
    open_ledger(settings.ledger).close()
    counters = Counters()
    refused = counters.credentials_refused
    state = lambda: ServingState(settings, lambda reason: refused.labels(reason).inc())  # noqa: E731
    with closing(AppClient(create_app(state, counters=counters))) as app:
        yield app


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 60
    assert len(set(ATTACKS.values())) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_like_every_other(client: AppClient, attack: str) -> None:
    """One answer for all, which tells an attacker nothing: not even that he came close."""
    value = b"Bearer " + ATTACKS[attack].encode("latin-1")
    refused = client.request("GET", "/v1/models", headers={"Authorization": value})
    refused_with(refused, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json() | {"instance": ""} == client.get("/v1/models").json() | {"instance": ""}


def authorized(client: AppClient, value: str) -> int:
    headers = {"Authorization": value}
    return client.request("POST", "/v1/scores", json=VEHICLE, headers=headers).status_code


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "DPoP", "Negotiate", "Token", "BearerX"])
def test_other_schemes_are_refused(client: AppClient, scheme: str) -> None:
    assert authorized(client, f"{scheme} {token()}") == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "{}", " Basic, Bearer {}", "Bearer {} x"]
)
def test_headers_of_another_shape_are_refused(client: AppClient, value: str) -> None:
    assert authorized(client, value.format(token())) == 401


def test_two_credentials_are_refused_even_when_both_are_good(client: AppClient) -> None:
    headers = [("Authorization", f"Bearer {token()}")] * 2
    assert client.request("GET", "/v1/models", headers=headers).status_code == 401


def test_a_credential_anywhere_else_is_none(client: AppClient) -> None:
    headers = {"X-Api-Key": token(), "Cookie": f"token={token()}"}
    path = f"/v1/models?access_token={token()}"
    assert client.request("GET", path, headers=headers).status_code == 401


GOOD: dict[str, Any] = {
    "RS256": token,
    "PS256": lambda: signed(header("PS256"), claims()),
    "ES256": lambda: signed(header("ES256", "ec-1"), claims()),
    "EdDSA": lambda: signed(header("EdDSA", "ed-1"), claims()),
    "Ed25519, its newer name": lambda: signed(header("Ed25519", "ed-1"), claims()),
    "typ JWT": lambda: signed(header(typ="JWT"), claims()),
    "no typ": lambda: signed({"alg": "RS256", "kid": "rsa-1"}, claims()),
    "the fingerprint of a certificate": lambda: signed(header(x5t="abc"), claims()),
    "one audience of several": lambda: token(aud=["other", "foreland"]),
    "scope as a list": lambda: token(scope=["score.write"]),
    "neither iat nor nbf": lambda: token(iat=None, nbf=None),
    "expired within the leeway": lambda: token(exp=int(time.time()) - 5),
    "issued by a clock that is ahead": lambda: token(iat=int(time.time()) + 5),
    "exp with a fraction": lambda: token(exp=time.time() + 60.5),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_token_gets_in_again_and_again(client: AppClient, kind: str) -> None:
    good = GOOD[kind]()
    assert [authorized(client, f"Bearer {good}") for _ in range(2)] == [200, 200]
    assert authorized(client, f"bEaReR  {good}") == 200


def test_a_token_opens_what_its_scopes_say(client: AppClient) -> None:
    refused = client.post("/v1/scores", json=VEHICLE, credential=token(scope="audit.read"))
    refused_with(refused, "scope_missing")
    refused_with(
        client.post("/v1/scores", json=VEHICLE, credential=token(scope=None)), "scope_missing"
    )
    assert client.get("/v1/models", token(scope="openid")).status_code == 200


def test_a_token_sees_its_own_agency_only(client: AppClient) -> None:
    body = {**VEHICLE, "movement_ref": "GMRA00000009"}
    location = client.post("/v1/scores", json=body, credential=token()).headers["location"]
    assert client.get(location, token(sub="another-system")).status_code == 200
    assert client.get(location, token(agency="customs")).status_code == 404


def test_a_remembered_token_is_refused_once_it_expires(client: AppClient) -> None:
    near = token(exp=int(time.time()) - 8)  # the leeway is 10 s
    assert client.get("/v1/models", near).status_code == 200
    time.sleep(max(0.0, json.loads(_claims_of(near))["exp"] + 10.05 - time.time()))
    refused_with(client.get("/v1/models", near), "unauthorized")


def _claims_of(credential: str) -> bytes:
    part = credential.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_why_is_in_the_log_and_the_metrics_and_the_token_is_not(
    client: AppClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    time.sleep(gate.SAME_REASON_SECONDS)  # since the tests before may have had it logged
    expired = token(exp=1)
    for _ in range(50):
        client.get("/v1/models", expired)
    assert 1 <= caplog.text.count("a credential was refused: token_expired") < 10
    counted = client.app.state.counters.exposition().decode()
    (count,) = re.findall(r'credentials_refused_total{reason="token_expired"} ([\d.]+)', counted)
    assert float(count) >= 50
    for part in expired.split("."):
        assert part not in caplog.text + counted


def test_keys_of_other_algorithms_are_left_out(client: AppClient) -> None:
    current = client.app.state.serving.gate._tokens.issuer.current()
    assert set(current) == set(keys())


def test_the_attacks_try_every_check_that_a_token_has_to_pass() -> None:
    """An attack that fails at an earlier check than it was meant for proves nothing."""
    known, rules = read_key_set(key_set(*UNFIT)), TokenRules(ISSUER, AUDIENCE)
    reasons = set()
    for attack in ATTACKS.values():
        with pytest.raises(CredentialRefused) as refused:
            read_token(attack, known, rules, time.time())
        reasons.add(refused.value.reason)
    source = Path(tokens.__file__).read_text()
    named = set(re.findall(r'(?:CredentialRefused|UnknownKeyId)\("(\w+)"\)', source))
    assert named <= reasons
    assert {"bad_exp", "bad_nbf", "bad_iat", "malformed_header", "malformed_claims"} <= reasons
