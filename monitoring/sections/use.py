"""What changed about the models, and documented use beside deployed use: parts of "What served"."""

import pandas as pd

from features.clock import iso
from monitoring.findings import OfTheService
from monitoring.page import KIND_WORDS, Figure, Part, Worry, kind_heading
from monitoring.periods import Period
from monitoring.signals import Signal
from monitoring.statistics.serving_changes import SERVES, Change, served_before
from monitoring.statistics.use import FEWEST_DECISIONS
from monitoring.tables import Column, Table, percent
from serving.auth.access import LOCAL, SCOPES

DOCUMENTED = (
    "Documented use: a score advises which movements to examine, an officer decides, and every "
    "client is named and does no more than its scopes allow. What follows is what was done."
)


def parts(service: OfTheService, period: Period) -> tuple[Part, ...]:
    figures = [_scopes(service)] if len(service.scopes) else []
    texts: tuple[str, ...] = (DOCUMENTED,)
    if service.calls.empty:
        texts += (f"Nobody called the service in {period.title}.",)
    else:
        figures.append(_calls(service, period))
    if len(service.actions):
        figures.append(_actions(service))
    return (Part("Changes", *_changes(service, period)), Part("Use", texts, tuple(figures)))


def _changes(service: OfTheService, period: Period) -> tuple[tuple[str, ...], tuple[Figure, ...]]:
    its = [change for change in service.changes if period.start <= change.at < period.end]
    if not its:
        return (f"Nothing about the models was approved or changed in {period.title}.",), ()
    frame = pd.DataFrame([_row(change) for change in its])
    table = Table(
        "changes",
        f"Approvals and changes of models in {period.title}",
        (
            Column("when", "When (UTC)"),
            Column("kind", "Kind"),
            Column("what", "What"),
            Column("by", "By"),
            Column("why", "Why", missing="no reason is asked for"),
        ),
        frame,
    )
    says, worry = _changes_in_words(service, period, its)
    definition = (
        "From the ledger: every approval, promotion, roll-back and challenger that became known in "
        "the period. Authenticated where the word is signed with the key that is configured for "
        "that name. The change log among the records has all of them since the beginning."
    )
    return (), (Figure(says, worry, table, definition, signals=_roll_backs(its)),)


def _changes_in_words(
    service: OfTheService, period: Period, its: list[Change]
) -> tuple[str, Worry]:
    moved = []
    for kind in KIND_WORDS:
        before = served_before(service.changes, kind, period.start)
        after = served_before(service.changes, kind, period.end)
        if before != after:
            was = "no model" if before is None else f"version {before}"
            moved.append(f"{KIND_WORDS[kind]} went from {was} to version {after}")
    rolled_back = any(change.what == "rolled back" for change in its)
    if moved:
        says = f"Since the month before, {', and '.join(moved)}."
    else:
        says = "The same versions serve as at the end of the period before."
    if rolled_back:
        says += " People went back to an earlier version: the reason stands below."
    return says, "look" if rolled_back else "calm"


def _row(change: Change) -> dict[str, str | None]:
    what = change.what if change.version is None else f"version {change.version} {change.what}"
    if change.from_version is not None:
        what += f", instead of version {change.from_version}"
    shown = "authenticated" if change.authenticated else "attributed"
    why = change.reason or "; ".join(change.acknowledged) or None
    return {
        "when": iso(change.at)[:16].replace("T", " "),
        "kind": kind_heading(change.kind),
        "what": what,
        "by": f"{' and '.join(change.by)} ({shown})",
        "why": why,
    }


def _roll_backs(its: list[Change]) -> tuple[Signal, ...]:
    moves = [change for change in its if change.what in SERVES]
    backs = sum(change.what == "rolled back" for change in moves)
    return (
        Signal(
            area="served",
            name="roll-back",
            kind=None,
            colour="amber" if backs else "green",
            value=float(backs),
            n=len(moves),
            rule="amber when people went back to an earlier version in the period",
            owner="model owner",
            action="find out what the version that was taken out did, before another is promoted",
        ),
    )


def _calls(service: OfTheService, period: Period) -> Figure:
    calls = service.calls
    scores = calls[calls["operation"] == "score"]
    total = int(scores["times"].sum())
    clients = scores["client"].nunique()
    without = int(scores.loc[scores["client"] == LOCAL.name, "times"].sum())
    says = f"{total:,} answers went to {clients:,} {'client' if clients == 1 else 'clients'}"
    says += f" in {period.title}"
    worry: Worry = "calm"
    if without:
        says += f"; {without:,} of them to whoever asked on the machine, without a credential"
        worry = "look"
    table = Table(
        "calls",
        "Who called what",
        (
            Column("agency", "Agency"),
            Column("client", "Client"),
            Column("operation", "Operation"),
            Column("times", "Times", "count"),
        ),
        calls.assign(operation=calls["operation"].str.replace("_", " ")),
    )
    definition = (
        "Score: answers in the audit log, single or in a batch, each movement version once. Stored "
        "score, score page, proof and scores of movement: looks at recorded answers, which are "
        "recorded too. Outcomes and decisions: events of the ledger that came through the API; the "
        "ledger keeps their agency and not their client. Counts of calls have no interval."
    )
    signal = Signal(
        area="served",
        name="without-credential",
        kind=None,
        colour="amber" if without else "green",
        value=float(without),
        n=total,
        rule="amber when any answer was given without a credential",
        owner="operations",
        action="make a key for each client with foreland keys create: the first closes the service",
    )
    return Figure(f"{says}.", worry, table, definition, signals=(signal,))


def _scopes(service: OfTheService) -> Figure:
    idle = service.scopes[service.scopes["not_used"] != ""]
    says = "Every client used every scope that it holds."
    if (service.scopes["may"] == "").all():
        says = "No client holds a key, so what each may do is not written down here."
    elif len(idle):
        says = (
            f"{len(idle):,} of {len(service.scopes):,} clients did not use all that they may do; "
            "a scope that is never used can be taken away."
        )
    table = Table(
        "scopes",
        "What clients may do and what they did",
        (
            Column("client", "Client"),
            Column("may", "May (by its key)", missing="by its token, or before there were keys"),
            Column("did", "Did", missing="nothing in the period"),
            Column("not_used", "Not used", missing="none"),
        ),
        service.scopes.replace("", None),
    )
    meanings = "; ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items())
    definition = (
        "May: scopes of the client's API keys that are not revoked. Did: scopes that its calls of "
        f"the period ask for. What each scope is for: {meanings}."
    )
    return Figure(says, "calm", table, definition)


def _actions(service: OfTheService) -> Figure:
    actions = service.actions
    total = actions["answers"].sum()
    known, risk, chance = (actions[why].sum() for why in ("for_knowledge", "for_risk", "by_chance"))
    says = (
        f"Of {total:,.0f} answers {risk:,.0f} ({percent(risk / total)}) advised an examination for "
        f"their risk, {known:,.0f} ({percent(known / total)}) because a selector or rule matched "
        f"and {chance:,.0f} ({percent(chance / total)}) by chance; what officers then decided "
        "stands beside."
    )
    table = Table(
        "actions",
        "Which bands led to which action",
        (
            Column("kind", "Kind"),
            Column("band", "Band"),
            Column("answers", "Answers", "count"),
            Column("for_knowledge", "Referred for a match", "count"),
            Column("for_risk", "Referred for risk", "count"),
            Column("by_chance", "Referred by chance", "count"),
            *(
                Column(name, heading, "count", missing=f"under {FEWEST_DECISIONS} decisions")
                for name, heading in (
                    ("referred", "Officer referred"),
                    ("released", "Officer released"),
                    ("overridden", "Officer overrode"),
                    ("undecided", "No decision told"),
                )
            ),
        ),
        actions.assign(kind=[kind_heading(kind) for kind in actions["kind"]]),
    )
    definition = (
        "From the audit log: the recorded selection of every answer of the period. By chance: a "
        "random referral whatever the band, or a draw where no model spoke. Decisions: the last "
        "one about the answer that was known when this was made, whatever its period; kept back "
        f"for a band with fewer than {FEWEST_DECISIONS} of them. Counts have no interval."
    )
    return Figure(says, "calm", table, definition)
