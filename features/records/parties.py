"""Organisations as declarations name them: a registration number, or a name and an address.

Only the number goes further than the edge. Names and addresses are taken, because a system that
sends whole messages should not have to cut them up, and dropped: what stays is that they were
there. A party without a number has no key, so it has no history.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from features.records.movement import Country, RegistrationNumber, Text
from features.records.rules import Breach, Rule, rule

TypeOfPerson = Literal["natural", "legal", "association"]
PartyName = Annotated[str, Meta(min_length=1, max_length=250)]


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation of a declaration; a natural person is refused."""

    eori: Annotated[
        RegistrationNumber | None, Meta(description="EORI, TIN or other registration number.")
    ] = None
    type_of_person: Annotated[
        TypeOfPerson | None,
        Meta(description="legal or association; a natural person is refused, not stored."),
    ] = None
    name: Annotated[PartyName | None, Meta(description="Dropped at the edge, never stored.")] = None
    street: Annotated[Text | None, Meta(description="Dropped at the edge, never stored.")] = None
    city: Annotated[Text | None, Meta(description="Dropped at the edge, never stored.")] = None
    postcode: Annotated[Text | None, Meta(description="Dropped at the edge, never stored.")] = None
    country: Annotated[
        Country | None, Meta(description="ISO 3166-1 alpha-2; dropped with the address.")
    ] = None

    @property
    def name_and_address(self) -> tuple[str | None, ...]:
        return (self.name, self.street, self.city, self.postcode, self.country)

    @property
    def is_named(self) -> bool:
        return any(self.name_and_address)

    @property
    def is_british(self) -> bool:
        return self.eori is not None and self.eori[:2].upper() == "GB"


@rule("person_data_refused")
def _no_natural_person(party: Party) -> Breach | None:
    """A party is an organisation; a natural person's data is never taken in."""
    if party.type_of_person != "natural":
        return None
    return Breach("/type_of_person", "the party is a natural person; leave the whole party out")


@rule("gb_party_named")
def _gb_number_alone(party: Party) -> Breach | None:
    """A party with an EORI of GB has neither name nor address beside it."""
    if not party.is_british or not party.is_named:
        return None
    return Breach("/eori", "an EORI of GB stands alone; leave name and address of the party out")


@rule("party_incomplete")
def _all_five_or_none(party: Party) -> Breach | None:
    """Name, street, city, postcode and country of a party come together or not at all."""
    given = party.name_and_address
    if party.is_british or not party.is_named or all(given):
        return None  # of a British one the other rule says what to do
    names = ("name", "street", "city", "postcode", "country")
    missing = [name for name, value in zip(names, given, strict=True) if not value]
    return Breach(f"/{missing[0]}", f"the party lacks {', '.join(missing)}; give all five or none")


@rule("party_empty")
def _a_party_is_somebody(party: Party) -> Breach | None:
    """A party has a registration number, or a name and an address."""
    if party.eori is not None or party.is_named or party.type_of_person == "natural":
        return None
    return Breach("", "the party has neither a number nor a name; add one, or leave it out")


PARTY_RULES: tuple[Rule, ...] = (
    _no_natural_person,
    _gb_number_alone,
    _all_five_or_none,
    _a_party_is_somebody,
)
