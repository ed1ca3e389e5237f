"""With whom events are exchanged: ``partners.toml`` in the home, read again when it changes."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from features.clock import Micros, to_micros
from features.errors import InputError
from features.key_files import check_name
from features.signing import VerifyingKey
from serving.auth.access import LOCAL_AGENCY, is_name

FILE = "partners.toml"
Shared = Literal["movements", "outcomes", "assessments", "alerts"]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
URN = "urn:foreland:agency:"


class PartnersUnusable(InputError):
    """``partners.toml`` says something that cannot be followed."""


class PartnerKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that a partner signs with; ``foreland exchange keys show`` at the partner's prints it.

    Good from ``valid_from`` (included) to ``valid_until`` (not included), by our clock on arrival.
    """

    public: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None
    valid_until: Annotated[datetime, Meta(tz=True)] | None = None

    @property
    def verifying(self) -> VerifyingKey:
        return VerifyingKey(bytes.fromhex(self.public))

    def is_good(self, now: Micros) -> bool:
        begun = self.valid_from is None or to_micros(self.valid_from) <= now
        return begun and (self.valid_until is None or now < to_micros(self.valid_until))


class Partner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another agency's instance, and what the two have agreed on."""

    name: str
    """Ours for it: small letters, digits and dashes."""
    agency: str
    """Its own, as it stands in the source of its events."""
    partnership: str
    """The key ``keys/partnership-NAME.key`` that both have, under which identifiers are tagged."""
    url: str | None = None
    """Where events are posted; None: by files alone."""
    shares: tuple[Shared, ...] = ()
    """What we send."""
    shares_from: Annotated[datetime, Meta(tz=True)] | None = None
    """Nothing that we knew before this instant is sent; None: everything that carries its tags."""
    handling: Literal["open", "contact"] = "contact"
    """The mark on what we send, and the most guarded alert that is sent at all."""
    contact: str | None = None
    """The desk that the partner is told to ask, never a person."""
    simulated: bool = False
    """Whether what no border ever saw is sent too."""
    key: tuple[PartnerKey, ...] = ()
    """Those that its events are believed under; without one, nothing is taken."""

    @property
    def source(self) -> str:
        """Of its events."""
        return URN + self.agency

    def key_of(self, key_id: str) -> PartnerKey | None:
        return next((one for one in self.key if one.verifying.key_id == key_id), None)


class Subscriber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agency whose clients are told, by a webhook, of assessments of theirs that changed."""

    name: str
    agency: str
    """Of our clients; ``local`` while no credential is needed."""
    url: str
    """Takes what ``POST /v1/exchange/events`` takes, and answers 2xx."""


Recipient = Partner | Subscriber


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agency: str
    partner: tuple[Partner, ...] = ()
    subscriber: tuple[Subscriber, ...] = ()


class Partners(NamedTuple):
    agency: str
    """Ours; the source of our events is ``urn:foreland:agency:`` and this."""
    partners: tuple[Partner, ...]
    subscribers: tuple[Subscriber, ...]

    @property
    def source(self) -> str:
        return URN + self.agency

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """All who may be told something."""
        return (*self.partners, *self.subscribers)

    def by_source(self, source: str) -> Partner | None:
        return next((one for one in self.partners if one.source == source), None)

    def recipient(self, name: str) -> Recipient:
        """
        Raises:
            InputError: as ``named``.
        """
        return next((one for one in self.subscribers if one.name == name), None) or self.named(name)

    def named(self, name: str) -> Partner:
        """
        Raises:
            InputError: there is none of this name.
        """
        for partner in self.partners:
            if partner.name == name:
                return partner
        known = ", ".join(one.name for one in self.partners) or "none"
        raise InputError(f"there is no partner {name!r} in {FILE}; there are: {known}")


NOBODY = Partners("", (), ())
"""Without a ``partners.toml``."""


def read_partners(home: Path) -> Partners:
    """``NOBODY`` where there is no file.

    Raises:
        PartnersUnusable: it says something that cannot be followed.
    """
    path = home / FILE
    if not path.is_file():
        return NOBODY
    try:
        found = msgspec.convert(tomllib.loads(path.read_text()), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise PartnersUnusable(f"{path} is no TOML: {exc}; correct it") from exc
    except msgspec.ValidationError as exc:
        said = str(exc)
        raise PartnersUnusable(f"{path}: {said[0].lower()}{said[1:]}; correct it") from exc
    partners = Partners(found.agency, found.partner, found.subscriber)
    _check(partners, path)
    return partners


class PartnerFile:
    """The partners of a running service. Used by one thread at a time."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: tuple[int, int] | None = None
        self._partners = NOBODY
        self.problem: str | None = None
        """Why the file as it stands is not followed; what it said before still is."""

    def now(self) -> Partners:
        try:
            found = (self._home / FILE).stat()
            seen = (found.st_mtime_ns, found.st_size)
        except FileNotFoundError:
            seen = (0, 0)
        if seen != self._seen:
            self._seen = seen
            try:
                self._partners, self.problem = read_partners(self._home), None
            except PartnersUnusable as exc:
                self.problem = str(exc)
        return self._partners


def _check(partners: Partners, path: Path) -> None:
    if not is_name(partners.agency) or partners.agency == LOCAL_AGENCY:
        raise PartnersUnusable(
            f'{path}: agency is the name that your partners know you by, such as "border-force", '
            f"not {partners.agency!r}"
        )
    _check_apart({"name": [one.name for one in partners.recipients]}, path)
    _check_apart({"agency": [partners.agency, *(one.agency for one in partners.partners)]}, path)
    for partner in partners.partners:
        check_name(partner.name)
        check_name(partner.partnership)
        if not is_name(partner.agency):
            raise PartnersUnusable(f"{path}: {partner.agency!r} cannot be the name of an agency")
        for key in partner.key:
            if key.valid_from and key.valid_until and key.valid_from >= key.valid_until:
                raise PartnersUnusable(
                    f"{path}: a key of {partner.name} is valid until {key.valid_until}, which is "
                    "not after its beginning; correct it"
                )
    for one in partners.recipients:
        if one.url is not None:
            _check_address(one.url, one.name, path)


def _check_apart(names: Mapping[str, list[str]], path: Path) -> None:
    for field, given in names.items():
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice is not None:
            raise PartnersUnusable(f"{path}: {field} {twice!r} is there twice; keep one of them")


def _check_address(url: str, name: str, path: Path) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return
    raise PartnersUnusable(
        f"{path}: the url of {name} is an https address (http on this machine alone): what "
        "agencies know does not travel in the open"
    )
