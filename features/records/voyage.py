"""What hangs on a vessel's arrival: ports before, cargo, stores and positions on the chart."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from features.records.goods import Description, PackageCount
from features.records.movement import (
    Amount,
    Commodity,
    Locode,
    Mark,
    Mass,
    PackageKind,
    Reference,
    ShortText,
)
from features.records.roles import detail, reference
from features.records.rules import Breach, Rule, rule

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
CubicMetres = Annotated[float, Meta(ge=0, lt=1e7)]
DECIMALS_OF_A_POSITION = 6


class ChartPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place at sea or on a coast, WGS 84."""

    lat: Annotated[Latitude, detail("North positive, six decimals at most.", unit="degrees")]
    lon: Annotated[Longitude, detail("East positive, six decimals at most.", unit="degrees")]


class PortCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One earlier call, as the ISPS Code asks for the last ten."""

    port: Annotated[Locode, detail("UN/LOCODE.", check="locode")]
    arrived_on: Annotated[date | None, detail("Day of arrival, local to the port.")] = None
    departed_on: Annotated[date | None, detail("Day of departure, local to the port.")] = None
    security_level: Annotated[
        Annotated[int, Meta(ge=1, le=3)] | None, detail("Security level during the call, 1 to 3.")
    ] = None


class CargoLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the cargo declaration, FAL form 2."""

    bill_of_lading: Annotated[Reference | None, reference("bill", "Number of the bill.")] = None
    marks: Annotated[Reference | None, reference("marks", "Marks and numbers.")] = None
    container_no: Annotated[
        Mark | None, reference("container", "Container number, ISO 6346.", check="container")
    ] = None
    package_kind: Annotated[PackageKind | None, detail("UN/ECE Recommendation 21.")] = None
    package_count: Annotated[PackageCount | None, detail("Number of packages.")] = None
    description: Annotated[Description | None, detail("Goods in plain language.")] = None
    commodity_code: Annotated[
        Commodity | None, detail("HS code, 4 to 10 digits, as text.", check="commodity")
    ] = None
    gross_kg: Annotated[Mass | None, detail("Gross mass.", unit="kg")] = None
    volume_m3: Annotated[CubicMetres | None, detail("Measurement.", unit="m3")] = None


class StoresLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the ship's stores declaration, FAL form 3."""

    article: Annotated[ShortText, detail("Name of the article.")]
    quantity: Annotated[Amount, detail("How much of it there is.", unit="unit")]
    unit: Annotated[ShortText | None, detail("Unit of the quantity.")] = None
    location: Annotated[ShortText | None, detail("Where on board it is kept.")] = None


@rule("departed_before_arrived")
def _calls_end_after_they_begin(call: PortCall) -> Breach | None:
    """A call at a port ends on the day it began or later."""
    if call.arrived_on is None or call.departed_on is None:
        return None
    if call.departed_on >= call.arrived_on:
        return None
    sentence = f"departed {call.departed_on}, arrived {call.arrived_on}; correct one"
    return Breach("/departed_on", sentence)


@rule("too_many_decimals")
def _a_point_is_exact_to_a_decimetre(point: ChartPoint) -> Breach | None:
    """A latitude or longitude has at most six decimals."""
    for name, degrees in (("lat", point.lat), ("lon", point.lon)):
        if round(degrees, DECIMALS_OF_A_POSITION) != degrees:
            return Breach(f"/{name}", f"{degrees} has more than six decimals; round it")
    return None


CALL_RULES: tuple[Rule, ...] = (_calls_end_after_they_begin,)
POINT_RULES: tuple[Rule, ...] = (_a_point_is_exact_to_a_decimetre,)
