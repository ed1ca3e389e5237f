"""Identifiers as text: one spelling each, what stands for nobody, and which checks they fail.

Nothing here keeps an identifier or knows a key; what becomes of the text is in
``features.pseudonyms``.

References:
    Normalisation Form KC: Unicode Standard Annex 15. Letters that look alike: Unicode Technical
    Standard 39, of which the Cyrillic and Greek letters that pass for A to Z are listed here.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from features.checks import CHECKS, Check
from features.records import Namespace

_SEPARATORS: dict[Namespace, re.Pattern[str]] = {
    "organisation": re.compile(r"[\s\x00-\x1f\x7f.\-]"),
    "vehicle": re.compile(r"[\s\x00-\x1f\x7f.\-·]"),
    "trailer": re.compile(r"[\s\x00-\x1f\x7f.\-·]"),
    "container": re.compile(r"[\s\x00-\x1f\x7f.\-/]"),
    "vessel": re.compile(r"[\s\x00-\x1f\x7f.\-]"),
}
_OTHER_DASHES = re.compile("[\u2010-\u2015\u2212]")
_INVISIBLE = frozenset({"Cc", "Cf"})
"""Categories of characters that nobody sees: zero-width spaces, marks of direction."""

# Capitals, as marks are written: a small nu is a capital nu, which looks like N, and not a v.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУҮХҺԀԌԚԜӀ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧͿ",  # Cyrillic, Greek
    "ABESIJKMHOPCTYYXHDGQWI" + "ABEZHIKMNOPTYXJ",
)

_PLACEHOLDERS = frozenset(
    {"N/A", "NA", "NIL", "NONE", "NOTKNOWN", "NULL", "TBA", "TBC", "TEST", "UNK", "UNKNOWN"}
)
_SAME_LETTER = re.compile(r"([A-Z])\1{2,}")
_SAME_DIGIT = re.compile(r"([0-9])\1{4,}")

# Registration marks of Germany and of the western Balkans carry these, so they are nothing odd.
_LETTERS_OF_MARKS = str.maketrans("", "", "ÄÖÜČĆĐŠŽ")


class Spelling(NamedTuple):
    plain: str
    """The one spelling; "" when the text stands for nobody."""
    lookalikes: bool
    """True when a Cyrillic or Greek letter was read as the Latin one that it looks like."""


def normalise(namespace: Namespace, text: str) -> str:
    """One spelling: Unicode NFKC, upper case, look-alikes as Latin, no separators.

    "" for a placeholder, which stands for nobody.

    >>> normalise("vehicle", "ab12 cde"), normalise("vessel", "IMO 9319466")
    ('AB12CDE', '9319466')
    >>> normalise("vessel", "000000000")  # AIS sends zeros for an identity that is not set
    ''
    """
    return spell(namespace, text).plain


@lru_cache(maxsize=65_536)  # they come again and again
def spell(namespace: Namespace, text: str) -> Spelling:
    """
    >>> spell("vehicle", "АВ 12 CDE")  # the first two letters are Cyrillic
    Spelling(plain='AB12CDE', lookalikes=True)
    """
    plain, lookalikes = text, False
    if not text.isascii():
        plain, lookalikes = _latin(namespace, text)
    plain = _SEPARATORS[namespace].sub("", plain.upper())
    if namespace == "vessel":
        plain = re.sub("^(IMO)+", "", plain)
    return Spelling("" if _stands_for_nobody(plain) else plain, lookalikes)


def _latin(namespace: Namespace, text: str) -> tuple[str, bool]:
    """Repeated until it changes nothing: what stood apart may compose, and then look alike."""
    plain, before, lookalikes = text, None, False
    while plain != before:
        before = plain
        capitals = unicodedata.normalize("NFKC", plain).upper()
        latin = capitals.translate(_LOOKALIKES)
        lookalikes |= latin != capitals
        plain = _OTHER_DASHES.sub("-", latin)
        plain = "".join(c for c in plain if unicodedata.category(c) not in _INVISIBLE)
        plain = _SEPARATORS[namespace].sub("", plain)
    return plain, lookalikes


def _stands_for_nobody(plain: str) -> bool:
    return (
        plain.strip("0") == ""
        or plain in _PLACEHOLDERS
        or _SAME_LETTER.fullmatch(plain) is not None
        or _SAME_DIGIT.fullmatch(plain) is not None
    )


def is_placeholder(namespace: Namespace, text: str) -> bool:
    """Zeros, separators, words such as UNKNOWN, or one character repeated: it names nobody.

    Three letters or five digits alike are enough. A rare real mark, such as 11111 of Guernsey,
    is taken for one: it is flagged and has no history.

    >>> is_placeholder("vehicle", "---"), is_placeholder("vessel", "IMO 0000000")
    (True, True)
    >>> is_placeholder("trailer", "xxxxx"), is_placeholder("organisation", "n/a")
    (True, True)
    """
    return spell(namespace, text).plain == ""


@lru_cache(maxsize=65_536)
def failures(namespace: Namespace | None, check: str | None, text: str) -> tuple[str, ...]:
    """What is wrong with one text, by the namespace it is an identifier of and by its check.

    ``placeholder`` means that it stands for nobody, ``homoglyph`` that foreign letters were read
    as the Latin ones they look like, ``not_ascii`` that others are left; the rest is what the
    check says (``features.checks``). Never a reason to refuse.

    >>> failures("container", "container", "CSQU3054384"), failures(None, "un_number", "12")
    (('check_digit',), ('format',))
    """
    if namespace is None:
        return _said_by(check, re.sub(r"[\s.\-]", "", text.upper()))
    plain, lookalikes = spell(namespace, text)
    if plain == "":
        return ("placeholder",)
    found = ("homoglyph",) if lookalikes else ()
    if not _is_ascii(namespace, plain):
        return (*found, "not_ascii")  # no check could pass, and one flag is enough
    return found + _said_by(check, plain)


def _is_ascii(namespace: Namespace, plain: str) -> bool:
    if namespace in ("vehicle", "trailer"):
        plain = plain.translate(_LETTERS_OF_MARKS)
    return plain.isascii()


def _said_by(name: str | None, plain: str) -> tuple[str, ...]:
    check: Check | None = CHECKS[name] if name is not None else None
    failed = check(plain) if check is not None else None
    return (failed,) if failed is not None else ()
