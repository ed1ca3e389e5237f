"""Who is linked with whom by what they share, and what is read of an organisation's links.

A *link* is an organisation and a *connector*: a vehicle, vessel, container or consignee that one
of its standing movements names. It is live while there is such a movement. A connector *ties* the
organisations on its live links when they are 2 to ``MOST_TIED``: what many share says nothing of
any of them. Only integers and instants are kept, so that what is read is a function of the set of
standing facts and of nothing else (ADR 12).

Organisations are one namespace: a haulier's links and a vessel operator's meet in one graph.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

from features.history.roles import Role, roles_of
from features.history.statistics import NEVER_DAYS

ORGANISATION: Mapping[str, str] = {
    "vehicle": "haulier",
    "vessel": "operator",
    "shipment": "consignor",
}
"""The role of the organisation whose links are counted and read."""

CONNECTORS: Mapping[str, tuple[str, ...]] = {
    "vehicle": ("vehicle", "container", "consignee"),
    "vessel": ("imo",),
    "shipment": ("container", "consignee"),
}
"""The roles that it is linked by. An organisation is no connector of itself."""

MOST_TIED = 8
"""A connector with more live links ties nobody."""


class LinkRole(NamedTuple):
    """The links of one kind's movements."""

    name: str
    label: str
    """How an officer's sentence calls those that are tied with the organisation."""
    organisation: Role
    connectors: tuple[Role, ...]

    @property
    def shared(self) -> str:
        """
        >>> link_role("vehicle").shared, link_role("vessel").shared
        ('vehicle, container or consignee', 'ship (IMO)')
        """
        *first, last = (role.label for role in self.connectors)
        return f"{', '.join(first)} or {last}" if first else last


class LinkStatistic(NamedTuple):
    """One number read of an organisation's links at an instant."""

    name: str
    dtype: Literal["integer", "number"]
    unit: str
    direction: int
    """As of ``statistics.Statistic``."""
    description: str


LINK_STATISTICS: Mapping[str, LinkStatistic] = {
    item.name: item
    for item in (
        LinkStatistic(
            "ties", "integer", "n", 0, "how often tied, by each connector with each of the others"
        ),
        LinkStatistic(
            "organisations_with_finds", "integer", "n", 1, "how many of them have had a find"
        ),
        LinkStatistic("finds", "integer", "n", 1, "finds on all of them, in whatever role, ever"),
        LinkStatistic(
            "days_since_last_find",
            "number",
            "days",
            -1,
            f"days since the last find on any of them; {NEVER_DAYS:.0f} when there was none",
        ),
        LinkStatistic(
            "organisations_with_finds_at_two_steps",
            "integer",
            "n",
            1,
            "how many have had a find of those that are tied with them and not with it; who has "
            "more than 32 ties leads to nobody",
        ),
        LinkStatistic(
            "days_since_last_find_at_two_steps",
            "number",
            "days",
            -1,
            f"days since the last find on any of those; {NEVER_DAYS:.0f} when there was none",
        ),
    )
}
"""In the order in which ``link_reading`` reads them."""

AT_TWO_STEPS = frozenset(name for name in LINK_STATISTICS if name.endswith("_at_two_steps"))
"""Of them those that a catalogue has when it is asked for (ADR 37)."""


@cache
def link_role(kind: str) -> LinkRole:
    by_name = {role.name: role for role in roles_of(kind)}
    organisation = by_name[ORGANISATION[kind]]
    return LinkRole(
        f"{organisation.name}_links",
        f"organisations linked with the {organisation.label}",
        organisation,
        tuple(by_name[name] for name in CONNECTORS[kind]),
    )
