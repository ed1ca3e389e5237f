"""A real MLflow server as a site runs it: tables in PostgreSQL, artefacts in a directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.integration.small_border import free_port

START_SECONDS = 400.0  # 20 on a machine with nothing else to do
STOP_SECONDS = 20.0


@contextmanager
def running_mlflow(database: str, directory: Path) -> Iterator[str]:
    """The address of a server on the loopback interface; its processes end with the context.

    Args:
        database: URL of an empty PostgreSQL database.
        directory: of its artefacts and of what it says.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--artifacts-destination", str(directory / "artefacts")]
    command += ["--backend-store-uri", database.replace("postgresql:", "postgresql+psycopg:", 1)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "0"}
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        _wait(server, address, directory / "server.log")
        yield address
    finally:
        _end(server)


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"MLflow does not serve at {address}: {log.read_text()[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server is the first of a group of its own, with its workers and nobody else."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
