"""One ingest: a pass that checks every row, then a pass that commits them chunk by chunk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from features.files.mapping import FileMapping
from features.ingest.checking import Checked, check
from features.ingest.conflicts import Conflicts
from features.ingest.loading import EventMaker, Loaded, Loader
from features.ingest.rejects import Rejects, check_whole, rejects_of
from features.ingest.report import IngestReport, Refusals
from features.ingest.sources import Source, identify, open_sources
from features.ledger import Ledger
from features.pseudonyms import Pseudonyms

Progress = Callable[[str, int], None]
"""Told the pass, ``checked`` or ``loaded``, and how many rows it read since last time."""


def ingest(
    ledger: Ledger | None,
    kind: str,
    movements: Path | None,
    outcomes: Path | None,
    mapping: FileMapping,
    pseudonyms: Pseudonyms,
    *,
    dry_run: bool = False,
    rejects: Path | None = None,
    whole_rejects: Path | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Both files, all good rows of them; a file that cannot be used leaves nothing behind.

    Without an outcomes file the labels come from the movements file, if the mapping has
    ``[outcome]``; a row without a label is an unlabelled movement. With ``dry_run`` everything is
    read and checked, nothing is written, and ``ledger`` may be None. An ingest that was killed
    goes on where it was when it is started again; one that has ended adds nothing.

    ``rejects`` is the directory for the lists of refused rows; ``whole_rejects`` a CSV file for
    the rows themselves (those of a second file get ``-outcomes`` behind its name), written on a
    dry run too.

    Raises:
        InputError: for a file or mapping that cannot be used, before anything is written.
        LedgerBusy: while a server runs on the ledger.
        LedgerError: when the ledger can take no more; what it took before stays.
    """
    sources = open_sources(kind, movements, outcomes, mapping)
    tell = progress or _silent
    refusals = Refusals()
    with _all_rejects(sources, None if dry_run else rejects, whole_rejects) as lists:
        if dry_run:
            checked = check(sources, lists, refusals, marked=0, tick=partial(tell, "checked"))
            loaded, marked = Loaded(checked.events, 0), 0
        elif ledger is None:
            raise ValueError("only a dry run does without a ledger")
        else:
            with ledger.backfilling():
                pass  # a server runs on it: said now, not after the first pass
            identity = identify(sources, mapping)
            marked = ledger.marked_rows(identity.name)
            checked = check(sources, lists, refusals, marked=marked, tick=partial(tell, "checked"))
            identity.check(sources)
            conflicts = Conflicts.of(rejects, identity.name, marked)
            loader = Loader(
                sources,
                lists,
                refusals,
                identity,
                checked,
                conflicts,
                partial(tell, "loaded"),
            )
            loaded = loader.load(ledger, EventMaker(mapping, pseudonyms), marked)
    return _report(sources, checked, loaded, refusals, lists, marked=marked, dry_run=dry_run)


def _silent(_name: str, _rows: int) -> None:
    """The progress of an ingest that nobody watches."""


@contextmanager
def _all_rejects(
    sources: Sequence[Source], directory: Path | None, whole: Path | None
) -> Iterator[list[Rejects]]:
    names = [whole, None if whole is None else whole.with_stem(f"{whole.stem}-outcomes")]
    inputs = [source.table.path for source in sources]
    for name in names[: len(sources)]:
        if name is not None:
            check_whole(name, inputs)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                rejects_of(source.table, f"{source.kind}-{source.label}", directory, name)
            )
            for source, name in zip(sources, names, strict=False)
        ]


def _report(
    sources: Sequence[Source],
    checked: Checked,
    loaded: Loaded,
    refusals: Refusals,
    lists: Sequence[Rejects],
    *,
    marked: int,
    dry_run: bool,
) -> IngestReport:
    total = sum(checked.rows)
    return IngestReport(
        kind=sources[0].kind,
        movements=checked.movements,
        outcomes=dict(checked.outcomes),
        appended=loaded.appended,
        duplicates=loaded.duplicates,
        resumed_after=marked if marked < total else 0,
        rejected=dict(refusals.codes),
        rejected_rows=refusals.rows,
        refusals=refusals.by_reason(),
        rejects=tuple(path for refused in lists for path in refused.kept),
        outcomes_elsewhere=checked.elsewhere,
        times_twice=checked.times_twice,
        simulated=any(source.table.simulated for source in sources),
        dry_run=dry_run,
    )
