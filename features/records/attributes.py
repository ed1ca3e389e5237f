"""An attribute is kept as it was sent, so that no identifier may be in one."""

from collections.abc import Mapping
from functools import lru_cache

from features.records.movement import Movement
from features.records.persons import words_of
from features.records.rules import Breach, rule

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "reg": ("vehicle_reg", "registration_no"),
    "registration": ("vehicle_reg", "registration_no"),
    "plate": ("vehicle_reg",),
    "vrm": ("vehicle_reg",),
    "vin": ("vehicle_reg",),
    "trailer": ("trailer_reg",),
    "container": ("container_no",),
    "eori": ("haulier_eori", "operator_eori", "declarant_eori"),
    "imo": ("imo", "carrying_vessel", "means_of_transport_id"),
    "mmsi": ("mmsi",),
    "hull": ("hull_id",),
    "hin": ("hull_id",),
    "mrn": ("s_and_s_mrn", "mrn"),
    "gmr": ("gmr_id",),
    "ducr": ("ducr",),
    "mucr": ("mucr",),
}
"""A word that says an identifier, and the fields that take one; the first that the kind has."""

_OF_A_SORT = frozenset(
    {"class", "colour", "condition", "count", "country", "kind", "make", "material", "model"}
    | {"size", "state", "status", "type", "year"}
)
"""A name that ends in one of these says what sort of thing it is, not which one."""


@lru_cache(maxsize=4096)
def identifier_word(name: str) -> str | None:
    """The word of an attribute's name that says that it holds an identifier.

    >>> identifier_word("second_trailer"), identifier_word("plateNo"), identifier_word("vehiclereg")
    ('trailer', 'plate', 'reg')
    >>> identifier_word("trailer_type"), identifier_word("region"), identifier_word("axles")
    (None, None, None)
    """
    words = words_of(name)
    if not words or words[-1] in _OF_A_SORT:
        return None
    for word in words:
        if word in _FIELDS:
            return word
        stem = word.removesuffix("number").removesuffix("no").removesuffix("id")
        stem = stem.removesuffix("s").removeprefix("vehicle").removeprefix("number")
        stem = stem.removeprefix("licence").removeprefix("license")
        if stem in _FIELDS:
            return stem
    return None


def instead_of(word: str, fields: tuple[str, ...]) -> str:
    """Where the identifier belongs, for a kind with these fields."""
    for field in _FIELDS[word]:
        if field in fields:
            return f"send it as {field}"
    return "leave it out"


@rule("identifier_as_attribute", "attributes")
def _attributes_identify_nothing(movement: Movement) -> Breach | None:
    """No attribute holds an identifier: a text under such a name belongs into its own field."""
    for name, value in movement.attributes.items():
        if not isinstance(value, str):
            continue
        word = identifier_word(name)
        if word is not None:
            where = instead_of(word, movement.__struct_fields__)
            sentence = f"{word} says an identifier, which an attribute never holds; {where}"
            return Breach("/attributes", sentence)
    return None


ATTRIBUTE_RULE = _attributes_identify_nothing
