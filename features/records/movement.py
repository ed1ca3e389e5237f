"""The fields every movement has, and the types that fields share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from features.records.moments import Moment, with_offsets
from features.records.roles import detail

# Patterns end in `$(?!\n)` because Python's `$` alone also matches before a last line feed.
_NOT_BLANK = r"^[^\s](.*[^\s])?$(?!\n)"

Reference = Annotated[str, Meta(min_length=1, max_length=70, pattern=_NOT_BLANK)]
RegistrationNumber = Annotated[str, Meta(min_length=1, max_length=40, pattern=_NOT_BLANK)]
"""An EORI, TIN or other number an organisation is registered under."""
Mark = Annotated[str, Meta(min_length=1, max_length=30, pattern=_NOT_BLANK)]
LongMark = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NOT_BLANK)]
"""Of trailers and containers, which a goods movement record gives up to 200 characters."""
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,199}$(?!\n)")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", extra={"list": "country"})]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", extra={"list": "currency"})]
Commodity = Annotated[str, Meta(pattern=r"^[0-9]{4,10}$(?!\n)")]
AttributeName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$(?!\n)")]
AttributeNumber = Annotated[float, Meta(ge=-1e15, le=1e15)]  # bounds also keep out NaN
AttributeCode = Annotated[str, Meta(max_length=200, pattern=_NOT_BLANK)]
Instant = Annotated[datetime, Meta(tz=True)]
Mass = Annotated[float, Meta(gt=0, lt=1e11)]
Amount = Annotated[float, Meta(ge=0, lt=1e15)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Text = Annotated[str, Meta(min_length=1, max_length=250, pattern=_NOT_BLANK)]
ShortText = Annotated[str, Meta(min_length=1, max_length=35, pattern=_NOT_BLANK)]
ZoneName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{1,39}$(?!\n)")]
Gmr = Annotated[str, Meta(pattern=r"^GMR[A-Z][0-9A-Z]{8}$(?!\n)")]
Mrn = Annotated[str, Meta(pattern=r"^[0-9]{2}[A-Z]{2}[A-Z0-9]{14}$(?!\n)")]
Ducr = Annotated[str, Meta(pattern=r"^[0-9][A-Z]{2}[0-9A-Z()/-]{6,32}$(?!\n)")]
Mucr = Annotated[
    str,
    Meta(
        pattern=r"^(GB/[0-9A-Z]{3,4}-[0-9A-Z]{5,28}|GB/[0-9A-Z]{9,12}-[0-9A-Z]{1,23}"
        r"|A:[0-9A-Z]{3}[0-9]{8}|C:[A-Z]{3}[0-9A-Z]{3,30})$(?!\n)"
    ),
]
Seal = Annotated[str, Meta(min_length=1, max_length=20, pattern=_NOT_BLANK)]
Seals = Annotated[tuple[Seal, ...], Meta(max_length=9999)]
Itinerary = Annotated[tuple[Country, ...], Meta(min_length=2, max_length=99)]
Locode = Annotated[str, Meta(pattern=r"^[A-Z]{2}[A-Z2-9]{3}$(?!\n)")]
UnNumber = Annotated[str, Meta(pattern=r"^[0-9]{4}$(?!\n)")]
PackageKind = Annotated[str, Meta(pattern=r"^[A-Z0-9]{2}$(?!\n)")]

NO_SEAL = "No Seal"
"""What a goods movement record writes where there is none."""


class Movement(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """Common to a vehicle crossing, a vessel arrival and a shipment declaration.

    Only ``movement_ref``, ``declared_at`` and one identifier or attribute are required; what is
    left out is missing, which is not the empty string and not zero.
    """

    movement_ref: Annotated[
        Reference,
        Meta(description="The sender's reference; a later message with it replaces this."),
    ]
    declared_at: Annotated[
        Instant, Meta(description="When the movement was declared, with a time zone (RFC 3339).")
    ]
    version: Annotated[
        int, Meta(ge=1, le=1_000_000, description="1 for the first message about this movement.")
    ] = 1
    attributes: Annotated[
        dict[AttributeName, AttributeNumber | AttributeCode],
        Meta(max_length=64, description="Extra columns; numbers or codes, features without code."),
    ] = {}
    port_time_zone: Annotated[
        ZoneName | None,
        detail(
            "IANA name of the zone, such as Europe/London, of times that come without an offset "
            "at a port that is not known by its UN/LOCODE."
        ),
    ] = None


def refuse_odd_times(row: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raise for a number or a time without an offset where an instant belongs."""
    with_offsets(row, tuple(Moment(name, None) for name in names))
