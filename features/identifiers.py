"""Identifiers: one spelling each, check digits, and keyed pseudonyms in place of the text.

References:
    IMO ship number: IMO Resolution A.1117(30); check digit is the last digit of the sum of the
    first six times 7 to 2. Container number: ISO 6346. GB EORI made from a VAT number: the
    nine digits after GB carry HMRC's VAT check (modulus 97). All three as in python-stdnum.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from stdnum import imo, iso6346
from stdnum.gb import vat

from features.keys import PseudonymKey
from features.records import Field, Movement, Namespace, declared_fields, kind_of

PSEUDONYM_BYTES = 16

_SEPARATORS: dict[Namespace, str] = {
    "organisation": r"[\s.\-]",
    "vehicle": r"[\s.\-·]",
    "trailer": r"[\s.\-·]",
    "container": r"[\s.\-/]",
    "vessel": r"[\s.\-]",
}


class Pseudonyms:
    """Replaces identifiers by HMAC-SHA-256 tags, cut to 128 bits, apart for every namespace.

    The same text in two namespaces has two unrelated pseudonyms, and so has the same reference
    in two kinds of movement.
    """

    def __init__(self, key: PseudonymKey) -> None:
        self._key = key
        self._remembered = lru_cache(maxsize=65_536)(self._entity)  # they come again and again

    def movement(self, kind: str, movement_ref: str) -> str:
        """32 hexadecimal digits; references keep their case, only outer white space goes."""
        return self._tag(f"movement {kind}", movement_ref.strip())

    def entity(self, namespace: Namespace, text: str) -> str:
        """``namespace:`` and 32 hexadecimal digits, the same for every spelling of ``text``."""
        return self._remembered(namespace, text)

    def event(self, event_id: str) -> str:
        """32 hexadecimal digits in place of a sender's message id, which may name an entity."""
        return self._tag("event", event_id)

    def reference(self, space: str, text: str) -> str:
        """32 hexadecimal digits in place of a document's number, apart for every space."""
        return self._tag(f"reference {space}", text.strip())

    def tags(self, namespace: Namespace, text: str) -> dict[str, str]:  # noqa: ARG002
        """Partnership to the tag under that partnership's key."""
        return {}

    def _entity(self, namespace: Namespace, text: str) -> str:
        return f"{namespace}:{self._tag(f'entity {namespace}', normalise(namespace, text))}"

    def _tag(self, domain: str, text: str) -> str:
        # No domain holds a NUL, so no two (domain, text) give the same message.
        message = f"foreland 1 {domain}\0{text}".encode()
        return self._key.tag(message)[:PSEUDONYM_BYTES].hex()


def normalise(namespace: Namespace, text: str) -> str:
    """One spelling: Unicode NFKC, upper case, no separators; "" when nothing or only zeros is left.

    >>> normalise("vehicle", "ab12 cde"), normalise("vessel", "IMO 9319466")
    ('AB12CDE', '9319466')
    >>> normalise("vessel", "000000000")  # AIS sends zeros for an identity that is not set
    ''
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    plain = re.sub(_SEPARATORS[namespace], "", plain)
    plain = unicodedata.normalize("NFKC", plain)  # what stood apart may compose now
    if namespace == "vessel":
        plain = re.sub("^(IMO)+", "", plain)
    return "" if plain.strip("0") == "" else plain


def is_placeholder(namespace: Namespace, text: str) -> bool:
    """Only zeros or separators: such an identifier stands for nobody.

    >>> is_placeholder("vehicle", "---"), is_placeholder("vessel", "IMO 0000000")
    (True, True)
    """
    if namespace != "vessel" and text.isascii() and text.isalnum():
        return text.strip("0") == ""  # the same answer without the work
    return normalise(namespace, text) == ""


def failed_checks(movement: Movement) -> tuple[str, ...]:
    """Flags such as ``check_digit:imo``, in the order of the fields; never a reason to refuse.

    ``format`` means not built like a number of its kind, ``check_digit`` built so but wrong, and
    ``placeholder`` that it stands for nobody.
    """
    flags = []
    for name, namespace, check in _checked(kind_of(movement)):
        text = getattr(movement, name)
        if text is None:
            continue
        if is_placeholder(namespace, text):
            flags.append(f"placeholder:{name}")
        elif check is not None and (failed := check(normalise(namespace, text))):
            flags.append(f"{failed}:{name}")
    return tuple(flags)


Check = Callable[[str], str | None]
"""From a normalised identifier to what is wrong with it."""


@lru_cache(maxsize=3)
def _checked(kind: str) -> tuple[tuple[str, Namespace, Check | None], ...]:
    fields = declared_fields(kind)
    return tuple((f.name, f.namespace, _check_of(f)) for f in fields if f.namespace is not None)


def _check_of(field: Field) -> Check | None:
    if field.name == "imo":
        return _imo
    if field.namespace == "container":
        return _container
    return _registration if field.name.endswith("_eori") else None


def _imo(plain: str) -> str | None:
    return None if imo.is_valid(plain) else "check_digit"


def _container(plain: str) -> str | None:
    if not re.fullmatch(r"[A-Z]{3}[UJZ][0-9]{7}", plain):
        return "format"
    return None if iso6346.is_valid(plain) else "check_digit"


def _registration(plain: str) -> str | None:
    """Only an EORI made from a British VAT number has a check; others pass unchecked."""
    vat_based = re.fullmatch(r"GB([0-9]{9})000", plain)
    if vat_based is None or vat.is_valid(vat_based[1]):
        return None
    return "check_digit"
