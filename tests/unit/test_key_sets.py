"""The issuer's keys: rotation, outages, and answers that are no key set."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError
from serving.auth import key_sets
from serving.auth.access import CredentialRefused
from serving.auth.gate import TokenReader
from serving.auth.key_sets import IssuerKeys, KeySetUnreachable, fetch_from
from serving.auth.tokens import KeySetUnusable, TokenRules, read_key_set
from serving.problems import RequestRefused
from tests.issuer import (
    AUDIENCE,
    ISSUER,
    as_json,
    claims,
    header,
    key_set,
    keys,
    public,
    signed,
    stranger,
    token,
)

NEW = signed(header(kid="rsa-2"), claims(), key=stranger())
RULES = TokenRules(ISSUER, AUDIENCE)


class Issuer:
    """Answers with ``body``, or fails when that is an exception; counts how often it is asked."""

    def __init__(self) -> None:
        self.body: bytes | Exception = key_set()
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.answering.wait()
        if isinstance(self.body, Exception):
            raise self.body
        return self.body

    def rotate(self) -> None:
        self.body = key_set(public("rsa-2", stranger()))


def with_issuer(
    scenario: Callable[[Issuer, IssuerKeys, TokenReader], Awaitable[None]],
    *,
    max_age_seconds: float = 60.0,
    stale_seconds: float = 60.0,
) -> None:
    """The scenario beside a worker that keeps its keys current."""

    async def run() -> None:
        issuer = Issuer()
        current = IssuerKeys(
            issuer.fetch, max_age_seconds=max_age_seconds, stale_seconds=stale_seconds
        )
        keeping = asyncio.create_task(current.keep_current())
        try:
            await scenario(issuer, current, TokenReader(current, RULES))
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    asyncio.run(run())


def problem_of(current: IssuerKeys) -> str | None:
    return current.problem


def test_the_first_request_waits_for_the_first_keys() -> None:
    async def scenario(issuer: Issuer, current: IssuerKeys, reader: TokenReader) -> None:
        assert problem_of(current) is not None
        assert (await reader.client_of(token())).agency == "border"
        assert issuer.asked == 1
        assert problem_of(current) is None

    with_issuer(scenario)


def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    async def scenario(issuer: Issuer, _: IssuerKeys, reader: TokenReader) -> None:
        await reader.client_of(token())
        issuer.rotate()
        assert (await reader.client_of(NEW)).name == "port-system"
        assert issuer.asked == 2

    with_issuer(scenario)


def test_a_flood_of_unknown_keys_asks_the_issuer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(issuer: Issuer, current: IssuerKeys, reader: TokenReader) -> None:
        await reader.client_of(token())
        flood = [reader.client_of(NEW) for _ in range(200)]
        for answer in await asyncio.gather(*flood, return_exceptions=True):
            assert isinstance(answer, CredentialRefused)
        for _ in range(20):
            with pytest.raises(CredentialRefused):
                await reader.client_of(NEW)
        assert (issuer.asked, problem_of(current)) == (2, None)
        monkeypatch.setattr(key_sets, "BETWEEN_UNKNOWN_SECONDS", 0.0)
        issuer.rotate()
        await reader.client_of(NEW)
        assert issuer.asked == 3

    with_issuer(scenario)


def test_a_key_that_the_issuer_took_away_opens_nothing_once_its_set_is_fetched() -> None:
    async def scenario(issuer: Issuer, _: IssuerKeys, reader: TokenReader) -> None:
        old = token()
        await reader.client_of(old)
        issuer.body = as_json({"keys": [public("rsa-2", stranger())]})
        await reader.client_of(NEW)
        with pytest.raises(CredentialRefused, match="unknown_kid"):
            await reader.client_of(old)

    with_issuer(scenario)


OUTAGES: dict[str, bytes | Exception] = {
    "unreachable": KeySetUnreachable("no answer"),
    "an error nobody thought of": RuntimeError("x"),
    "not JSON": b"<html>try again later</html>",
    "no keys": b'{"keys":[]}',
    "only keys that verify nothing": b'{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}',
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_during_an_outage_the_last_keys_go_on_and_it_is_said(
    outage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "RETRY_SECONDS", 0.01)

    async def scenario(issuer: Issuer, current: IssuerKeys, reader: TokenReader) -> None:
        await reader.client_of(token())
        issuer.body = OUTAGES[outage]
        await until(lambda: current.problem is not None)
        assert (current.problem or "").startswith("jwks_unavailable: ")
        assert "the last ones go on" in (current.problem or "")
        await reader.client_of(token(sub="another"))
        issuer.body = key_set()
        await until(lambda: current.problem is None)

    with_issuer(scenario, max_age_seconds=0.01)


def test_after_a_long_outage_no_token_is_taken_and_none_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_sets, "RETRY_SECONDS", 0.01)

    async def scenario(issuer: Issuer, current: IssuerKeys, reader: TokenReader) -> None:
        good = token()
        await reader.client_of(good)
        issuer.body = KeySetUnreachable("no answer")
        await until(lambda: current.current() is None)
        for one in (good, NEW, "a.b.c"):
            with pytest.raises(RequestRefused) as refused:
                await reader.client_of(one)
            assert refused.value.code == "tokens_unverifiable"
            assert refused.value.headers["Retry-After"] == "10"
        assert "no token can be checked" in (current.problem or "")
        issuer.body = key_set()
        await until(lambda: current.problem is None)
        await reader.client_of(good)

    with_issuer(scenario, max_age_seconds=0.01, stale_seconds=0.2)


def test_an_issuer_that_hangs_holds_a_request_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_sets, "PATIENCE_SECONDS", 0.05)

    async def scenario(issuer: Issuer, _: IssuerKeys, reader: TokenReader) -> None:
        await reader.client_of(token())
        issuer.answering.clear()
        started = time.monotonic()
        with pytest.raises(CredentialRefused, match="unknown_kid"):
            await reader.client_of(NEW)
        assert time.monotonic() - started < 1
        await reader.client_of(token(sub="another"))
        issuer.rotate()
        issuer.answering.set()
        await until(lambda: issuer.asked == 2)
        await asyncio.sleep(0.02)
        await reader.client_of(NEW)

    with_issuer(scenario)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about within 5 s")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not strict JSON"),
        (b'{"keys":[],"keys":[]}', "not strict JSON"),
        (b"[]", "no list 'keys'"),
        (b'{"keys":{}}', "no list 'keys'"),
        (as_json({"keys": [{}] * 101}), "at most 100"),
        (as_json({"keys": [public("a", stranger())] * 2}), "two keys one kid"),
        (as_json({"keys": [stranger().as_dict(private=False)]}), "no key of the JWKS has a kid"),
        (as_json({"keys": [public("a", stranger()) | {"n": "AQAB"}]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", stranger()) | {"n": 7}]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", stranger(), alg="RSA-OAEP")]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", stranger(), alg=1)]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", stranger(), key_ops=["wrapKey"])]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", keys()["ec-1"]) | {"x": "AA"}]}), "no key of the JWKS"),
        (as_json({"keys": [public("a", keys()["ec-1"]) | {"crv": "P-384"}]}), "no key of the JWKS"),
        (as_json({"keys": ["a", None, 7]}), "no key of the JWKS"),
    ],
)
def test_what_is_no_key_set_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(KeySetUnusable, match=said):
        read_key_set(body)


def test_a_key_that_says_its_algorithm_verifies_no_other() -> None:
    only = read_key_set(as_json({"keys": [public("a", stranger(), alg="PS256")]}))
    assert only["a"].algorithms == {"PS256"}


@contextmanager
def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[str]:
    """An HTTP server of its own; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fetched(address: str) -> bytes:
    async def fetch() -> bytes:
        return await fetch_from(address)()

    return asyncio.run(fetch())


def test_keys_come_over_http_and_from_a_file(tmp_path: Path) -> None:
    with answering(200, key_set()) as address:
        assert fetched(address) == key_set()
    (tmp_path / "jwks.json").write_bytes(key_set())
    assert fetched(str(tmp_path / "jwks.json")) == key_set()


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (500, b"", {}, "answered 500"),
        (302, b"", {"Location": "http://127.0.0.1:1/"}, "answered 302"),
        (200, b" " * (key_sets.MOST_BYTES + 1), {}, "longer than"),
    ],
)
def test_what_is_no_plain_answer_is_not_taken(
    status: int, body: bytes, headers: dict[str, str], said: str
) -> None:
    """A redirect least of all: it could lead anywhere, by anyone on the way."""
    with answering(status, body, headers) as address, pytest.raises(KeySetUnreachable, match=said):
        fetched(address)


def test_a_file_that_is_missing_or_too_long(tmp_path: Path) -> None:
    with pytest.raises(KeySetUnreachable, match="no such file"):
        fetched(str(tmp_path / "none"))
    (tmp_path / "long").write_bytes(b" " * (key_sets.MOST_BYTES + 1))
    with pytest.raises(KeySetUnreachable, match="longer than"):
        fetched(str(tmp_path / "long"))
    with pytest.raises(KeySetUnreachable, match="ConnectError"):
        fetched("http://127.0.0.1:9/jwks")


@pytest.mark.parametrize("address", ["http://issuer.example/jwks", "ftp://issuer.example/jwks"])
def test_keys_are_never_fetched_where_others_can_change_them(address: str) -> None:
    with pytest.raises(InputError, match="https"):
        fetch_from(address)
