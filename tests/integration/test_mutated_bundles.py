"""A thousand altered bundles: every one is refused in one line, and nothing dies but children."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from models.bundle import Bundle, BundleError, load_bundle
from tests.mutated_bundles import Genuine, altered, write_genuine
from tests.small_models import KEY

TRUSTED = [KEY.verifying]


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Genuine:
    return write_genuine(tmp_path_factory.mktemp("genuine"))


@pytest.fixture
def endings(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often a child that parses ended in each exit status; below 0: by a signal."""
    counted: Counter[int] = Counter()
    run = subprocess.run

    def counting(*arguments: object, **options: object) -> object:
        child = run(*arguments, **options)  # type: ignore[call-overload]
        counted[child.returncode] += 1
        return child

    monkeypatch.setattr(subprocess, "run", counting)
    return counted


def refuse_all(genuine: Genuine, directory: Path, share: float) -> Counter[str]:
    """How many of each family were refused, which must be all."""
    refused: Counter[str] = Counter()
    loaded: list[str] = []
    for family, number, path in altered(genuine, directory, share):
        try:
            load_bundle(path, trusted=TRUSTED)
        except BundleError as exc:
            refused[family] += 1
            assert "\n" not in str(exc), f"{family} {number}"
        else:
            loaded.append(f"{family} {number}")
    assert loaded == []
    return refused


def test_the_genuine_ones_load(genuine: Genuine) -> None:
    for path in genuine:
        assert isinstance(load_bundle(path, trusted=TRUSTED), Bundle)


def test_a_hundred_altered_bundles_are_refused(
    genuine: Genuine, tmp_path: Path, endings: Counter[int]
) -> None:
    assert refuse_all(genuine, tmp_path, 0.08).total() >= 100
    assert endings[0] > 0  # some texts are sound to the parser, and golden rows refuse them


@pytest.mark.slow
def test_a_thousand_altered_bundles_are_refused(
    genuine: Genuine, tmp_path: Path, endings: Counter[int]
) -> None:
    refused = refuse_all(genuine, tmp_path, 1.0)
    print(dict(refused), refused.total(), dict(endings))
    assert refused.total() >= 1_000
    assert min(endings) < 0  # some texts end the process that parses them, which was not ours
