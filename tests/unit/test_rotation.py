"""A rotation of the pseudonym key on a ledger: histories go on, a lost key is told."""

from pathlib import Path

import pytest

from features.intake import conclude, declare, movement_event_id, outcome_event_id
from features.key_files import KeyUnusable
from features.keys import load_keyring, save_keyring
from features.ledger import Event, Ledger, LedgerBusy, MovementDeclared, open_ledger
from features.pseudonyms import Pseudonyms
from features.records import read_movement, read_outcome
from features.rotation import pseudonyms_of, pseudonyms_to_read, rotate_pseudonym_key
from features.timeline import load_timeline


def arrive(ledger: Ledger, pseudonyms: Pseudonyms, reference: str, mark: str) -> MovementDeclared:
    row = {
        "movement_ref": reference,
        "declared_at": "2026-03-01T08:30:00Z",
        "vehicle_reg": mark,
        "haulier_eori": "GB980780684000",
    }
    declared = declare(read_movement("vehicle", row), pseudonyms)
    _append(ledger, movement_event_id(declared), declared)
    return declared


def examine(ledger: Ledger, pseudonyms: Pseudonyms, reference: str, message: str) -> None:
    row = {
        "event_id": message,
        "movement_ref": reference,
        "outcome": "positive",
        "examined_at": "2026-03-01T10:00:00Z",
    }
    concluded = conclude(read_outcome(row), "vehicle", pseudonyms)
    _append(ledger, outcome_event_id(concluded), concluded)


def _append(ledger: Ledger, event_id: str, payload: object) -> None:
    ledger.append([Event(source="api", event_id=event_id, occurred_at=1, payload=payload)])  # type: ignore[arg-type]


def test_histories_versions_and_messages_go_on_over_two_rotations(
    ledger: Ledger, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    first = arrive(ledger, pseudonyms_of(ledger, keys), "M-1", "AB12 CDE")
    before = ledger.pseudonym_key()
    key_id, known = rotate_pseudonym_key(ledger, keys)
    assert (ledger.pseudonym_key(), known) == (key_id, 3)  # movement, vehicle, haulier
    assert key_id != before
    second = arrive(ledger, pseudonyms_of(ledger, keys), "M-2", "ab12cde")
    assert second.entities == first.entities, "the lorry and its haulier are who they were"
    new = arrive(ledger, pseudonyms_of(ledger, keys), "M-3", "XY99 ZZZ")
    examine(ledger, pseudonyms_of(ledger, keys), "M-1", "E-1")
    rotate_pseudonym_key(ledger, keys)
    after = pseudonyms_of(ledger, keys)
    assert arrive(ledger, after, "M-4", "XY99 ZZZ").entities == new.entities
    assert arrive(ledger, after, "M-5", "AB12CDE").entities == first.entities
    examine(ledger, after, "M-1", "E-1")  # the same message again, under another key
    examine(ledger, after, "M-2", "E-2")
    timeline = load_timeline(ledger, available_before=10**18)
    assert len(timeline.movements) == 5
    assert timeline.outcomes["movement"].tolist() == [first.movement, second.movement]
    assert ledger.last_position() == 7


def test_a_key_that_is_not_the_ledgers_is_told(ledger: Ledger, tmp_path: Path) -> None:
    arrive(ledger, pseudonyms_of(ledger, tmp_path / "keys"), "M-1", "AB12 CDE")
    load_keyring(tmp_path / "other")
    with pytest.raises(KeyUnusable, match=str(ledger.pseudonym_key())):
        pseudonyms_of(ledger, tmp_path / "other")
    with pytest.raises(KeyUnusable):
        pseudonyms_of(ledger, tmp_path / "lost")
    assert not (tmp_path / "lost").exists(), "no new key is made in place of a lost one"


def test_a_rotation_that_broke_off_leaves_ledger_and_keys_agreeing(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The crash between the two steps: the keyring is written, the ledger is not."""
    keys = tmp_path / "keys"
    first = arrive(ledger, pseudonyms_of(ledger, keys), "M-1", "AB12 CDE")
    save_keyring(keys, load_keyring(keys).following())
    assert arrive(ledger, pseudonyms_of(ledger, keys), "M-2", "AB12 CDE").entities == first.entities
    waiting = load_keyring(keys).key_id
    key_id, _ = rotate_pseudonym_key(ledger, keys)
    assert key_id == waiting, "it is taken up again with the same key"
    assert arrive(ledger, pseudonyms_of(ledger, keys), "M-3", "AB12 CDE").entities == first.entities


def test_no_rotation_under_a_running_server(ledger: Ledger, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    first = arrive(ledger, pseudonyms_of(ledger, keys), "M-1", "AB12 CDE")
    other = open_ledger(ledger.url)
    with other.in_service(), pytest.raises(LedgerBusy):
        rotate_pseudonym_key(ledger, keys)
    other.close()
    assert arrive(ledger, pseudonyms_of(ledger, keys), "M-2", "AB12 CDE").entities == first.entities


def test_who_only_reads_binds_nothing(ledger: Ledger, tmp_path: Path) -> None:
    pseudonyms_to_read(ledger, tmp_path / "keys")
    assert ledger.pseudonym_key() is None
