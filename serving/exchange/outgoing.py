"""What a partner is told of an event of our ledger: a pure function of what the ledger held then.

So an event that is sent again, next minute or after a restart, is the same to the letter. What a
partner sent us is never sent on; what carries no tag of the partnership is not sent at all, since
nobody there could recognise it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from features.clock import from_micros, to_micros
from features.keys import PartnershipKey
from features.ledger import (
    MovementCancelled,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
    Recorded,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
)
from features.pseudonyms import name_for_partner
from features.timeline import SIMULATION
from serving.auth.access import LOCAL_AGENCY
from serving.exchange.envelope import FROM_PARTNERS, Exchanged
from serving.exchange.messages import (
    NOTICE_TYPE,
    PREFIX,
    AlertTold,
    AlertWithdrawn,
    AssessmentTold,
    CancellationTold,
    Message,
    MovementTold,
    NoticeTold,
    OutcomeTold,
)
from serving.exchange.partners import Partner, Shared, Subscriber
from serving.recording import agency_of
from serving.vocabulary import Band, Status

NO_PARTNERSHIP = "none"
"""Of what stays within an agency."""
TOLD_WHEN_CHANGED = frozenset({"band", "probability"})
"""What else differs in an assessment that was made again is not for partners."""
MAY_KNOW: Mapping[str, frozenset[str]] = {
    "open": frozenset({"open"}),
    "contact": frozenset({"open", "contact"}),
}
"""Handling that was agreed on with a partner to that of the selectors it is told; never hidden."""


class Assessed(NamedTuple):
    """One answer, as far as a partner is told of it."""

    score_id: str
    version: int
    as_of: int
    band: Band
    status: Status
    probability: float | None


class Known(Protocol):
    """What stood in the ledger beside an event."""

    def movement(self, movement: str, position_up_to: int) -> MovementDeclared | None:
        """Its highest version up to there; None when there was none."""

    def assessments(self, event: Recorded) -> Iterable[Assessed]:
        """The answers that were recorded in the commit of an event of a movement."""

    def selector(self, selector: str) -> SelectorProposed | None:
        """As it was proposed."""

    def first_score_id(self, agency: str, movement: str, version: int) -> str | None:
        """Of the assessment that the agency was given when it asked."""


class Teller(Protocol):
    """Knows what somebody is told of an event, and under which tags."""

    @property
    def agency(self) -> str:
        """Ours."""

    @property
    def name(self) -> str:
        """Of whom is told."""

    @property
    def partnership(self) -> str: ...

    def tells(self, event: Recorded, known: Known) -> Iterator[Exchanged]:
        """What is told of one event; mostly nothing."""


class Sender(NamedTuple):
    """Tells a partner."""

    agency: str
    partner: Partner
    key: PartnershipKey

    @property
    def name(self) -> str:
        return self.partner.name

    @property
    def partnership(self) -> str:
        return self.partner.partnership

    def tells(self, event: Recorded, known: Known) -> Iterator[Exchanged]:
        payload = event.payload
        if self._is_kept_back(event):
            return
        if isinstance(payload, MovementDeclared):
            yield from self._of_version(event, payload, known)
        elif isinstance(payload, MovementCancelled | OutcomeRecorded):
            yield from self._of_what_came_of_it(event, payload, known)
        elif isinstance(payload, SelectorApproved | SelectorWithdrawn):
            yield from self._of_selector(event, payload, known)
        elif isinstance(payload, MovementReassessed):
            about = known.movement(payload.movement, event.position)
            if about is not None and not TOLD_WHEN_CHANGED.isdisjoint(payload.changed):
                yield from self._of_assessments(event, about, known, "assessment.changed")

    def _of_what_came_of_it(
        self, event: Recorded, said: MovementCancelled | OutcomeRecorded, known: Known
    ) -> Iterator[Exchanged]:
        about = known.movement(said.movement, event.position)
        tags = {} if about is None else self._tags(about)
        if isinstance(said, MovementCancelled):
            if tags and self._shares("movements"):
                yield self._told(event, "movement.cancelled", said.movement, _ended(said))
        elif (tags or about is None) and self._shares("outcomes"):
            message = self._outcome(said, tags)
            yield self._told(event, "outcome.recorded", said.movement, message)

    def _of_selector(
        self, event: Recorded, said: SelectorApproved | SelectorWithdrawn, known: Known
    ) -> Iterator[Exchanged]:
        """An alert, unless it is guarded more than the partner may know, or names nobody whom the
        partner could recognise: told without an entity, it would be about others too."""
        selector = known.selector(said.selector) if self._shares("alerts") else None
        if selector is None or selector.handling not in MAY_KNOW[self.partner.handling]:
            return
        entities = _entities_of(selector, self.partner.partnership)
        if not entities:
            return
        raised = isinstance(said, SelectorApproved)
        told = self._told(
            event,
            "alert.raised" if raised else "alert.withdrawn",
            selector.selector,
            _alert(selector, entities) if raised else _withdrawn(event),
        )
        yield told._replace(
            subject=self._name("alert", selector.selector),
            origin_agency=self.agency if selector.agency == LOCAL_AGENCY else selector.agency,
            handling="open" if selector.handling == "open" else "contact",
            contact=selector.contact,
        )

    def _is_kept_back(self, event: Recorded) -> bool:
        since = self.partner.shares_from
        return (
            event.source.startswith(FROM_PARTNERS)
            or (event.source == SIMULATION and not self.partner.simulated)
            or (since is not None and event.available_at < to_micros(since))
        )

    def _shares(self, what: Shared) -> bool:
        return what in self.partner.shares

    def _tags(self, declared: MovementDeclared) -> dict[str, str]:
        return declared.tags.get(self.partner.partnership, {})

    def _of_version(
        self, event: Recorded, declared: MovementDeclared, known: Known
    ) -> Iterator[Exchanged]:
        tags = self._tags(declared)
        if tags and self._shares("movements"):
            version = MovementTold(
                kind=declared.kind,  # type: ignore[arg-type]  # the ledger holds no other
                version=declared.version,
                declared_at=from_micros(declared.declared_at),
                entities=tags,
                fields=declared.fields,
            )
            yield self._told(event, "movement.declared", declared.movement, version)
        yield from self._of_assessments(event, declared, known, "assessment.made")

    def _of_assessments(
        self, event: Recorded, declared: MovementDeclared, known: Known, what: str
    ) -> Iterator[Exchanged]:
        tags = self._tags(declared)
        if tags and self._shares("assessments"):
            for one in known.assessments(event):
                assessment = AssessmentTold(
                    kind=declared.kind,  # type: ignore[arg-type]  # the ledger holds no other
                    version=one.version,
                    as_of=from_micros(one.as_of),
                    band=one.band,
                    status=one.status,
                    probability=one.probability,
                    entities=tags,
                )
                yield self._told(event, what, declared.movement, assessment)

    def _outcome(self, outcome: OutcomeRecorded, tags: dict[str, str]) -> OutcomeTold:
        corrects = outcome.corrects
        return OutcomeTold(
            kind=outcome.kind,  # type: ignore[arg-type]  # the ledger holds no other
            message=self._name("message", outcome.message),
            corrects=None if corrects is None else self._name("message", corrects),
            examined_at=from_micros(outcome.examined_at),
            outcome=outcome.outcome,  # type: ignore[arg-type]  # the ledger holds no other
            thoroughness=outcome.thoroughness,  # type: ignore[arg-type]
            threat=outcome.threat,  # type: ignore[arg-type]
            concealment=outcome.concealment or None,  # type: ignore[arg-type]
            entities=tags,
        )

    def _name(self, space: str, pseudonym: str) -> str:
        return name_for_partner(self.key, space, pseudonym)

    def _told(self, event: Recorded, what: str, movement: str, message: Message) -> Exchanged:
        agency = _agency_of(event)
        return Exchanged(
            event_id=f"{event.position}.{what}",
            event_type=f"{PREFIX}{what}.v1",
            told_at=event.available_at,
            subject=self._name("movement", movement),
            sequence=sequence_of(event.position),
            origin_agency=self.agency if agency is None else agency,
            handling=self.partner.handling,
            contact=self.partner.contact,
            simulated=event.source == SIMULATION,
            message=message,
        )


class Notifier(NamedTuple):
    """Tells an agency's own clients which of their assessments was made again."""

    agency: str
    subscriber: Subscriber

    @property
    def name(self) -> str:
        return self.subscriber.name

    @property
    def partnership(self) -> str:
        return NO_PARTNERSHIP

    def tells(self, event: Recorded, known: Known) -> Iterator[Exchanged]:
        payload = event.payload
        if not isinstance(payload, MovementReassessed) or payload.agency != self.subscriber.agency:
            return
        first = known.first_score_id(payload.agency, payload.movement, payload.version)
        for one in known.assessments(event):
            yield Exchanged(
                event_id=f"{event.position}.assessment.notice",
                event_type=NOTICE_TYPE,
                told_at=event.available_at,
                subject=first or one.score_id,
                sequence=sequence_of(event.position),
                origin_agency=self.agency,
                handling="open",
                contact=None,
                simulated=False,
                message=NoticeTold(
                    kind=payload.kind,  # type: ignore[arg-type]  # the ledger holds no other
                    version=payload.version,
                    score_id=one.score_id,
                    first_score_id=first,
                    assessment=payload.assessment,
                    because=payload.because,
                    changed=payload.changed,
                    band=one.band,
                    status=one.status,
                ),
            )


def _agency_of(event: Recorded) -> str | None:
    """Whose the event is; None when it is our own."""
    payload = event.payload
    if isinstance(payload, MovementReassessed):
        agency: str | None = payload.agency
    else:
        agency = agency_of(event.source)
    return None if agency == LOCAL_AGENCY else agency


def sequence_of(position: int) -> str:
    """
    >>> sequence_of(42)
    '0000000000000042'
    """
    return f"{position:016d}"


def _entities_of(selector: SelectorProposed, partnership: str) -> dict[str, str]:
    """Tags by namespace, the second of one with a number; none unless every entity has one."""
    tags = selector.tags.get(partnership, {})
    named = [key for key in selector.criteria if "=" not in key]
    if not all(key in tags for key in named):
        return {}
    entities: dict[str, str] = {}
    for key in named:
        namespace = key.partition(":")[0]
        of_it = sum(name.startswith(namespace) for name in entities)
        entities[f"{namespace}_{of_it + 1}" if of_it else namespace] = tags[key]
    return entities


def _alert(selector: SelectorProposed, entities: dict[str, str]) -> AlertTold:
    return AlertTold(
        entities=entities,
        kinds=selector.kinds,  # type: ignore[arg-type]  # checked when it was proposed
        criteria=tuple(key for key in selector.criteria if "=" in key),
        threat=selector.threat,  # type: ignore[arg-type]
        reason=selector.reason if selector.handling == "open" else "",
        starts=from_micros(selector.starts),
        expires=from_micros(selector.expires),
    )


def _withdrawn(event: Recorded) -> AlertWithdrawn:
    return AlertWithdrawn(withdrawn_at=from_micros(event.available_at))


def _ended(payload: MovementCancelled) -> CancellationTold:
    return CancellationTold(
        kind=payload.kind,  # type: ignore[arg-type]  # the ledger holds no other
        cancelled_at=from_micros(payload.cancelled_at),
        up_to_version=payload.up_to_version,
    )
