"""A natural person's data is refused by the name of its field, however the name is spelled.

A name is judged by its words: ``driver_name`` says a person and something of a person, ``skipper``
says nothing but a person, ``yob`` tells it alone. Organisations are another matter: their names and
addresses are taken and dropped at the edge. So ``consignor_name`` passes and ``driver_name`` does
not; among the attributes, which are kept as they come, neither does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
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
        "licence",
        "licence_no",
        "licence_number",
        "maiden_name",
        "middle_name",
        "mobile",
        "mobile_number",
        "national_insurance",
        "nationality",
        "next_of_kin",
        "nino",
        "nom",
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


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AMERICAN = frozenset(name.replace("licence", "license") for name in PERSON_FIELDS)
_SQUEEZED = frozenset(name.replace("_", "") for name in PERSON_FIELDS | _AMERICAN)

_ALWAYS = re.compile(  # wherever in a name it stands
    "birth|passport|passeport|pasaporte|reisepass|nationalinsurance|surname|forename"
    "|firstname|lastname|givenname|familyname|maidenname|traveldocument|identitycard|identitydoc"
    "|idcard|carteidentite|ausweis|drivinglicen[cs]e|driverslicen[cs]e|fu[e]?hrerschein"
    "|permisdeconduire|nextofkin|homeaddress|telephone|phonenumber|mobilenumber|mobilephone|telefon"
    "|email|biometric|fingerprint|citizenship|naturalperson|visanumber|geburt|geboorte|naissance"
    "|nacimiento|nascita|vorname|nachname|familienname|voornaam|achternaam|prenom|apellido|cognome"
    "|nazwisko|staatsangeh|fahrername|fahrernr|courriel|codicefiscale|socialsecurity"
)
_NATIONALITY = re.compile("nationalit")
_OF_A_THING = re.compile(  # a nationality of these is their flag or country of registration
    "vehicle|vessel|ship|transport|craft|trailer|truck|lorry|boat|wagon|conveyance|registration"
    "|carrier"
)
_TELLING = _words(
    "dob dobs yob dln ssn nino phone phones tel telephone email emails iban pesel bsn dni"
)
"""Words of which one is enough, whatever stands beside it."""

_PERSON = (
    "codrivers?|drivers?|masters?|skippers?|captains?|crews?|crewmembers?|passengers?|pax|persons?"
    "|people|travellers?|travelers?|occupants?|seafarers?|individuals?|pilots?|contacts?|guests?"
    "|stowaways?|chauffeurs?|applicants?|owners?|holders?|keepers?|fahrers?|conducteurs?"
    "|conductors?|conductores|autista|motorista|kierowca|kapitan|kapitaen|capitaine|passagers?"
)
_OF_A_PERSON = (
    "names?|nationality|nationalities|dob|dobs|birth|birthday|born|age|ages|sex|gender|visa|visas"
    "|email|emails|phone|phones|mobile|telephone|tel|address|addresses|lists?|manifest|licen[cs]e"
    "|licen[cs]es|documents?|passports?|id|ids|initials|title|photo|image|citizenship|residence"
    "|details|card|noms?|nombre|nome|adresse"
)
_ONE_PERSON = re.compile(
    "codriver|driver|master|skipper|captain|passenger|person|contacts?|chauffeur|fahrer|conducteur"
)
"""A name that ends in one of these holds who it is, unless a word says that it counts or asks."""
_COUNTS_OR_ASKS = _words(
    "anzahl are count has have is kind max maximum min mode no nr num number per sum total type "
    "with without"
)
_BESIDE_A_PERSON = _words(
    "and assistant beneficial chief co first former lead legal main of other primary registered "
    "relief responsible second secondary the third"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PERSON_WORD = re.compile(_PERSON)
_OF_A_PERSON_WORD = re.compile(_OF_A_PERSON)
_RUN_TOGETHER = re.compile(
    f"(?:lead|co|first|second|main)?(?:{_PERSON})(?:{_OF_A_PERSON})"
    f"|(?:lead|co|first|second|main)(?:{_PERSON})"
    f"|(?:{_OF_A_PERSON})of(?:the)?(?:{_PERSON})"
    "|contact(?:no|nr|number)|(?:licen[cs]e|card)holder"
    "|(?:[a-z]*)(?:dob|passportno|visano)"
    "|(?:tel|mobile|phone|ssn|dln|iban)(?:no|nr|number)"
    "|(?:trader|haulier|consignor|consignee|agent|declarant)(?:phones?|tel|mobile)(?:no|number)?"
)

_PARTY_WORDS = _words(
    "agent buyer carrier company consignee consignor declarant exporter haulier importer lodger "
    "party receiver representative seller sender shipper supplier trader"
)
_NAMES_AND_ADDRESSES = _words("name names address addresses street postcode")
_NO_ATTRIBUTE = frozenset({*_NAMES_AND_ADDRESSES, "nif", "initials", "title"})

LONGEST_REMEMBERED = 100
"""Names that are longer are judged anew each time, so that nobody can fill the memory."""
LONGEST_SHOWN = 40


def is_person_data(name: str) -> bool:
    """Whether a field of this name would hold a natural person's data.

    >>> is_person_data("driverName"), is_person_data("NATIONALITY OF DRIVER")
    (True, True)
    >>> is_person_data("skipper"), is_person_data("lead_pax"), is_person_data("trader_phone")
    (True, True, True)
    >>> is_person_data("haulier_eori"), is_person_data("crew_count"), is_person_data("agent_name")
    (False, False, False)
    """
    return _remembered(name) if len(name) <= LONGEST_REMEMBERED else _is_person_data(name)


def is_person_attribute(name: str) -> bool:
    """The same for an attribute, which nothing drops at the edge: no organisation's name either.

    >>> is_person_attribute("name"), is_person_attribute("haulier_address")
    (True, True)
    >>> is_person_attribute("product_name")
    False
    """
    if len(name) > LONGEST_REMEMBERED:
        return _is_person_attribute(name)
    return _remembered_attribute(name)


def says_only_persons(name: str) -> bool:
    """Whether a name says persons and nothing of them: as a column of numbers it counts them.

    >>> says_only_persons("Passengers"), says_only_persons("pax"), says_only_persons("pax_name")
    (True, True, False)
    """
    words = words_of(name)
    return any(map(_PERSON_WORD.fullmatch, words)) and all(
        word in _BESIDE_A_PERSON or _PERSON_WORD.fullmatch(word) for word in words
    )


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without accents and digits.

    >>> words_of("leadPassengerDOB2"), words_of("DRIVER NAME"), words_of("prénom")
    (('lead', 'passenger', 'dob'), ('driver', 'name'), ('prenom',))
    """
    plain = unicodedata.normalize("NFKD", name)
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    return tuple(word.lower() for word in _WORD.findall(plain))


def _is_person_data(name: str) -> bool:
    words = words_of(name)
    squeezed = "".join(words)
    if squeezed in _SQUEEZED or _ALWAYS.search(squeezed) or _RUN_TOGETHER.fullmatch(squeezed):
        return True
    if not _TELLING.isdisjoint(words):
        return True
    if _NATIONALITY.search(squeezed) and not _OF_A_THING.search(squeezed):
        return True
    if not any(map(_PERSON_WORD.fullmatch, words)):
        return _PERSON_WORD.fullmatch(squeezed) is not None
    if any(map(_OF_A_PERSON_WORD.fullmatch, words)) or says_only_persons(name):
        return True
    return _ONE_PERSON.fullmatch(words[-1]) is not None and _COUNTS_OR_ASKS.isdisjoint(words)


def _is_person_attribute(name: str) -> bool:
    words = words_of(name)
    if is_person_data(name) or "".join(words) in _NO_ATTRIBUTE:
        return True
    return not _NAMES_AND_ADDRESSES.isdisjoint(words) and not _PARTY_WORDS.isdisjoint(words)


_remembered = lru_cache(maxsize=4096)(_is_person_data)
_remembered_attribute = lru_cache(maxsize=4096)(_is_person_attribute)


def refuse_person_data(row: Mapping[str, Any]) -> None:
    """Raise when a field, at any depth, goes by the name of a natural person's data.

    The refusal tells the name of the field and never its value.
    """
    carried = list(_carried(row, (), is_person_data))
    if carried:
        raise RecordRejected(
            tuple(map(_refusal, sorted(carried, key=lambda path: (path[:-1], path[-1]))))
        )


def _refusal(path: tuple[str, ...]) -> Problem:
    """The pointer ends before the first step that may itself be a name of somebody."""
    shown: list[str] = []
    for step in path:
        if not _may_be_shown(step):
            break
        shown.append(f"/{escaped(step)}")
    name = path[-1] if _may_be_shown(path[-1]) else NO_FIELD
    return Problem(
        "person_data_refused",
        "".join(shown),
        f"{name} is a natural person's data, which is never taken in; leave it out, and send "
        "how many they are as a count, such as crew_count",
    )


NO_FIELD = "(a key that is no field)"
"""Stands for a key of a client that may be a name of somebody."""


def is_harmless(key: str) -> bool:
    """Whether a key is built like the name of a field, so that a refusal may show it.

    >>> is_harmless("hauler"), is_harmless("Jane Doe"), is_harmless("driver_name")
    (True, False, False)
    """
    return re.fullmatch(f"[a-z_]{{1,{LONGEST_SHOWN}}}", key) is not None and not (
        is_person_data(key)
    )


def _may_be_shown(step: str) -> bool:
    """An index, a harmless key, or one made of the words above alone."""
    if len(step) > LONGEST_SHOWN:
        return False
    if step.isdecimal() or is_harmless(step):
        return True
    words = words_of(step)
    if "".join(words) in _SQUEEZED:
        return True
    return bool(words) and (all(map(_is_known, words)) or _is_known("".join(words)))


def _is_known(word: str) -> bool:
    return (
        word in _TELLING
        or word in _COUNTS_OR_ASKS
        or word in _BESIDE_A_PERSON
        or word in _PARTY_WORDS
        or word in _NO_ATTRIBUTE
        or word in _BESIDE_DATA
        or _PERSON_WORD.fullmatch(word) is not None
        or _OF_A_PERSON_WORD.fullmatch(word) is not None
        or _ALWAYS.fullmatch(word) is not None
        or _RUN_TOGETHER.fullmatch(word) is not None
    )


_BESIDE_DATA = _words(
    "citizenship code country date driving expiry family first given identity insurance issuing "
    "item items last list maiden member middle national place social travel year"
)
"""Further words of which the names of such fields are made, and which name nobody."""


def _carried(
    values: Mapping[str, Any], parent: tuple[str, ...], is_refused: Callable[[str], bool]
) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if is_refused(name):
            yield (*parent, name)
        if value.__class__ is dict or value.__class__ is list or value.__class__ is tuple:
            within = is_person_data
            if name == "attributes" and not parent:
                within = is_person_attribute
            yield from _carried_within(value, (*parent, name), within)


def _carried_within(
    value: Any, parent: tuple[str, ...], is_refused: Callable[[str], bool]
) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        yield from _carried(value, parent, is_refused)
        return
    for index, item in enumerate(value):
        if isinstance(item, dict | list | tuple):
            yield from _carried_within(item, (*parent, str(index)), is_refused)
