"""In which zone the clocks of a port stand, so that port-local times can be understood.

Freight and ferry systems write the local time of the port without a zone. A port is known here by
its UN/LOCODE or by the short name that timetables and route names use.

References:
    Zones: the tz database. UN/LOCODE: UNECE Recommendation 16.
"""

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo

_COUNTRIES_OF_ONE_ZONE: Mapping[str, str] = {
    "GB": "Europe/London", "XI": "Europe/London", "IE": "Europe/Dublin", "FR": "Europe/Paris",
    "BE": "Europe/Brussels", "NL": "Europe/Amsterdam", "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen", "NO": "Europe/Oslo", "SE": "Europe/Stockholm",
    "FI": "Europe/Helsinki", "PL": "Europe/Warsaw", "LT": "Europe/Vilnius", "LV": "Europe/Riga",
    "EE": "Europe/Tallinn", "IT": "Europe/Rome", "IS": "Atlantic/Reykjavik",
    "JE": "Europe/Jersey", "GG": "Europe/Guernsey", "IM": "Europe/Isle_of_Man",
    "GI": "Europe/Gibraltar", "MA": "Africa/Casablanca", "TR": "Europe/Istanbul",
}  # fmt: skip
"""Countries all of whose ports keep one time; every port there is known."""

_PORTS_BY_ZONE: Mapping[str, str] = {
    "Europe/Madrid": "ESALG ESBCN ESBIO ESCAD ESCAR ESGIJ ESLCG ESPMI ESSDR ESTAR ESVGO ESVLC",
    "Atlantic/Canary": "ESLPA ESSCT ESACE ESFUE",
    "Europe/Lisbon": "PTLEI PTLIS PTSET PTSIE",
    "Atlantic/Azores": "PTPDL PTHOR",
}  # fmt: skip

_SHORT_NAMES: Mapping[str, str] = {
    # What routes and timetables call a port whose code ends otherwise, or who spell it out.
    "DVR": "GBDVR", "DOVER": "GBDVR", "FOL": "GBFOL", "HRW": "GBHRW", "HUL": "GBHUL",
    "HLY": "GBHLY", "HYM": "GBHYM", "LIV": "GBLIV", "CYN": "GBCYN", "POO": "GBPOO",
    "PME": "GBPME", "PLY": "GBPLY", "NHV": "GBNHV", "FIS": "GBFIS", "IMM": "GBIMM",
    "PFT": "GBPFT", "TEE": "GBTEE", "TIL": "GBTIL", "NCL": "GBNCL", "LAR": "GBLAR",
    "BEL": "GBBEL", "CQF": "FRCQF", "CAL": "FRCQF", "CALAIS": "FRCQF", "DKK": "FRDKK",
    "DUN": "FRDKK", "DPE": "FRDPE", "CFR": "FRCFR", "LEH": "FRLEH", "CER": "FRCER",
    "ROS": "FRROS", "RTM": "NLRTM", "HVH": "NLHVH", "IJM": "NLIJM", "ZEE": "BEZEE",
    "CUX": "DECUX", "EBJ": "DKEBJ", "DUB": "IEDUB", "SDR": "ESSDR", "BIO": "ESBIO",
}  # fmt: skip

_ZONES: Mapping[str, str] = {
    port: zone for zone, ports in _PORTS_BY_ZONE.items() for port in ports.split()
}


@lru_cache(maxsize=4096)
def zone_of_port(port: str) -> ZoneInfo | None:
    """The zone of a port, None when it is not known.

    >>> zone_of_port("FRCQF"), zone_of_port("DVR"), zone_of_port("USNYC")
    (zoneinfo.ZoneInfo(key='Europe/Paris'), zoneinfo.ZoneInfo(key='Europe/London'), None)
    """
    code = _SHORT_NAMES.get(port.upper(), port.upper())
    zone = _ZONES.get(code)
    if zone is None and len(code) == 5:
        zone = _COUNTRIES_OF_ONE_ZONE.get(code[:2])
    return None if zone is None else ZoneInfo(zone)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, None when there is no such zone.

    >>> zone_named("Europe/Paris"), zone_named("Calais"), zone_named("../etc/passwd")
    (zoneinfo.ZoneInfo(key='Europe/Paris'), None, None)
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def ends_of_route(route: str) -> tuple[str, str] | None:
    """The two ports of a route that is written ``from-to``, None for any other route.

    >>> ends_of_route("FRCQF-GBDVR"), ends_of_route("19")
    (('FRCQF', 'GBDVR'), None)
    """
    departure, dash, arrival = route.partition("-")
    return (departure, arrival) if dash and arrival and "-" not in arrival else None
