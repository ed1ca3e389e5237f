"""History by two worker processes of a real Dask cluster, one of them killed, against here."""

import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dask
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from distributed import Client, LocalCluster, Security
from numpy.typing import NDArray

import features.history.distributed as distributed_history
import foreland
from features.catalogue import Catalogue, catalogue_for
from features.history.distributed import ClusterUnusable, fill_history, on_cluster
from features.history.errors import FutureRefused
from features.history.kernel import Changes
from features.history.offline import Pass
from features.history.offline import fill_history as local_fill
from features.history.plan import plan_of
from features.ledger.events import MovementDeclared, OutcomeRecorded, Recorded
from features.timeline import Timeline, timeline_of
from tests.benchmarks.history_online import made_up_movement
from tests.integration.test_training import fill as fill_small_ledger
from training.config import read_config
from training.data import gather
from training.run import _history_by

DAY = 86_400_000_000
MOVEMENTS = 4_000
FAR = MOVEMENTS * DAY

pytestmark = pytest.mark.filterwarnings(
    # Of a cluster that comes and goes in one process, until distributed closes what it opens.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster, set_as_default=False) as made:
        made.wait_for_workers(2, timeout=60)
        yield made


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    rng = np.random.default_rng(3)
    events: list[Recorded] = []
    for number in range(MOVEMENTS):
        movement = made_up_movement(rng, number)
        events.append(_recorded(len(events) + 1, number * DAY // 20, movement))
        if number % 9 == 0:
            outcome = OutcomeRecorded(
                kind="vehicle",
                movement=movement.movement,
                examined_at=0,
                outcome="positive" if number % 4 else "negative",
            )
            events.append(_recorded(len(events) + 1, number * DAY // 20 + 3 * DAY, outcome))
    return timeline_of(sorted(events, key=lambda e: (e.available_at, e.position)), FAR)


def _recorded(position: int, at: int, payload: MovementDeclared | OutcomeRecorded) -> Recorded:
    return Recorded(
        position=position,
        source="file",
        event_id=str(position),
        occurred_at=at,
        available_at=at,
        backfill=True,
        payload=payload,
    )


class Asked:
    """Questions out of order, many at one instant, some that do not declare everything."""

    def __init__(self, timeline: Timeline) -> None:
        rng = np.random.default_rng(4)
        self.catalogue: Catalogue = catalogue_for("vehicle")
        self.plan = plan_of(self.catalogue)
        chosen = rng.permutation(len(timeline.versions.payloads))[:3_000]
        self.movements = [timeline.versions.payloads[i] for i in chosen.tolist()]
        for i in range(0, 3_000, 7):
            self.movements[i] = MovementDeclared(
                kind="vehicle",
                movement=f"new{i}",
                declared_at=0,
                entities={}
                if i % 2
                else {"haulier_eori": self.movements[i].entities["haulier_eori"]},
            )
        self.as_of = np.ascontiguousarray(rng.integers(0, MOVEMENTS // 20, 3_000) * DAY)

    def empty(self) -> NDArray[np.float64]:
        return np.full((len(self.movements), len(self.catalogue.features)), -7.0)


@pytest.fixture(scope="module")
def asked(timeline: Timeline) -> Asked:
    return Asked(timeline)


@pytest.fixture(scope="module")
def here(timeline: Timeline, asked: Asked) -> bytes:
    out = asked.empty()
    local_fill(timeline, asked.movements, asked.as_of, asked.plan, out)
    return out.tobytes()


@pytest.mark.parametrize("events_of_a_part", [1_000_000, 5_000, 700])
def test_parity_of_a_cluster_with_here(
    client: Client, timeline: Timeline, asked: Asked, here: bytes, events_of_a_part: int
) -> None:
    """Whole spaces, a few parts of each, and many."""
    out, told = asked.empty(), []
    fill_history(
        client,
        timeline,
        asked.movements,
        asked.as_of,
        asked.plan,
        out,
        told=lambda done, of: told.append((done, of)),
        events_of_a_part=events_of_a_part,
    )
    assert out.tobytes() == here
    assert told[-1][0] == told[-1][1] >= len(asked.plan.by_space)
    if events_of_a_part == 700:
        assert len(told) > 5 * len(asked.plan.by_space)


def test_parity_when_a_worker_is_killed_half_way(
    client: Client, timeline: Timeline, asked: Asked, here: bytes
) -> None:
    before: dict[str, int] = client.run(os.getpid)
    killed: list[int] = []

    def kill_one(done: int, _: int) -> None:
        if done == 40:
            killed.append(next(iter(before.values())))
            os.kill(killed[0], signal.SIGKILL)

    out = asked.empty()
    fill_history(
        client,
        timeline,
        asked.movements,
        asked.as_of,
        asked.plan,
        out,
        told=kill_one,
        events_of_a_part=700,
    )
    assert killed
    assert out.tobytes() == here
    client.wait_for_workers(2, timeout=60)
    assert killed[0] not in client.run(os.getpid).values(), "it was replaced"


def test_parity_check_fails_when_a_part_is_given_the_wrong_keys(
    client: Client,
    timeline: Timeline,
    asked: Asked,
    here: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control: events of a key that go to another part are missed."""
    right = distributed_history._one_part

    def wrong(whole: Pass, part_of_slot: NDArray[np.int64], number: int) -> object:
        asking, one = right(whole, part_of_slot, number)
        rest = Changes._make(column[1:] for column in one.changes)
        return asking, one._replace(changes=rest)

    monkeypatch.setattr(distributed_history, "_one_part", wrong)
    out = asked.empty()
    fill_history(client, timeline, asked.movements, asked.as_of, asked.plan, out)
    assert out.tobytes() != here


def test_parity_of_what_a_training_run_learns_from(cluster: LocalCluster, tmp_path: Path) -> None:
    url, options = f"sqlite:///{tmp_path / 'ledger.db'}", read_config(None, "vehicle")
    said: list[str] = []
    fill_small_ledger(url)
    with _history_by(cluster.scheduler_address, said.append) as fill:
        there = gather(url, "vehicle", options, None, said.append, fill)
    locally = gather(url, "vehicle", options, None, said.append)
    assert there.matrix.tobytes() == locally.matrix.tobytes()
    assert there.sha256 == locally.sha256
    assert any(line.startswith("building features on the cluster: 3 of ") for line in said)


def test_parity_over_tls_with_certificates_from_dasks_configuration(
    tmp_path: Path, timeline: Timeline, asked: Asked, here: bytes
) -> None:
    certificate, key = (str(path) for path in self_signed(tmp_path))
    ends = {"ca-file": certificate}
    ends |= {
        f"{who}.{what}": path
        for who in ("client", "scheduler", "worker")
        for what, path in (("cert", certificate), ("key", key))
    }
    settings = {f"distributed.comm.tls.{name}": path for name, path in ends.items()}
    settings["distributed.comm.require-encryption"] = True  # type: ignore[assignment]
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=1, processes=True, dashboard_address=":0", protocol="tls", security=Security()
        ) as secured,
        on_cluster(secured.scheduler_address) as fill,
    ):
        assert secured.scheduler_address.startswith("tls://")
        out = asked.empty()
        fill(timeline, asked.movements, asked.as_of, asked.plan, out)
    assert out.tobytes() == here


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "foreland-test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "test.pem", directory / "test.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_the_loss_of_the_scheduler_is_told(timeline: Timeline, asked: Asked) -> None:
    with (
        LocalCluster(n_workers=1, processes=True, dashboard_address=":0") as short,
        on_cluster(short.scheduler_address, lambda done, _: done == 3 and short.close()) as fill,
        pytest.raises(ClusterUnusable, match=r"went away|could not compute"),
    ):
        fill(timeline, asked.movements, asked.as_of, asked.plan, asked.empty())


def test_the_future_is_refused_as_here(client: Client, timeline: Timeline, asked: Asked) -> None:
    late = np.array([FAR + 1])
    with pytest.raises(FutureRefused):
        fill_history(client, timeline, asked.movements[:1], late, asked.plan, asked.empty()[:1])
    fill_history(client, timeline, [], late[:0], asked.plan, asked.empty()[:0])


def test_a_worker_of_another_version_is_refused(
    client: Client, timeline: Timeline, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed_history, "logic_sha256", lambda: "0" * 64)
    with pytest.raises(ClusterUnusable, match="another version of foreland"):
        fill_history(client, timeline, asked.movements, asked.as_of, asked.plan, asked.empty())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:1"])
def test_an_address_that_does_not_answer_is_one_line(
    address: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(distributed_history, "CONNECT_SECONDS", 0.5)
    argv = ["foreland", "train", "--kind", "vehicle", "--dask", address]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        foreland.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    assert f"no Dask scheduler answers at {address!r}" in said
    assert not home.exists()


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed_history, "CONNECT_SECONDS", 2.0)
    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as empty,
        pytest.raises(ClusterUnusable, match="has no workers"),
        on_cluster(empty.scheduler_address),
    ):
        pass
