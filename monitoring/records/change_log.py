"""The change log of models: approvals, promotions, roll-backs and challengers, who and why."""

from collections.abc import Sequence

from features.clock import iso
from monitoring.page import KIND_WORDS, kind_heading
from monitoring.statistics.serving_changes import Change


def change_log(changes: Sequence[Change]) -> str:
    """In Markdown, a kind after the other, the newest first."""
    lines = [
        "# Change log of models",
        "",
        "From the ledger. Authenticated: signed with the key that is configured for that name.",
        "",
    ]
    for kind in KIND_WORDS:
        its = [change for change in changes if change.kind == kind]
        lines += [f"## {kind_heading(kind)}", ""]
        lines += [entry for change in reversed(its) for entry in _entry(change)] or ["Nothing yet."]
        lines.append("")
    return "\n".join(lines)


def _entry(change: Change) -> list[str]:
    what = change.what if change.version is None else f"version {change.version} {change.what}"
    if change.from_version is not None:
        what += f" instead of version {change.from_version}"
    shown = "authenticated" if change.authenticated else "attributed"
    moment = iso(change.at)[:19].replace("T", " ")
    lines = [f"- {moment} UTC: {what} by {' and '.join(change.by)} ({shown})"]
    if change.bundle_sha256:
        lines.append(f"  - bundle sha256 `{change.bundle_sha256}`")
    if change.reason:
        lines.append(f"  - reason: {' '.join(change.reason.split())}")
    lines += [f"  - accepted {gate}" for gate in change.acknowledged]
    return lines
