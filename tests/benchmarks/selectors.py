"""What a million live selectors cost a score, in microseconds, memory and time to load.

    python -m tests.benchmarks.selectors [--selectors 1000000] [--scores 300]

Half of them watch one identifier, a quarter a pair of identifiers, an eighth an identifier that a
thousand share beside one of its own, and an eighth a commodity and a country: these, with no
identifier to tell them apart, are the worst case. Two served homes in one process differ in nothing
but the selectors; their scores alternate, without a network. Identifiers are made up: simulated.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np

from features.clock import MICROS_PER_DAY, Micros, now_micros
from features.intake import declare
from features.ledger import Event, Payload, SelectorApproved, SelectorProposed, open_ledger
from features.records import read_movement
from features.rotation import pseudonyms_of
from features.settings import Settings
from serving.app import create_app
from serving.intelligence import read_matching
from serving.matching import Matching, Sighting
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.integration.small_border import make_ledger, promote, vehicle

LOOKS = 20_000
COUNTRIES = ("EC", "CO", "CN", "TR", "NL", "PE", "MA", "AE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.selectors")
    parser.add_argument("--selectors", type=int, default=1_000_000)
    parser.add_argument("--scores", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        url = make_ledger(home)
        promote(home, url, 1, rounds=300)
        settings = Settings(home=home, ledger_url=url)
        appended = append(settings, options.selectors)
        matching = loaded(settings, options.selectors)
        looks(settings, matching)
        scores(settings, matching, options.scores)
        print(f"appending them took {appended:,.0f} s")


def append(settings: Settings, many: int) -> float:
    """Seconds; live events, as commands append them."""
    now, began = now_micros(), time.perf_counter()
    with closing(open_ledger(settings.ledger)) as ledger:
        for part in in_parts(events(many, now)):
            ledger.append(part)
    return time.perf_counter() - began


def in_parts(given: Iterator[Event], size: int = 20_000) -> Iterator[list[Event]]:
    part: list[Event] = []
    for event in given:
        part.append(event)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def events(many: int, now: Micros) -> Iterator[Event]:
    for number in range(many):
        said = proposed(number, now)
        yield event(f"proposed:{said.selector}", said, now)
        approved = SelectorApproved(selector=said.selector, approver="B")
        yield event(f"approved:{said.selector}", approved, now)


def event(name: str, payload: Payload, now: Micros) -> Event:
    return Event(source="intelligence", event_id=name, occurred_at=now, payload=payload)


def proposed(number: int, now: Micros) -> SelectorProposed:
    return SelectorProposed(
        selector=f"{number:020x}",
        agency="police",
        criteria=criteria(number),
        kinds=("shipment",) if number % 8 == 7 else ("vehicle", "vessel", "shipment"),
        reason=f"watched since operation {number % 100}",
        handling="contact",
        marking="OFFICIAL",
        contact="national targeting desk",
        action="refer",
        starts=now - MICROS_PER_DAY,
        expires=now + 100 * MICROS_PER_DAY,
        creator="A",
    )


def criteria(number: int) -> tuple[str, ...]:
    own = f"vehicle:{number:032x}"
    if number % 8 < 4:
        return (own,)
    if number % 8 < 6:
        return (f"trailer:{number:032x}", own)
    if number % 8 == 6:
        return (f"organisation:{number % 1_000:032x}", own)
    code = f"commodity_code={number // 8 % 9_000 + 1_000:04d}*"
    return (code, f"origin_country={COUNTRIES[number // 8 % 8]}")


def loaded(settings: Settings, many: int) -> Matching:
    """From the ledger, as a worker starts; the time and the memory that it takes are said."""
    gc.collect()
    before, began = resident_bytes(), time.perf_counter()
    with closing(open_ledger(settings.ledger)) as ledger:
        matching = read_matching(ledger, asked_from=now_micros())
    seconds = time.perf_counter() - began
    gc.collect()
    held = resident_bytes() - before
    print(
        f"{many:,} selectors: loaded in {seconds:,.1f} s ({seconds / many * 1e6:.1f} us each), "
        f"{held / 1e6:,.0f} MB ({held / many:,.0f} bytes each)"
    )
    return matching


def resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1_024
    raise RuntimeError("no VmRSS; this benchmark runs on Linux")


def looks(settings: Settings, matching: Matching) -> None:
    """Time of one look, for a vehicle that meets none and for a shipment of a watched commodity."""
    with closing(open_ledger(settings.ledger)) as ledger:
        pseudonyms = pseudonyms_of(ledger, settings.keys)
    none = [declare(read_movement("vehicle", of(vehicle(n))), pseudonyms) for n in range(200)]
    shipment = {
        "movement_ref": "S",
        "declared_at": "2026-03-01T09:30:00Z",
        "consignee_eori": "XX98765432",
    }
    goods = [
        declare(
            read_movement(
                "shipment",
                {
                    **shipment,
                    "commodity_code": f"{1_000 + n % 9_000:04d}90",
                    "origin_country": COUNTRIES[n % 8],
                },
            ),
            pseudonyms,
        )
        for n in range(200)
    ]
    as_of = now_micros()
    for words, movements in (("vehicles", none), ("shipments of watched goods", goods)):
        taken, met = [], 0
        for number in range(LOOKS):
            seen = Sighting(movements[number % len(movements)], as_of, no_row)
            began = time.perf_counter_ns()
            met += len(matching.of(seen))
            taken.append((time.perf_counter_ns() - began) / 1_000)
        print(
            f"one look, {words}: p50 {np.quantile(taken, 0.5):.1f}, p99 "
            f"{np.quantile(taken, 0.99):.1f} us; {met / LOOKS:.1f} met"
        )


def of(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "kind"}


def no_row(_: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    raise AssertionError("selectors need no features")


def scores(settings: Settings, matching: Matching, many: int) -> None:
    """Whole scores in this process with them and without, in turn."""
    states: list[ServingState] = []

    def opened() -> ServingState:
        states.append(ServingState(settings))
        return states[0]

    client = AppClient(create_app(opened, counters=Counters()))
    follower = states[0].knowledge._follower
    numbers = count(10_000)
    taken: dict[str, list[float]] = {"with": [], "without": []}
    try:
        for number in range(2 * many + 40):
            which = "with" if number % 2 else "without"
            follower.matching = matching if number % 2 else Matching()
            began = time.perf_counter()
            answer = client.post("/v1/scores?explain=never", json=vehicle(next(numbers)))
            if number >= 40:
                taken[which].append(time.perf_counter() - began)
            assert answer.json()["status"] == "scored", answer.text
    finally:
        client.close()
    for which, seconds in taken.items():
        p99 = float(np.quantile(seconds, 0.99))
        print(
            f"score {which}: p50 {statistics.median(seconds) * 1e6:,.0f}, p99 {p99 * 1e6:,.0f} us"
        )


if __name__ == "__main__":
    main()
