"""Small events for tests of whatever reads or writes a ledger."""

from features.ledger import Event, MovementDeclared, OutcomeRecorded, Payload, RecordsErased

DAY = 86_400_000_000


def movement_event(
    number: int, *, available_at: int | None = None, source: str = "file", mass: float = 1.5
) -> Event:
    """Version 1 of vehicle movement ``number``, which happened at ``number`` microseconds."""
    movement = f"{number:032x}"
    payload = MovementDeclared(
        kind="vehicle",
        movement=movement,
        declared_at=number,
        entities={"haulier_eori": f"organisation:{number % 7:032x}"},
        fields={"route_id": "DOVER-CALAIS", "gross_mass_kg": mass, "is_empty": False},
        attributes={"tax_type": "A", "axles": 3.0},
        flags=("check_digit:haulier_eori",),
    )
    return _event(f"{movement}:1", number, payload, available_at, source)


def outcome_event(number: int, *, available_at: int | None = None, source: str = "file") -> Event:
    """A find on vehicle movement ``number``."""
    payload = OutcomeRecorded(
        kind="vehicle",
        movement=f"{number:032x}",
        examined_at=number,
        outcome="positive",
        threat="cash",
    )
    return _event(f"outcome:{number}", number, payload, available_at, source)


def erasure_event(name: str = "retention-1") -> Event:
    """The record of a retention run that says nothing."""
    payload = RecordsErased(rules_sha256="00", erased=())
    return Event(source="retention", event_id=name, occurred_at=1, payload=payload)


def _event(
    event_id: str, occurred_at: int, payload: Payload, available_at: int | None, source: str
) -> Event:
    return Event(
        source=source,
        event_id=event_id,
        occurred_at=occurred_at,
        available_at=available_at,
        payload=payload,
    )
