"""The bundle as an MLflow pyfunc: MLflow runs this file whenever it loads a model of ours.

No pickle is involved: the model is this code and the bundle beside it, verified on loading. It
needs Foreland to be importable where it is loaded.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import load_bundle
from training.tracking import PythonModel, set_model


class ServedModel(PythonModel):  # type: ignore[misc]  # mlflow ships no types we follow
    """Rows of catalogue columns, in any order, to probabilities."""

    def load_context(self, context: Any) -> None:
        self._bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> NDArray[np.float64]:
        """float64[n], bit for bit what the bundle gives."""
        del context, params
        columns = list(self._bundle.catalogue.names)
        return self._bundle.probabilities(model_input[columns].to_numpy(np.float64))


set_model(ServedModel())
