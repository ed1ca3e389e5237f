"""Many selectors from one file: CSV with ``;`` between criteria, or TOML with ``[[selector]]``."""

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.clock import Micros
from features.errors import InputError
from features.ledger import SelectorProposed
from features.pseudonyms import Pseudonyms
from serving.selectors.acts import Refusals
from serving.selectors.drafting import SelectorRefused, draft

_LISTS = ("criteria", "kinds")


def read_drafts(
    path: Path, pseudonyms: Pseudonyms, *, agency: str, by: str, now: Micros
) -> list[SelectorProposed]:
    """
    Args:
        agency: of rows that name none.

    Raises:
        InputError: a file that cannot be read.
        Refusals: with a line for each row that breaks a rule.
    """
    drafts, refused = [], []
    for number, row in enumerate(_rows(path), 1):
        try:
            drafts.append(draft({"agency": agency, **row}, pseudonyms, by=by, now=now))
        except SelectorRefused as exc:
            refused.append(f"row {number}: {exc}")
    if refused:
        raise Refusals(refused)
    return drafts


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        if path.suffix == ".toml":
            yield from _toml_rows(path)
        elif path.suffix == ".csv":
            yield from _csv_rows(path)
        else:
            raise InputError(f"{path} ends in neither .csv nor .toml; name it after what it holds")
    except (UnicodeDecodeError, csv.Error, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{path} cannot be read as {path.suffix[1:].upper()}: {exc}") from exc


def _toml_rows(path: Path) -> Iterator[dict[str, Any]]:
    said = tomllib.loads(path.read_text("utf-8"))
    rows = said.pop("selector", None)
    if said or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} has to hold [[selector]] tables and nothing else")
    yield from rows


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Empty cells are left out; a row with more cells than the header is refused whole."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, restkey="(too many cells)"):
            given: dict[str, Any] = {name: cell for name, cell in row.items() if cell}
            for name in _LISTS:
                if name in given:
                    given[name] = [one.strip() for one in given[name].split(";") if one.strip()]
            yield given
