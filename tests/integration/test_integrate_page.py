"""``docs/integrate.md`` followed word for word: every block is run, in order, as it stands."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.small_border import Server, make_ledger, promote, running

PAGE = Path(__file__).parents[2] / "docs" / "integrate.md"
BLOCKS: list[tuple[str, str, str]] = re.findall(
    r"^```(\S+)(?: (\w+))?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)
"""Language, who runs it if not the client's developer, text."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    promote(made, make_ledger(made), 1)
    return made


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home) as started:
        yield started


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_new_developer_who_follows_the_page_gets_every_answer_it_promises(
    home: Path, server: Server
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine; install it to follow docs/integrate.md")
    environment = {
        "FORELAND": server.url,
        "FORELAND_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    said: list[str] = []
    for language, who, text in BLOCKS:
        if language == "text":  # the two exports
            continue
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-ec", text]
        said.append(run(command, environment))
        if who == "operator":
            environment["KEY"] = said[-1].splitlines()[-1]
            time.sleep(1.0)  # until the running service has heard of it
    key, ready, high, problems, real, python, outcome, decision, cancelled = said
    assert "scopes decision.write,outcome.write,sandbox,score.write" in key
    assert json.loads(ready)["ready"] is True
    assert (json.loads(high)["band"], json.loads(high)["sandbox"]) == ("high", True)
    assert problems.split() == [
        *("RECORD-REJECTED", "422", "QUOTA-EXCEEDED", "429"),
        *("OVERLOADED", "503", "NOT-RECORDED", "503"),
    ]
    assert json.loads(real)["movement_ref"] == "PORT-2026-000001"
    assert json.loads(real)["sandbox"] is False
    assert re.match(r"(high|medium|low) (scored|degraded) [0-9a-f-]{36}\n", python)
    assert json.loads(outcome)["outcomes"][0]["status"] == "accepted"
    assert json.loads(decision)["decisions"][0]["status"] == "accepted"
    assert json.loads(cancelled)["up_to_version"] == 1
