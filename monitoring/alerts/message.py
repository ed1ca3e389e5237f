"""What a channel is told of an alert: the same in the file, to a webhook and by mail."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from features.clock import iso
from monitoring.alerts.log import Alert, News
from monitoring.page import KIND_WORDS
from monitoring.signals import AREAS


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news about one alert."""

    alert: str
    news: News
    at: str
    """When it was raised or cleared."""
    colour: str
    area: str
    name: str
    kind: str | None
    says: str
    value: str
    n: int
    rule: str
    owner: str
    action: str
    page: str
    """Address, or path, of the page and the figure that show it."""
    acknowledge: str
    """The command by which somebody takes it on."""


class Told(NamedTuple):
    alert: Alert
    news: News
    message: Message


def told(alert: Alert, news: News, site: str) -> Told:
    """
    Args:
        site: where readers find the site, without a slash at its end.
    """
    raised = alert.raised
    cleared = news == "cleared" and alert.cleared_at is not None
    message = Message(
        alert=alert.id,
        news=news,
        at=iso(alert.cleared_at if cleared and alert.cleared_at else alert.raised_at),
        colour=raised.colour,
        area=raised.area,
        name=raised.name,
        kind=raised.kind,
        says=raised.says,
        value=raised.value,
        n=raised.n,
        rule=raised.rule,
        owner=raised.owner,
        action=raised.action,
        page=f"{site}/{raised.period}/{raised.figure}",
        acknowledge=f'foreland alerts ack {alert.id} --by NAME --reason "..."',
    )
    return Told(alert, news, message)


def in_words(message: Message) -> str:
    """Some lines for a person."""
    about = "" if message.kind is None else f" ({KIND_WORDS[message.kind]})"
    title = f"{AREAS.get(message.area, message.area)}{about}: {message.name.replace('-', ' ')}"
    if message.news == "cleared":
        return f"CLEARED {message.alert}  {title}\n  {message.colour} no more since {message.at}\n"
    return (
        f"{message.colour.upper()} {message.alert}  {title}\n"
        f"  {message.says}\n"
        f"  {message.owner}: {message.action}\n"
        f"  {message.page}\n"
        f"  value {message.value}, n {message.n:,}; {message.rule}\n"
        f"  {message.acknowledge}\n"
    )


def subject(all_told: Sequence[Told]) -> str:
    """
    >>> subject([])
    'Foreland: 0 alerts'
    """
    raised = [one.message for one in all_told if one.news == "raised"]
    red = sum(message.colour == "red" for message in raised)
    cleared = len(all_told) - len(raised)
    said = f"Foreland: {len(raised)} alert{'' if len(raised) == 1 else 's'}"
    said += f", {red} red" if red else ""
    return said + (f", {cleared} cleared" if cleared else "")
