"""Which fields a score needs, by kind and mode: those whose absence never pays.

All of them may be missing, and the record is taken; but a required field that is left out counts
as the worst that it could have said (``models.defences``). A field that does not apply in a mode
is not missing: a trailer that travels alone has no lorry.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Mode = Literal[
    "always", "accompanied", "unaccompanied", "freight", "laden", "commercial", "small", "pleasure"
]
"""``laden`` is freight that is not declared empty, ``small`` any craft that is not commercial."""


class Required(NamedTuple):
    fields: tuple[str, ...]
    """One of them is enough."""
    mode: Mode = "always"

    @property
    def name(self) -> str:
        """
        >>> Required(("trailer_reg", "container_no")).name
        'trailer_reg or container_no'
        """
        return " or ".join(self.fields)


def _each(mode: Mode, *fields: str) -> tuple[Required, ...]:
    return tuple(Required((field,), mode) for field in fields)


REQUIRED: Mapping[str, tuple[Required, ...]] = {
    "vehicle": (
        *_each("always", "direction", "traffic_mode", "is_unaccompanied"),
        *_each("always", "route_id", "departs_at", "arrives_at"),
        *_each("accompanied", "vehicle_reg"),
        Required(("trailer_reg", "container_no"), "unaccompanied"),
        *_each("freight", "booked_at", "haulier_eori", "consignor_eori", "consignee_eori"),
        *_each("freight", "is_empty", "gross_mass_kg"),
        *_each("laden", "commodity_code", "value_gbp"),
    ),
    "vessel": (
        *_each("always", "craft", "ship_type", "flag", "length_m"),
        *_each("always", "port", "last_port", "departs_at", "arrives_at", "crew_count"),
        *_each("commercial", "imo", "mmsi", "operator_eori", "agent_eori"),
        *_each("commercial", "gross_tonnage", "purpose", "dangerous_goods"),
        *_each("small", "hull_id"),
        *_each("pleasure", "is_reported"),
    ),
    "shipment": (
        *_each("always", "declarant_eori", "consignor_eori", "consignee_eori", "carrier_eori"),
        *_each("always", "mode_at_border", "procedure_code", "office", "arrives_at"),
        *_each("always", "commodity_code", "origin_country", "dispatch_country"),
        *_each("always", "gross_mass_kg", "net_mass_kg", "package_kind", "package_count"),
        *_each("always", "invoice_amount", "currency"),
    ),
}
"""Identity, route, times, parties, goods, masses and value, of each kind."""
