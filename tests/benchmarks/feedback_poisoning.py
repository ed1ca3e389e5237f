"""How low the gate on poisoned feedback gets on honest and on poisoned simulated borders.

    python -m tests.benchmarks.feedback_poisoning --seeds 1 2 3 4

About three minutes a seed. Everything is simulated; docs/promotion.md has the table.
"""

import argparse
import tempfile
from contextlib import closing
from pathlib import Path

from features.catalogue import catalogue_for
from features.files.mapping import read_mapping
from features.ingest import ingest
from features.ledger import open_ledger
from features.rotation import pseudonyms_of
from features.rows import feature_rows
from features.simulate import simulate
from features.timeline import Timeline, load_timeline
from training.gates.evidence import every_label
from training.gates.feedback import SUSPECT, labelled_rows, limit
from training.missing_finds import missing_finds

SCENARIOS = ("stationary", "poisoned_feedback")
_END_OF_TIME = 1 << 62


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--movements-per-day", type=int, default=1_200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--kind", default="vehicle")
    asked = parser.parse_args()
    print(f"simulated; approvers are told from {SUSPECT} on")
    for seed in asked.seeds:
        for scenario in SCENARIOS:
            with tempfile.TemporaryDirectory(prefix="foreland-") as scratch:
                timeline = _timeline(Path(scratch), asked, scenario, seed)
            print(f"{seed} {scenario}: {_lowest(timeline, asked.kind)}", flush=True)


def _timeline(home: Path, asked: argparse.Namespace, scenario: str, seed: int) -> Timeline:
    border = home / "border"
    made = simulate(
        border,
        seed=seed,
        days=asked.days,
        movements_per_day=asked.movements_per_day,
        scenario=scenario,
    )
    kind = asked.kind
    with closing(open_ledger(f"sqlite:///{home / 'ledger.db'}")) as ledger:
        pseudonyms = pseudonyms_of(ledger, home / "keys")
        files = made.movements[kind], made.outcomes[kind]
        ingest(ledger, kind, *files, read_mapping(None, kind), pseudonyms)
        return load_timeline(ledger, available_before=_END_OF_TIME)


def _lowest(timeline: Timeline, kind: str) -> str:
    catalogue = catalogue_for(kind, timeline.attributes(kind))
    labelled = every_label(timeline, kind)
    rows = feature_rows(timeline, labelled.movements, labelled.as_of, catalogue)
    found = missing_finds(labelled_rows(labelled, rows, {}), catalogue)
    if not found:
        return "nowhere enough to be expected"
    one = min(found, key=lambda missing: missing.deviations)
    return (
        f"{one.deviations:.2f} (fails below {limit(len(found)):.2f}) at {one.place}, "
        f"{one.finds} finds of {one.expected:.1f} expected "
        f"in {one.examined} likely movements"
    )


if __name__ == "__main__":
    main()
