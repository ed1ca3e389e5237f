"""Networks that react: a find burns a front and what it used, and the network moves.

What a find sets off is drawn from a stream of the front that was found out, so it is the same
whoever found it, and when.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from features.simulate.border import Border, front_concealment_stream, front_stream
from features.simulate.codes import Ints
from features.simulate.goods import GOODS
from features.simulate.parameters import AdaptationParameters
from features.simulate.places import LAST_PORTS, OFFICES, ROUTES
from features.simulate.shipments import MODES, OFFICE_CODES
from features.simulate.traffic import choose
from features.simulate.world import HONEST, NOBODY


class Move(NamedTuple):
    """From ``day`` on, the lanes of a network that have ``old`` in the column have ``new``."""

    day: int
    kind: str
    column: str
    network: int
    old: int
    new: int


class NewMethod(NamedTuple):
    """From ``day`` on, the network conceals like that in the kind."""

    day: int
    kind: str
    network: int
    concealment: int


class Adaptation:
    """Changes the lanes of a border while its days go by."""

    def __init__(self, border: Border, parameters: AdaptationParameters, seed: int) -> None:
        self._border = border
        self._of = parameters
        self._seed = seed
        self._found_out: set[int] = set()
        self._burn_share = {
            "haulier": parameters.haulier_burn_share,
            "consignor": parameters.supplier_burn_share,
            "goods": parameters.goods_burn_share,
            **dict.fromkeys(("route", "last_port", "office"), parameters.route_burn_share),
        }
        self._finds_of_network: dict[int, int] = defaultdict(int)
        self._moves: list[Move] = []
        self._new_methods: list[NewMethod] = []
        fronts = border.fronts
        self._reserve = {
            int(network): np.flatnonzero(fronts.reserve & (fronts.network == network)).tolist()
            for network in np.unique(fronts.network)
        }
        self._lane_of_front = {kind: _lanes_of_fronts(border, kind) for kind in fronts.kinds}

    def arrive(self, day: int) -> None:
        """Call when a block begins, with its first day: what has come due happens."""
        for move in (move for move in self._moves if move.day <= day):
            lanes = self._border.lanes(move.kind)
            values = lanes.columns[move.column]
            values[(lanes.network == move.network) & (values == move.old)] = move.new
        self._moves = [move for move in self._moves if move.day > day]
        for new in (new for new in self._new_methods if new.day <= day):
            self._border.methods.of_network[new.kind][new.network] = new.concealment
        self._new_methods = [new for new in self._new_methods if new.day > day]

    def react(self, kind: str, lane: Ints, day: Ints, next_block: int) -> None:
        """To finds on movements of these lanes, on the days of their examination.

        Nothing takes effect before ``next_block``; a front reacts to its first find alone.
        """
        network = self._border.lanes(kind).network
        front_of_lane = {at: front for front, at in self._lane_of_front[kind].items()}
        order = np.lexsort((lane, day))  # whatever order the finds are told in
        for at, found_on in zip(lane[order].tolist(), day[order].tolist(), strict=True):
            if network[at] != HONEST and front_of_lane[at] not in self._found_out:
                self._burn(kind, at, front_of_lane[at], found_on, next_block)

    def _burn(self, kind: str, lane: int, front: int, day: int, next_block: int) -> None:
        rng = front_stream(self._seed, front)
        network = int(self._border.fronts.network[front])
        self._found_out.add(front)
        self._finds_of_network[network] += 1
        closes = max(next_block, day + _within(rng, self._of.closing_days))
        steps_in = max(next_block, day + _within(rng, self._of.successor_days))
        ends = self._close(front, closes)
        self._step_in(front, kind, steps_in, ends)
        moves = max(next_block, day + _within(rng, self._of.moving_days))
        self._leave(rng, kind, lane, network, moves)
        if kind == "vessel":
            self._sink(lane, network, closes)
        if rng.random() < self._of.pause_share:
            self._rest(network, closes, closes + _within(rng, self._of.pause_days))
        self._conceal_otherwise(kind, network, front, day, next_block)

    def _close(self, front: int, day: int) -> int:
        """The day on which the front would have ended."""
        ends = day
        for kind, lane_of in self._lane_of_front.items():
            if front in lane_of:
                until_day = self._border.lanes(kind).until_day
                ends = max(ends, int(until_day[lane_of[front]]))
                until_day[lane_of[front]] = min(day, until_day[lane_of[front]])
        return ends

    def _step_in(self, burnt: int, kind: str, day: int, until_day: int) -> None:
        """A front in reserve that trades in the kind takes over what the burnt one moved a day.

        None does if no time is left, or the reserve is used up.
        """
        network = int(self._border.fronts.network[burnt])
        front = next((of for of in self._reserve[network] if of in self._lane_of_front[kind]), None)
        if until_day <= day or front is None:
            return
        self._reserve[network].remove(front)
        self._register(front, day)
        caution = self._of.caution_factor ** self._finds_of_network[network]
        for each, lane_of in self._lane_of_front.items():
            if front in lane_of:
                lanes, at = self._border.lanes(each), lane_of[front]
                lanes.from_day[at], lanes.until_day[at] = day, until_day
                if burnt in lane_of:
                    lanes.movements_per_day[at] = lanes.movements_per_day[lane_of[burnt]]
                for habit in vars(lanes.habits).values():
                    habit[at] *= max(caution, self._of.least_caution)

    def _register(self, front: int, day: int) -> None:
        """Its company, and its haulier if it has its own, are as young as any front's."""
        fronts = self._border.fronts
        registered = self._border.organisations.registered_day
        days_early = int(fronts.windows.from_day[front]) - day
        registered[fronts.company[front]] -= days_early
        if fronts.own_haulier[front]:
            registered[fronts.haulier[front]] -= days_early

    def _leave(
        self, rng: np.random.Generator, kind: str, lane: int, network: int, day: int
    ) -> None:
        """Route, goods, haulier and supplier, each with its own probability."""
        columns = self._border.lanes(kind).columns
        for column in LEFT_COLUMNS[kind]:
            burnt = rng.random() < self._burn_share[column]
            old, new = int(columns[column][lane]), self._another(rng, kind, column, lane)
            if burnt and old != NOBODY and new != old:
                self._moves.append(Move(day, kind, column, network, old, new))

    def _conceal_otherwise(
        self, kind: str, network: int, front: int, day: int, next_block: int
    ) -> None:
        """Drawn from a stream of its own, so that all else is as if no method ever changed."""
        rng = front_concealment_stream(self._seed, front)
        changes = max(next_block, day + _within(rng, self._of.moving_days))
        if rng.random() < self._of.concealment_burn_share:
            method = self._border.methods.another(rng, kind, network)
            self._new_methods.append(NewMethod(changes, kind, network, method))

    def _another(self, rng: np.random.Generator, kind: str, column: str, lane: int) -> int:
        """What anyone might take instead; it may be the same."""
        if column == "haulier":
            hauliers = self._border.circle.hauliers
            return int(rng.choice(hauliers[self._border.vehicles.fleet_size[hauliers] > 0]))
        if column == "consignor":
            return self._compatriot(rng, int(self._border.lanes(kind).columns[column][lane]))
        if column == "office":
            mode = MODES[int(self._border.lanes(kind).columns["mode"][lane])]
            return OFFICE_CODES.index(str(rng.choice(sorted(OFFICES[mode]))))
        weights = {
            "route": [route.weight for route in ROUTES],
            "goods": [goods.weight for goods in GOODS],
            "last_port": [port.small for port in LAST_PORTS],
        }
        return int(choose(rng, 1, weights[column])[0])

    def _compatriot(self, rng: np.random.Generator, supplier: int) -> int:
        """An honest supplier of the same country, which fits the origin of the goods."""
        if supplier == NOBODY:
            return NOBODY
        countries = self._border.organisations.countries
        suppliers = self._border.circle.suppliers
        near = [who for who in suppliers.tolist() if countries[who] == countries[supplier]]
        return int(rng.choice(near)) if near else supplier

    def _sink(self, lane: int, network: int, day: int) -> None:
        """A boat that was found out sails no more: who shares it takes one kept in reserve."""
        lane_of_front = self._lane_of_front["vessel"]
        spare = [front for front in self._reserve[network] if front in lane_of_front]
        if spare:
            boats = self._border.lanes("vessel").columns["vessel"]
            old, new = int(boats[lane]), int(boats[lane_of_front[spare[-1]]])
            self._moves.append(Move(day, "vessel", "vessel", network, old, new))

    def _rest(self, network: int, from_day: int, until_day: int) -> None:
        for kind in self._lane_of_front:
            lanes = self._border.lanes(kind)
            resting = (lanes.network == network) & (lanes.until_day > from_day)
            resting &= lanes.from_day < until_day
            lanes.from_day[resting] = until_day


LEFT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "vehicle": ("haulier", "consignor", "route", "goods"),
    "vessel": ("last_port",),
    "shipment": ("consignor", "office", "goods"),
}


def _within(rng: np.random.Generator, days: tuple[int, int]) -> int:
    return int(rng.integers(days[0], days[1] + 1))


def _lanes_of_fronts(border: Border, kind: str) -> dict[int, int]:
    """Front to its lane of the kind; fronts' lanes stand in the order of the fronts."""
    lanes = np.flatnonzero(border.lanes(kind).network != HONEST)
    return dict(zip(border.fronts.kinds[kind].tolist(), lanes.tolist(), strict=True))
