"""An event on its way between agencies: CloudEvents 1.0 in JSON, with what it needs to be believed.

References:
    CloudEvents 1.0.2: JSON format; the extension ``sequence``. The extensions ``handling``,
    ``originagency``, ``partnership``, ``contact``, ``simulated`` and ``signature`` are ours.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from msgspec import Meta

from features.clock import Micros, from_micros, to_micros
from features.handling import Handling
from features.signing import SigningKey
from serving.exchange.messages import Message, NoticeTold
from serving.exchange.signatures import ATTRIBUTE, LONGEST, sign

STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
MOST_EVENT_BYTES = 64 * 1024
Short = Annotated[str, Meta(min_length=1, max_length=128)]


class Exchanged(NamedTuple):
    """An event of ours, before it is signed."""

    event_id: str
    """Made of the position in the ledger: the same event has the same id whenever it is sent."""
    event_type: str
    told_at: Micros
    subject: str
    sequence: str
    origin_agency: str
    handling: Handling
    contact: str | None
    simulated: bool
    message: Message | NoticeTold | dict[str, Any]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as it is sent; everything but the signature is signed."""

    specversion: Annotated[Literal["1.0"], Meta(description="Of CloudEvents.")]
    id: Annotated[Short, Meta(description="Unique for its source; the same when sent again.")]
    source: Annotated[
        Short, Meta(description="urn:foreland:agency: and the name of the sending agency.")
    ]
    type: Annotated[Short, Meta(description="What it says, such as uk.gov.foreland.….v1.")]
    time: Annotated[
        datetime, Meta(tz=True, description="When the sender recorded it, by its own clock.")
    ]
    datacontenttype: Annotated[Literal["application/json"], Meta(description="Of data.")]
    subject: Annotated[
        Short, Meta(description="Tag of the movement or alert that it is about, for all of them.")
    ]
    sequence: Annotated[
        Short, Meta(description="Orders the events of one source; digits of equal length.")
    ]
    handling: Annotated[
        Handling, Meta(description="Who of the receiver's clients may see a match with it.")
    ]
    originagency: Annotated[
        Short, Meta(description="Whose knowledge it is; never the receiver's own.")
    ]
    partnership: Annotated[Short, Meta(description="Whose key the tags are made with.")]
    contact: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(description="The desk to ask; never a person."),
    ] = None
    simulated: Annotated[bool, Meta(description="True for what no border ever saw.")] = False
    signature: Annotated[
        Annotated[str, Meta(max_length=LONGEST)],
        Meta(description="Detached JWS (Ed25519) over the canonical JSON of all the rest."),
    ]
    data: Annotated[dict[str, Any], Meta(description="As the type says.")]

    @property
    def told_at(self) -> Micros:
        return to_micros(self.time)


def signed(event: Exchanged, source: str, partnership: str, key: SigningKey) -> bytes:
    """The event as it is sent, in JSON."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": source,
        "type": event.event_type,
        "time": from_micros(event.told_at),
        "datacontenttype": "application/json",
        "subject": event.subject,
        "sequence": event.sequence,
        "handling": event.handling,
        "originagency": event.origin_agency,
        "partnership": partnership,
        "simulated": event.simulated,
    }
    if event.contact is not None:
        attributes["contact"] = event.contact
    data = msgspec.to_builtins(event.message)
    whole = msgspec.json.decode(JSONFormat().write(CloudEvent(attributes, data)))
    whole[ATTRIBUTE] = sign(whole, key)
    return msgspec.json.encode(whole)
