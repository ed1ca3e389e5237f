"""``foreland trends``: what is new, rising or falling lately, on a terminal or as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.settings import read_settings

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True)

MOST_WEEKS = 520


@app.command("trends")
def trends_command(
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="As it was known before this day (UTC); now by default."),
    ] = None,
    weeks: Annotated[
        int, typer.Option(min=1, max=MOST_WEEKS, help="How many weeks before that are looked at.")
    ] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead.")] = False,
    draft_rules: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a draft of a rule for each rise among finds."),
    ] = None,
) -> None:
    """What is new, rising or falling, among finds and among movements.

    The last weeks are compared with the 90 days before them. Finds are compared per examination,
    so that looking more is not taken for more smuggling. Named is what luck hardly explains, given
    how many combinations are looked at. Nothing is written but the drafts that are asked for; a
    draft is no rule until a person has completed it and two others have approved it.

    Example: foreland trends --as-of 2026-03-01 --weeks 4 --draft-rules drafts
    """
    from contextlib import closing
    from functools import partial

    from features.clock import MICROS_PER_DAY, iso, now_micros, parse_day
    from features.ledger import open_ledger
    from features.records import KINDS
    from features.timeline import load_timeline
    from monitoring.drafts import drafts_of, write_drafts
    from monitoring.findings import REFERENCE_DAYS
    from monitoring.statistics.trends import Windows, trends
    from monitoring.tactics import WITH_CONCEALMENT, combinations, movements_and_results

    settings = read_settings()
    end = now_micros() if as_of is None else parse_day(as_of, "--as-of")
    start = end - weeks * 7 * MICROS_PER_DAY
    windows = Windows(start - REFERENCE_DAYS * MICROS_PER_DAY, start, end)
    with closing(open_ledger(settings.ledger, create=False)) as ledger:
        timeline = load_timeline(ledger, available_before=end)
    found = {
        kind: trends(
            movements_and_results(timeline.of_kind(kind), timeline.outcomes, kind),
            windows,
            combinations(kind),
            WITH_CONCEALMENT[kind],
        )
        for kind in KINDS
    }
    simulated = bool(timeline.movements["simulated"].any())
    if draft_rules is not None:
        tell = partial(typer.echo, err=True)
        drafts = [
            draft for kind, table in found.items() for draft in drafts_of(table, kind, end, tell)
        ]
        for file in write_drafts(drafts, draft_rules):
            typer.echo(f"drafted {file}", err=True)
    if as_json:
        said = {
            "as_of": iso(end),
            "since": iso(start),
            "compared_with_since": iso(windows.before),
            "simulated": simulated,
            "kinds": {kind: _for_machines(table) for kind, table in found.items()},
        }
        typer.echo(json.dumps(said, sort_keys=True))
        return
    if simulated:
        typer.echo("simulated data: nothing here describes a real border", err=True)
    typer.echo(f"{iso(start)} to {iso(end)}, beside {REFERENCE_DAYS} days before")
    for kind, table in found.items():
        _print(kind, table)


def _for_machines(table: "pd.DataFrame") -> dict[str, Any]:
    """Counts of tests, and the rows that are named; null for what is not known."""
    from monitoring.statistics.trends import changing

    named: dict[str, Any] = {"tested": len(table)}
    for among in ("finds", "movements"):
        rows = json.loads(changing(table, among).to_json(orient="records"))
        named[among] = rows
    return named


def _print(kind: str, table: "pd.DataFrame") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from monitoring.statistics.trends import changing
    from monitoring.tactics import in_words

    console = Console()
    for among in ("finds", "movements"):
        tested = int(table[f"among_{among}"].notna().sum())
        rows = changing(table, among)
        if rows.empty:
            console.print(f"{kind}: nothing changed among {among} ({tested} combinations tested)")
            continue
        shown = Table(
            box=SIMPLE_HEAD,
            title=f"{kind}: {len(rows)} of {tested} combinations changed among {among}",
        )
        shown.add_column("combination", overflow="fold")
        for heading in ("trend", "now", "before", "examined now", "before", "p adjusted"):
            shown.add_column(heading, justify="right")
        for row in rows.to_dict("records"):
            counted = ("finds", "examined") if among == "finds" else ("movements", None)
            now, before = (_of(row, *counted, when=when) for when in ("", "_before"))
            looked = [f"{row[f'examination_rate{when}']:.1%}" for when in ("", "_before")]
            shown.add_row(
                in_words(row["what"], row["value"]),
                *(str(row[f"among_{among}"]), now, before, *looked, f"{row[f'{among}_p']:.2g}"),
            )
        console.print(shown)


def _of(row: Any, count: str, of: str | None, *, when: str) -> str:
    """
    >>> _of({"finds": 3, "examined": 40}, "finds", "examined", when="")
    '3 of 40'
    """
    number = f"{row[f'{count}{when}']:,}"
    return number if of is None else f"{number} of {row[f'{of}{when}']:,}"
