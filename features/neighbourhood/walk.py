"""The neighbourhood of entities as of an instant: bounded, and in an order that rests on content.

Step 0 are those that are asked about, step 1 who is tied with them, step 2 who is tied with those.
An organisation is tied with another through a connector, which ties nobody when more than
``MOST_TIED`` organisations are linked with it (ADR 12). Where there is no room for all, the caught
come first, then those seen last.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from features.clock import Micros
from features.history.links import MOST_TIED
from features.neighbourhood.bounds import (
    LINKS_PER_ENTITY,
    MOST_ENDS,
    MOST_FOLLOWED,
    MOST_ROWS,
    MOST_ROWS_ON_THE_WAY,
    Truncation,
)
from features.neighbourhood.reading import Examined, Seen, TiesReader, TimeIsOver
from features.neighbourhood.ties_file import TiesFile


class Neighbour(NamedTuple):
    key: str
    step: int
    """Of a connector that of the organisations it leads to."""
    examined: Examined
    organisations: int | None
    """How many are linked with it; None where it was not asked for."""
    tied_by: tuple[str, ...]
    """Connectors that tie it with the step before, by their keys; empty at step 0."""
    tied_since: Micros | None
    """When both ends of the oldest of these ties were known."""


class Link(NamedTuple):
    organisation: str
    connector: str
    seen: Seen


class Neighbourhood(NamedTuple):
    as_of: Micros
    neighbours: tuple[Neighbour, ...]
    """By step; then organisations that are tied before the rest, the caught, those seen last."""
    links: tuple[Link, ...]
    truncated: tuple[Truncation, ...]
    """Empty when this is all of it."""
    simulated: bool = False
    """Some of what the file holds was simulated."""


class _Path(NamedTuple):
    """How an organisation is tied with one of the step before."""

    organisation: int
    connector: int
    links: tuple[tuple[int, int, Seen], ...]
    """Organisation, connector: of the organisation itself, and of the one of the step before."""

    @property
    def since(self) -> Micros:
        return max(seen.first_seen for _, _, seen in self.links)

    @property
    def last_seen(self) -> Micros:
        return self.links[0][2].last_seen


def neighbourhood(
    ties: TiesFile,
    asked: Sequence[str],
    as_of: Micros,
    *,
    depth: int = 1,
    most_entities: int = 60,
    stop_at: float | None = None,
) -> Neighbourhood:
    """
    Args:
        asked: keys; of those that no movement has named, the answer says nothing but that.
        depth: 1 or 2.
        most_entities: beside those that are asked about.
        stop_at: by ``time.monotonic``; what was found by then is the answer. None: no end.

    Raises:
        TiesUnreadable: the file cannot be read.
    """
    with ties.reading():
        walk = _Walk(ties, asked, TiesReader(ties, as_of, stop_at), most_entities)
        for step in range(1, depth + 1):
            walk.go(step)
        return walk.told(as_of)._replace(simulated=ties.simulated())


class _Walk:
    def __init__(
        self, ties: TiesFile, asked: Sequence[str], reader: TiesReader, most_entities: int
    ) -> None:
        self._reader = reader
        self._most_entities = self._room = most_entities
        numbers = {key: ties.number(key) for key in dict.fromkeys(asked)}
        self._unknown = [key for key, number in numbers.items() if number is None]
        self._steps = {number: 0 for number in numbers.values() if number is not None}
        """Everybody in the answer."""
        self._links: dict[tuple[int, int], Seen] = {}
        self._paths: dict[int, list[_Path]] = {}
        """Of the organisations that are tied with the step before."""
        self._users: dict[int, dict[int, Seen]] = {}
        """The organisations that are linked with a connector."""
        self._truncated: dict[Truncation, None] = {}

    def go(self, step: int) -> None:
        """To those who are tied with the step before, as far as time and room allow."""
        paths: list[_Path] = []
        spare: list[tuple[int, int, Seen]] = []
        try:
            for one in list(self._steps if step == 1 else self._paths):
                if self._steps[one] == step - 1:
                    self._gather(one, step, paths, spare)
        except TimeIsOver:
            self._truncated["time"] = None
        self._place_tied(paths, step)
        for link in sorted(spare, key=self._rank_of_spare):
            self._place((link,), step)

    def _gather(
        self, one: int, step: int, paths: list[_Path], spare: list[tuple[int, int, Seen]]
    ) -> None:
        """Everything that leads on from one of the step before."""
        self._reader.examined(one)
        own = self._first(self._reader.links("organisation", one, self._most_rows(step)))
        if step == 1:  # what else it uses; of those it is tied with, what ties them is enough
            spare += [(one, connector, seen) for connector, seen in own.items()]
            # Who is one of the many users of a consignee is no neighbour of a movement to it.
            if len(self._steps) + len(self._unknown) == 1 or len(self._on(one)) <= MOST_TIED:
                users = self._first(self._on(one))
                paths += [_Path(user, one, ((user, one, its),)) for user, its in users.items()]
        for connector, seen in own.items():
            users = self._on(connector)
            if len(users) <= MOST_TIED:
                for user, its in users.items():
                    self._reader.examined(user)
                    if user != one:
                        links = ((user, connector, its), (one, connector, seen))
                        paths.append(_Path(user, connector, links))

    def _most_rows(self, step: int) -> int:
        return MOST_ROWS if step == 1 else MOST_ROWS_ON_THE_WAY

    def _on(self, connector: int) -> dict[int, Seen]:
        if connector not in self._users:
            most = MOST_ROWS if connector in self._steps else MOST_ROWS_ON_THE_WAY
            self._users[connector] = self._reader.links("connector", connector, most)
        return self._users[connector]

    def _first(self, ends: dict[int, Seen]) -> dict[int, Seen]:
        """The other ends to go on with, of however many there are."""
        # By number at last, which is the order of arrival: of so many that are alike, any will do.
        newest = sorted(ends, key=lambda one: (-ends[one].finds, -ends[one].last_seen, one))
        some = newest[:MOST_ENDS]
        ranked = sorted(some, key=lambda one: self._rank(one, ends[one].last_seen))
        if len(ends) > MOST_FOLLOWED:
            self._truncated["connectors"] = None
        return {one: ends[one] for one in ranked[:MOST_FOLLOWED]}

    def _rank(self, one: int, last_seen: Micros) -> tuple[bool, Micros, str]:
        """The caught first, then those seen last; at last by what does not depend on arrival."""
        return self._reader.examined(one).finds == 0, -last_seen, self._reader.key(one)

    def _rank_of_spare(self, link: tuple[int, int, Seen]) -> tuple[bool, Micros, str]:
        _, connector, seen = link
        return self._rank(connector, seen.last_seen)

    def _place_tied(self, paths: list[_Path], step: int) -> None:
        by_organisation: dict[int, list[_Path]] = {}
        for path in paths:
            if self._steps.get(path.organisation, step) == step:
                by_organisation.setdefault(path.organisation, []).append(path)
        newest = {one: max(p.last_seen for p in its) for one, its in by_organisation.items()}
        for one in sorted(by_organisation, key=lambda one: self._rank(one, newest[one])):
            its = sorted(by_organisation[one], key=lambda path: self._reader.key(path.connector))
            kept = [path for path in its if self._place(path.links, step)]
            if kept:
                self._paths[one] = kept

    def _place(self, links: tuple[tuple[int, int, Seen], ...], step: int) -> bool:
        """Give all ends of the links a place, or none of them."""
        ends = dict.fromkeys(end for one, connector, _ in links for end in (one, connector))
        new = [end for end in ends if end not in self._steps]
        if len(new) > self._room:
            self._truncated["entities"] = None
            return False
        self._room -= len(new)
        self._steps |= dict.fromkeys(new, step)
        self._links |= {(one, connector): seen for one, connector, seen in links}
        return True

    def told(self, as_of: Micros) -> Neighbourhood:
        self._reader.take_all_time()  # for the few in the answer that were not read yet
        nobody = Examined(0, 0, None)
        unknown = [Neighbour(key, 0, nobody, None, (), None) for key in self._unknown]
        last_seen: dict[int, Micros] = {}
        for ends, seen in self._links.items():
            for end in ends:
                last_seen[end] = max(last_seen.get(end, seen.last_seen), seen.last_seen)
        known = sorted(
            self._steps,
            key=lambda one: (
                self._steps[one],
                one not in self._paths,
                self._rank(one, last_seen.get(one, 0)),
            ),
        )
        if self._reader.cut:
            self._truncated["movements"] = None
        return Neighbourhood(
            as_of,
            (*unknown, *map(self._neighbour, known)),
            tuple(self._told_links()),
            tuple(sorted(self._truncated)),
        )

    def _neighbour(self, one: int) -> Neighbour:
        paths = self._paths.get(one, [])
        key = self._reader.key
        return Neighbour(
            key(one),
            self._steps[one],
            self._reader.examined(one),
            len(self._users[one]) if self._users.get(one) else None,
            tuple(dict.fromkeys(key(path.connector) for path in paths)),
            min((path.since for path in paths), default=None),
        )

    def _told_links(self) -> Iterator[Link]:
        key, most = self._reader.key, LINKS_PER_ENTITY * max(self._most_entities, 1)
        links = [Link(key(one), key(by), seen) for (one, by), seen in self._links.items()]
        if len(links) > most:
            self._truncated["links"] = None
        links.sort(
            key=lambda a: (a.seen.finds == 0, -a.seen.last_seen, a.organisation, a.connector)
        )
        yield from links[:most]
