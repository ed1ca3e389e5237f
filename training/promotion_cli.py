"""Commands about which version serves: ``foreland compare``, ``promote``, ``rollback``, ..."""

from pathlib import Path
from typing import Annotated

import typer

from features.errors import InputError
from features.settings import read_settings
from training.progress import progress_in_words

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[str, typer.Option(help="vehicle, vessel or shipment.")]
LedgerUrl = Annotated[str | None, typer.Option(help="Ledger URL; default: the home's own.")]
Version = Annotated[int, typer.Option(min=1, help="A registered version.")]
Key = Annotated[
    Path | None,
    typer.Option(help="File with your own key, where approver_keys are configured."),
]
ApproverName = Annotated[str, typer.Option(help="Your name.")]


@app.command()
def compare(
    kind: Kind,
    first: Annotated[int, typer.Argument(min=1, help="A registered version.")],
    second: Annotated[int, typer.Argument(min=1, help="Another one.")],
    since: Annotated[
        str | None, typer.Option(help="Leave out what became known before this day.")
    ] = None,
    only_json: Annotated[
        bool, typer.Option("--json", help="Say nothing but the line of JSON.")
    ] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Score two versions on the same matured labels that neither has learned from.

    Paired intervals of precision at 5 %, ROC AUC, log loss and calibration error; movements that
    one refers and the other not, with reasons; which groups gain and lose. The last line of
    standard output is JSON.

    Example: foreland compare --kind vehicle 1 2
    """
    import msgspec

    from training.compare import compare as compare_now
    from training.comparison_text import in_words

    with progress_in_words() as say:
        found = compare_now(
            read_settings(), kind, first, second, since=since, ledger_url=ledger, progress=say
        )
    for line in () if only_json else in_words(found):
        typer.echo(line, err=True)
    typer.echo(msgspec.json.encode(found).decode())


@app.command()
def promote(
    kind: Kind,
    version: Version,
    approver: Annotated[str, typer.Option(help="Your name; two different people are needed.")],
    key: Key = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="NAME=REASON of a failed gate that you accept; may be repeated."),
    ] = None,
    ledger: LedgerUrl = None,
) -> None:
    """Approve a version; the second, different approver promotes it and the service loads it.

    Every gate is asked at each approval. One that fails blocks, unless it is acknowledged by name
    with a reason, which is kept in the ledger with the approval.

    Example: foreland promote --kind vehicle --version 1 --approver "A. Lovelace"
    """
    from training.gates import in_words
    from training.promote import promote as promote_now

    reasons = dict(map(_name_and_reason, acknowledge or ()))
    with progress_in_words() as say:
        result = promote_now(
            read_settings(),
            kind,
            version,
            approver,
            key_file=key,
            acknowledge=reasons,
            ledger_url=ledger,
            progress=say,
        )
    for gate in result.gates:
        typer.echo(in_words(gate), err=True)
    typer.echo(result.sentence)


@app.command()
def rollback(
    kind: Kind,
    approver: ApproverName,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")],
    to: Annotated[
        int | None, typer.Option(min=1, help="A promoted version; default: the one before.")
    ] = None,
    key: Key = None,
    ledger: LedgerUrl = None,
) -> None:
    """Make the version serve again that served before, or an earlier promoted one.

    One person is enough: two people promoted it before.

    Example: foreland rollback --kind vehicle --approver "A. Lovelace" --reason "scores too high"
    """
    from training.rollback import roll_back

    with progress_in_words() as say:
        result = roll_back(
            read_settings(),
            kind,
            approver,
            reason,
            to=to,
            key_file=key,
            ledger_url=ledger,
            progress=say,
        )
    typer.echo(result.sentence)


@app.command()
def challenge(
    kind: Kind,
    approver: ApproverName,
    version: Annotated[int | None, typer.Option(min=1, help="A registered version.")] = None,
    stop: Annotated[bool, typer.Option(help="No version is the challenger any more.")] = False,
    key: Key = None,
    ledger: LedgerUrl = None,
) -> None:
    """Name the version that may be scored in the champion's shadow: recorded, never shown.

    Example: foreland challenge --kind vehicle --version 2 --approver "A. Lovelace"
    """
    from training.challenge import challenge as challenge_now

    if (version is None) != stop:
        raise InputError("give --version to name a challenger, or --stop to have none any more")
    with progress_in_words() as say:
        sentence = challenge_now(
            read_settings(),
            kind,
            version,
            approver,
            key_file=key,
            ledger_url=ledger,
            progress=say,
        )
    typer.echo(sentence)


@app.command()
def approvals(kind: Kind, ledger: LedgerUrl = None) -> None:
    """List who approved, promoted and rolled back which version, and verify every signature.

    Exit status 1 when a signature does not hold.

    Example: foreland approvals --kind vehicle
    """
    from contextlib import closing

    from features.ledger import open_ledger
    from training.approvals import recorded_approvals

    settings = read_settings()
    with closing(open_ledger(ledger or settings.ledger, create=False)) as opened:
        found = recorded_approvals(opened.tail(0), kind, settings.approver_keys)
    for line in found.lines:
        typer.echo(line)
    if found.wrong:
        typer.echo(f"{found.wrong} signatures do not hold", err=True)
        raise typer.Exit(1)


@app.command("approver-key")
def approver_key(
    out: Annotated[Path, typer.Option(help="New file for the key; keep it to yourself.")],
    name: Annotated[str, typer.Option(help="The approver's name.")],
) -> None:
    """Make an approver's key; prints the line for foreland.toml that makes it count.

    Example: foreland approver-key --name "A. Lovelace" --out lovelace.key
    """
    import json

    from features.approvers import make_approver_key

    public = make_approver_key(out).public.hex()
    typer.echo(f"{out} holds the key of {name}, readable by you alone; never copy it", err=True)
    typer.echo("next: whoever keeps foreland.toml adds this line under [approver_keys]:", err=True)
    typer.echo(f"{json.dumps(name)} = {json.dumps(public)}")


def _name_and_reason(text: str) -> tuple[str, str]:
    name, separator, reason = text.partition("=")
    if not separator:
        raise InputError(f"--acknowledge {text}: write NAME=REASON, such as groups='new port'")
    return name.strip(), reason
