"""The gate before every operation: who asks, and may they? Cheap enough for each request."""

import base64
import binascii
import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from features.ledger import Ledger
from features.settings import Settings
from serving.auth.access import LOCAL, Client, CredentialRefused, require
from serving.auth.guesses import Guesses
from serving.auth.key_sets import IssuerKeys, fetch_from
from serving.auth.key_store import open_keys
from serving.auth.keyring import KeyRing
from serving.auth.tokens import PublicKey, ReadToken, TokenRules, UnknownKeyId, read_token
from serving.problems import RequestRefused

logger = logging.getLogger("foreland.serving")

_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_.-]+)")
_BASIC = re.compile(rb"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})")
_PASSWORD = re.compile(rb"[^:]*:([A-Za-z0-9_.-]+)")
_BEARER_CHALLENGE = "Bearer"
_BASIC_CHALLENGE = 'Basic realm="Foreland reports", charset="UTF-8"'
_MOST_REMEMBERED = 1_024
SAME_REASON_SECONDS = 1.0
"""A reason for refusals is logged at most so often; the metrics count each."""

HttpScope = Mapping[str, Any]


class TokenReader:
    """Reads each token once: the client of a good one is remembered while it is good."""

    def __init__(
        self, issuer: IssuerKeys, rules: TokenRules, clock: Callable[[], float] = time.time
    ) -> None:
        self.issuer = issuer
        self._rules = rules
        self._clock = clock
        self._remembered: dict[str, ReadToken] = {}
        self._by: Mapping[str, PublicKey] | None = None
        """The keys that the remembered tokens were read by."""

    async def client_of(self, token: str) -> Client:
        """
        Raises:
            CredentialRefused: it is not right in every part.
            RequestRefused: ``tokens_unverifiable``.
        """
        try:
            return self._read(token)
        except (UnknownKeyId, RequestRefused):
            await self.issuer.ask_again()
        return self._read(token)

    def _read(self, token: str) -> Client:
        keys = self.issuer.current()
        if keys is None:
            raise RequestRefused(
                "tokens_unverifiable",
                "the issuer's keys cannot be fetched, so no token can be checked; try again later",
                headers={"Retry-After": "10"},
            )
        if keys is not self._by:
            self._by, self._remembered = keys, {}
        now = self._clock()
        known = self._remembered.get(token)
        if known is None or now >= known.good_until:
            known = read_token(token, keys, self._rules, now)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = known
        return known.client


class Gate:
    """Opened once per worker. Without keys and without an issuer everybody on this machine may
    do everything; from the first key on nobody may without a credential."""

    def __init__(
        self, keys: KeyRing, tokens: TokenReader | None, refused: Callable[[str], None]
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._refused = refused
        self._log_due_at: dict[str, float] = {}
        self._guesses = Guesses()

    async def is_open(self) -> bool:
        return self._tokens is None and not await self._keys.exist()

    async def admit(
        self, scope: HttpScope, any_of: Collection[str], *, browser: bool = False
    ) -> Client:
        """Who asks, if it holds any of these scopes, or if none is needed.

        Args:
            browser: take a credential as the password of HTTP Basic too, ask for one in that way,
                and have an address wait that shows too many wrong ones.

        Raises:
            RequestRefused: ``unauthorized``, ``scope_missing``, ``tokens_unverifiable`` or
                ``too_many_attempts``.
        """
        client = await (self._reader_of(scope) if browser else self._client_of(scope))
        require(client, *any_of)
        return client

    def problems(self) -> tuple[str, ...]:
        """What keeps it from knowing clients as it should, each ``code: sentence``."""
        found = (self._keys.problem, None if self._tokens is None else self._tokens.issuer.problem)
        return tuple(problem for problem in found if problem is not None)

    async def keep_current(self) -> None:
        """Runs for as long as the worker serves."""
        if self._tokens is not None:
            await self._tokens.issuer.keep_current()

    def close(self) -> None:
        self._keys.close()

    async def _client_of(self, scope: HttpScope) -> Client:
        try:
            if await self.is_open():
                return _local(scope)
            return await self._holder_of(_credential(scope["headers"]))
        except CredentialRefused as exc:
            self._note(exc.reason)
            raise RequestRefused(
                "unauthorized",
                "send one header 'Authorization: Bearer ...' with an API key or a token that is "
                "good now",
                headers={"WWW-Authenticate": _BEARER_CHALLENGE},
            ) from exc

    async def _reader_of(self, scope: HttpScope) -> Client:
        """As ``_client_of``, of somebody with a browser."""
        address = (scope.get("client") or ("", None))[0]
        self._guesses.check(address, time.monotonic())
        try:
            if await self.is_open():
                return _local(scope)
            return await self._holder_of(_credential(scope["headers"], browser=True))
        except CredentialRefused as exc:
            self._note(exc.reason)
            if exc.reason != "none_given":  # every browser first asks without
                self._guesses.wrong(address, time.monotonic())
            raise RequestRefused(
                "unauthorized",
                "log in with an API key or a token that is good now, as the password",
                headers={"WWW-Authenticate": _BASIC_CHALLENGE},
            ) from exc

    def _note(self, reason: str) -> None:
        """Each is counted, but whoever sends bad ones without end does not fill the disk."""
        self._refused(reason)
        now = time.monotonic()
        if now >= self._log_due_at.get(reason, now):
            self._log_due_at[reason] = now + SAME_REASON_SECONDS
            logger.warning("a credential was refused: %s", reason)

    async def _holder_of(self, credential: str) -> Client:
        if credential.count(".") != 2:  # as many as a token has and a key has not
            return await self._keys.client_of(credential)
        if self._tokens is None:
            raise CredentialRefused("tokens_not_taken")
        return await self._tokens.client_of(credential)


def _credential(headers: Iterable[tuple[bytes, bytes]], *, browser: bool = False) -> str:
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        raise CredentialRefused("none_given")
    if browser and len(given) == 1 and (basic := _BASIC.fullmatch(given[0])) is not None:
        return _password(basic[1])
    found = _BEARER.fullmatch(given[0])
    if found is None or len(given) > 1:
        raise CredentialRefused("not_one_bearer")
    return found[1].decode()


def _password(encoded: bytes) -> str:
    """Of HTTP Basic (RFC 7617), whatever the name."""
    try:
        found = _PASSWORD.fullmatch(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        found = None
    if found is None:
        raise CredentialRefused("malformed_basic")
    return found[1].decode()


def _local(scope: HttpScope) -> Client:
    """Only where the connection itself arrived over loopback, however the server was started."""
    host = (scope.get("server") or ("", None))[0]
    if not (host.startswith("127.") or host == "::1"):
        raise CredentialRefused("none_given_from_afar")
    return LOCAL


def open_gate(
    ledger: Ledger, settings: Settings, refused: Callable[[str], None] = lambda _: None
) -> Gate:
    """Of one worker; ``refused`` hears the reason of every refusal."""
    return Gate(KeyRing(open_keys(ledger)), _token_reader(settings), refused)


def _token_reader(settings: Settings) -> TokenReader | None:
    if settings.jwks is None or settings.jwt_issuer is None or settings.jwt_audience is None:
        return None
    issuer = IssuerKeys(
        fetch_from(settings.jwks),
        max_age_seconds=settings.jwks_max_age_seconds,
        stale_seconds=settings.jwks_stale_hours * 3600,
    )
    rules = TokenRules(
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway_seconds=settings.jwt_leeway_seconds,
        scope_claim=settings.jwt_scope_claim,
        agency_claim=settings.jwt_agency_claim,
        client_claim=settings.jwt_client_claim,
    )
    return TokenReader(issuer, rules)
