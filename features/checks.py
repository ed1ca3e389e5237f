"""What is wrong with an identifier, judged by its text alone; each rule has its source.

A check gets the one spelling that ``features.identifiers`` makes of a text, and says None or what
failed: ``format`` (not built like a number of its kind), ``check_digit`` (built so, but mistyped
or made up), ``unknown`` (names a country or chapter that does not exist) or ``class`` (of another
kind of thing). A failed check is a flag and a feature, never a reason to refuse.

References:
    IMO ship number: IMO Resolution A.1117(30). Container number: ISO 6346. Both, and HMRC's
    modulus 97 over the nine digits of a VAT number, as in python-stdnum. MMSI: ITU-R M.585. MRN:
    European Commission, DG XXI/0879/99 Rev. 1, "Check character algorithm for the MRN and GRN",
    which applies the arithmetic of ISO 6346 to 17 characters. Hull identification: ISO 10087, and
    33 CFR 181.25 for American hulls without a country code. UN/LOCODE: UN/ECE Recommendation 16.
    Goods: Harmonized System, chapters 01 to 97, of which 77 is reserved. UN number: UN Model
    Regulations, 0004 to 3600. Mode of transport: UN/ECE Recommendation 19 and the codes of RoRo.
    Ship type: ITU-R M.1371 or UN/ECE Recommendation 28.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal

from stdnum import imo, iso6346
from stdnum.gb import vat

from features.countries import COUNTRIES, IN_LOCODE, IN_MRN
from features.stations import COUNTRY_OF_DIGITS, station_class

MODES = frozenset({"1", "2", "3", "4", "5", "7", "8", "9", "10", "11"})
"""Sea, rail, tunnel or road, air, post, fixed installation, inland waterway, own propulsion, and
RoRo accompanied and unaccompanied."""
MODES_IN_WORDS = frozenset({"ROAD", "MAIL", "OTHER"})
"""Of sources whose numbers mean other modes; see the mapping of the customs declarations."""
FIRST_UN_NUMBER, LAST_UN_NUMBER = 4, 3600

Failure = Literal["format", "check_digit", "unknown", "class"]
Check = Callable[[str], Failure | None]
"""From a normalised text to what is wrong with it."""


def _imo(plain: str) -> Failure | None:
    if not re.fullmatch(r"[0-9]{7}", plain):
        return "format"
    return None if imo.is_valid(plain) else "check_digit"


def _mmsi(plain: str) -> Failure | None:
    """A ship's own: what a coast station, an aircraft or a buoy carries is of another class."""
    if not re.fullmatch(r"[0-9]{9}", plain):
        return "format"
    if station_class(plain) != "ship":
        return "class"
    return None if plain[:3] in COUNTRY_OF_DIGITS else "unknown"


def _container(plain: str) -> Failure | None:
    if not re.fullmatch(r"[A-Z]{3}[UJZ][0-9]{7}", plain):
        return "format"
    return None if iso6346.is_valid(plain) else "check_digit"


def _eori(plain: str) -> Failure | None:
    """British ones have 12 or 15 digits, and one that ends in 000 is made from a VAT number.

    Whether another country's EORI is made from a VAT number cannot be seen in it, so its digits
    are not checked. A number that begins with no country is of another sort (fields take any
    registration number) and passes.
    """
    if plain[:2] in ("GB", "XI"):
        return _british_eori(plain[2:])
    if plain[:2] in COUNTRIES and not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{1,15}", plain):
        return "format"
    return None


def _british_eori(number: str) -> Failure | None:
    if not re.fullmatch(r"[0-9]{12}([0-9]{3})?", number):
        return "format"
    vat_based = re.fullmatch(r"([0-9]{9})000", number)
    return "check_digit" if vat_based and not vat.is_valid(vat_based[1]) else None


def _mrn(plain: str) -> Failure | None:
    """The check digit is blind to a change of remainder 10 to 0 or back, as in ISO 6346."""
    if not re.fullmatch(r"[0-9]{2}[A-Z]{2}[A-Z0-9]{13}[0-9]", plain):
        return "format"
    if plain[2:4] not in IN_MRN:
        return "unknown"
    return None if iso6346.calc_check_digit(plain[:17]) == plain[17] else "check_digit"


def _hin(plain: str) -> Failure | None:
    """A British small ships registration (SSR) may stand in its place."""
    month_and_year = "[A-L][0-9]{3}"
    shapes = (rf"[A-Z]{{2}}[A-Z0-9]{{8}}{month_and_year}", rf"[A-Z0-9]{{8}}{month_and_year}")
    if re.fullmatch("|".join((*shapes, "SSR[0-9]{1,6}")), plain):
        return None
    return "format"


def _locode(plain: str) -> Failure | None:
    """Only of five characters: agencies also send other codes for ports, and those pass."""
    if len(plain) != 5:
        return None
    if not re.fullmatch(r"[A-Z]{2}[A-Z2-9]{3}", plain):
        return "format"
    return None if plain[:2] in IN_LOCODE else "unknown"


def _commodity(plain: str) -> Failure | None:
    """A chapter by itself passes too: not every message names the goods more closely."""
    if not re.fullmatch(r"[0-9]{2}|[0-9]{4,10}", plain):
        return "format"
    return None if 1 <= int(plain[:2]) <= 97 and plain[:2] != "77" else "unknown"


def _un_number(plain: str) -> Failure | None:
    if not re.fullmatch(r"[0-9]{4}", plain):
        return "format"
    return None if FIRST_UN_NUMBER <= int(plain) <= LAST_UN_NUMBER else "unknown"


def _mark(plain: str) -> Failure | None:
    """A foreign mark may be built in any way, but of letters and digits it is built."""
    return None if plain.isalnum() else "format"


def _mode(plain: str) -> Failure | None:
    return None if plain in MODES or plain in MODES_IN_WORDS else "unknown"


def _ship_type(plain: str) -> Failure | None:
    """Of numbers only: a word is the agency's own code."""
    if not plain.isdecimal():
        return None
    return None if re.fullmatch(r"[0-9]{1,2}|[1-9][0-9]{2}", plain) else "unknown"


CHECKS: Mapping[str, Check] = {
    "imo": _imo,
    "mmsi": _mmsi,
    "container": _container,
    "eori": _eori,
    "mrn": _mrn,
    "hin": _hin,
    "locode": _locode,
    "commodity": _commodity,
    "un_number": _un_number,
    "mark": _mark,
    "mode": _mode,
    "ship_type": _ship_type,
}
"""By the name that a field gives as its ``check``."""
