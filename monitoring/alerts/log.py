"""The alerts as the audit log has them, and the notes that change them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Literal, NamedTuple

from features.clock import Micros
from features.ledger import Ledger, Tables, open_tables
from monitoring.alerts.standing import Key
from serving.audit import (
    AlertAcknowledged,
    AlertCleared,
    AlertDelivered,
    AlertRaised,
    AuditStream,
    Note,
    new_stream_name,
    prepare,
)
from serving.audit.entries import Record
from serving.audit.period import records_of

ROLE = "alerts"
"""Of the streams of the audit log that hold alerts, and of no others."""
News = Literal["raised", "cleared"]


class Alert(NamedTuple):
    """One alert with all that became of it."""

    raised: AlertRaised
    raised_at: Micros
    cleared_at: Micros | None = None
    acknowledged: AlertAcknowledged | None = None
    acknowledged_at: Micros | None = None
    delivered: frozenset[tuple[News, str]] = frozenset()
    """What was told to which channel."""

    @property
    def id(self) -> str:
        return self.raised.alert

    @property
    def key(self) -> Key:
        return Key(self.raised.kind, self.raised.area, self.raised.name)

    @property
    def is_open(self) -> bool:
        """It has neither cleared nor been replaced by another colour."""
        return self.cleared_at is None

    @property
    def waits(self) -> bool:
        """Open, and nobody has acknowledged it."""
        return self.is_open and self.acknowledged is None

    def news_for(self, channel: str) -> News | None:
        """What the channel is to be told; a clearing only if it heard of the raising."""
        heard = ("raised", channel) in self.delivered
        if self.is_open:
            return None if heard else "raised"
        return "cleared" if heard and ("cleared", channel) not in self.delivered else None


def alerts_of(records: Iterable[Record]) -> dict[str, Alert]:
    """By id, in the order in which they were raised."""
    found: dict[str, Alert] = {}
    for record in records:
        said = record.entry
        match said:
            case AlertRaised():
                found[said.alert] = Alert(said, record.recorded_at)
            case AlertCleared():
                found[said.alert] = found[said.alert]._replace(cleared_at=record.recorded_at)
            case AlertAcknowledged():
                found[said.alert] = found[said.alert]._replace(
                    acknowledged=said, acknowledged_at=record.recorded_at
                )
            case AlertDelivered():
                alert = found[said.alert]
                told = alert.delivered | {(said.news, said.channel)}
                found[said.alert] = alert._replace(delivered=told)
            case _:
                pass
    return found


def read_alerts(tables: Tables) -> Mapping[str, Alert]:
    return alerts_of(records_of(tables, ROLE))


def alerts_in(ledger_url: str) -> Mapping[str, Alert]:
    with closing(open_tables(ledger_url)) as tables:
        return read_alerts(tables)


def write_notes(ledger: Ledger, notes: Sequence[Note]) -> None:
    """All of them in one commit, in one stream."""
    if not notes:
        return
    stream = AuditStream(new_stream_name(ROLE))
    with ledger.transaction() as transaction:
        prepare(transaction)
        for note in notes:
            stream.note(transaction, note)
