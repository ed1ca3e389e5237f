"""Pseudonyms: unchanged since the first version, apart from each other, and stable as keys go."""

import hmac
import pickle
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.intake import conclude, declare
from features.keys import (
    Keyring,
    KeyUnusable,
    PartnershipKey,
    PseudonymKey,
    load_keyring,
    make_partnership_key,
    save_keyring,
)
from features.ledger.events import decode_payload, encode_payload
from features.pseudonyms import NO_ALIASES, AliasTable, Pseudonyms, load_pseudonyms, rotate
from features.records import Movement, Namespace, read_movement, read_outcome

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
KEY, SECOND, THIRD = (PseudonymKey(bytes(range(n, n + 32))) for n in (0, 1, 2))
FIRST = Keyring([KEY])
NAMESPACES: tuple[Namespace, ...] = ("organisation", "vehicle", "trailer", "container", "vessel")


def movement(kind: str, **fields: Any) -> Movement:
    return read_movement(kind, {"movement_ref": "M-1", "declared_at": AT, **fields})


def test_the_first_generation_is_what_it_always_was() -> None:
    """Literals that the first version wrote: a ledger of then joins what comes now."""
    pseudonyms = Pseudonyms(FIRST)
    assert pseudonyms.key_id == "4c43adeb"
    assert [
        pseudonyms.entity("vehicle", "ab12 cde"),
        pseudonyms.entity("organisation", "GB 980780684-000"),
        pseudonyms.entity("vessel", "IMO 9319466"),
        pseudonyms.movement("shipment", " M-1 "),
        pseudonyms.event("E1"),
    ] == [
        "vehicle:55b6865457ee9d189c3882a4051484d0",
        "organisation:f405faa9384cfa60b69b1a5e05b83f12",
        "vessel:6385eb8cb612e08b1b6e6fcfe3337826",
        "d2bc71fbcaea5db68b8a999e991e7fea",
        "ec6522738d7e19fce4043feed3282d88",
    ]


def test_a_pseudonym_is_a_keyed_hash_of_domain_and_spelling() -> None:
    tag = hmac.new(bytes(range(32)), b"foreland 1 entity vehicle\0AB12CDE", "sha256").hexdigest()
    assert Pseudonyms(FIRST).entity("vehicle", "ab12 cde") == f"vehicle:{tag[:32]}"


def test_pseudonyms_are_apart_by_namespace_kind_and_key() -> None:
    pseudonyms, other = Pseudonyms(FIRST), Pseudonyms(Keyring([SECOND]))
    tags = [pseudonyms.entity(namespace, "X1").partition(":")[2] for namespace in NAMESPACES]
    tags += [pseudonyms.movement(kind, "X1") for kind in ("vehicle", "vessel", "shipment")]
    tags += [pseudonyms.reference(space, "X1") for space in ("mrn", "booking")]
    tags += [pseudonyms.event("X1"), other.event("X1"), other.movement("vehicle", "X1")]
    assert len(set(tags)) == len(tags)
    assert all(len(tag) == 32 for tag in tags)


def test_spellings_of_one_entity_share_a_pseudonym_and_references_keep_their_case() -> None:
    pseudonyms = Pseudonyms(FIRST)
    spellings = {
        pseudonyms.entity("vehicle", text)
        for text in ("AB12CDE", "ab12 cde", "AB-12-CDE", "АВ12СDЕ")  # the last partly Cyrillic
    }
    assert len(spellings) == 1
    assert pseudonyms.movement("vehicle", " a ") == pseudonyms.movement("vehicle", "a")
    assert pseudonyms.movement("vehicle", "a") != pseudonyms.movement("vehicle", "A")


@given(st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=8, unique=True))
def test_different_references_have_different_pseudonyms(references: list[str]) -> None:
    pseudonyms = Pseudonyms(FIRST)
    tags = sorted(pseudonyms.movement("vehicle", r) for r in {r.strip() for r in references})
    assert all(a != b for a, b in pairwise(tags))


# --- rotation -------------------------------------------------------------------------------------


class SmallLedger:
    """What a ledger keeps of it all: ids for good, aliases, and the id of the current key."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.ids: set[bytes] = set()
        self.aliases: list[tuple[bytes, bytes]] = []

    def pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(self.keyring, AliasTable.of(self.aliases))

    def see(self, texts: Iterable[str]) -> list[str]:
        """Entities, a movement and a message for each text; what is new is kept."""
        pseudonyms = self.pseudonyms()
        seen = [pseudonyms.entity("vehicle", t) for t in texts]
        seen += [pseudonyms.movement("vehicle", t) for t in texts]
        seen += [pseudonyms.event(t) for t in texts]
        seen += [pseudonyms.reference("mrn", t) for t in texts]
        self.ids |= {bytes.fromhex(s.partition(":")[2] or s) for s in seen}
        return seen

    def rotate(self) -> None:
        self.keyring, pairs = rotate(self.keyring, self.ids, self.aliases)
        self.aliases = list(pairs)


def test_entities_of_three_generations_keep_the_id_they_were_first_seen_under() -> None:
    ledger = SmallLedger(Keyring([KEY], waiting=[SECOND, THIRD]))
    first_seen = ledger.see(["A1", "A2"])
    ledger.rotate()
    assert ledger.keyring.generation == 2
    assert ledger.see(["A1", "A2"]) == first_seen
    assert len(ledger.ids) == 8, "nothing old got a second id"
    second_seen = ledger.see(["B1", "B2"])
    ledger.rotate()
    assert ledger.keyring.key_id == THIRD.key_id
    third_seen = ledger.see(["C1"])
    assert ledger.see(["A1", "A2"]) == first_seen
    assert ledger.see(["B1", "B2"]) == second_seen
    assert ledger.see(["C1"]) == third_seen
    assert len(ledger.ids) == 20
    assert len(ledger.aliases) == 16, "one for each id of an earlier generation, and no more"


def test_the_arithmetic_of_three_generations_by_hand() -> None:
    def under(key: int, message: bytes) -> bytes:
        return hmac.digest(bytes(range(key, key + 32)), message, "sha256")[:16]

    message = b"foreland 1 entity vehicle\0AB12CDE"
    tag_1 = under(0, message)
    tag_2 = under(1, tag_1)
    tag_3 = under(2, tag_2)
    new, pairs = rotate(Keyring([KEY], waiting=[SECOND]), [tag_1])
    assert list(pairs) == [(tag_2, tag_1)]
    assert new.tag(message) == tag_2
    newer, pairs = rotate(Keyring([KEY, SECOND], waiting=[THIRD]), [tag_1], [(tag_2, tag_1)])
    assert list(pairs) == [(tag_3, tag_1)]
    assert newer.tag(message) == tag_3


@given(st.lists(st.sampled_from([*"ABCDEFGH", "rotate"]), max_size=30))
def test_however_often_the_key_changes_an_entity_has_one_id(steps: list[str]) -> None:
    ledger = SmallLedger(FIRST)
    ids: dict[str, list[str]] = {}
    for step in steps:
        if step == "rotate":
            ledger.rotate()
        else:
            seen = ledger.see([f"{step}1"])
            assert ids.setdefault(step, seen) == seen
    distinct = [identity for seen in ids.values() for identity in seen]
    assert len(set(distinct)) == len(distinct)


def test_rotation_makes_a_new_key_when_none_waits() -> None:
    new, _ = rotate(FIRST, [])
    newer, _ = rotate(FIRST, [])
    assert new.generation == newer.generation == 2
    assert len({FIRST.key_id, new.key_id, newer.key_id}) == 3


def test_many_movements_are_named_as_each_is() -> None:
    first = Pseudonyms(FIRST)
    known = bytes.fromhex(first.movement("vehicle", "M-1"))
    new, pairs = rotate(FIRST, [known])
    for pseudonyms in (first, Pseudonyms(new), Pseudonyms(new, AliasTable.of(pairs))):
        names = [" M-1", "M-2", "m-1 "]
        alone = [pseudonyms.movement("vehicle", name) for name in names]
        assert pseudonyms.movements("vehicle", names) == alone
    assert alone[0] == known.hex()


def test_aliases_of_what_was_erased_end_with_the_next_rotation() -> None:
    kept, erased = bytes(16), b"e" * 16
    new, pairs = rotate(FIRST, [kept, erased])
    _, pairs = rotate(new, [kept], list(pairs))
    assert [identity for _, identity in pairs] == [kept]


def test_an_id_of_another_length_is_no_id() -> None:
    _, pairs = rotate(FIRST, [b"short"])
    with pytest.raises(ValueError, match="16 bytes, not 5"):
        list(pairs)
    with pytest.raises(ValueError, match="two values of 16 bytes"):
        AliasTable.of([(bytes(16), b"")])


def test_a_rotation_that_was_interrupted_is_taken_up_again(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    before = load_pseudonyms(keys)
    lorry = bytes.fromhex(before.entity("vehicle", "AB12CDE").partition(":")[2])
    new, _ = rotate(load_keyring(keys).up_to(before.key_id), [lorry])
    save_keyring(keys, new)
    # Here it stops: the file holds two generations, and the ledger was written under the first.
    unmoved = load_pseudonyms(keys, key_id=before.key_id)
    assert unmoved.entity("vehicle", "XY1") == before.entity("vehicle", "XY1")
    again, pairs = rotate(load_keyring(keys).up_to(before.key_id), [lorry])
    save_keyring(keys, again)
    assert again.key_id == new.key_id
    assert load_keyring(keys).generation == 2
    after = load_pseudonyms(keys, key_id=again.key_id, aliases=AliasTable.of(pairs))
    assert after.entity("vehicle", "AB12CDE") == before.entity("vehicle", "AB12CDE")
    assert after.entity("vehicle", "XY1") != before.entity("vehicle", "XY1")
    assert load_pseudonyms(keys).key_id == after.key_id, "the newest, when no ledger says"


def test_a_ledger_under_a_key_that_is_not_here(tmp_path: Path) -> None:
    held = load_keyring(tmp_path / "keys").key_id
    with pytest.raises(
        KeyUnusable, match=f"written under pseudonym key 01234567 and this keyring holds {held}; re"
    ):
        load_pseudonyms(tmp_path / "keys", key_id="01234567")


def test_a_lost_key_is_not_replaced_under_a_ledger_that_has_one(tmp_path: Path) -> None:
    with pytest.raises(
        KeyUnusable, match=r"there is no .*pseudonym\.key.*restore it from its copy"
    ):
        load_pseudonyms(tmp_path / "keys", key_id="01234567")
    assert not (tmp_path / "keys").exists()


PAIRS = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)),
    unique_by=lambda pair: pair[0],
)


@given(PAIRS, st.binary(min_size=16, max_size=16))
def test_an_alias_table_is_a_dictionary(pairs: list[tuple[bytes, bytes]], other: bytes) -> None:
    table, dictionary = AliasTable.of(pairs), dict(pairs)
    assert len(table) == len(dictionary)
    assert all(table.get(tag) == identity for tag, identity in pairs)
    assert table.get(other) == dictionary.get(other)


def test_tags_that_begin_alike_are_told_apart() -> None:
    pairs = [(bytes(8) + bytes([n] * 8), bytes([n]) * 16) for n in (7, 3, 255, 0)]
    table = AliasTable.of(pairs)
    assert [table.get(tag) for tag, _ in pairs] == [identity for _, identity in pairs]
    assert table.get(bytes(8) + b"\x01" * 8) is None
    assert table.get(b"\xff" * 16) is None


# --- partnerships ---------------------------------------------------------------------------------


def test_partners_make_the_same_tag_and_nothing_else_in_common() -> None:
    shared = PartnershipKey(b"p" * 32)
    ours = Pseudonyms(FIRST, partnerships={"north-sea": shared})
    theirs = Pseudonyms(Keyring([SECOND]), partnerships={"uk": shared})
    tag = ours.tags("vehicle", "ab12 cde")["north-sea"]
    assert theirs.tags("vehicle", "AB12CDE") == {"uk": tag}
    by_hand = hmac.digest(b"p" * 32, b"foreland 1 partnership vehicle\0AB12CDE", "sha256")
    assert tag == by_hand[:16].hex()
    assert ours.entity("vehicle", "AB12CDE") != theirs.entity("vehicle", "AB12CDE")
    assert tag not in ours.entity("vehicle", "AB12CDE")
    assert ours.tags("trailer", "AB12CDE") != ours.tags("vehicle", "AB12CDE")


def test_a_tag_outlives_our_own_rotation() -> None:
    partnerships = {"north-sea": PartnershipKey(b"p" * 32)}
    before = Pseudonyms(FIRST, partnerships=partnerships)
    after = Pseudonyms(Keyring([KEY, SECOND]), NO_ALIASES, partnerships)
    assert before.tags("vessel", "9319466") == after.tags("vessel", "9319466")


def test_no_tags_without_a_partnership_or_for_nobody(tmp_path: Path) -> None:
    assert load_pseudonyms(tmp_path / "keys").tags("vehicle", "AB12CDE") == {}
    for name in ("west", "east"):
        make_partnership_key(tmp_path / "keys", name)
    pseudonyms = load_pseudonyms(tmp_path / "keys")
    tags = pseudonyms.tags("vehicle", "AB12CDE")
    assert list(tags) == ["east", "west"]
    assert tags["east"] != tags["west"]
    assert pseudonyms.tags("vehicle", "UNKNOWN") == {}


def test_they_are_never_pickled() -> None:
    with pytest.raises((KeyUnusable, TypeError, AttributeError)):
        pickle.dumps(Pseudonyms(FIRST))
    assert "000102" not in repr(vars(Pseudonyms(FIRST)))


# --- at intake ------------------------------------------------------------------------------------


def test_declaring_keeps_what_was_given_and_no_identifier() -> None:
    declared = declare(
        movement(
            "vehicle",
            version=2,
            haulier_eori="GB980780685000",
            vehicle_reg="AB12 CDE",
            trailer_reg="---",
            route_id="DOVER-CALAIS",
            gross_mass_kg=12_500.0,
            passenger_count=0,
            is_empty=False,
            departs_at=AT,
            attributes={"seal": "A", "axles": 3.0},
        ),
        Pseudonyms(FIRST),
    )
    assert set(declared.entities) == {"haulier_eori", "vehicle_reg"}, "a placeholder is nobody"
    assert declared.entities["vehicle_reg"] == Pseudonyms(FIRST).entity("vehicle", "AB12CDE")
    micros = 1_772_353_800_000_000  # date -u -d '2026-03-01T08:30Z' +%s
    assert declared.fields == {
        "route_id": "DOVER-CALAIS",
        "gross_mass_kg": 12_500.0,
        "passenger_count": 0,
        "is_empty": False,
        "departs_at": micros,
    }
    assert (declared.version, declared.declared_at) == (2, micros)
    assert declared.attributes == {"seal": "A", "axles": 3.0}
    assert declared.flags == ("check_digit:haulier_eori", "placeholder:trailer_reg")
    stored = encode_payload(declared)
    assert decode_payload(stored) == declared
    for plain in (b"GB98", b"AB12", b"M-1"):
        assert plain not in stored


def test_an_outcome_meets_its_movement_under_the_same_pseudonym() -> None:
    outcome = read_outcome(
        {
            "event_id": "E1",
            "movement_ref": "M-1",
            "outcome": "positive",
            "examined_at": AT,
            "threat": "cash",
            "thoroughness": "full",
            "selection_reason": "random",
        }
    )
    recorded = conclude(outcome, "vehicle", Pseudonyms(FIRST))
    assert (
        recorded.movement == declare(movement("vehicle", is_empty=True), Pseudonyms(FIRST)).movement
    )
    assert (recorded.outcome, recorded.threat) == ("positive", "cash")
    assert (recorded.thoroughness, recorded.selection_reason) == ("full", "random")
    assert recorded.examined_at == 1_772_353_800_000_000
