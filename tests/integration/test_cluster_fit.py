"""Trees fitted by two worker processes of a real Dask cluster, one of them killed at last."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from distributed import Client, LocalCluster

from features.catalogue import catalogue_for
from features.errors import InputError
from features.history import distributed
from features.history.distributed import ClusterUnusable
from features.settings import Settings
from models.booster import TreeModel
from models.metrics import roc_auc
from models.tree_text import check_trees
from training.cluster_fit import fitted_on_cluster
from training.config import Trees
from training.fit import fit_trees
from training.run import train

CATALOGUE = catalogue_for("vehicle")
FEATURES = len(CATALOGUE.names)
RISING = CATALOGUE.directions.index(1)
TREES = Trees(rounds=30)

pytestmark = pytest.mark.filterwarnings(
    # Of a cluster that comes and goes in one process, until distributed closes what it opens.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    # Until LightGBM asks scikit-learn and Dask for what they have now.
    "ignore::FutureWarning",
    "ignore::UserWarning",
)


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


def made_up(rows: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(rows, FEATURES))
    labels = (matrix[:, RISING] + rng.normal(size=rows) > 1.5).astype(np.float64)
    return matrix, labels


def test_two_workers_fit_trees_that_rank_as_well_as_those_of_one_machine(
    cluster: LocalCluster,
) -> None:
    rows, labels = made_up()
    with fitted_on_cluster(cluster.scheduler_address) as fit:
        text = fit(rows, labels, CATALOGUE, TREES)
    check_trees(text, FEATURES)
    assert "machines" not in text, "no address of a worker travels with a bundle"
    model, local = TreeModel(text), TreeModel(fit_trees(rows, labels, CATALOGUE, TREES))
    assert model.feature_names == CATALOGUE.names
    aucs = [roc_auc(one.margins(rows), labels) for one in (model, local)]
    assert aucs[0] == pytest.approx(aucs[1], abs=0.03)
    raised = rows.copy()
    raised[:, RISING] += 1.0
    assert (model.margins(raised) >= model.margins(rows)).all()


def test_a_worker_that_holds_finds_only_learns_that_they_are_finds(cluster: LocalCluster) -> None:
    rows, labels = made_up()
    by_label = np.argsort(labels, kind="stable")
    halves = np.concatenate([by_label[-400:], by_label[:400]])
    labels[by_label[-400:]] = 1.0
    rows[by_label[-400:], RISING] += 2.0
    with fitted_on_cluster(cluster.scheduler_address) as fit:
        model = TreeModel(fit(rows[halves], labels[halves], CATALOGUE, TREES))
    margins = model.margins(rows[halves])
    assert margins[:400].mean() > margins[400:].mean() + 0.2


def test_the_only_worker_dies_and_is_replaced() -> None:
    """The parts that it held are gone with it, and nobody is left to say so."""
    rows, labels = made_up(20_000)
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as single,
        fitted_on_cluster(single.scheduler_address) as fit,
        Client(single, set_as_default=False) as client,
    ):
        (pid,) = client.run(os.getpid).values()
        killer = threading.Timer(3.0, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ClusterUnusable, match="worker was lost while the trees were fitted"):
            fit(rows, labels, CATALOGUE, Trees(rounds=20_000, leaves=64))
        killer.join()


def test_a_worker_that_dies_in_the_fit_ends_it_with_a_sentence(cluster: LocalCluster) -> None:
    rows, labels = made_up(20_000)
    with Client(cluster, set_as_default=False) as client:
        pids = sorted(client.run(os.getpid).values())

    def kill_one() -> None:
        time.sleep(3.0)
        cluster.scheduler.allowed_failures = 0
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
        os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    with fitted_on_cluster(cluster.scheduler_address) as fit:
        killer.start()
        with pytest.raises(ClusterUnusable, match="worker was lost while the trees were fitted"):
            fit(rows, labels, CATALOGUE, Trees(rounds=20_000, leaves=64))
    killer.join()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterUnusable, match="no Dask scheduler answers"):
        fitted_on_cluster("tcp://127.0.0.1:9").__enter__()


def test_a_cluster_to_fit_on_must_be_named() -> None:
    with pytest.raises(InputError, match="add --dask ADDRESS"):
        train(Settings(), "vehicle", fit_on_cluster=True)
