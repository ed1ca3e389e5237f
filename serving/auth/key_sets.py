"""The issuer's public keys, kept in memory and fetched behind the requests' backs.

An issuer that does not answer changes nothing for hours: the keys fetched last go on. Then they
are too old to trust, and tokens can be neither taken nor refused.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from features.errors import ForelandError, InputError
from serving.auth.tokens import KeySetUnusable, PublicKey, read_key_set

logger = logging.getLogger("foreland.serving")

FETCH_SECONDS = 5.0
MOST_BYTES = 1 << 18
_PLAIN = {"Accept": "application/json", "Accept-Encoding": "identity"}
RETRY_SECONDS = 10.0
"""Between attempts while the issuer does not answer."""
BETWEEN_UNKNOWN_SECONDS = 5.0
"""Tokens that name unknown keys have them fetched anew at most this often."""
PATIENCE_SECONDS = 2.0
"""How long a request waits for keys that are being fetched."""

Fetch = Callable[[], Awaitable[bytes]]


class KeySetUnreachable(ForelandError):
    """The issuer's keys could not be fetched."""


class IssuerKeys:
    """One per worker and event loop.

    Args:
        max_age_seconds: after which keys are fetched again.
        stale_seconds: how long the last keys are good while none can be fetched.
    """

    def __init__(self, fetch: Fetch, *, max_age_seconds: float, stale_seconds: float) -> None:
        self._fetch = fetch
        self._max_age_seconds = max_age_seconds
        self._stale_seconds = stale_seconds
        self._fetched_at = -float("inf")
        self._asked_at = -float("inf")
        self._fetching: asyncio.Task[None] | None = None
        self._keys: Mapping[str, PublicKey] = {}
        self._failure: str | None = "they were not fetched yet"

    async def keep_current(self) -> None:
        """Runs for as long as the worker serves."""
        while True:
            await self._once()
            failed = self._failure is not None
            await asyncio.sleep(RETRY_SECONDS if failed else self._max_age_seconds)

    def current(self) -> Mapping[str, PublicKey] | None:
        """The keys by id; None when there are none that are young enough to trust."""
        return self._keys if self.age_seconds() <= self._stale_seconds else None

    def age_seconds(self) -> float:
        """Infinite before the first were fetched."""
        return time.monotonic() - self._fetched_at

    @property
    def problem(self) -> str | None:
        if self._failure is None:
            return None
        good = "the last ones go on" if self.current() is not None else "no token can be checked"
        return f"jwks_unavailable: the issuer's keys cannot be fetched ({self._failure}); {good}"

    async def ask_again(self) -> None:
        """For a token that names an unknown key: wait a little for newer keys, if there may be
        any. A flood of such tokens costs the issuer one request every few seconds."""
        now = time.monotonic()
        due = now - self._asked_at >= BETWEEN_UNKNOWN_SECONDS
        if self._fetching is None and not due:
            return
        if self._fetching is None:
            self._asked_at = now
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(self._once())

    def _once(self) -> "asyncio.Task[None]":
        """The fetch that is under way, or a new one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
        return self._fetching

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                fetched = await self._fetch()
            self._keys = read_key_set(fetched)
        except TimeoutError:
            self._note(f"no answer within {FETCH_SECONDS:g} s")
        except (KeySetUnreachable, KeySetUnusable) as exc:
            self._note(str(exc))
        except Exception as exc:  # whatever it was, the last keys go on and so do the attempts
            self._note(type(exc).__name__)
        else:
            if self._failure is not None:  # whoever waited out the outage asked for nothing new
                self._asked_at = -float("inf")
            self._fetched_at, self._failure = time.monotonic(), None
        finally:
            self._fetching = None

    def _note(self, failure: str) -> None:
        self._failure = failure
        logger.warning("%s", self.problem)


def check_address(address: str) -> str:
    """
    Raises:
        InputError: keys would come over a connection that anybody on the way can change.
    """
    parts = urlsplit(address)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise InputError(f"jwks is fetched over https, not {address}; http is for loopback only")
    if parts.scheme not in ("http", "https", ""):
        raise InputError(f"jwks is an https address or the path of a file, not {address!r}")
    return address


def fetch_from(address: str) -> Fetch:
    """From an address, or from a file that another program keeps current."""
    check_address(address)
    if urlsplit(address).scheme:
        return lambda: _download(address)
    return lambda: asyncio.to_thread(_read, Path(address))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise KeySetUnreachable(f"{path.name}: {(exc.strerror or str(exc)).lower()}") from exc
    return _not_too_long(body)


async def _download(address: str) -> bytes:
    import httpx

    direct = _is_loopback(urlsplit(address).hostname or "")
    body = b""
    try:
        async with (
            httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=not direct) as client,
            client.stream("GET", address, headers=_PLAIN) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise KeySetUnreachable(f"the issuer answered {response.status_code}")
            async for chunk in response.aiter_raw():
                body = _not_too_long(body + chunk)
    except httpx.HTTPError as exc:
        raise KeySetUnreachable(f"{type(exc).__name__} from the issuer") from exc
    return body


def _not_too_long(body: bytes) -> bytes:
    if len(body) > MOST_BYTES:
        raise KeySetUnreachable(f"the JWKS is longer than {MOST_BYTES} bytes")
    return body


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
