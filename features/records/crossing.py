"""What hangs on a goods movement record: the declarations its goods travel under."""

from typing import Annotated

import msgspec

from features.records.movement import Ducr, Mrn, Reference, RegistrationNumber
from features.records.roles import detail, reference
from features.records.rules import Breach, Rule, rule

SafetyMrn = Annotated[
    Mrn | None, reference("mrn", "MRN of the safety and security declaration.", check="mrn")
]


class CustomsDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customs declaration that was made before the crossing."""

    mrn: Annotated[Mrn | None, reference("mrn", "MRN of the declaration (CDS).", check="mrn")] = (
        None
    )
    ducr: Annotated[Ducr | None, reference("ducr", "Unique consignment reference.")] = None
    part_id: Annotated[Reference | None, reference("ducr", "Part of the consignment.")] = None
    s_and_s_mrn: SafetyMrn = None


class TransitDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transit movement."""

    mrn: Annotated[Mrn, reference("mrn", "MRN of the transit declaration.", check="mrn")]
    is_tsad: Annotated[
        bool | None, detail("True when the accompanying document is one for safety and security.")
    ] = None
    s_and_s_mrn: SafetyMrn = None


class CarnetDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods under a TIR or ATA carnet."""

    carnet_id: Annotated[Reference, reference("carnet", "Number of the carnet.")]
    s_and_s_mrn: SafetyMrn = None


class RecordsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods under an entry in the declarant's records (EIDR)."""

    trader_eori: Annotated[
        RegistrationNumber,
        reference("organisation", "EORI of the trader who made the entry.", check="eori"),
    ]
    s_and_s_mrn: SafetyMrn = None


class EmptyVehicle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Declared to carry nothing."""

    is_own_vehicle: Annotated[bool | None, detail("True when the haulier owns the vehicle.")] = None
    s_and_s_mrn: SafetyMrn = None


@rule("declaration_without_reference")
def _a_declaration_is_named(declaration: CustomsDeclaration) -> Breach | None:
    """A customs declaration is named by its MRN or its DUCR."""
    if declaration.mrn is not None or declaration.ducr is not None:
        return None
    return Breach("/mrn", "the declaration has neither mrn nor ducr; give one of them")


CUSTOMS_RULES: tuple[Rule, ...] = (_a_declaration_is_named,)
