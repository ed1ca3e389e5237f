"""What the records of lorries and of the shipments on them declare about each other."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.simulate.carriage import Cargo
from features.simulate.codes import Bools, Column, Floats, Ints, Texts
from features.simulate.parameters import CarriageParameters
from features.simulate.places import ROUTES
from features.simulate.shipments import OFFICE_CODES, UNITS_PER_GBP
from features.simulate.traffic import Traffic, instants, numbers, overwritten, taken
from features.simulate.vehicle_traffic import TARE_KG
from features.simulate.world import NOBODY, Lanes, Organisations

FERRIES_PER_ROUTE = 2
SHUTTLE_PORT = "GBFOL"
"""Lorries come there by train; no ship carries them."""
CARRIED_BY: tuple[str, ...] = ("kind", "movement_ref")


@dataclass(frozen=True)
class Manifests:
    """Made once a simulation, then asked to fill in the records of every block."""

    parameters: CarriageParameters
    lorry_lanes: Lanes
    organisations: Organisations
    ferries: Texts
    """IMO numbers, ``FERRIES_PER_ROUTE`` a route; they are no vessel movements themselves."""

    def filled_in(
        self, rng: np.random.Generator, cargo: Cargo, lorries: Traffic, shipments: Traffic
    ) -> tuple[Traffic, Traffic]:
        """Lorries and shipments of a block, at one in what they declare and in their facts."""
        ferry = self._ferry(rng, lorries)
        shipments = self._arriving(cargo, lorries, shipments)
        shipments.columns |= self._transport(rng, cargo, lorries, shipments, ferry)
        lorries = self._full_loads(cargo, lorries, shipments)
        lorries.columns |= _loaded(cargo, lorries, shipments)
        unnamed = rng.random(ferry.size) >= self.parameters.ferry_named_share
        ships = taken(self.ferries, np.where(unnamed, NOBODY, ferry))
        lorries.columns |= {
            "carrying_vessel": ships,
            "consignments": self._lists(rng, cargo, lorries, shipments),
        }
        refs = _of_carried(cargo, shipments, lorries.columns["movement_ref"].take(cargo.lorry))
        shipments.columns["carried_by"] = self._names(rng, cargo, refs)
        shipments.lorry_refs = refs
        return lorries, shipments

    def _ferry(self, rng: np.random.Generator, lorries: Traffic) -> Ints:
        route = self.lorry_lanes.columns["route"][lorries.lane]
        by_train = np.array([route.home == SHUTTLE_PORT for route in ROUTES])[route]
        ferry = route * FERRIES_PER_ROUTE + rng.integers(0, FERRIES_PER_ROUTE, route.size)
        return np.where(by_train, NOBODY, ferry)

    def _arriving(self, cargo: Cargo, lorries: Traffic, shipments: Traffic) -> Traffic:
        """Carried shipments land with their lorry, declared as long before as they would be."""
        at, lorry = cargo.shipment, cargo.lorry
        arrives = shipments.arrives_at.copy()
        arrives[at] = lorries.arrives_at[lorry]
        declared = shipments.declared_at + (arrives - shipments.arrives_at)
        night = shipments.facts["night"].copy()
        night[at] = lorries.facts["night"][lorry]
        offices = np.array([OFFICE_CODES.index(route.home) for route in ROUTES])
        office = offices[self.lorry_lanes.columns["route"][lorries.lane[lorry]]]
        site = shipments.site.copy()
        site[at] = office
        columns = shipments.columns
        moved = {
            "arrives_at": instants(arrives, _missing(columns["arrives_at"])),
            "declared_at": instants(declared),
            "office": overwritten(columns["office"], at, taken(pa.array(OFFICE_CODES), office)),
            "carrier_eori": _replaced(
                columns["carrier_eori"], at, lorries.columns["haulier_eori"].take(lorry)
            ),
            "container_no": overwritten(
                columns["container_no"], at, lorries.columns["container_no"].take(lorry)
            ),
        }
        return replace(
            shipments,
            arrives_at=arrives,
            declared_at=declared,
            site=site,
            facts=shipments.facts | {"night": night},
            columns=columns | moved,
        )

    def _transport(
        self,
        rng: np.random.Generator,
        cargo: Cargo,
        lorries: Traffic,
        shipments: Traffic,
        ferry: Ints,
    ) -> dict[str, Column]:
        """With a driver it is the lorry that crosses the border, without one the ferry."""
        marks = lorries.columns["vehicle_reg"].take(cargo.lorry)
        ships = taken(self.ferries, ferry[cargo.lorry])
        named = rng.random(cargo.lorry.size) < self.parameters.transport_named_share
        transport = pc.if_else(pa.array(named), pc.coalesce(marks, ships), None)
        country = pc.if_else(
            pa.array(named), lorries.columns["vehicle_country"].take(cargo.lorry), None
        )
        return {
            "means_of_transport_id": _of_carried(cargo, shipments, transport),
            "transport_country": _of_carried(cargo, shipments, country),
        }

    def _lists(
        self, rng: np.random.Generator, cargo: Cargo, lorries: Traffic, shipments: Traffic
    ) -> Column:
        """A lorry lists all of its shipments, or says nothing."""
        n = lorries.lane.size
        silent = rng.random(n) >= self.parameters.vehicle_lists_share
        on_board = np.bincount(cargo.lorry, minlength=n)
        ends: Any = pa.array(np.concatenate([[0], np.cumsum(on_board)]), pa.int32())
        lists: Column = pa.ListArray.from_arrays(
            ends,
            shipments.columns["movement_ref"].take(cargo.shipment),
            mask=pa.array(silent | (on_board == 0)),
        )
        return lists

    def _names(self, rng: np.random.Generator, cargo: Cargo, refs: Column) -> Column:
        """A shipment names its lorry whether or not the lorry lists it."""
        silent = np.ones(len(refs), dtype=bool)
        naming = rng.random(cargo.shipment.size) < self.parameters.shipment_names_share
        silent[cargo.shipment[naming]] = False
        kinds = pa.array(np.full(silent.size, "vehicle"), pa.string())
        names: Column = pa.StructArray.from_arrays(
            [kinds, refs], names=list(CARRIED_BY), mask=pa.array(silent)
        )
        return names

    def _full_loads(self, cargo: Cargo, lorries: Traffic, shipments: Traffic) -> Traffic:
        """A lorry filled by one shipment is declared with its parties and its goods."""
        at, of = cargo.lorry[cargo.fills_lorry], cargo.shipment[cargo.fills_lorry]
        columns, consignee = dict(lorries.columns), shipments.entities[of, 0]
        declared = {
            name: shipments.columns[name].take(of) for name in ("consignor_eori", "consignee_eori")
        }
        declared["commodity_code"] = pc.utf8_slice_codeunits(
            shipments.columns["commodity_code"].take(of), 0, 4
        )
        for name, values in declared.items():
            columns[name] = _replaced(columns[name], at, values)
        entities, goods = lorries.entities.copy(), lorries.goods.copy()
        entities[at, 1], entities[at, 2] = consignee, shipments.entities[of, 1]
        goods[at] = shipments.goods[of]
        signs = {name: shipments.facts[name][of] for name in ("goods_appeal", "odd_value")}
        signs["young_consignee"] = self.organisations.are_young(consignee, lorries.block.day[at])
        facts = dict(lorries.facts)
        for name, fact in signs.items():
            facts[name] = facts[name].copy()
            facts[name][at] = fact
        return replace(lorries, columns=columns, entities=entities, goods=goods, facts=facts)


def _loaded(cargo: Cargo, lorries: Traffic, shipments: Traffic) -> dict[str, Column]:
    """Mass and value of a lorry: those of its full load, else at least what is on board."""
    n = lorries.lane.size
    full = np.zeros(n, dtype=bool)
    full[cargo.lorry[cargo.fills_lorry]] = True

    def together(of_shipment: Floats) -> Floats:
        each = np.nan_to_num(of_shipment[cargo.shipment], nan=0.0)
        total: Floats = np.bincount(cargo.lorry, weights=each, minlength=n).astype(np.float64)
        return total

    goods_kg = together(_floats(shipments.columns["gross_mass_kg"]))
    gross_kg = np.where(goods_kg > 0, TARE_KG + np.round(goods_kg, 1), 0.0)
    value_gbp = np.round(together(_value_gbp(shipments)), 2)
    return {
        name: _at_least(lorries.columns[name], goods, full)
        for name, goods in {"gross_mass_kg": gross_kg, "value_gbp": value_gbp}.items()
    }


def _at_least(declared: Column, goods: Floats, full: Bools) -> Column:
    own = _floats(declared)
    value = np.where(full & (goods > 0), goods, np.fmax(own, goods))
    return numbers(value, np.isnan(own))


def _value_gbp(shipments: Traffic) -> Floats:
    currencies = pa.array(list(UNITS_PER_GBP))
    currency = pc.index_in(shipments.columns["currency"], currencies).to_numpy()
    value: Floats = (
        _floats(shipments.columns["invoice_amount"])
        / np.array(list(UNITS_PER_GBP.values()))[currency]
    )
    return value


def _of_carried(cargo: Cargo, shipments: Traffic, texts: Column) -> Column:
    """A text for every carried shipment, null for the others."""
    return overwritten(pa.nulls(shipments.lane.size, pa.string()), cargo.shipment, texts)


def _replaced(column: Column, at: Ints, values: Column) -> Column:
    """As ``overwritten``, but what was left out stays left out."""
    changed: Column = pc.if_else(column.is_null(), None, overwritten(column, at, values))
    return changed


def _missing(column: Column) -> Bools:
    missing: Bools = column.is_null().to_numpy(zero_copy_only=False)
    return missing


def _floats(column: Column) -> Floats:
    floats: Floats = column.to_numpy(zero_copy_only=False)
    return floats
