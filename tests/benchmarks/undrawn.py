"""Sections of the report without their pictures, which took time and which no benchmark reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from unittest.mock import patch

from matplotlib.figure import Figure


@contextmanager
def undrawn() -> Iterator[None]:
    with patch.object(Figure, "savefig", _blank):
        yield


def _blank(_figure: Figure, file: TextIO, **_options: Any) -> None:
    file.write("<svg ></svg>")
