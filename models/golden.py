"""Golden rows: feature rows with their results, stored in a bundle and recomputed on loading.

They catch what a checksum cannot: a bundle whose files were edited and summed again, or a library
that reads the same text differently. Margins are compared bit for bit, because adding doubles in
a fixed order gives the same bits everywhere. Probabilities and contributions are compared to
1e-12: their exponentials and products may differ in the last bit between processors.

They are no protection against a forger, who would recompute them too, nor against an edit that
moves none of the rows: for that a bundle is loaded by the sha256 that people approved.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import parse_check
from models.booster import TreeModel
from models.calibration import Calibration
from models.defences import DefendedModel

Floats = NDArray[np.float64]

MOST_ROWS = 48
EXPLAINED_ROWS = 3
"""Their contributions are stored too. The expectation in the last column changes with every leaf,
so it also shows edits of leaves that no golden row falls into."""
CLOSE = 1e-12
CHILD_SECONDS = 60.0


class Golden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Doubles as hexadecimal text, which has an exact value and can say nan."""

    rows: tuple[tuple[str, ...], ...]
    margins: tuple[str, ...]
    probabilities: tuple[str, ...]
    contributions: tuple[tuple[str, ...], ...]
    """Of the first ``EXPLAINED_ROWS`` rows."""

    def matrix(self) -> Floats:
        return _from_hex(self.rows)


class GoldenMismatch(Exception):
    """What differs, as a phrase."""


def choose_golden_rows(model: DefendedModel, rows: Floats, most: int = MOST_ROWS) -> Floats:
    """Rows that fall into as many leaves as possible, and rows that call on every defence.

    Args:
        rows: float64[n, F], n >= 1, of which those for the leaves are chosen, in their order.
        most: rows for the leaves; there is one more for each defence.
    """
    chosen = _of_many_leaves(model.trees, rows, most)
    return np.concatenate([chosen, model.provoked(chosen[-1])])


def _of_many_leaves(model: TreeModel, rows: Floats, most: int) -> Floats:
    leaves = model.leaves(rows)
    offsets = np.concatenate([[0], np.cumsum(leaves.max(axis=0) + 1)])
    places = leaves + offsets[:-1]
    missing = np.ones(offsets[-1], dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(most, len(rows)):
        gained = missing[places].sum(axis=1)
        gained[chosen] = -1
        best = int(np.argmax(gained))
        chosen.append(best)
        missing[places[best]] = False
    return rows[sorted(chosen)]


def make_golden(model: DefendedModel, calibration: Calibration, rows: Floats) -> Golden:
    explained = model.trees.contributions(rows[:EXPLAINED_ROWS])
    return Golden(
        rows=tuple(_to_hex(row) for row in rows),
        margins=_to_hex(model.trees.margins(rows)),
        probabilities=_to_hex(calibration.probabilities(model.margins(rows))),
        contributions=tuple(_to_hex(row) for row in explained),
    )


def check_in_child(text: str, golden: Golden) -> None:
    """Parse ``text`` and recompute the golden rows in a process that may die of it.

    Raises:
        GoldenMismatch: the child died, refused the text, or computed something else.
    """
    rows = golden.matrix()
    answer = _ask_child(text, rows, explained=len(golden.contributions))
    _compare(answer[: len(rows)], answer[len(rows) :], golden)


def check_margins_in_child(text: str, rows: Floats, expected: Floats) -> None:
    """The same for trees of several classes, of whose rows only the margins are known.

    Args:
        rows: float64[n, F].
        expected: float64[n, classes].

    Raises:
        GoldenMismatch: as ``check_in_child``.
    """
    answer = _ask_child(text, rows, margins_per_row=expected.shape[1])
    if answer.tobytes() != expected.tobytes():
        raise GoldenMismatch("it gives other margins for the golden rows")


def _ask_child(text: str, rows: Floats, *, margins_per_row: int = 1, explained: int = 0) -> Floats:
    """Margins of all rows, then contributions of the first ``explained``."""
    body = text.encode()
    header = parse_check.HEADER.pack(len(body), *rows.shape, margins_per_row, explained)
    request = header + body + rows.tobytes()
    command = [sys.executable, "-I", "-S", str(Path(parse_check.__file__)), _library()]
    try:
        child = subprocess.run(
            command,
            input=request,
            capture_output=True,
            timeout=CHILD_SECONDS,
            check=False,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as exc:
        raise GoldenMismatch(f"parsing it takes more than {CHILD_SECONDS:g} s") from exc
    if child.returncode < 0:
        raise GoldenMismatch(f"parsing it ends the process with signal {-child.returncode}")
    if child.returncode != 0:
        said = child.stderr.decode(errors="replace").split("\n")
        last = next((line for line in reversed(said) if line.strip()), "no reason given")
        raise GoldenMismatch(f"it cannot be parsed: {last.strip()}")
    answer = np.frombuffer(child.stdout, dtype=np.float64)
    if len(answer) != len(rows) * margins_per_row + explained * (rows.shape[1] + 1):
        raise GoldenMismatch("parsing it gives the wrong number of results")
    return answer


def check_in_process(model: DefendedModel, calibration: Calibration, golden: Golden) -> None:
    """All rows together, and each alone: so both ways are compiled before anybody waits for them.

    Raises:
        GoldenMismatch: a margin or a probability is not the golden one.
    """
    rows, trees = golden.matrix(), model.trees
    explained = trees.contributions(rows[: len(golden.contributions)]).ravel()
    _compare(trees.margins(rows), explained, golden)
    margins = model.margins(rows)
    if any(model.margins(row[np.newaxis])[0] != at for row, at in zip(rows, margins, strict=True)):
        raise GoldenMismatch("a golden row alone has another margin than among the others")
    probabilities = calibration.probabilities(margins)
    if not np.allclose(probabilities, _from_hex(golden.probabilities), rtol=0.0, atol=CLOSE):
        raise GoldenMismatch(
            "the defences and the calibration give other probabilities for the golden rows"
        )


def _compare(margins: Floats, contributions: Floats, golden: Golden) -> None:
    if margins.tobytes() != _from_hex(golden.margins).tobytes():
        raise GoldenMismatch("it gives other margins for the golden rows")
    expected = _from_hex(golden.contributions).ravel()
    if not np.allclose(contributions, expected, rtol=0.0, atol=CLOSE):
        raise GoldenMismatch("it gives other contributions for the golden rows")


def _library() -> str:
    """Where LightGBM's shared library lies, found without importing LightGBM."""
    spec = importlib.util.find_spec("lightgbm")
    for place in (spec.submodule_search_locations if spec else None) or []:
        for found in sorted((Path(place) / "lib").glob("lib_lightgbm.*")):
            return str(found)
    raise GoldenMismatch("LightGBM's library is not installed, so nothing can be checked")


def to_hex_rows(values: Floats) -> tuple[tuple[str, ...], ...]:
    """float64[n, k] as text that has an exact value."""
    return tuple(_to_hex(row) for row in values)


def from_hex_rows(rows: Sequence[Sequence[str]], columns: int) -> Floats:
    """float64[n, columns].

    Raises:
        ValueError: not a number, or a row that is longer or shorter.
    """
    return _from_hex(rows).reshape(len(rows), columns)


def _to_hex(values: Floats) -> tuple[str, ...]:
    return tuple(float(value).hex() for value in values)


def _from_hex(values: Sequence[str] | Sequence[Sequence[str]]) -> Floats:
    found = [
        float.fromhex(value) if isinstance(value, str) else [float.fromhex(v) for v in value]
        for value in values
    ]
    return np.array(found, dtype=np.float64)
