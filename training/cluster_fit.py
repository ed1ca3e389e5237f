"""Trees fitted by the workers of a Dask cluster, through LightGBM's own estimator.

It is for capacity, not for speed. Each worker has a share of the rows; the workers add up their
histograms. Sums of floats depend on how they are cut, so that the trees are not, to the last digit,
those of one machine: the same rows, seed and number of workers give the same text. LightGBM's
workers talk to each other in the clear, whatever Dask's own connections do: their network must be
closed (docs/operating.md).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import dask.array
import numpy as np
from dask.delayed import delayed
from distributed import CancelledError, Client, KilledWorker
from lightgbm import DaskLGBMClassifier
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.history.distributed import ClusterUnusable, connected
from training.config import Trees
from training.fit import FitTrees, parameters_of

Floats = NDArray[np.float64]

SOCKET_MINUTES = 2
"""Without a word from another worker, before the fit is given up."""
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
    estimator = DaskLGBMClassifier(
        client=client, n_estimators=trees.rounds, tree_learner="data", **parameters
    )
    try:
        shared_rows, shared_labels = _shared(client, rows, labels)
        estimator.fit(shared_rows, shared_labels, feature_name=list(catalogue.names))
    except (KilledWorker, CancelledError, LightGBMError, OSError) as exc:
        raise ClusterUnusable(
            f"a worker was lost while the trees were fitted ({type(exc).__name__}); start it again "
            "and give the command once more, or leave out --fit-on-cluster"
        ) from exc
    return _OF_THE_NETWORK.sub("", str(estimator.booster_.model_to_string()))


def _shared(client: Client, rows: Floats, labels: Floats) -> tuple[Any, Any]:
    """One block of rows for each worker, in the order of their names, where it stays."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
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
