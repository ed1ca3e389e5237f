"""What is raised, cleared, told and kept back: rules on made-up signals, channels that are real."""

import email
import email.policy
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.errors import InputError
from features.ledger import Ledger
from features.settings import Settings
from monitoring.alerts.channels import (
    SIGNATURE,
    FileChannel,
    Mail,
    NotDelivered,
    Webhook,
    channels_of,
    signature,
)
from monitoring.alerts.log import alerts_in
from monitoring.alerts.run import Checked, acknowledge, act
from monitoring.alerts.standing import Signals, StandingSignal
from monitoring.signals import Colour
from tests.mail_server import mail_server


def signal(colour: Colour, name: str = "score-psi", kind: str | None = "vehicle") -> StandingSignal:
    return StandingSignal(
        area="drift",
        name=name,
        kind=kind,
        colour=colour,
        value=0.3,
        n=1_000,
        rule="red from 0.25, amber from 0.10",
        owner="model owner",
        action="retrain",
        figure="vehicle.html#vehicle-drift",
        says="Scores moved.",
    )


class Ear:
    """A channel that remembers what it was told, and may be deaf."""

    def __init__(self, name: str = "ear") -> None:
        self.name = name
        self.deaf = False
        self.heard: list[tuple[str, str]] = []

    def tell(self, news: Any) -> None:
        if self.deaf:
            raise NotDelivered("deaf")
        self.heard += [(one.news, one.message.colour) for one in news]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


class Runs:
    """One run after the other, on one ledger."""

    def __init__(self, settings: Settings, ledger: Ledger, *channels: Any) -> None:
        self._settings, self._ledger, self._channels = settings, ledger, channels

    def see(self, *signals: StandingSignal) -> Checked:
        seen = Signals(period="2026-03", signals=signals)
        return act(self._settings, self._ledger, seen, Path("/site"), self._channels)


def test_an_alert_is_told_once_until_its_colour_changes_or_it_clears(
    settings: Settings, ledger: Ledger
) -> None:
    ear = Ear()
    runs = Runs(settings, ledger, ear)
    assert runs.see(signal("green")).waiting == ()
    runs.see(signal("amber"))
    runs.see(signal("amber"))
    assert ear.heard == [("raised", "amber")]
    runs.see(signal("red"))
    assert ear.heard[1:] == [("cleared", "amber"), ("raised", "red")]
    runs.see(signal("grey"))  # too little to say: it stays
    assert len(ear.heard) == 3
    checked = runs.see(signal("green"))
    assert ear.heard[3:] == [("cleared", "red")]
    assert (checked.raised, checked.cleared, checked.waiting) == (0, 1, ())
    runs.see(signal("red"))
    assert ear.heard[4:] == [("raised", "red")]


def test_kind_area_and_name_tell_alerts_apart(settings: Settings, ledger: Ledger) -> None:
    runs = Runs(settings, ledger, Ear())
    several = [signal("red"), signal("red", kind="vessel"), signal("red", "prior", None)]
    assert runs.see(*several).raised == 3
    checked = runs.see(several[1])  # the others are not on the page any more
    assert checked.cleared == 2
    assert [alert.key.kind for alert in checked.waiting] == ["vessel"]


def test_an_acknowledged_alert_waits_for_nobody_and_a_new_colour_is_another_alert(
    settings: Settings, ledger: Ledger
) -> None:
    runs = Runs(settings, ledger)
    (waiting,) = runs.see(signal("amber")).waiting
    acknowledge(ledger, waiting.id, "Ann", "retraining on Monday")
    assert runs.see(signal("amber")).waiting == ()
    (other,) = runs.see(signal("red")).waiting
    assert other.id != waiting.id
    kept = alerts_in(ledger.url)[waiting.id]
    assert kept.acknowledged is not None
    assert (kept.acknowledged.by, kept.is_open) == ("Ann", False)
    for who, why, which in (
        ("", "why", other.id),
        ("Ann", " ", other.id),
        ("Ann", "why", waiting.id),  # it has cleared
        ("Ann", "why", "no-such"),
    ):
        with pytest.raises(InputError):
            acknowledge(ledger, which, who, why)


def test_what_a_channel_did_not_take_waits_for_the_next_run(
    settings: Settings, ledger: Ledger
) -> None:
    ear, other = Ear(), Ear("other")
    ear.deaf = True
    runs = Runs(settings, ledger, ear, other)
    assert runs.see(signal("red")).failures == ("ear: deaf",)
    assert other.heard == [("raised", "red")]
    ear.deaf = False
    assert runs.see(signal("red")).failures == ()
    assert ear.heard == other.heard == [("raised", "red")]


def test_what_cleared_before_a_channel_heard_of_it_is_not_told_to_it(
    settings: Settings, ledger: Ledger
) -> None:
    ear = Ear()
    ear.deaf = True
    runs = Runs(settings, ledger, ear)
    runs.see(signal("red"))
    ear.deaf = False
    runs.see(signal("green"))
    assert ear.heard == []


def test_the_metrics_file_has_every_signal_and_counts_open_alerts(
    settings: Settings, ledger: Ledger
) -> None:
    runs = Runs(settings, ledger)
    checked = runs.see(signal("red"), signal("grey", "prior", None))
    acknowledge(ledger, checked.waiting[0].id, "Ann", "seen")
    runs.see(signal("red"), signal("grey", "prior", None))
    text = (settings.alerts / "foreland.prom").read_text()
    assert 'foreland_signal{area="drift",kind="vehicle",name="score-psi"} 2.0' in text
    assert 'foreland_signal{area="drift",kind="all",name="prior"} -1.0' in text
    assert 'foreland_alerts_open{acknowledged="true",colour="red"} 1.0' in text
    assert 'foreland_alerts_open{acknowledged="false",colour="red"} 0.0' in text
    assert "foreland_alerts_checked_timestamp_seconds" in text


def test_the_file_gets_a_line_for_each_piece_of_news(
    settings: Settings, ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "alerts.ndjson"
    runs = Runs(settings, ledger, FileChannel(path))
    runs.see(signal("red"))
    runs.see(signal("green"))
    raised, cleared = (msgspec.json.decode(line) for line in path.read_bytes().splitlines())
    assert (raised["news"], cleared["news"]) == ("raised", "cleared")
    assert raised["alert"] == cleared["alert"]
    assert raised["page"] == "/site/2026-03/vehicle.html#vehicle-drift"
    assert raised["owner"] == "model owner"


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server that answers with these statuses in turn; what it was sent."""
    taken: list[tuple[str, bytes]] = []
    place = count()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.headers[SIGNATURE], body))
            self.send_response(statuses[min(next(place), len(statuses) - 1)])
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", taken
        finally:
            server.shutdown()
            thread.join()


KEY = bytes(range(32))


def test_the_webhook_is_signed_and_tried_again(settings: Settings, ledger: Ledger) -> None:
    waits: list[float] = []
    with receiver(503, 503, 204) as (address, taken):
        hook = Webhook(address, KEY, sleep=waits.append)
        assert Runs(settings, ledger, hook).see(signal("red")).failures == ()
    assert waits == [0.0, 1.0, 4.0]
    said, body = taken[-1]
    seconds = int(said.partition(",")[0].removeprefix("t="))
    digest = hmac.new(KEY, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert said == signature(KEY, seconds, body) == f"t={seconds},v1={digest}"
    (alert,) = msgspec.json.decode(body)["alerts"]
    assert alert["colour"] == "red"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_does_not_take_it_is_no_delivery(
    settings: Settings, ledger: Ledger, status: int
) -> None:
    with receiver(status) as (address, taken):
        hook = Webhook(address, KEY, sleep=lambda _: None)
        (failure,) = Runs(settings, ledger, hook).see(signal("red")).failures
    assert f"status {status}" in failure
    assert len(taken) == 3
    (alert,) = alerts_in(ledger.url).values()
    assert alert.delivered == frozenset()


def test_a_webhook_that_is_away_is_named_without_its_address(
    settings: Settings, ledger: Ledger
) -> None:
    hook = Webhook("http://127.0.0.1:9/secret-path", KEY, sleep=lambda _: None)
    (failure,) = Runs(settings, ledger, hook).see(signal("red")).failures
    assert "ConnectError" in failure
    assert "secret" not in failure


def configured(tmp_path: Path, **values: Any) -> Settings:
    mail = {"alert_mail_from": "foreland@example.org", "alert_mail_to": ("board@example.org",)}
    return Settings(home=tmp_path, **(mail | values))


def test_mail_says_colour_owner_action_and_where(tmp_path: Path, ledger: Ledger) -> None:
    with mail_server() as (address, messages):
        settings = configured(tmp_path, alert_smtp=address)
        mail = channels_of(settings)[1]
        assert isinstance(mail, Mail)
        assert Runs(settings, ledger, mail).see(signal("red")).failures == ()
    (raw,) = messages
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == "Foreland: 1 alert, 1 red"
    assert message["To"] == "board@example.org"
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert "model owner: retrain" in text
    assert "/site/2026-03/vehicle.html#vehicle-drift" in text


def test_a_refused_recipient_is_no_delivery(tmp_path: Path, ledger: Ledger) -> None:
    with mail_server(refuse=True) as (address, messages):
        settings = configured(tmp_path, alert_smtp=address)
        (failure,) = Runs(settings, ledger, channels_of(settings)[1]).see(signal("red")).failures
    assert "SMTPRecipientsRefused" in failure
    assert messages == []


def test_plain_mail_does_not_leave_the_machine(tmp_path: Path) -> None:
    """A server elsewhere must speak TLS: without STARTTLS nothing is sent."""
    with mail_server() as (address, messages):
        port = address.rpartition(":")[2]
        settings = configured(tmp_path, alert_smtp=f"smtp://127.0.0.2:{port}")
        mail = channels_of(settings)[1]
        with pytest.raises(NotDelivered):
            mail.tell([])
    assert messages == []


def test_a_webhook_needs_https_and_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORELAND_WEBHOOK_KEY", raising=False)
    with pytest.raises(InputError, match="https"):
        channels_of(configured(tmp_path, alert_webhook="http://example.org/hook"))
    with pytest.raises(InputError, match="openssl rand"):
        channels_of(configured(tmp_path, alert_webhook="https://example.org/hook"))
    monkeypatch.setenv("FORELAND_WEBHOOK_KEY", KEY.hex())
    hook = channels_of(configured(tmp_path, alert_webhook="https://example.org/hook"))[1]
    assert isinstance(hook, Webhook)
    assert hook.key == KEY
    with pytest.raises(InputError, match="FORELAND_SMTP_PASSWORD"):
        channels_of(configured(tmp_path, alert_smtp="smtps://me:secret@mail.example"))
    with pytest.raises(ValueError, match="alert_mail_from"):
        Settings(home=tmp_path, alert_smtp="smtps://mail.example")
