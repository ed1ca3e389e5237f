"""One run: look at the signals, record what changed, tell every channel what it has not heard."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from features.clock import now_micros
from features.errors import InputError
from features.ledger import Ledger, open_ledger
from features.settings import Settings
from monitoring.alerts.channels import Channel, NotDelivered, channels_of
from monitoring.alerts.log import Alert, alerts_in, write_notes
from monitoring.alerts.message import told
from monitoring.alerts.metrics import write_metrics
from monitoring.alerts.rules import changes
from monitoring.alerts.standing import Signals, read_signals
from serving.audit import AlertAcknowledged, AlertDelivered, account

LONGEST_REASON = 200


class Checked(NamedTuple):
    """What a run came to."""

    period: str
    site: Path
    raised: int
    cleared: int
    alerts: Mapping[str, Alert]
    failures: tuple[str, ...]
    """Channels that did not take what they were told, and why; the next run tells them."""

    @property
    def waiting(self) -> tuple[Alert, ...]:
        """Open, and acknowledged by nobody."""
        return tuple(alert for alert in self.alerts.values() if alert.waits)


def check(
    settings: Settings, period: str | None = None, progress: Callable[[str], None] | None = None
) -> Checked:
    """Write the page of the month so far, and do what its signals ask for.

    Raises:
        InputError: a channel cannot be used as it is configured, or another run is at it.
        NothingToReport: the ledger holds no movement.
    """
    channels = channels_of(settings)
    with _alone(settings.alerts):
        signals, site = _look(settings, period, progress)
        with closing(open_ledger(settings.ledger, create=False)) as ledger:
            return act(settings, ledger, signals, site, channels)


def act(
    settings: Settings, ledger: Ledger, signals: Signals, site: Path, channels: Sequence[Channel]
) -> Checked:
    """The run once the signals are known."""
    before = alerts_in(ledger.url)
    notes = changes(signals, before.values(), account(), _new_id)
    write_notes(ledger, notes)  # before anybody is told: an alert that is told of is recorded
    alerts = alerts_in(ledger.url)
    address = (settings.alert_site or str(site)).rstrip("/")
    failures = [_tell(ledger, alerts.values(), channel, address) for channel in channels]
    alerts = alerts_in(ledger.url)
    metrics = settings.alert_metrics or settings.alerts / "foreland.prom"
    write_metrics(metrics, signals, alerts.values(), now_micros())
    raised = len(alerts) - len(before)
    return Checked(
        period=signals.period,
        site=site,
        raised=raised,
        cleared=len(notes) - raised,
        alerts=alerts,
        failures=tuple(failure for failure in failures if failure is not None),
    )


def acknowledge(ledger: Ledger, alert_id: str, by: str, reason: str) -> Alert:
    """Somebody takes the alert on: nobody is told of it again until its colour changes.

    Raises:
        InputError: there is no such open alert, or no name or reason was given.
    """
    name, why = (" ".join(text.split()) for text in (by, reason))
    if not name or not 0 < len(why) <= LONGEST_REASON:
        raise InputError(f"--by is a name and --reason 1 to {LONGEST_REASON} characters")
    alert = alerts_in(ledger.url).get(alert_id)
    if alert is None or not alert.is_open:
        raise InputError(f"no open alert {alert_id!r}; foreland alerts list shows those that are")
    said = AlertAcknowledged(alert=alert_id, by=name, reason=why, account=account())
    write_notes(ledger, [said])
    return alert


def _tell(ledger: Ledger, alerts: Iterable[Alert], channel: Channel, site: str) -> str | None:
    """Why the channel did not take it; None when it did, or there was nothing to tell."""
    news = [
        told(alert, what, site)
        for alert in alerts
        if (what := alert.news_for(channel.name)) is not None
    ]
    if not news:
        return None
    try:
        channel.tell(news)
    except NotDelivered as exc:
        return f"{channel.name}: {exc}"
    who = account()
    write_notes(
        ledger,
        [
            AlertDelivered(alert=one.alert.id, news=one.news, channel=channel.name, account=who)
            for one in news
        ],
    )
    return None


def _look(
    settings: Settings, period: str | None, progress: Callable[[str], None] | None
) -> tuple[Signals, Path]:
    """Signals of a page that is made anew, and the site that holds it."""
    from monitoring.report import write_report

    scratch = Path(tempfile.mkdtemp(prefix=".site.", dir=settings.alerts))
    site = settings.alerts / "site"
    try:
        result = write_report(settings, period, scratch / "site", progress, for_alerts=True)
        signals = read_signals(result.page.parent)
        shutil.rmtree(site, ignore_errors=True)
        (scratch / "site").rename(site)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return signals, site


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs at once would raise everything twice."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise InputError("another foreland alerts is running; wait for its end") from exc
        yield
    finally:
        os.close(descriptor)


def _new_id() -> str:
    return secrets.token_hex(4)
