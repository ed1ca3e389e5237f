"""Trees for threats are proven as the others are: in a process that may die, by golden rows."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import catalogue_for
from models.bundle import BundleError, load_bundle
from models.threats import ThreatModel, ThreatShares
from tests.small_models import made_up_rows, small_parts, sum_again, write_small_bundle
from training.threats import learn_threats


@pytest.fixture(scope="module")
def shares() -> ThreatShares:
    rows = made_up_rows()
    threats = np.where(np.nan_to_num(rows[:, 0]) > 0.0, 2, 4)
    shares, _ = learn_threats((rows, threats), (rows, threats), catalogue_for("vehicle"), seed=1)
    assert shares.trees
    return shares


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, shares: ThreatShares) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "vehicle-1"
    write_small_bundle(path, threats=shares)
    return path


@pytest.fixture
def copy(tmp_path: Path, original: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def altered(bundle: Path, old: str, new: str) -> None:
    file = bundle / "threats.json"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    sum_again(bundle)


def test_a_bundle_gives_the_distribution_that_was_learned(
    original: Path, shares: ThreatShares
) -> None:
    bundle, rows = load_bundle(original), made_up_rows()
    together = bundle.threats(rows)
    assert together.tobytes() == ThreatModel(shares).distribution(rows).tobytes()
    alone = [bundle.threats(rows[at : at + 1])[0].tolist() for at in range(40)]
    assert together[:40].tolist() == alone
    with pytest.raises(ValueError, match="need float64"):
        bundle.threats(rows[:, 1:])


def test_threats_move_no_probability(original: Path, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "without")
    rows = made_up_rows()
    without = load_bundle(tmp_path / "without").probabilities(rows)
    assert load_bundle(original).probabilities(rows).tobytes() == without.tobytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("leaf_value=", "leaf_value=9"),
        ("num_leaves=", "num_leaves=7"),
        ("Tree=1", "Tree=one"),
        ("num_class=2", "num_class=3"),
        ("num_tree_per_iteration=2", "num_tree_per_iteration=1"),
        ("left_child=", "left_child=77 "),
        ("feature_names=", "feature_names=x"),
        ('"golden_margins": [', '"golden_margins": [["0x1p0", "0x1p0"],'),
        ('"told_apart": [', '"told_apart": [0,'),
        ('"weight": ', '"weight": 7'),
    ],
)
def test_altered_trees_are_refused_and_nothing_dies(copy: Path, old: str, new: str) -> None:
    altered(copy, old, new)
    with pytest.raises(BundleError, match=r"threats\.json"):
        load_bundle(copy)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_trees_cut_short_are_refused(copy: Path, share: float) -> None:
    file = copy / "threats.json"
    document = json.loads(file.read_text())
    trees = document["shares"]["trees"]
    document["shares"]["trees"] = trees[: int(len(trees) * share)]
    file.write_text(json.dumps(document))
    sum_again(copy)
    with pytest.raises(BundleError, match=r"threats\.json"):
        load_bundle(copy)


def test_trees_of_another_catalogue_are_refused(copy: Path) -> None:
    name = small_parts().catalogue.names[0]
    file = copy / "threats.json"
    file.write_text(file.read_text().replace(name, f"{name}s"))
    sum_again(copy)
    with pytest.raises(BundleError, match="features are not those"):
        load_bundle(copy)
