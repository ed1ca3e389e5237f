"""The key of an entity as clients write it: ``namespace:IDENTIFIER``, or as answers give it."""

import re
from typing import cast, get_args

from features.errors import ForelandError
from features.identifiers import is_placeholder
from features.pseudonyms import Pseudonyms
from features.records import Namespace

LONGEST_IDENTIFIER = 70
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_NAMESPACES = get_args(Namespace)


class BadEntityKey(ForelandError):
    """It names no entity. The text says why, and never repeats what was sent: it may be plain."""


def entity_of(text: str, pseudonyms: Pseudonyms) -> str:
    """The pseudonym, ``namespace:`` and 32 hexadecimal digits.

    32 small hexadecimal digits are taken for a pseudonym that an answer gave: no identifier that
    the records take looks like that.

    Raises:
        BadEntityKey: unknown namespace, nothing after it, too long, or a placeholder.
    """
    namespace, _, identifier = text.partition(":")
    if namespace not in _NAMESPACES:
        raise BadEntityKey(
            f"an entity's key is namespace:IDENTIFIER; the namespace is one of "
            f"{', '.join(_NAMESPACES)}"
        )
    if not 1 <= len(identifier.strip()) <= LONGEST_IDENTIFIER:
        raise BadEntityKey(
            f"after {namespace}: comes an identifier of 1 to {LONGEST_IDENTIFIER} characters"
        )
    if _PSEUDONYM.fullmatch(identifier):
        return text
    if is_placeholder(cast(Namespace, namespace), identifier):
        raise BadEntityKey(
            f"this {namespace} is a placeholder, which stands for nobody; ask about a real one"
        )
    return pseudonyms.entity(cast(Namespace, namespace), identifier)
