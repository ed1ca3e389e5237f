"""Which part of the world a country lies in, for tables with few rows.

References:
    United Nations, "Standard country or area codes for statistical use" (M49): regions. Where M49
    has no code of its own (Taiwan, Kosovo) the neighbours' region; Antarctica is a region there.
"""

from collections.abc import Mapping

_COUNTRIES_OF: Mapping[str, str] = {
    "Africa": """
        AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA
        MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW
    """,
    "Americas": """
        AG AI AR AW BB BL BM BO BQ BR BS BV BZ CA CL CO CR CU CW DM DO EC FK GD GF GL GP GS GT GY
        HN HT JM KN KY LC MF MQ MS MX NI PA PE PM PR PY SR SV SX TC TT US UY VC VE VG VI
    """,
    "Antarctica": "AQ",
    "Asia": """
        AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN
        MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE
    """,
    "Europe": """
        AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT
        LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XI XK
    """,
    "Oceania": """
        AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS
    """,
}
_REGION_OF = {code: region for region, codes in _COUNTRIES_OF.items() for code in codes.split()}


def region_of(code: str | None) -> str | None:
    """Of a country's code, or of a place whose code begins with one; None for what is neither.

    >>> region_of("FR"), region_of("FRCQF"), region_of("ZZ"), region_of(None)
    ('Europe', 'Europe', None, None)
    """
    return None if code is None else _REGION_OF.get(code[:2].upper())
