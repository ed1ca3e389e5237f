"""The three large libraries import together; a resolver does not notice when they do not."""

import os
import subprocess
import sys

CODE = """
import mlflow, bentoml, evidently, pandas
print(pandas.__version__)
"""


def test_mlflow_bentoml_and_evidently_import_on_this_pandas() -> None:
    quiet = {"DO_NOT_TRACK": "true", "BENTOML_DO_NOT_TRACK": "True"}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | quiet | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    major, minor = (int(part) for part in done.stdout.split()[-1].split(".")[:2])
    assert (major, minor) < (3, 1)  # until evidently imports on pandas >= 3.1
