"""Neighbourhoods of one, eight and sixty entities, and one of two steps, for pictures and pages."""

from features.neighbourhood.reading import Examined, Seen
from features.neighbourhood.walk import Link, Neighbour, Neighbourhood

DAY = 86_400_000_000
AS_OF = 20_500 * DAY
CAUGHT, CLEARED, NEVER = Examined(5, 2, 20_400 * DAY), Examined(3, 0, None), Examined(0, 0, None)


def key(namespace: str, number: int) -> str:
    return f"{namespace}:{number:032x}"


def of(key: str, step: int, examined: Examined, *tied_by: str) -> Neighbour:
    return Neighbour(key, step, examined, None, tied_by, 20_300 * DAY if tied_by else None)


def link(organisation: str, connector: str, finds: int = 0) -> Link:
    return Link(organisation, connector, Seen(4, 20_000 * DAY, 20_450 * DAY, finds, finds))


ALONE = Neighbourhood(AS_OF, (of(key("organisation", 1), 0, NEVER),), (), ())

_HAULIER, _LORRY, _BOX = key("organisation", 1), key("vehicle", 2), key("container", 3)
_FRONT, _OTHER = key("organisation", 4), key("organisation", 5)
EIGHT = Neighbourhood(
    AS_OF,
    (
        of(_HAULIER, 0, NEVER),
        of(_LORRY, 0, CAUGHT),
        of(_BOX, 0, NEVER),
        of(_FRONT, 1, CAUGHT, _LORRY),
        of(_OTHER, 1, CLEARED, _LORRY, _BOX),
        of(key("organisation", 6), 1, NEVER, key("vessel", 7)),
        of(key("vessel", 7), 1, NEVER),
        of(key("vehicle", 8), 1, CLEARED),
    ),
    (
        link(_HAULIER, _LORRY),
        link(_HAULIER, _BOX),
        link(_FRONT, _LORRY, finds=2),
        link(_OTHER, _LORRY),
        link(_OTHER, _BOX),
        link(_HAULIER, key("vessel", 7)),
        link(key("organisation", 6), key("vessel", 7)),
        link(_HAULIER, key("vehicle", 8)),
    ),
    (),
)


def _sixty() -> Neighbourhood:
    neighbours = [of(_HAULIER, 0, CLEARED)]
    links = []
    vehicles = [key("vehicle", 100 + n) for n in range(14)]
    for n, vehicle in enumerate(vehicles):
        links.append(link(_HAULIER, vehicle))
        for m in range(3 if n % 2 else 2):
            other = key("organisation", 1000 + 10 * n + m)
            known = (CAUGHT, CLEARED, NEVER, NEVER)[(n + m) % 4]
            neighbours.append(of(other, 1, known, vehicle))
            links.append(link(other, vehicle, finds=2 * (known is CAUGHT)))
    neighbours += [of(vehicle, 1, NEVER) for vehicle in vehicles]
    spare = [key("container", 200 + n) for n in range(60 - len(neighbours))]
    neighbours += [of(one, 1, CLEARED) for one in spare]
    links += [link(_HAULIER, one) for one in spare]
    return Neighbourhood(AS_OF, tuple(neighbours), tuple(links), ("entities",))


SIXTY = _sixty()


def _deep() -> Neighbourhood:
    """Fifteen organisations one step away, each leading on to another, all by connectors of their
    own."""
    neighbours, links = [of(_HAULIER, 0, CLEARED)], []
    for n in range(15):
        by, tied = key("container", 300 + n), key("organisation", 400 + n)
        onward, beyond = key("vehicle", 500 + n), key("organisation", 600 + n)
        neighbours += [of(tied, 1, NEVER, by), of(by, 1, CLEARED)]
        neighbours += [of(beyond, 2, CAUGHT, onward), of(onward, 2, NEVER)]
        links += [link(_HAULIER, by), link(tied, by), link(tied, onward), link(beyond, onward)]
    return Neighbourhood(AS_OF, tuple(neighbours), tuple(links), ())


DEEP = _deep()
