"""Spellings, look-alikes, placeholders and checks, by hand or against published examples."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso6346

from features.checks import CHECKS
from features.countries import COUNTRIES
from features.identifiers import is_placeholder, normalise, spell
from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.records import KINDS, Movement, Namespace, declared_fields, read_movement
from features.records.movement import Ducr, Gmr, Mucr
from features.stations import COUNTRY_OF_DIGITS, country_of_station, station_class

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
NAMESPACES: tuple[Namespace, ...] = ("organisation", "vehicle", "trailer", "container", "vessel")
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def movement(kind: str, **fields: Any) -> Movement:
    return read_movement(kind, {"movement_ref": "M-1", "declared_at": AT, **fields})


@pytest.mark.parametrize(
    ("namespace", "text", "plain"),
    [
        ("vehicle", "ab12 cde", "AB12CDE"),
        ("vehicle", "B-XY 123", "BXY123"),
        ("vehicle", "ＡＢ１２ＣＤＥ", "AB12CDE"),  # full width, as some keyboards send it
        ("vehicle", "AB12–CDE", "AB12CDE"),  # a dash that is no hyphen
        ("vehicle", "AB12\u200bCDE", "AB12CDE"),  # a space of no width
        ("vehicle", "\x00AB12CDE\x1f", "AB12CDE"),
        ("vehicle", "mü ab 12", "MÜAB12"),
        ("vehicle", "mu\u0308 ab 12", "MÜAB12"),  # the same, composed
        ("trailer", " c.123.45 ", "C12345"),
        ("container", "csqu 305438/3", "CSQU3054383"),
        ("vessel", "IMO 9319466", "9319466"),
        ("vessel", "imo9319466", "9319466"),
        ("organisation", "gb 123456789-000", "GB123456789000"),
        ("organisation", "A/S 12", "A/S12"),
        ("vessel", "0000000", ""),
        ("organisation", " - ", ""),
    ],
)
def test_one_spelling(namespace: Namespace, text: str, plain: str) -> None:
    assert normalise(namespace, text) == plain


@given(st.sampled_from(NAMESPACES), st.text(max_size=30))
def test_a_spelling_is_its_own_spelling(namespace: Namespace, text: str) -> None:
    once = normalise(namespace, text)
    assert normalise(namespace, once) == once


LOOK_OF = {
    "A": "АΑ", "B": "ВΒ", "C": "С", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "J": "ЈͿ", "K": "КΚ",
    "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "УΥ", "Z": "Ζ",
}  # fmt: skip


def test_the_look_alikes_here_are_not_latin() -> None:
    names = {unicodedata.name(c).split()[0] for c in "".join(LOOK_OF.values())}
    assert names == {"CYRILLIC", "GREEK"}


@given(st.sampled_from(NAMESPACES), st.text("AB12CEHKMOPTXY", min_size=4, max_size=12), st.data())
def test_foreign_letters_join_the_history_of_the_latin_ones(
    namespace: Namespace, text: str, data: st.DataObject
) -> None:
    def disguise(letter: str) -> str:
        return data.draw(st.sampled_from(letter + LOOK_OF.get(letter, "")))

    disguised = "".join(disguise(letter) for letter in text)
    plain, lookalikes = spell(namespace, disguised)
    assert plain == normalise(namespace, text)
    assert lookalikes == (disguised != text)
    assert normalise(namespace, disguised.lower()) == plain


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"vehicle_reg": "АВ12"}, ("homoglyph:vehicle_reg",)),
        ({"vehicle_reg": "AB12"}, ()),
        ({"vehicle_reg": "MÜ AB 12"}, ()),  # a German mark
        ({"vehicle_reg": "ЖЩ 12"}, ("not_ascii:vehicle_reg",)),
        ({"trailer_reg": "АЖ 12"}, ("homoglyph:trailer_reg", "not_ascii:trailer_reg")),
        ({"haulier_eori": "ÄB12"}, ("not_ascii:haulier_eori",)),
        (
            {"container_no": "СSQU3054384"},  # the first letter is Cyrillic
            ("homoglyph:container_no", "check_digit:container_no"),
        ),
        ({"container_no": "CSQЖ305438"}, ("not_ascii:container_no",)),
    ],
)
def test_what_is_not_ascii_is_flagged(fields: dict[str, str], flags: tuple[str, ...]) -> None:
    assert declare(movement("vehicle", **fields), PSEUDONYMS).flags == flags


@pytest.mark.parametrize(
    "text",
    ["0", "000-000", " . ", "N/A", "n.a.", "none", "Unknown", "not known", "TBC", "test", "XXX",
     "xxxxx", "9999999", "111 11", "ХХХХ", "nil", "NULL"],
)  # fmt: skip
def test_a_placeholder_is_nobody_in_every_namespace(text: str) -> None:
    for namespace in NAMESPACES:
        assert is_placeholder(namespace, text), namespace
        assert normalise(namespace, text) == ""


@pytest.mark.parametrize(
    "text", ["A1", "1111", "XX", "TEST1", "NONE2", "AAB", "T35T", "8", "100000"]
)
def test_what_could_be_somebody_is_no_placeholder(text: str) -> None:
    assert not any(is_placeholder(namespace, text) for namespace in NAMESPACES)


@pytest.mark.parametrize(
    ("kind", "fields", "flags"),
    [
        # 9*7 + 3*6 + 1*5 + 9*4 + 4*3 + 6*2 = 146, so the seventh digit is 6.
        ("vessel", {"imo": "9319466"}, ()),
        ("vessel", {"imo": "IMO 9319466"}, ()),
        ("vessel", {"imo": "9319467"}, ("check_digit:imo",)),
        ("vessel", {"imo": "0000000"}, ("placeholder:imo",)),
        ("vessel", {"mmsi": "232003239"}, ()),
        ("vessel", {"mmsi": "002320001"}, ("class:mmsi",)),
        ("vessel", {"mmsi": "217003239"}, ("unknown:mmsi",)),
        ("vessel", {"hull_id": "FR-ABC12345C404"}, ()),
        ("vessel", {"hull_id": "SSR 123456"}, ()),
        ("vessel", {"hull_id": "FR-ABC12345Z404"}, ("format:hull_id",)),
        ("vessel", {"port": "GBDVR", "last_port": "FR CQF", "next_port": "CALAIS"}, ()),
        ("vessel", {"port": "QXDVR", "last_port": "GB001"}, ("unknown:port", "format:last_port")),
        ("vehicle", {"container_no": "CSQU3054383"}, ()),
        ("vehicle", {"container_no": "CSQU3054384"}, ("check_digit:container_no",)),
        ("vehicle", {"commodity_code": "22"}, ()),
        ("vehicle", {"commodity_code": "flowers"}, ("format:commodity_code",)),
        ("shipment", {"commodity_code": "770100"}, ("unknown:commodity_code",)),
        ("shipment", {"container_no": "PALLET 7"}, ("format:container_no",)),
        ("shipment", {"declarant_eori": "GB980780684000"}, ()),
        ("shipment", {"declarant_eori": "GB980780685000"}, ("check_digit:declarant_eori",)),
        ("shipment", {"declarant_eori": "GB980780685001"}, ()),  # a branch, not from VAT
        ("shipment", {"declarant_eori": "DE1234567"}, ()),
        (
            "vehicle",
            {"haulier_eori": "GB980780685000", "container_no": "X"},
            ("check_digit:haulier_eori", "format:container_no"),
        ),
    ],
)
def test_a_failed_check_is_a_flag(
    kind: str, fields: dict[str, str], flags: tuple[str, ...]
) -> None:
    assert declare(movement(kind, **fields), PSEUDONYMS).flags == flags


def test_every_check_that_a_field_names_is_there() -> None:
    named = {field.check for kind in KINDS for field in declared_fields(kind)} - {None}
    assert named <= set(CHECKS)
    assert {"imo", "mmsi", "container", "eori", "hin", "locode", "commodity"} <= named


@pytest.mark.parametrize(
    ("check", "text", "failed"),
    [
        ("imo", "9319466", None),  # python-stdnum's examples
        ("imo", "8814275", None),
        ("imo", "8814274", "check_digit"),
        ("imo", "9074729", None),  # 63 + 0 + 35 + 16 + 21 + 4 = 139
        ("imo", "931946", "format"),
        ("imo", "٩٣١٩٤٦٦", "format"),  # digits of another script are not these digits
        ("mmsi", "636092297", None),
        ("mmsi", "111232001", "class"),
        ("mmsi", "970123456", "class"),
        ("mmsi", "982320001", "class"),
        ("mmsi", "992351000", "class"),
        ("mmsi", "023200001", "class"),
        ("mmsi", "776000001", "class"),
        ("mmsi", "200000001", "class"),
        ("mmsi", "23200323", "format"),
        ("container", "CSQU3054383", None),  # python-stdnum's examples
        ("container", "TASU1170000", None),
        ("container", "CSQU3054384", "check_digit"),
        ("container", "CSQX3054383", "format"),
        ("eori", "GB980780684000", None),  # from the VAT number in python-stdnum's example
        ("eori", "XI980780684000", None),
        ("eori", "XI980780685000", "check_digit"),
        ("eori", "GB980780684000001", None),  # with a branch
        ("eori", "GB98078068400", "format"),
        ("eori", "GBABCDEFGHIJKL", "format"),
        ("eori", "FR12345678901234", None),
        ("eori", "FR1234567890123456", "format"),
        ("eori", "FR", "format"),
        ("eori", "76NV527", None),  # some other register's
        ("mrn", "21DE27364916384836", None),  # an example in circulation, and its wrong twin
        ("mrn", "21DE27364916384835", "check_digit"),
        ("mrn", "21QX27364916384836", "unknown"),
        ("mrn", "21DE2736491638483", "format"),
        ("mrn", "21DE2736491638483A", "format"),
        ("hin", "FRABC12345C404", None),
        ("hin", "ABC12345D404", None),  # American, without its country
        ("hin", "FRABC12345M404", "format"),  # months go from A to L
        ("hin", "FRABC12345C40", "format"),
        ("locode", "GBDVR", None),
        ("locode", "FRZ23", None),
        ("locode", "GBDV1", "format"),
        ("locode", "QXDVR", "unknown"),
        ("locode", "DUN-DVR", None),
        ("commodity", "0101", None),
        ("commodity", "9706909000", None),
        ("commodity", "770000", "unknown"),
        ("commodity", "980000", "unknown"),
        ("commodity", "000000", "unknown"),
        ("commodity", "010", "format"),
        ("commodity", "01012910001", "format"),
        ("un_number", "1203", None),
        ("un_number", "UN1203", "format"),
        ("un_number", "0004", None),
        ("un_number", "0003", "unknown"),
        ("un_number", "3600", None),
        ("un_number", "3601", "unknown"),
        ("mark", "AB12CDE", None),
        ("mark", "WX12345", None),
        ("mark", "BMÜ123", None),
        ("mark", "AB12/CDE", "format"),
        ("mark", "AB12?", "format"),
        ("mode", "1", None),
        ("mode", "5", None),
        ("mode", "11", None),
        ("mode", "ROAD", None),
        ("mode", "BARGE", "unknown"),
        ("mode", "6", "unknown"),
        ("ship_type", "0", None),
        ("ship_type", "70", None),
        ("ship_type", "150", None),
        ("ship_type", "1000", "unknown"),
        ("ship_type", "YACHT", None),
    ],
)
def test_checks(check: str, text: str, failed: str | None) -> None:
    assert CHECKS[check](text) == failed


def wrong_digits(right: str) -> list[str]:
    """Every number that differs in one digit."""
    return [
        right[:place] + other + right[place + 1 :]
        for place, digit in enumerate(right)
        if digit.isdigit()
        for other in "0123456789"
        if other != digit
    ]


@given(st.integers(0, 999_999))
def test_every_wrong_digit_of_an_imo_number_is_seen_but_the_known(six: int) -> None:
    """Modulo 10, a digit under weight 6, 4 or 2 can be off by 5, and one under 5 by 2, 4, 6, 8."""
    digits = [int(d) for d in f"{six:06d}"]
    check = sum(d * weight for d, weight in zip(digits, range(7, 1, -1), strict=True)) % 10
    right = f"{six:06d}{check}"
    assert CHECKS["imo"](right) is None
    for wrong in wrong_digits(right):
        place = next(i for i in range(7) if wrong[i] != right[i])
        weight = (7, 6, 5, 4, 3, 2, 1)[place]
        blind = weight * (int(wrong[place]) - int(right[place])) % 10 == 0
        assert CHECKS["imo"](wrong) == (None if blind else "check_digit")
        assert not (blind and weight in (7, 3, 1))


VALUES = [n for n in range(39) if n == 0 or n % 11]
LETTER_VALUES: dict[str, int] = dict(zip(ALPHANUMERIC, VALUES, strict=True))


def remainder(characters: str) -> int:
    """ISO 6346, written again from its text: values times powers of two, modulo 11."""
    weights = [1 << place for place in range(len(characters))]
    return sum(LETTER_VALUES[c] * w for c, w in zip(characters, weights, strict=True)) % 11


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3), st.integers(0, 999_999))
def test_every_wrong_digit_of_a_container_number_is_seen_but_the_known(
    owner: str, serial: int
) -> None:
    """Remainders 10 and 0 share the check digit 0; nothing else escapes."""
    body = f"{owner}U{serial:06d}"
    right = body + str(remainder(body) % 10)
    assert CHECKS["container"](right) is None
    for wrong in wrong_digits(right):
        blind = {remainder(body), remainder(wrong[:10])} == {0, 10} and wrong[10] == right[10]
        assert CHECKS["container"](wrong) == (None if blind else "check_digit")


@given(st.integers(0, 99), st.sampled_from(sorted(COUNTRIES)), st.text(ALPHANUMERIC, min_size=13,
       max_size=13))  # fmt: skip
def test_every_wrong_digit_of_an_mrn_is_seen_but_the_known(
    year: int, country: str, identifier: str
) -> None:
    body = f"{year:02d}{country}{identifier}"
    assert iso6346.calc_check_digit(body) == str(remainder(body) % 10)
    right = body + str(remainder(body) % 10)
    assert CHECKS["mrn"](right) is None
    for wrong in wrong_digits(right):
        blind = {remainder(body), remainder(wrong[:17])} == {0, 10} and wrong[17] == right[17]
        assert CHECKS["mrn"](wrong) == (None if blind else "check_digit")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("GMRA00000001", Gmr),
        ("GMRA0000001", None),
        ("GMRA00000001\n", None),
        ("5GB123456789000-INVOICE(1)/2", Ducr),
        ("5GB123456789000-invoice", None),
        ("5GB12345", None),
        ("GB/ABC1-REF01", Mucr),
        ("GB/123456789000-X", Mucr),
        ("A:DHL12345678", Mucr),
        ("C:XYZ123", Mucr),
        ("GB/AB-REF01", None),
    ],
)
def test_shapes_of_references(text: str, fits: object) -> None:
    for shape in (Gmr, Ducr, Mucr):
        try:
            msgspec.convert(text, shape)
        except msgspec.ValidationError:
            assert shape is not fits
        else:
            assert shape is fits


def test_stations_and_their_countries() -> None:
    assert set(COUNTRY_OF_DIGITS.values()) <= COUNTRIES
    assert len(COUNTRIES) == 249
    assert all(station_class(digits + "123456") == "ship" for digits in COUNTRY_OF_DIGITS)
    assert country_of_station("235012345") == "GB"
    assert country_of_station("002320001") is None, "a coast station flies no flag"
    assert station_class("974000001") == "transmitter"
    assert station_class("800000001") == "other"
    assert station_class("823200001") == "handheld"
    assert station_class("123456789") == "other"
