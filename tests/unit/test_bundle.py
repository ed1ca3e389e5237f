"""A bundle is what it says it is, or it is refused in one line and nothing dies."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.signing import SigningKey
from models.bundle import (
    CARD,
    DATASHEET,
    FILES,
    MANIFEST,
    SIGNATURE,
    Bundle,
    BundleError,
    load_bundle,
    number_bundle,
)
from tests.small_models import (
    KEY,
    made_up_rows,
    sign_again,
    small_parts,
    sum_again,
    write_small_bundle,
)

Edit = Callable[[str], str]
OTHER = SigningKey(b"\2" * 32)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "vehicle-1"
    write_small_bundle(path)
    return path


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def refusal(path: Path, expected_sha256: str | None = None) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(path, expected_sha256=expected_sha256)
    said = str(caught.value)
    assert "\n" not in said
    assert str(path) in said
    return said


def test_what_was_written_is_what_is_loaded(original: Path) -> None:
    bundle, parts = load_bundle(original), small_parts()
    assert (bundle.kind, bundle.version, bundle.manifest.simulated) == ("vehicle", 1, True)
    assert bundle.catalogue == parts.catalogue
    assert bundle.thresholds == parts.thresholds
    assert bundle.reference == parts.reference
    assert bundle.metrics == parts.metrics
    assert bundle.card == parts.card
    assert bundle.datasheet == parts.datasheet
    assert bundle.manifest.trained_until == parts.trained_until


def test_the_sha256_of_the_manifest_names_the_bundle(original: Path) -> None:
    sha256 = load_bundle(original).sha256
    assert load_bundle(original, expected_sha256=sha256).sha256 == sha256
    assert "expected 111111111111" in refusal(original, "1" * 64)


def test_the_same_parts_give_the_same_bytes(original: Path, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "again")
    assert sorted(file.name for file in original.iterdir()) == sorted([MANIFEST, SIGNATURE, *FILES])
    for name in (MANIFEST, SIGNATURE, *FILES):
        assert (tmp_path / "again" / name).read_bytes() == (original / name).read_bytes()


def test_an_existing_directory_is_not_written_into(original: Path) -> None:
    with pytest.raises(FileExistsError):
        write_small_bundle(original)


def test_a_row_alone_scores_as_among_others_bit_for_bit(original: Path) -> None:
    bundle, rows = load_bundle(original), made_up_rows()
    together = bundle.probabilities(np.tile(rows, (8, 1)))  # enough rows for every core
    alone = [bundle.probabilities(rows[at : at + 1])[0] for at in range(len(rows))]
    assert together.tobytes() == np.tile(alone, 8).tobytes()


def test_contributions_sum_to_the_margin_of_the_probability(original: Path) -> None:
    bundle, rows = load_bundle(original), made_up_rows()[:20]
    contributions = bundle.contributions(rows)
    assert contributions.shape == (20, len(bundle.catalogue.names) + 1)
    platt = small_parts().calibration
    defended = [sum(step.raised_by for step in bundle.steps(row)) for row in rows]
    again = platt.probabilities(contributions.sum(axis=1) + defended)
    assert bundle.probabilities(rows) == pytest.approx(again, abs=1e-12)


def test_similar_examinations_are_those_of_the_calibration_slice(original: Path) -> None:
    bundle = load_bundle(original)
    probabilities = bundle.probabilities(made_up_rows())
    finds, examined = bundle.similar(float(probabilities.max()))
    assert 0 < finds <= examined < len(probabilities)
    assert bundle.similar(0.0)[0] < finds


@pytest.mark.parametrize("shape", [(3, 4), (125,)])
def test_rows_of_another_width_are_a_bug(original: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="need float64"):
        load_bundle(original).probabilities(np.zeros(shape))


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, *FILES])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_truncated_files_are_refused(copy: Path, name: str, kept: float) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: int(len(content) * kept)])
    assert name in refusal(copy)


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits_are_refused(copy: Path, name: str) -> None:
    rng = np.random.default_rng(7)
    content = (copy / name).read_bytes()
    for place in rng.integers(0, len(content) * 8, 5):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << (place % 8)
        (copy / name).write_bytes(flipped)
        assert name in refusal(copy)


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, *FILES])
def test_missing_files_are_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert name in refusal(copy)


def test_a_file_too_many_is_refused(copy: Path) -> None:
    (copy / "notes.txt").write_text("left behind")
    assert "notes.txt does not belong there" in refusal(copy)


def test_a_link_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "card.md").rename(tmp_path / "card.md")
    (copy / "card.md").symlink_to(tmp_path / "card.md")
    assert "card.md cannot be read: it is a link" in refusal(copy)


def test_a_pipe_is_refused_and_not_waited_for(copy: Path) -> None:
    (copy / "card.md").unlink()
    os.mkfifo(copy / "card.md")
    assert "card.md is no file" in refusal(copy)


def test_no_directory_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    refusal(tmp_path / "file")


def test_another_catalogue_is_refused(copy: Path, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "vessel", "vessel")
    shutil.copy(tmp_path / "vessel" / "catalogue.json", copy)
    sum_again(copy)
    assert "its catalogue is vessel" in refusal(copy)


def test_a_catalogue_whose_features_changed_places_is_refused(copy: Path) -> None:
    document = json.loads((copy / "catalogue.json").read_text())
    document["features"][:2] = document["features"][1::-1]
    (copy / "catalogue.json").write_text(json.dumps(document))
    sum_again(copy)
    assert "its catalogue is vehicle" in refusal(copy)


def test_who_signed_is_said_and_believed_only_if_trusted(original: Path) -> None:
    assert load_bundle(original).signed_by == KEY.verifying
    assert load_bundle(original, trusted=[OTHER.verifying, KEY.verifying]).signed_by.key_id
    for trusted, known in (([OTHER.verifying], OTHER.key_id), ([], "none")):
        with pytest.raises(BundleError) as caught:
            load_bundle(original, trusted=trusted)
        assert f"is signed by key {KEY.key_id}, which is not trusted here" in str(caught.value)
        assert f"(trusted: {known})" in str(caught.value)


def test_what_another_key_signed_is_refused_where_only_ours_is_trusted(copy: Path) -> None:
    sum_again(copy, key=OTHER, version=9)
    assert load_bundle(copy).signed_by == OTHER.verifying
    with pytest.raises(BundleError, match=f"signed by key {OTHER.key_id}"):
        load_bundle(copy, trusted=[KEY.verifying])


def test_a_summed_manifest_without_a_new_signature_is_refused(copy: Path) -> None:
    signature = (copy / SIGNATURE).read_bytes()
    sum_again(copy, version=9)
    (copy / SIGNATURE).write_bytes(signature)
    assert "manifest.sig does not vouch for manifest.json" in refusal(copy)


def test_a_signature_made_for_something_else_is_refused(copy: Path) -> None:
    bare = KEY.sign((copy / MANIFEST).read_bytes())
    (copy / SIGNATURE).write_text(f"{KEY.verifying.public.hex()} {bare.hex()}\n")
    assert "manifest.sig does not vouch for manifest.json" in refusal(copy)


@pytest.mark.parametrize(
    "line", ["", "no signature\n", "0" * 193 + "\n", "0" * 64 + " " + "0" * 128]
)
def test_signature_files_that_hold_none_are_refused(copy: Path, line: str) -> None:
    (copy / SIGNATURE).write_text(line)
    assert "manifest.sig holds no signature" in refusal(copy)


def test_a_bundle_of_before_signatures_says_retrain(copy: Path) -> None:
    (copy / SIGNATURE).unlink()
    assert "made by an older version, or its signature was removed; retrain" in refusal(copy)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 1}, "made by an older version; retrain and promote"),
        ({"format": 4}, "made by a newer version; retrain and promote"),
        ({"kind": "person"}, "no kind of movement"),
        ({"kind": "vessel"}, "its catalogue is vehicle"),
        ({"author": "me"}, "unknown field `author`"),
    ],
)
def test_manifests_that_fit_nothing_are_refused(
    copy: Path, changes: dict[str, Any], said: str
) -> None:
    sum_again(copy, **changes)
    assert said in refusal(copy)


def test_a_bundle_from_before_there_were_datasheets_loads_and_is_numbered(
    copy: Path, tmp_path: Path
) -> None:
    document = json.loads((copy / MANIFEST).read_text())
    del document["files"][DATASHEET]
    (copy / MANIFEST).write_text(json.dumps(document | {"format": 2}))
    sign_again(copy)
    assert f"{DATASHEET} does not belong there" in refusal(copy)
    (copy / DATASHEET).unlink()
    bundle = load_bundle(copy)
    assert bundle.datasheet is None
    number_bundle(tmp_path / "numbered", bundle, 5, {CARD: "another"}, OTHER)
    numbered = load_bundle(tmp_path / "numbered")
    assert (numbered.version, numbered.card, numbered.datasheet) == (5, "another", None)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(copy: Path) -> None:
    document = json.loads((copy / MANIFEST).read_text())
    document["files"]["../../secret"] = document["files"].pop("card.md")
    (copy / MANIFEST).write_text(json.dumps(document))
    sign_again(copy)
    assert "does not list the files" in refusal(copy)


def other_digit(text: str) -> str:
    """The first digit after the point, moved on by one."""
    place = text.index(".") + 1
    return f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"


def leaf_edits() -> list[tuple[int, int]]:
    return [(tree, leaf) for tree in (0, 3, 7) for leaf in range(5)]


@pytest.mark.parametrize(("tree", "leaf"), leaf_edits())
def test_a_changed_leaf_digit_is_refused_although_it_was_summed_again(
    copy: Path, tree: int, leaf: int
) -> None:
    text = (copy / "booster.txt").read_text()
    line = re.findall(r"^leaf_value=.*$", text, re.MULTILINE)[tree]
    values = line.removeprefix("leaf_value=").split(" ")
    values[leaf] = other_digit(values[leaf])
    (copy / "booster.txt").write_text(text.replace(line, "leaf_value=" + " ".join(values)))
    sum_again(copy)
    assert "for the golden rows" in refusal(copy)


def test_a_moved_threshold_is_refused_by_the_rows_it_moves(copy: Path) -> None:
    """By their margins: none of the rows whose contributions are stored is moved here."""
    text = (copy / "booster.txt").read_text()
    features, thresholds = (
        re.findall(rf"^{name}=(\S+)", text, re.MULTILINE)[0]
        for name in ("split_feature", "threshold")
    )
    values = small_parts().golden_rows[:, int(features)]
    explained, old = values[:3], float(thresholds)
    above, next_above = np.sort(values[values > old])[:2]
    next_below, below = np.sort(values[values <= old])[-2:]
    moved = (above + next_above) / 2 if above not in explained else (below + next_below) / 2
    assert above not in explained or below not in explained
    same_length = f"{moved:.30f}"[: len(thresholds)]  # the text states the size of each tree
    edited = text.replace(f"threshold={thresholds}", f"threshold={same_length}", 1)
    (copy / "booster.txt").write_text(edited)
    sum_again(copy)
    assert "other margins for the golden rows" in refusal(copy)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[:100],
        lambda text: text[:0],
        lambda text: text.replace("num_class=1", "num_class=7"),
        lambda text: re.sub(r"num_leaves=5", "num_leaves=500000", text, count=1),
        lambda text: re.sub(r"left_child=\S+", "left_child=99", text, count=1),
        lambda text: re.sub(r"split_feature=\d+", "split_feature=9999", text, count=1),
        lambda text: re.sub(r"max_feature_idx=\d+", "max_feature_idx=3", text, count=1),
        lambda text: text.replace("objective=binary", "objective=nonsense", 1),
        lambda text: text.replace("tree_sizes=", "tree_sizes=9", 1),
        lambda text: re.sub(r"leaf_count=(\d+) (\d+)", r"leaf_count=\2 \1", text, count=1),
        lambda text: text.replace("gross_mass_kg", "net_mass_kg", 1),
        lambda text: text.replace("pandas_categorical:null", "pandas_categorical:nul", 1),
    ],
)
def test_text_that_can_end_a_process_ends_another_one(copy: Path, edit: Edit) -> None:
    text = (copy / "booster.txt").read_text()
    assert edit(text) != text
    (copy / "booster.txt").write_text(edit(text))
    sum_again(copy)
    assert "booster.txt: " in refusal(copy)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("thresholds.json", '"high": 0', '"high": -0'),
        ("calibration.json", '"slope": ', '"slope": -'),
        ("calibration.json", '"finds": [', '"finds": [0,'),
        ("golden.json", "0x1.", "0y1."),
        ("golden.json", '"margins": [', '"margins": ["0x1.0p+0",'),
        ("reference.json", "gross_mass_kg", "net_mass_kg"),
        ("calibration.json", '"platt"', '"pickle"'),
    ],
)
def test_numbers_that_make_no_sense_are_refused(copy: Path, name: str, old: str, new: str) -> None:
    text = (copy / name).read_text()
    assert old in text
    (copy / name).write_text(text.replace(old, new, 1))
    sum_again(copy)
    assert name in refusal(copy)


def test_another_calibration_is_refused_by_the_golden_rows(copy: Path) -> None:
    text = (copy / "calibration.json").read_text()
    (copy / "calibration.json").write_text(text.replace('"intercept": ', '"intercept": 1', 1))
    sum_again(copy)
    assert "other probabilities for the golden rows" in refusal(copy)


def test_most_leaves_are_golden(original: Path) -> None:
    assert isinstance(load_bundle(original), Bundle)
    golden = json.loads((original / "golden.json").read_text())
    defences = small_parts().defences
    provoked = len(defences.requirements) + len(defences.newcomers)
    assert len(golden["rows"]) == 48 + provoked
    assert len(golden["contributions"]) == 3
