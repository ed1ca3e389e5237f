"""``foreland selectors``: entries of watch-lists, proposed by one person, approved by another."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.clock import iso, now_micros, parse_day
from features.errors import InputError
from features.keeping_cli import LedgerUrl
from features.ledger import Ledger, open_ledger
from features.settings import read_settings

if TYPE_CHECKING:
    from features.pseudonyms import Pseudonyms
    from serving.selectors.acts import Refusals
    from serving.selectors.standing import Standing

app = typer.Typer(no_args_is_help=True)
selectors = typer.Typer(no_args_is_help=True)
app.add_typer(selectors, name="selectors")

By = Annotated[str | None, typer.Option(help="Your name; by default that of your account.")]
Agency = Annotated[str | None, typer.Option(help="Whose selector it is; default: local.")]
ApproverKey = Annotated[
    Path | None,
    typer.Option(help="File with your own key, where approver_keys are configured."),
]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of selectors.")]
IdsFile = Annotated[
    Path | None, typer.Option("--from", help="File of ids, one a line, as import prints them.")
]


@selectors.callback()
def selectors_group() -> None:
    """Watch-list entries of agencies: proposed by one person, approved by another, never for ever.

    A movement that meets one says so beside its score. A running service follows before its next
    answer.

    Example: foreland selectors list
    """


@selectors.command("add")
def add(
    criterion: Annotated[
        list[str], typer.Option(help="`vehicle: AB12 CDE`, `origin_country = EC`; up to 4.")
    ],
    reason: Annotated[str, typer.Option(help="Why; who may see all of a match reads it.")],
    contact: Annotated[str, typer.Option(help="The desk to ask, never a person.")],
    handling: Annotated[str, typer.Option(help="open, contact or hidden: who sees a match.")],
    expires: Annotated[str, typer.Option(help="When it ends: a day or a time; required.")],
    starts: Annotated[str | None, typer.Option(help="When it begins; default: now.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Kinds; default: all possible.")] = None,
    action: Annotated[str, typer.Option(help="refer or inform.")] = "refer",
    threat: Annotated[str | None, typer.Option(help="What may be found.")] = None,
    marking: Annotated[str, typer.Option(help="Of the reason's text.")] = "OFFICIAL",
    agency: Agency = None,
    by: By = None,
    ledger: LedgerUrl = None,
) -> None:
    """Propose one selector; all its criteria have to hold. Its id is alone on the last line.

    Identifiers become pseudonyms at once; somebody else has to approve it.

    Example: foreland selectors add --criterion "vehicle: AB12 CDE" --criterion "trailer: C1"
    --reason "seen with a watched haulier" --contact "targeting desk" --handling contact
    --expires 2026-12-31
    """
    from serving.auth.access import LOCAL_AGENCY
    from serving.selectors import draft, propose

    row: dict[str, Any] = {
        "agency": agency or LOCAL_AGENCY,
        "criteria": criterion,
        "kinds": kind,
        "reason": reason,
        "threat": threat,
        "handling": handling,
        "marking": marking,
        "contact": contact,
        "action": action,
        "starts": starts,
        "expires": expires,
    }
    with _opened(ledger) as opened:
        said = draft(row, _pseudonyms(opened), by=by or _account(), now=now_micros())
        propose(opened, [said], said.creator)
    typer.echo(f"proposed; it matches nothing until somebody other than {said.creator} approves it")
    typer.echo(said.selector)


@selectors.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or TOML of selectors.")],
    agency: Agency = None,
    by: By = None,
    ledger: LedgerUrl = None,
) -> None:
    """Propose all selectors of a file, or none: each refused row is said. Prints their ids.

    CSV columns, and keys of [[selector]] tables in TOML: criteria (with ; between them in CSV),
    kinds, reason, threat, handling, marking, contact, action, starts, expires, agency.

    Example: foreland selectors import watch.csv > ids.txt
    """
    from serving.auth.access import LOCAL_AGENCY
    from serving.selectors import propose
    from serving.selectors.acts import Refusals
    from serving.selectors.files import read_drafts

    name = by or _account()
    with _opened(ledger) as opened:
        try:
            drafts = read_drafts(
                file,
                _pseudonyms(opened),
                agency=agency or LOCAL_AGENCY,
                by=name,
                now=now_micros(),
            )
            ids = propose(opened, drafts, name)
        except Refusals as exc:
            raise _each_said(exc) from exc
    typer.echo(f"{len(ids):,} selectors of {len(drafts):,} rows are proposed", err=True)
    for selector in ids:
        typer.echo(selector)


@selectors.command("approve")
def approve_selectors(
    ids: Ids = None,
    file: IdsFile = None,
    approver: By = None,
    key: ApproverKey = None,
    ledger: LedgerUrl = None,
) -> None:
    """Approve selectors that somebody else has proposed: all that are named, or none.

    Where approver_keys are configured, each approval is signed with your own.

    Example: foreland selectors approve 3f9a1c2b7d04e5f60718 --approver "B. Franklin"
    """
    from features.approvers import approver_of
    from serving.selectors import approve

    named = _named(ids, file)
    who = approver_of(approver or _account(), key, read_settings().approver_keys)
    _done(ledger, lambda opened: approve(opened, named, who.name, who.key))
    typer.echo(f"{len(named):,} approved")


@selectors.command("withdraw")
def withdraw_selectors(
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    ids: Ids = None,
    file: IdsFile = None,
    by: By = None,
    ledger: LedgerUrl = None,
) -> None:
    """Withdraw selectors, for good: all that are named, or none.

    Example: foreland selectors withdraw 3f9a1c2b7d04e5f60718 --reason "the lorry was scrapped"
    """
    from serving.selectors import withdraw

    named = _named(ids, file)
    _done(ledger, lambda opened: withdraw(opened, named, by or _account(), reason))
    typer.echo(f"{len(named):,} withdrawn")


@selectors.command("list")
def list_selectors(
    as_of: Annotated[
        str | None, typer.Option(help="As they stood when this day began, UTC; default: now.")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Only those of one agency.")] = None,
    ledger: LedgerUrl = None,
) -> None:
    """Show selectors and how they stand, hidden ones too; that they were shown is recorded.

    Example: foreland selectors list --as-of 2026-11-01
    """
    from serving import audit
    from serving.selectors.standing import standing

    instant = now_micros() if as_of is None else parse_day(as_of, "--as-of")
    with _opened(ledger) as opened:
        found = [
            one for one in standing(opened, instant) if agency is None or one.said.agency == agency
        ]
        note = audit.SelectorsListed(account=audit.account(), selectors=len(found))
        audit.record_note(opened, "selectors", note)
    approver_keys = read_settings().approver_keys
    for one in found:
        typer.echo(_line(one, approver_keys))
    typer.echo(f"{len(found):,} selectors", err=True)


def _line(one: "Standing", approver_keys: Mapping[str, str]) -> str:
    from features.approvers import shown_as

    said, approver = one.said, ""
    if one.approval is not None:
        shown = shown_as(*one.approval, approver_keys)
        approver = f", approved by {one.approval.said.approver} ({shown})"
    return (
        f"{said.selector} {one.state:<9} {said.agency} {said.handling} {said.action} "
        f"{'+'.join(said.kinds)} [{' & '.join(said.criteria)}] {iso(said.starts)} to "
        f"{iso(said.expires)}: {said.reason} [{said.marking}]; {said.contact}; by "
        f"{said.creator}{approver}"
    )


@contextmanager
def _opened(ledger: str | None) -> Iterator[Ledger]:
    with closing(open_ledger(ledger or read_settings().ledger, create=False)) as opened:
        yield opened


def _pseudonyms(opened: Ledger) -> "Pseudonyms":
    from features.rotation import pseudonyms_of

    return pseudonyms_of(opened, read_settings().keys)


def _done(ledger: str | None, act: Callable[[Ledger], None]) -> None:
    from serving.selectors.acts import Refusals

    with _opened(ledger) as opened:
        try:
            act(opened)
        except Refusals as exc:
            raise _each_said(exc) from exc


def _each_said(refused: "Refusals") -> InputError:
    """Every refusal on a line of its own; what is left to raise says how many there were."""
    if len(refused.lines) == 1:
        return refused
    for line in refused.lines:
        typer.echo(line, err=True)
    return InputError(f"{len(refused.lines):,} are refused, so nothing is changed; correct them")


def _named(ids: list[str] | None, file: Path | None) -> list[str]:
    named = [*(ids or ()), *(file.read_text("utf-8").split() if file else ())]
    if not named:
        raise InputError("no selector is named; give ids, or --from with a file of them")
    return list(dict.fromkeys(named))


def _account() -> str:
    from serving.audit import account

    return account()
