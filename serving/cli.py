"""``foreland serve`` and ``foreland score``."""

import asyncio
import ipaddress
import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from features.errors import InputError
from features.settings import Settings, read_settings
from serving.auth.access import LOCAL_AGENCY

if TYPE_CHECKING:
    from features.ledger import EventSource
    from serving.file_beside import Beside

app = typer.Typer(no_args_is_help=True)

SERVICE = "serving.service:Foreland"
ROOT = Path(__file__).resolve().parents[1]


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; loopback only until keys exist.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
) -> None:
    """Serve scores over HTTP until interrupted.

    Example: foreland serve --port 8377 --workers 2
    """
    settings = read_settings()
    address = _address(host or settings.host)
    _check_port(address, port or settings.port)
    _check_home(settings, address)
    _become_server(settings, address, port or settings.port, workers)


@app.command()
def score(
    kind: Annotated[str, typer.Option(help="vehicle, vessel or shipment.")],
    movements: Annotated[Path, typer.Option(help="CSV or Parquet file of movements.")],
    out: Annotated[Path, typer.Option(help="CSV or Parquet file to write, a row per row.")],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file of its columns.")] = None,
    ledger: Annotated[
        str | None, typer.Option(help="Ledger URL, or an export; default: the home's.")
    ] = None,
    explain: Annotated[
        bool, typer.Option(help="Reasons for every row, not referred only.")
    ] = False,
    matches: Annotated[
        bool, typer.Option(help="Two more columns: referral_reason and matches.")
    ] = False,
    agency: Annotated[
        str, typer.Option(help="Whose client reads the matches; what it may not know is left out.")
    ] = LOCAL_AGENCY,
) -> None:
    """Score a file of movements, each at its declared time; the ledger is only read.

    With --matches the selectors and rules that each one meets, and whether it would be referred.
    Nothing of it is recorded.

    Example: foreland score --kind vehicle --movements today.csv --out scores.csv
    """
    from features.files.mapping import read_mapping
    from features.ingest import read_movements
    from features.ledger import open_source
    from features.records import check_kind
    from features.rotation import pseudonyms_to_read
    from models.pins import load_pinned
    from models.trust import trusted_keys
    from serving.batch import (
        SCORES,
        WITH_MATCHES,
        ScoredRow,
        check_output,
        score_rows,
        write_rows,
    )

    settings = read_settings()
    check_kind(kind)
    check_output(out)
    rows = list(read_movements(movements, read_mapping(mapping, kind), kind))
    bundle = load_pinned(settings.pins, kind, trusted_keys(settings))
    if bundle is None:
        raise InputError(f"no {kind} model is promoted; run `foreland promote --kind {kind}` first")
    wanted: Literal["always", "referred"] = "always" if explain else "referred"
    scored: list[ScoredRow] = []
    with closing(open_source(ledger or settings.ledger)) as opened:
        pseudonyms = pseudonyms_to_read(opened, settings.keys)
        beside = _beside(settings, opened, agency) if matches else None
        results = score_rows(opened, bundle, rows, pseudonyms, wanted, beside)
        with typer.progressbar(
            results, length=len(rows), label="scoring", file=sys.stderr, hidden=_no_terminal()
        ) as progress:
            scored.extend(progress)
    columns = WITH_MATCHES if matches else SCORES
    write_rows(scored, out, simulated=bundle.manifest.simulated, columns=columns)
    rejected = sum(row.status == "rejected" for row in scored)
    simulated = " (simulated)" if bundle.manifest.simulated else ""
    typer.echo(
        f"{len(scored) - rejected} scored by {kind} model {bundle.version}{simulated}, "
        f"{rejected} rejected: {out}"
    )


def _beside(settings: Settings, ledger: "EventSource", agency: str) -> "Beside":
    from features.draw_keys import draw_secret
    from models.policies import AtBands
    from serving.file_beside import Beside
    from serving.selection import Referrals

    referrals = Referrals(draw_secret(settings.keys), AtBands(settings.exploration_share))
    return Beside(ledger, referrals, agency)


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        raise InputError(f"--host is an address such as 127.0.0.1, not {host!r}") from None


def _check_port(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as exc:
            reason = (exc.strerror or str(exc)).lower()
            raise InputError(
                f"port {port} on {address} cannot be used: {reason}; "
                "stop what listens there, or choose another with --port"
            ) from exc


def _check_home(settings: Settings, address: str) -> None:
    """Everything that would otherwise fail in a worker, where nobody reads it."""
    from features.ledger import open_ledger
    from features.rotation import pseudonyms_of
    from serving.auth.gate import open_gate

    with closing(open_ledger(settings.ledger, create=False)) as ledger, ledger.in_service():
        pseudonyms_of(ledger, settings.keys)
        with closing(open_gate(ledger, settings)) as gate:
            everybody_may = asyncio.run(gate.is_open())
            if everybody_may and not ipaddress.ip_address(address).is_loopback:
                raise InputError(
                    f"keys are not configured, so the service binds to loopback only, not "
                    f"{address}; run `foreland keys create --client NAME --scopes score.write` "
                    "first, or set jwks, jwt_issuer and jwt_audience"
                )
    try:
        _bentoml_home(settings).mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InputError(
            f"{settings.home} cannot be written: {(exc.strerror or str(exc)).lower()}; "
            "set FORELAND_HOME to a directory of yours"
        ) from exc


def _become_server(settings: Settings, address: str, port: int, workers: int) -> NoReturn:
    """Replace this process by BentoML's supervisor, so that signals reach it directly."""
    environment = os.environ | {
        "FORELAND_HOME": str(settings.home.resolve()),
        "FORELAND_LEDGER_URL": _absolute(settings.ledger),
        "FORELAND_SERVE_WORKERS": str(workers),
        **_absolute_key_set(settings),
        "BENTOML_HOME": str(_bentoml_home(settings).resolve()),
        "BENTOML_DO_NOT_TRACK": "True",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE]
    command += ["--host", address, "--port", str(port), "--working-dir", str(ROOT)]
    typer.echo(f"foreland serves on http://{address}:{port} (Ctrl-C ends it)")
    sys.stdout.flush()
    os.chdir(ROOT)  # BentoML puts the working directory first on the import path
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def _absolute(ledger_url: str) -> str:
    path = ledger_url.removeprefix("sqlite:///")
    return ledger_url if path == ledger_url else f"sqlite:///{Path(path).resolve()}"


def _absolute_key_set(settings: Settings) -> dict[str, str]:
    """Of a file: the workers run in another directory."""
    if settings.jwks is None or "://" in settings.jwks:
        return {}
    return {"FORELAND_JWKS": str(Path(settings.jwks).resolve())}


def _bentoml_home(settings: Settings) -> Path:
    return settings.home / "bentoml"


def _no_terminal() -> bool:
    return not sys.stderr.isatty()
