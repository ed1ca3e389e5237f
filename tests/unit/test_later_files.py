"""Files to test a version on: what is read of them, and what is left out and counted."""

from pathlib import Path

import pytest

from features.errors import InputError
from features.files.mapping import read_mapping
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from training.later_files import LaterFiles, LeftOut, read_later_files

KEY = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
MOVEMENTS = """movement_ref,declared_at,route_id
late,2026-05-04T10:00:00Z,A-B
early,2026-05-02T10:00:00Z,A-B
trained,2026-04-30T23:59:59Z,A-B
first,2026-05-01T00:00:00Z,A-B
unexamined,2026-05-03T10:00:00Z,A-B
shirked,2026-05-03T11:00:00Z,A-B
broken,yesterday,A-B
"""
OUTCOMES = """event_id,movement_ref,outcome,examined_at,corrects
1,late,positive,2026-05-05T10:00:00Z,
2,early,positive,2026-05-05T10:00:00Z,
3,early,negative,2026-05-06T10:00:00Z,2
4,trained,positive,2026-05-05T10:00:00Z,
5,first,negative,2026-05-05T10:00:00Z,
6,shirked,no_show,2026-05-05T10:00:00Z,
7,another,positive,2026-05-05T10:00:00Z,
"""
MAY = 1_777_593_600_000_000
"""2026-05-01 00:00 UTC"""


def read(folder: Path, movements: str = MOVEMENTS, until: int = MAY) -> LaterFiles:
    files = folder / "movements.csv", folder / "outcomes.csv"
    for file, text in zip(files, (movements, OUTCOMES), strict=True):
        file.write_text(text)
    mapping = read_mapping(None, "vehicle")
    return read_later_files("vehicle", *files, mapping, KEY, trained_until=until)


def test_only_what_the_model_did_not_learn_from_and_has_a_label(tmp_path: Path) -> None:
    found = read(tmp_path)
    names = [KEY.movement("vehicle", name) for name in ("first", "early", "late")]
    assert [movement.movement for movement in found.movements] == names
    assert found.labels.tolist() == [0.0, 0.0, 1.0]  # the correction stands
    assert found.as_of[0] == MAY  # known at the model's last instant: not learned from
    assert (found.as_of[1:] > found.as_of[:-1]).all()
    assert found.left_out == LeftOut(rejected=1, known_in_training=1, without_label=2)
    assert "1 movements declared before the model's last day" in found.left_out.in_words()
    assert found.simulated is False


def test_of_two_versions_the_first_is_tested(tmp_path: Path) -> None:
    header, *rows = MOVEMENTS.splitlines()
    twice = [f"{header},version", *(f"{row},1" for row in rows[:2])]
    twice.insert(1, "late,2026-05-04T12:00:00Z,C-D,2")
    found = read(tmp_path, "\n".join(twice) + "\n")
    late = found.movements[-1]
    assert (late.version, late.fields["route_id"]) == (1, "A-B")


def test_nothing_to_test_on_is_refused_with_the_counts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to evaluate on; left out: 6 movements declared"):
        read(tmp_path, until=2 * MAY)
