"""The rows of ``make bench`` about what comes in: records, files, ledgers."""

from collections.abc import Iterator

from tests.benchmarks.ingesting import dry_runs
from tests.benchmarks.ledger_append import append_rates
from tests.benchmarks.validation import validation_rates, whole_message_rates


def validation_rows(records: int) -> Iterator[str]:
    yield f"validation, {records:,} records of each kind, records per CPU second"
    yield f"{'':24}{'vehicle':>12}{'vessel':>12}{'shipment':>12}"
    for name, rates in (
        ("text as from a file", validation_rates(records)),
        ("every field given", whole_message_rates(records // 20)),
    ):
        yield f"{name:24}" + "".join(f"{rates[kind]:12,.0f}" for kind in rates)


def append_rows(events: int) -> Iterator[str]:
    """Of wall time, in which the database's own work is; CPU is this process's alone."""
    yield f"bulk appends, {events:,} movements, 10,000 a commit, every commit on disk"
    yield f"{'':24}{'events/s':>12}{'bare/ours':>12}{'per CPU s':>12}{'bare/ours':>12}"
    for rate in append_rates(events):
        yield (
            f"{rate.name:24}{rate.ours_wall:12,.0f}{rate.bare_wall / rate.ours_wall:12.1f}"
            f"{rate.ours:12,.0f}{rate.bare / rate.ours:12.1f}"
        )


def ingest_rows(days: int, repeat: int) -> Iterator[str]:
    yield "first pass of an ingest, every rule of every row, one core"
    yield f"{'':24}{'rows':>12}{'rows/CPU s':>12}{'bare/ours':>12}"
    for name, rows, checked_s, read_s in dry_runs(days, repeat):
        yield f"{name:24}{rows:12,}{rows / checked_s:12,.0f}{checked_s / read_s:12.1f}"
