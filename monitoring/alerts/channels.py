"""Where alerts go: a file, a webhook, mail. Each takes all news of a run, or none of it."""

import hashlib
import hmac
import os
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec

from features.clock import now_micros
from features.errors import ForelandError, InputError
from features.key_files import from_hex, is_there, read_secret_file
from features.settings import Settings
from monitoring.alerts.message import Told, in_words, subject

WEBHOOK_KEY = "FORELAND_WEBHOOK_KEY"
SMTP_PASSWORD = "FORELAND_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
SIGNATURE = "X-Foreland-Signature"
TIMEOUT_SECONDS = 10.0
WAITS_SECONDS = (1.0, 4.0)
"""Between tries; after the last one it is kept for the next run."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class NotDelivered(ForelandError):
    """A channel did not take the news; the next run tries again."""


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    def tell(self, news: Sequence[Told]) -> None:
        """
        Raises:
            NotDelivered: nothing was taken, or nobody said that it was.
        """


class FileChannel(NamedTuple):
    """A line of JSON for each piece of news, added at the end."""

    path: Path
    name: str = "file"

    def tell(self, news: Sequence[Told]) -> None:
        lines = b"".join(msgspec.json.encode(one.message, order="sorted") + b"\n" for one in news)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise NotDelivered(f"{self.path} cannot be written ({exc.strerror})") from exc


class Webhook(NamedTuple):
    """One POST of JSON, ``{"alerts": [...]}``, that the receiver can tell from anybody else's.

    The header says ``t=SECONDS,v1=HEX``: HMAC-SHA-256 with the key that both have, of the seconds,
    a full stop and the body. Redirects are not followed.
    """

    address: str
    key: bytes
    name: str = "webhook"
    clock: Callable[[], int] = now_micros
    sleep: Callable[[float], None] = time.sleep

    def tell(self, news: Sequence[Told]) -> None:
        body = msgspec.json.encode({"alerts": [one.message for one in news]}, order="sorted")
        problem = ""
        for wait in (0.0, *WAITS_SECONDS):
            self.sleep(wait)
            problem = self._post(body)
            if not problem:
                return
        tries = 1 + len(WAITS_SECONDS)
        raise NotDelivered(f"the webhook did not take it in {tries} tries: {problem}")

    def _post(self, body: bytes) -> str:
        """What went wrong; empty when it was taken."""
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self.key, self.clock() // 1_000_000, body),
        }
        try:
            answer = httpx.post(
                self.address,
                content=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
            )
        except httpx.HTTPError as exc:
            return type(exc).__name__  # its text may hold the address, which may be a secret
        return "" if answer.is_success else f"status {answer.status_code}"


def signature(key: bytes, seconds: int, body: bytes) -> str:
    """
    >>> signature(bytes(32), 1, b"{}")[:16]
    't=1,v1=a07ac7cfc'
    """
    digest = hmac.new(key, b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Mail(NamedTuple):
    """One message of plain text for all news of a run."""

    server: SplitResult
    sender: str
    recipients: tuple[str, ...]
    password: str | None
    name: str = "mail"

    def tell(self, news: Sequence[Told]) -> None:
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message["Subject"] = subject(news)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="foreland")
        message.set_content("\n".join(in_words(one.message) for one in news))
        try:
            with self._connected() as smtp:
                if self.server.username and self.password is not None:
                    smtp.login(self.server.username, self.password)
                refused = smtp.send_message(message)
        except (smtplib.SMTPException, OSError) as exc:
            raise NotDelivered(f"the mail server did not take it ({type(exc).__name__})") from exc
        if refused:
            raise NotDelivered(f"the mail server refused {', '.join(sorted(refused))}")

    def _connected(self) -> smtplib.SMTP:
        host, context = str(self.server.hostname), ssl.create_default_context()
        if self.server.scheme == "smtps":
            port = self.server.port or smtplib.SMTP_SSL_PORT
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        smtp = smtplib.SMTP(host, self.server.port or 587, timeout=TIMEOUT_SECONDS)
        if host not in LOOPBACK:  # what is said of a border does not travel in plain text
            smtp.starttls(context=context)
        return smtp


def channels_of(settings: Settings) -> list[Channel]:
    """All that are configured; the file always is.

    Raises:
        InputError: an address cannot be used.
        KeyUnusable: the webhook's key is absent, or lies open to others.
    """
    found: list[Channel] = [FileChannel(settings.alert_file or settings.alerts / "alerts.ndjson")]
    if settings.alert_webhook is not None:
        found.append(Webhook(_web_address(settings.alert_webhook), _webhook_key(settings.keys)))
    if settings.alert_smtp is not None:
        assert settings.alert_mail_from is not None  # the settings see to that
        server = urlsplit(settings.alert_smtp)
        if server.scheme not in {"smtp", "smtps"} or not server.hostname or server.password:
            raise InputError(
                "alert_smtp is smtps://HOST:PORT or smtp://HOST:PORT, with USER@ before the host "
                f"where there is a log-in; the password belongs in {SMTP_PASSWORD}"
            )
        password = os.environ.get(SMTP_PASSWORD)
        found.append(Mail(server, settings.alert_mail_from, settings.alert_mail_to, password))
    return found


def _web_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return address
    raise InputError("alert_webhook is an https address: alerts say what a border misses")


def _webhook_key(keys: Path) -> bytes:
    given = os.environ.get(WEBHOOK_KEY)
    if given is not None:
        return from_hex(given, WEBHOOK_KEY)
    path = keys / "webhook.key"
    if not is_there(path):
        raise InputError(
            f"alert_webhook needs a key that its receiver has too, in {path} or {WEBHOOK_KEY}; "
            f"make one with (umask 077; openssl rand -hex 32 > {path})"
        )
    return read_secret_file(path)[0]
