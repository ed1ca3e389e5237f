"""``python -m tests.benchmarks.admission``: what knowing the client costs each request.

CPU microseconds of this thread for gate, place and quota, as ``serving.app`` asks them; the best
of several runs.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from features.ledger import Ledger, open_ledger
from features.settings import Settings
from serving.auth import key_store
from serving.auth.access import NEEDED, Client
from serving.auth.api_keys import new_key
from serving.auth.gate import Gate, open_gate
from serving.load import Places, Quotas
from serving.problems import RequestRefused
from tests.issuer import claims, header, key_set, signed, token, trusting

REQUESTS, RUNS = 2_000, 5
ROUTINE = [(b"host", b"x"), (b"content-type", b"application/json"), (b"accept", b"*/*")]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "jwks.json").write_bytes(key_set())
        plain = Settings(home=home, ledger_url=f"sqlite:///{home / 'ledger.db'}")
        with closing(open_ledger(plain.ledger)) as ledger:
            asyncio.run(_tell(ledger, plain, trusting(plain, str(home / "jwks.json"))))


async def _tell(ledger: Ledger, plain: Settings, trusting_issuer: Settings) -> None:
    await _line("open, without any key", open_gate(ledger, plain), lambda: None)
    key, stored = new_key(Client("port", "border", frozenset({"score.write"})), created_at=1)
    key_store.add(ledger, stored)
    unknown = f"fl_{'0' * 12}_{'A' * 43}"
    gate = open_gate(ledger, trusting_issuer, lambda _: None)
    keeping = asyncio.create_task(gate.keep_current())
    await asyncio.sleep(0.2)
    again, forged = token(), token()[:-4] + "AAAA"
    await _line("an API key", gate, lambda: key)
    await _line("a token seen before", gate, lambda: again)
    for algorithm, kid in (("RS256", "rsa-1"), ("ES256", "ec-1"), ("EdDSA", "ed-1")):
        fresh = iter([signed(header(algorithm, kid), claims(jti=n)) for n in range(REQUESTS)])
        await _line(f"a token seen first, {algorithm}", gate, lambda f=fresh: next(f), runs=1)  # type: ignore[misc]
    await _line("a key that nobody has, refused", gate, lambda: unknown)
    await _line("a token with a bad signature, refused", gate, lambda: forged)
    await _line("a known key, and no place", gate, lambda: key, places=0)
    keeping.cancel()


async def _line(
    what: str,
    gate: Gate,
    credential: Callable[[], str | None],
    *,
    runs: int = RUNS,
    places: int = 128,
) -> None:
    ask = _asking(gate, Places(places))
    times = []
    for _ in range(runs):
        scopes = [_scope(credential()) for _ in range(REQUESTS)]
        started = time.thread_time()
        for scope in scopes:
            await ask(scope)
        times.append((time.thread_time() - started) / REQUESTS)
    print(f"{what}: {1e6 * min(times):.1f} µs", flush=True)


def _asking(gate: Gate, places: Places) -> Callable[[dict[str, Any]], Awaitable[None]]:
    quotas, any_of = Quotas(1e9, 2.0), NEEDED["score"]

    async def ask(scope: dict[str, Any]) -> None:
        try:
            client = await gate.admit(scope, any_of)
            with places:
                quotas.take(client, time.monotonic())
        except RequestRefused as refused:
            refused.document()

    return ask


def _scope(credential: str | None) -> dict[str, Any]:
    headers = ROUTINE
    if credential is not None:
        headers = [*ROUTINE, (b"authorization", b"Bearer " + credential.encode())]
    return {"type": "http", "headers": headers, "server": ("127.0.0.1", 80)}


if __name__ == "__main__":
    main()
