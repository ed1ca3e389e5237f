"""``foreland explain`` and ``foreland replay``: what is done with one recorded assessment."""

from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer

from features.errors import InputError
from features.settings import read_settings

app = typer.Typer(no_args_is_help=True)

ScoreId = Annotated[str, typer.Argument(help="The score_id of an assessment.")]
LedgerUrl = Annotated[str | None, typer.Option(help="Ledger URL; default: the home's.")]


@app.command()
def explain(
    score_id: ScoreId,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page that opens and prints anywhere.")
    ] = None,
) -> None:
    """Show one recorded assessment as an officer reads it; that it was shown is recorded.

    Example: foreland explain 0199a3c2-7c1e-7b52-9d0e-4f6f1f0b8a11
    """
    from features.ledger import open_ledger
    from serving.audit import AssessmentRead, account, read_one, record_note
    from serving.auth.access import LOCAL_AGENCY
    from serving.officer import narrative
    from serving.officer_page import page_of

    settings = read_settings()
    recorded = read_one(settings.ledger, score_id)
    if recorded is None:
        raise InputError(
            f"no assessment {score_id!r} in {settings.ledger}; an id comes with every answer "
            "of POST /v1/scores"
        )
    note = AssessmentRead(score_id=score_id, client=account(), agency=LOCAL_AGENCY, how="explain")
    with closing(open_ledger(settings.ledger, create=False)) as ledger:
        record_note(ledger, "explain", note)
    if html is None:
        typer.echo(narrative(recorded))
        return
    html.write_bytes(page_of(recorded))
    typer.echo(f"page: {html}")


@app.command()
def replay(score_id: ScoreId, ledger: LedgerUrl = None) -> None:
    """Compute a recorded score again, from ledger and bundle, and compare it bit for bit.

    Takes what the ledger held then, and the bundle whose sha256 is recorded, from pins/ or bundles/
    in the home, whatever serves now. All of the ledger is read and verified. Exit status 0: the
    same, or erased by retention; 1: it differs, and the first difference is shown.

    Example: foreland replay 0199a3c2-7c1e-7b52-9d0e-4f6f1f0b8a11
    """
    from features.ledger import LedgerError, open_ledger
    from serving.audit import AssessmentRead, account, record_note
    from serving.auth.access import LOCAL_AGENCY
    from serving.replaying import replay as replay_score

    settings = read_settings()
    url = ledger or settings.ledger
    done = replay_score(settings, url, score_id)
    note = AssessmentRead(score_id=score_id, client=account(), agency=LOCAL_AGENCY, how="replay")
    # What was found must be told even where nothing can be recorded any more.
    with suppress(LedgerError), closing(open_ledger(url, create=False)) as opened:
        record_note(opened, "replay", note)
    for line in done.lines:
        typer.echo(line)
    if not done.agrees:
        raise typer.Exit(1)
