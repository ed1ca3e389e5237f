"""A natural person's data is refused by the name of its field, however the name is spelled.

Organisations are another matter: their names and addresses are taken and dropped at the edge. So
``consignor_name`` passes and ``driver_name`` does not.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from features.records.refusal import Problem, RecordRejected, escaped

PERSON_FIELDS = frozenset(
    {
        "age",
        "birth_date",
        "birth_place",
        "birthday",
        "citizenship",
        "contact_name",
        "contact_person",
        "date_of_birth",
        "dob",
        "email",
        "email_address",
        "ethnicity",
        "family_name",
        "first_name",
        "forename",
        "full_name",
        "gender",
        "given_name",
        "home_address",
        "identity_card",
        "last_name",
        "maiden_name",
        "middle_name",
        "mobile",
        "mobile_number",
        "national_insurance",
        "nationality",
        "next_of_kin",
        "nino",
        "person_name",
        "phone",
        "place_of_birth",
        "private_address",
        "religion",
        "sex",
        "surname",
        "telephone",
        "travel_document",
        "visa",
    }
)
"""Names under which clients send a natural person's data, whatever case and separators."""

_SQUEEZED = frozenset(name.replace("_", "") for name in PERSON_FIELDS)

_ALWAYS = re.compile(  # wherever in a name it stands
    "dateofbirth|birthdate|birthplace|placeofbirth|passport|nationalinsurance|surname|forename"
    "|firstname|lastname|givenname|familyname|maidenname|traveldocument|identitycard|identitydoc"
    "|drivinglicen[cs]e|driverslicen[cs]e|nextofkin|homeaddress|telephone|phonenumber|mobilenumber"
    "|mobilephone|emailaddress|biometric|fingerprint|citizenship|naturalperson|visanumber"
)
_PERSON = (
    "drivers?|masters?|skippers?|captains?|crews?|crewmembers?|passengers?|persons?|people"
    "|travellers?|travelers?|occupants?|seafarers?|individuals?|pilots?|contacts?|guests?"
    "|stowaways?|chauffeurs?"
)
_OF_A_PERSON = (
    "names?|nationality|nationalities|dob|dobs|birth|birthday|born|age|ages|sex|gender|visa|visas"
    "|email|emails|phone|phones|mobile|telephone|address|addresses|lists?|manifest|licen[cs]e"
    "|licen[cs]es|documents?|passports?|id|ids|initials|title|photo|image|citizenship|residence"
    "|details"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PERSON_WORD = re.compile(_PERSON)
_OF_A_PERSON_WORD = re.compile(_OF_A_PERSON)
_RUN_TOGETHER = re.compile(
    f"(?:lead)?(?:{_PERSON})(?:{_OF_A_PERSON})"
    f"|(?:{_OF_A_PERSON})of(?:the)?(?:{_PERSON})"
    "|(?:[a-z]*)(?:dob|emails?|passportno|visano)"
)


LONGEST_REMEMBERED = 100
"""Names that are longer are judged anew each time, so that nobody can fill the memory."""


def is_person_data(name: str) -> bool:
    """Whether a field of this name would hold a natural person's data.

    >>> is_person_data("driverName"), is_person_data("NATIONALITY OF DRIVER")
    (True, True)
    >>> is_person_data("haulier_eori"), is_person_data("crew_count"), is_person_data("agent_name")
    (False, False, False)
    """
    return _remembered(name) if len(name) <= LONGEST_REMEMBERED else _is_person_data(name)


def _is_person_data(name: str) -> bool:
    plain = unicodedata.normalize("NFKD", name)
    squeezed = re.sub("[^a-z]", "", plain.lower())
    if squeezed in _SQUEEZED or _ALWAYS.search(squeezed) or _RUN_TOGETHER.fullmatch(squeezed):
        return True
    words = [word.lower() for word in _WORD.findall(plain)]
    return any(map(_PERSON_WORD.fullmatch, words)) and any(map(_OF_A_PERSON_WORD.fullmatch, words))


_remembered = lru_cache(maxsize=4096)(_is_person_data)


def refuse_person_data(row: Mapping[str, Any]) -> None:
    """Raise when a field, at any depth, goes by the name of a natural person's data.

    The refusal tells the name of the field and never its value.
    """
    carried = list(_carried(row, ""))
    if carried:
        raise RecordRejected(
            tuple(
                Problem(
                    "person_data_refused",
                    f"{parent}/{escaped(name)}",
                    f"{name[:70]} is a natural person's data, which is never taken in; "
                    "leave it out",
                )
                for parent, name in sorted(carried)
            )
        )


def _carried(values: Mapping[str, Any], parent: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if is_person_data(name):
            yield parent, name
        if value.__class__ is dict or value.__class__ is list or value.__class__ is tuple:
            yield from _carried_within(value, f"{parent}/{escaped(name)}")


def _carried_within(value: Any, parent: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from _carried(value, parent)
        return
    for index, item in enumerate(value):
        if isinstance(item, dict | list | tuple):
            yield from _carried_within(item, f"{parent}/{index}")
