"""Real ports (UN/LOCODE) and real RoRo routes between them; how busy each is, is an assumption.

Ferry and shipping companies are invented: a simulated find must not stain a real one.
"""

from typing import NamedTuple


class Route(NamedTuple):
    """One RoRo route into the United Kingdom or across the Irish Sea; it runs both ways."""

    abroad: str
    home: str
    hours: float
    weight: float
    """Share of freight, relative."""
    tourists: float
    """Share of tourist vehicles, relative."""
    unaccompanied: float
    """Of its freight."""
    appeal: float
    """Log-odds by which opportunists prefer it."""


ROUTES: tuple[Route, ...] = (
    Route("FRCQF", "GBDVR", 1.5, 30.0, 30.0, 0.05, 0.3),
    Route("FRDKK", "GBDVR", 2.0, 13.0, 9.0, 0.05, 0.3),
    Route("FRCQF", "GBFOL", 0.6, 22.0, 34.0, 0.00, 0.1),  # the Channel Tunnel shuttle
    Route("NLRTM", "GBHRW", 7.0, 5.0, 3.0, 0.55, 0.5),
    Route("NLRTM", "GBHUL", 11.0, 4.0, 2.0, 0.60, 0.4),
    Route("NLIJM", "GBNCL", 16.0, 1.0, 2.5, 0.30, 0.2),
    Route("BEZEE", "GBTIL", 8.0, 3.5, 0.0, 0.95, 0.3),
    Route("BEZEE", "GBPFT", 9.0, 4.0, 0.0, 0.95, 0.3),
    Route("BEZEE", "GBTEE", 15.0, 2.0, 0.0, 0.95, 0.2),
    Route("BEZEE", "GBIMM", 14.0, 1.5, 0.0, 0.95, 0.2),
    Route("DECUX", "GBIMM", 20.0, 1.2, 0.0, 0.95, -0.2),
    Route("DKEBJ", "GBIMM", 18.0, 1.0, 0.0, 0.95, -0.4),
    Route("FRDPE", "GBNHV", 4.0, 1.2, 3.0, 0.10, 0.2),
    Route("FRCFR", "GBPME", 6.0, 1.3, 4.0, 0.15, 0.0),
    Route("FRLEH", "GBPME", 8.0, 0.9, 1.5, 0.20, 0.0),
    Route("FRCER", "GBPOO", 4.5, 0.8, 1.5, 0.25, 0.0),
    Route("FRROS", "GBPLY", 7.0, 0.5, 2.0, 0.10, 0.0),
    Route("ESSDR", "GBPME", 29.0, 0.8, 1.2, 0.50, 0.4),
    Route("ESBIO", "GBPME", 30.0, 0.9, 1.0, 0.50, 0.4),
    Route("IEDUB", "GBHLY", 3.3, 7.0, 6.0, 0.30, -0.5),
    Route("IEDUB", "GBLIV", 8.0, 4.0, 1.0, 0.85, -0.4),
    Route("IEDUB", "GBHYM", 8.5, 2.0, 0.0, 0.95, -0.4),
    Route("IEROS", "GBFIS", 3.5, 0.8, 1.5, 0.30, -0.4),
    Route("GBLAR", "GBCYN", 2.0, 3.5, 3.0, 0.35, -0.9),
    Route("GBBEL", "GBCYN", 2.3, 4.0, 4.0, 0.40, -0.9),
    Route("GBBEL", "GBLIV", 8.0, 3.0, 1.5, 0.70, -0.9),
)
NORTHERN_IRELAND = frozenset({"GBLAR", "GBBEL"})
FERRY_OPERATORS: tuple[str, ...] = tuple(f"FERRY-{letter}" for letter in "ABCDEFGH")

HAULIER_COUNTRIES: dict[str, float] = {
    "GB": 0.30, "PL": 0.16, "RO": 0.12, "NL": 0.07, "IE": 0.08, "LT": 0.06, "DE": 0.04,
    "BG": 0.04, "ES": 0.04, "FR": 0.03, "BE": 0.02, "HU": 0.02, "CZ": 0.01, "TR": 0.01,
}  # fmt: skip
TOURIST_COUNTRIES: dict[str, float] = {
    "GB": 0.62, "FR": 0.09, "DE": 0.07, "NL": 0.06, "BE": 0.04, "IE": 0.05, "PL": 0.04, "RO": 0.03,
}  # fmt: skip

OFFICES: dict[str, dict[str, float]] = {  # mode at the border -> UN/LOCODE -> relative traffic
    "1": {"GBFXT": 9.0, "GBSOU": 5.0, "GBLGP": 7.0, "GBIMM": 2.0, "GBTIL": 2.0, "GBLIV": 2.5},
    "4": {"GBLHR": 9.0, "GBEMA": 5.0, "GBSTN": 3.0, "GBMAN": 2.0},
    "10": {"GBDVR": 6.0, "GBFOL": 3.0, "GBHLY": 1.5},
    "11": {"GBHRW": 2.0, "GBPFT": 1.5, "GBTEE": 1.0, "GBHUL": 1.5},
}
HUBS: tuple[str, ...] = ("NL", "AE", "SG", "BE", "HK")
"""Countries that goods of other origins are dispatched from."""
NEARBY = frozenset({"FR", "BE", "NL", "DE", "ES", "IT", "IE", "PL", "PT", "DK", "CZ", "RO", "GR"})
"""Origins whose goods come by RoRo more often than by sea or air."""
CURRENCIES: dict[str, str] = {
    "CN": "USD", "US": "USD", "TR": "USD", "IN": "USD", "HK": "USD", "CO": "USD", "EC": "USD",
    "BR": "USD", "CR": "USD", "VN": "USD", "BD": "USD", "PK": "USD", "KE": "USD", "TH": "USD",
    "JP": "JPY", "CH": "CHF", "AE": "USD", "MY": "USD", "ID": "USD", "KR": "USD", "ZA": "USD",
    "PE": "USD", "MA": "EUR", "CA": "USD", "SG": "USD", "LK": "USD", "NO": "EUR",
}  # fmt: skip


class Berth(NamedTuple):
    """A British port of call, and how much of each sort of craft it sees."""

    port: str
    commercial: float
    fishing: float
    pleasure: float


BERTHS: tuple[Berth, ...] = (
    Berth("GBFXT", 8.0, 0.0, 0.0), Berth("GBSOU", 6.0, 0.0, 5.0), Berth("GBLGP", 5.0, 0.0, 0.0),
    Berth("GBIMM", 9.0, 0.0, 0.0), Berth("GBTIL", 5.0, 0.0, 0.0), Berth("GBLIV", 5.0, 0.0, 1.0),
    Berth("GBHUL", 4.0, 0.5, 1.0), Berth("GBTEE", 5.0, 0.0, 0.0), Berth("GBABD", 4.0, 2.0, 0.5),
    Berth("GBGRG", 3.0, 0.0, 0.0), Berth("GBBEL", 4.0, 0.5, 1.0), Berth("GBBRS", 2.5, 0.0, 1.0),
    Berth("GBDVR", 1.5, 0.3, 3.0), Berth("GBHRW", 1.5, 0.3, 2.0), Berth("GBPLY", 1.0, 2.0, 4.0),
    Berth("GBFAL", 1.0, 1.0, 5.0), Berth("GBPOO", 0.8, 0.5, 4.0), Berth("GBPME", 1.5, 0.3, 4.0),
    Berth("GBRMG", 0.2, 0.5, 4.0), Berth("GBLOW", 0.5, 1.5, 2.5), Berth("GBPHD", 0.8, 4.0, 0.2),
    Berth("GBFRB", 0.3, 4.0, 0.2), Berth("GBNHV", 0.4, 1.0, 2.5), Berth("GBCOW", 0.1, 0.1, 6.0),
)  # fmt: skip


class LastPort(NamedTuple):
    port: str
    hours: float
    """Sailing time of a merchant ship to the United Kingdom."""
    commercial: float
    small: float
    """Weight for fishing vessels and pleasure craft."""
    appeal: float
    """Log-odds by which smuggling by sea prefers it."""


LAST_PORTS: tuple[LastPort, ...] = (
    LastPort("NLRTM", 12, 20.0, 2.0, 0.2), LastPort("BEANR", 13, 12.0, 0.5, 0.3),
    LastPort("DEHAM", 26, 8.0, 0.3, 0.0), LastPort("FRLEH", 9, 6.0, 2.0, 0.0),
    LastPort("ESALG", 72, 4.0, 0.3, 0.4), LastPort("PTSIE", 60, 2.0, 0.2, 0.2),
    LastPort("MAPTM", 76, 2.0, 0.1, 0.4), LastPort("TRMER", 190, 1.2, 0.0, 0.3),
    LastPort("EGPSD", 210, 2.0, 0.0, 0.0), LastPort("COCTG", 270, 0.5, 0.1, 1.1),
    LastPort("ECGYE", 330, 0.4, 0.0, 1.1), LastPort("BRSSZ", 330, 0.9, 0.1, 0.8),
    LastPort("USHOU", 310, 1.6, 0.0, -0.3), LastPort("USNYC", 190, 1.6, 0.1, -0.3),
    LastPort("LVRIX", 70, 2.2, 0.1, 0.0), LastPort("PLGDN", 62, 2.5, 0.2, 0.0),
    LastPort("NOBGO", 30, 3.0, 1.0, -0.4), LastPort("ISREY", 60, 1.0, 0.5, -0.4),
    LastPort("IEDUB", 8, 5.0, 3.0, -0.3), LastPort("IEORK", 16, 2.5, 2.0, 0.1),
    LastPort("NGLOS", 290, 0.4, 0.0, 0.5), LastPort("ZADUR", 430, 0.5, 0.0, 0.0),
    LastPort("FRCER", 7, 0.5, 8.0, 0.1), LastPort("FRROS", 9, 0.3, 5.0, 0.1),
    LastPort("FRDPE", 6, 0.4, 4.0, 0.2), LastPort("FRBOL", 3, 0.2, 8.0, 0.6),
    LastPort("BEOST", 6, 0.5, 6.0, 0.5), LastPort("NLVLI", 9, 1.5, 5.0, 0.3),
    LastPort("ESLCG", 40, 0.6, 1.5, 0.7), LastPort("ESVGO", 44, 0.6, 1.0, 0.6),
)  # fmt: skip

# Flag: the digits its MMSI begins with, share of merchant ships, appeal to smugglers (log-odds).
FLAGS: dict[str, tuple[int, float, float]] = {
    "LR": (636, 0.16, 0.0), "PA": (352, 0.16, 0.3), "MH": (538, 0.12, 0.0), "MT": (215, 0.08, 0.0),
    "CY": (209, 0.06, 0.0), "AG": (304, 0.05, 0.1), "NL": (244, 0.07, -0.2),
    "GB": (232, 0.09, -0.2), "NO": (257, 0.04, -0.4), "DK": (219, 0.04, -0.4),
    "BS": (311, 0.05, 0.0), "KM": (620, 0.02, 0.7), "TG": (671, 0.02, 0.7),
    "TZ": (677, 0.02, 0.6), "CM": (613, 0.02, 0.6),
}  # fmt: skip
SMALL_CRAFT_FLAGS: dict[str, tuple[int, float]] = {
    "GB": (232, 0.58), "FR": (227, 0.16), "NL": (244, 0.12), "BE": (205, 0.07), "IE": (250, 0.07),
}  # fmt: skip
