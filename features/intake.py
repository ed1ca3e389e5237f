"""The only way from what a client sent to what the ledger keeps: identifiers lose their text."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import UNSET
from msgspec.structs import astuple

from features.carried import Carried
from features.clock import to_micros
from features.identifiers import failures
from features.ledger.events import MovementDeclared, OutcomeRecorded
from features.pseudonyms import Pseudonyms
from features.records import RECORDS, Field, Movement, Outcome, Vessel, flags_of, kind_of
from features.records.ais import encounters_of, nautical_miles, summary_of
from features.records.moments import FIRST_OF_TWO
from features.records.parties import Party
from features.records.roles import fields_of

AS_IT_IS = frozenset({"category", "measure", "switch"})
"""Roles of the fields that the ledger keeps as they were declared."""
NUMBER = "_eori"
"""How the name of the field with a party's registration number ends."""


def declare(movement: Movement, pseudonyms: Pseudonyms) -> MovementDeclared:
    """The ledger's form of a checked record; fields that were not given are absent from it.

    An identifier of zeros or separators alone is flagged and left out: it would join the
    histories of everyone who fills the field like that.
    """
    kind = kind_of(movement)
    taken = _Taken(kind, pseudonyms, getattr(movement, "mode_at_border", None))
    taken.take_all(astuple(movement))
    if taken.named:
        taken.flag_parties()
    if isinstance(movement, Vessel):
        _sum_up_behaviour(movement, taken)
    return MovementDeclared(
        kind=kind,
        movement=pseudonyms.movement(kind, movement.movement_ref),
        version=movement.version,
        declared_at=to_micros(movement.declared_at),
        entities=taken.entities,
        fields=taken.fields,
        attributes=movement.attributes,
        flags=(
            *taken.failed,
            *taken.carried.flags,
            *flags_of(movement),
            *taken.flags,
        ),
        references=taken.carried.references,
        details=taken.carried.details,
        tags=taken.tags,
    )


class _Taken:
    """What becomes of the fields of one record, by their role."""

    __slots__ = (
        "_british",
        "_kind",
        "_numbered",
        "_pseudonyms",
        "carried",
        "entities",
        "failed",
        "fields",
        "flags",
        "named",
        "tags",
    )

    def __init__(self, kind: str, pseudonyms: Pseudonyms, mode_at_border: str | None) -> None:
        self._kind = kind
        self.entities: dict[str, str] = {}
        self.fields: dict[str, bool | int | float | str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.failed: list[str] = []
        """Flags such as ``check_digit:imo``: what is wrong with a field, by ``failures``."""
        self.flags: list[str] = []
        self.carried = Carried(pseudonyms, mode_at_border)
        self._pseudonyms = pseudonyms
        self.named: set[str] = set()
        self._numbered: set[str] = set()
        self._british: set[str] = set()

    def take_all(self, values: tuple[Any, ...]) -> None:
        """Every field that was given; most fields of most records are not."""
        later = []
        for field, value in zip(fields_by_place(self._kind), values, strict=True):
            if value is None or field is None:
                continue
            failed: tuple[str, ...] = ()
            if field.role == "identifier":
                failed = self._identify(field, value)
            elif field.role in AS_IT_IS:
                self.fields[field.name] = value
                if field.check is not None:
                    failed = failures(None, field.check, value)
            else:
                later.append((field, value))
            if failed:
                self.failed += [f"{one}:{field.name}" for one in failed]
        for field, value in later:  # parties come after the fields of their numbers
            self._take(field, value)

    def _take(self, field: Field, value: Any) -> None:
        role, name = field.role, field.name
        if role == "moment":
            self.fields[name] = to_micros(value)
            self._note_doubt(name, value)
        elif role == "reference":
            self.carried.refer(field, value, name)
            self._number(name, value)
        elif role == "party":
            self._take_party(str(field.party), value)
        elif role == "name":
            self.named.add(str(field.party))
        elif role == "track":
            self.carried.details[name] = len(value)
        else:
            self.carried.details[name] = self.carried.keep(field, value, name)
            self._note_doubt(name, value)

    def flag_parties(self) -> None:
        """A flag for every party that was named, and for each that lacks a number or needs none."""
        for party in _numbers_of(self._kind):
            if party in self.named:
                self.flags.append(f"named:{party}")
                if party in self._british:
                    self.flags.append(f"gb_party_named:{party}")
                if party not in self._numbered:
                    self.flags.append(f"unregistered:{party}")

    def _identify(self, field: Field, text: str) -> tuple[str, ...]:
        """What is wrong with it; it becomes an entity of the movement unless it names nobody."""
        namespace = field.namespace
        if namespace is None:
            return ()
        entity, failed = self._pseudonyms.identified(namespace, field.check, text)
        if entity is not None:
            self._number(field.name, text)
            self.entities[field.name] = entity
            if self._pseudonyms.shares_tags:
                for partnership, tag in self._pseudonyms.tags(namespace, text).items():
                    self.tags.setdefault(partnership, {})[field.name] = tag
        return failed

    def _number(self, name: str, number: Any) -> None:
        if name.endswith(NUMBER):
            party = name.removesuffix(NUMBER)
            self._numbered.add(party)
            if number[:2].upper() == "GB":
                self._british.add(party)

    def _note_doubt(self, name: str, value: Any) -> None:
        if isinstance(value, datetime) and value.tzinfo is FIRST_OF_TWO:
            self.flags.append(f"time_ambiguous:{name}")

    def _take_party(self, party: str, value: Party) -> None:
        """A party's number is taken as if it had come alone; its name and address are dropped."""
        if value.is_named:
            self.named.add(party)
        if value.eori is not None and party not in self._numbered:
            field = _numbers_of(self._kind)[party]
            if field.role == "identifier":
                failed = self._identify(field, value.eori)
                self.flags += [f"{one}:{party}.eori" for one in failed]
            else:
                self._take(field, value.eori)


def _sum_up_behaviour(vessel: Vessel, taken: _Taken) -> None:
    """The summary of positions in place of the positions; what was declared stays as declared."""
    if vessel.positions:
        for name, value in summary_of(vessel.positions, vessel.craft)._asdict().items():
            if value is not None:
                taken.fields.setdefault(name, value)
    if vessel.meetings is not None:
        taken.fields.setdefault("encounters", encounters_of(vessel.meetings))
    start, end = vessel.departure_position, vessel.arrival_position
    if start is not None and end is not None:
        distance = nautical_miles(start.lat, start.lon, end.lat, end.lon)
        taken.carried.details["distance_nm"] = round(distance, 1)


def conclude(outcome: Outcome, kind: str, pseudonyms: Pseudonyms) -> OutcomeRecorded:
    """The ledger's form of a checked outcome of one movement of this kind."""
    return OutcomeRecorded(
        kind=kind,
        movement=pseudonyms.movement(kind, outcome.movement_ref),
        examined_at=to_micros(outcome.examined_at),
        outcome=outcome.outcome,
        thoroughness=outcome.thoroughness,
        selection_reason=outcome.selection_reason,
        threat=outcome.threat,
        concealment=outcome.concealment or UNSET,
        message=pseudonyms.event(outcome.event_id),
        corrects=None if outcome.corrects is None else pseudonyms.event(outcome.corrects),
    )


def movement_event_id(declared: MovementDeclared) -> str:
    """A version of a movement is one event, whichever way it came."""
    return f"{declared.movement}:{declared.version}"


def outcome_event_id(concluded: OutcomeRecorded) -> str:
    """Two kinds may number their messages alike."""
    return f"outcome:{concluded.kind}:{concluded.message}"


@cache
def fields_by_place(kind: str) -> tuple[Field | None, ...]:
    """As the values of a record come; None for what carries no role, such as the version."""
    fields = {field.name: field for field in fields_of(RECORDS[kind])}
    return tuple(map(fields.get, RECORDS[kind].__struct_fields__))


@cache
def _numbers_of(kind: str) -> Mapping[str, Field]:
    """Every party of a record to the field of its number, which stands before the party."""
    fields = {field.name: field for field in fields_of(RECORDS[kind])}
    parties = [str(field.party) for field in fields.values() if field.role == "party"]
    return {party: fields[f"{party}{NUMBER}"] for party in parties}
