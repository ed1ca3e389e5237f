"""BentoML in a test's own process, where warnings are errors."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def import_bentoml() -> Any:
    with warnings.catch_warnings():
        # until bentoml asks pathspec for the pattern that is called gitignore now
        warnings.simplefilter("ignore", DeprecationWarning)
        import bentoml

        # it imports itself piece by piece
        _ = bentoml.Bento, bentoml.Model, bentoml.SyncHTTPClient, bentoml.models
    return bentoml


@contextmanager
def model_store_at(directory: Path) -> Iterator[Any]:
    """BentoML with its model store in this directory."""
    bentoml = import_bentoml()
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models import ModelStore

    directory.mkdir()
    BentoMLContainer.model_store.set(ModelStore(directory))
    yield bentoml
    BentoMLContainer.model_store.reset()


@contextmanager
def bentoml_client(url: str, token: str | None = None) -> Iterator[Any]:
    with import_bentoml().SyncHTTPClient(url, token=token) as asking:
        yield asking
    asking._temp_dir.cleanup()  # it leaves that to the garbage collector, which warns
