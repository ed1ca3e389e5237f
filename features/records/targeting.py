"""What a border writes down because it targets: whom to inspect, where to report, which route.

Such a field is a result of targeting or of the examination itself. It may be kept, but a model that
reads it learns whom others chose, not who smuggles.
"""

import re
from functools import lru_cache

from features.records.persons import words_of

_SAYS_TARGETING = re.compile(
    r"(?:^|_)(?:"
    r"inspect(?:ion|ions|ed|or)?|examin(?:e|ed|ation|ations)|interven(?:e|ed|tion|tions)"
    r"|selectivity|target(?:s|ed|ing)?|referr(?:ed|al|als)|detain(?:ed)?|detention|seiz(?:ed|ure|ures)"
    r"|report_to(?:_locations?)?"
    r"|risk_(?:score|level|profile|rating|band|hit)|(?:profile|rule|selector)_hits?"
    r"|(?:control|customs|selection|risk)_(?:route|channel|lane|colou?r)"
    r")(?:_|$)"
)


@lru_cache(maxsize=4096)
def says_targeting(name: str) -> bool:
    """Whether a field of this name is written because of targeting.

    >>> says_targeting("inspectionRequired"), says_targeting("Report To Locations")
    (True, True)
    >>> says_targeting("customs_intervention_code"), says_targeting("RISK-SCORE")
    (True, True)
    >>> says_targeting("route_id"), says_targeting("tax_type"), says_targeting("sales_channel")
    (False, False, False)
    """
    return _SAYS_TARGETING.search("_".join(words_of(name))) is not None
