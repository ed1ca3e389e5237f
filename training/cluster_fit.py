"""Trees fitted by the workers of a Dask cluster, through LightGBM's own estimator.

It is for capacity, not for speed. Each worker has a share of the rows, finds the bins of a share of
the features from its own rows, and the workers add up their histograms. Which worker is the first
is left to chance, so that the trees are not those of one machine, and not the same twice: they rank
alike. LightGBM's workers talk to each other in the clear, whatever Dask's own connections do: their
network must be closed (docs/operating.md).
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any

import dask.array
import numpy as np
from dask.delayed import delayed
from distributed import CancelledError, Client, KilledWorker
from lightgbm import DaskLGBMRegressor
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.history.distributed import ClusterUnusable, connected
from training.config import Trees
from training.fit import FitTrees, parameters_of

Floats = NDArray[np.float64]

SOCKET_MINUTES = 2
"""Without a word from another worker, before the fit is given up."""
LOOK_EVERY_SECONDS = 1.0
"""Whether all workers still live."""
_OF_THE_NETWORK = re.compile(
    r"^\[(machines|local_listen_port|num_machines|time_out): .*\]\n", re.MULTILINE
)
"""Addresses and ports, which LightGBM writes into its text."""


@contextmanager
def fitted_on_cluster(address: str) -> Iterator[FitTrees]:
    """``fit_trees`` by the workers of the scheduler at ``address``.

    Raises:
        ClusterUnusable: nothing answers there, it has no workers, or one was lost in the fit.
    """
    with connected(address) as client, client.as_current():  # LightGBM asks for the current one too
        yield partial(_fit, client)


def _fit(client: Client, rows: Floats, labels: Floats, catalogue: Catalogue, trees: Trees) -> str:
    """As ``training.fit.fit_trees``; labels of one class only are refused by the split before."""
    parameters = parameters_of(catalogue, trees) | {"time_out": SOCKET_MINUTES}
    # A regressor takes 0 and 1 as they are. A classifier numbers the labels of each worker anew:
    # one that holds finds only would teach that they are none.
    estimator = DaskLGBMRegressor(
        client=client, n_estimators=trees.rounds, tree_learner="data", **parameters
    )
    workers = _workers(client)
    try:
        shared = _shared(client, workers, rows, labels)
        with ThreadPoolExecutor(1) as aside:
            fit = partial(estimator.fit, *shared, feature_name=list(catalogue.names))
            fitting = aside.submit(copy_context().run, fit)  # with its current client
            _wait_while_all_live(client, workers, fitting)
        fitting.result()
    except (KilledWorker, CancelledError, LightGBMError, OSError) as exc:
        raise ClusterUnusable(
            f"a worker was lost while the trees were fitted ({type(exc).__name__}); start it again "
            "and give the command once more, or leave out --fit-on-cluster"
        ) from exc
    return _OF_THE_NETWORK.sub("", str(estimator.booster_.model_to_string()))


def _workers(client: Client) -> list[str]:
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


def _wait_while_all_live(client: Client, workers: list[str], fitting: Future[Any]) -> None:
    """LightGBM alone would wait without end for a worker that was replaced, or for the only one."""
    while not wait([fitting], LOOK_EVERY_SECONDS).done:
        if not set(workers) <= set(_workers(client)):
            client.close()  # which ends the wait of the other thread
            raise CancelledError


def _shared(client: Client, workers: list[str], rows: Floats, labels: Floats) -> tuple[Any, Any]:
    """One block of rows for each worker, in the order of their names, where it stays."""
    places = np.array_split(np.arange(len(rows)), len(workers))
    blocks = [block for block in zip(places, workers, strict=True) if len(block[0])]

    def spread(array: Floats) -> Any:
        parts = []
        for place, worker in blocks:
            (held,) = client.scatter([array[place]], workers=[worker], hash=False)
            shape = (len(place), *array.shape[1:])
            parts.append(dask.array.from_delayed(delayed(held), shape, dtype=array.dtype))  # type: ignore[no-untyped-call]
        return dask.array.concatenate(parts)  # type: ignore[no-untyped-call]

    return spread(rows), spread(labels)
