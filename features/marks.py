"""How a British registration mark is built; foreign ones are normal and are only told apart.

References:
    DVLA INF104, "Vehicle registration numbers and number plates".
"""

import re
from collections.abc import Mapping
from typing import Literal

MarkStyle = Literal["current", "prefix", "suffix", "dateless", "northern_ireland", "other"]

# Two letters that stand for a county of Northern Ireland; a serial letter may come before them.
_NORTHERN_IRELAND = "(?:I[ABGJLW]|[JOUX]I|[A-HJ-PR-Y]Z)"
_MARK_STYLES: Mapping[MarkStyle, str] = {
    "current": r"[A-HJ-PR-Y]{2}(?!00|01|50)[0-9]{2}[A-HJ-PR-Z]{3}",
    "northern_ireland": (
        rf"[A-Z]?{_NORTHERN_IRELAND}[0-9]{{1,4}}|[0-9]{{1,4}}[A-Z]?{_NORTHERN_IRELAND}"
    ),
    "prefix": r"[A-HJ-NP-TV-Y][0-9]{1,3}[A-HJ-PR-Y]{3}",
    "suffix": r"[A-HJ-PR-Y]{3}[0-9]{1,3}[A-HJ-NPR-TV-Y]",
    "dateless": (
        r"[A-HJ-PR-Y]{1,2}[0-9]{1,4}|[A-HJ-PR-Y]{3}[0-9]{1,3}"
        r"|[0-9]{1,4}[A-HJ-PR-Y]{1,2}|[0-9]{1,3}[A-HJ-PR-Y]{3}"
    ),
}


def uk_mark_style(mark: str) -> MarkStyle:
    """The British style that a registration mark is built in, in any spelling, else ``other``.

    Judged by shape alone, so a foreign mark can look British; and a mark in no British style is
    nothing unusual.

    >>> [uk_mark_style(m) for m in ("AB12CDE", "A123BCD", "ABC123D", "1ABC", "AIA1234", "WX1234Y")]
    ['current', 'prefix', 'suffix', 'dateless', 'northern_ireland', 'other']
    """
    plain = "".join(character for character in mark.upper() if character.isalnum())
    for style, shape in _MARK_STYLES.items():
        if re.fullmatch(shape, plain):
            return style
    return "other"
