"""Whether a description of goods says what the goods are."""

import re
from functools import lru_cache

_TERMS = """
accessories|appliances|articles|as per attached list|as per invoice|assorted goods|bags|boxes
cargo|cartons|chemicals|clothes|clothing|commercial goods|consolidated|consolidated cargo
consolidation|consumer goods|containers|dangerous goods|electrical goods|electronic goods
electronics|equipment|fak|food|foodstuffs|freight|freight of all kinds|furniture|general cargo
general goods|general merchandise|gifts|goods|groupage|groupage goods|household goods|items|machine
machinery|machines|materials|merchandise|metal|misc|miscellaneous|miscellaneous goods|mixed cargo
mixed goods|mixed load|n a|na|new goods|none|other|others|packages|pallets|parcels|parts
personal effects|personal goods|pipes|plastic|plastic goods|products|retail goods|rubber articles
said to contain|samples|sanitary goods|scrap|see attached|see invoice|spare parts|stc|sundries|tba
tbc|textile|textiles|tiles|tools|unknown|used goods|various|various goods|various items|wires
"""

VAGUE: frozenset[str] = frozenset(_TERMS.strip().replace("\n", "|").split("|"))
"""Terms of the kind that the WCO and the customs of the EU and the United Kingdom list as not
acceptable in an entry summary declaration; our own selection, not one of their lists."""

_NOT_A_WORD = re.compile(r"[^a-z]+")


@lru_cache(maxsize=16_384)
def is_vague(description: str) -> bool:
    """
    >>> is_vague("General Cargo."), is_vague("fresh bananas"), is_vague("12 PALLETS STC 300 boxes")
    (True, False, False)
    """
    words = _NOT_A_WORD.sub(" ", description.lower()).strip()
    return words in VAGUE or len(words) < 3
