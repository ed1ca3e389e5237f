"""Why a request was refused: RFC 9457 problem documents with codes that clients may rely on.

``docs/api.md`` repeats this table for client developers, and a test holds the two together.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, NamedTuple, Self

import msgspec
from msgspec import Meta

from features.records import Problem
from serving.logs import instance


class ProblemKind(NamedTuple):
    status: int
    title: str


PROBLEMS: Mapping[str, ProblemKind] = {
    "bad_json": ProblemKind(400, "The body is not valid JSON"),
    "bad_arrow": ProblemKind(400, "The body is not a valid Arrow IPC stream"),
    "duplicate_key": ProblemKind(400, "A key of one JSON object is given twice"),
    "not_utf8": ProblemKind(400, "The body is not valid UTF-8"),
    "too_deep": ProblemKind(400, "The body is nested too deeply"),
    "bad_idempotency_key": ProblemKind(400, "The Idempotency-Key cannot be used"),
    "bad_query": ProblemKind(400, "A query parameter is unknown or has an unknown value"),
    "bad_entity_key": ProblemKind(400, "The key names no entity"),
    "unauthorized": ProblemKind(401, "The request carries no credential that is good now"),
    "scope_missing": ProblemKind(403, "The client may not do this"),
    "unknown_partner": ProblemKind(403, "No partner agency is known by the source"),
    "wrong_agency": ProblemKind(403, "The credential is that of another agency"),
    "wrong_partnership": ProblemKind(403, "The event is tagged for another partnership"),
    "bad_signature": ProblemKind(403, "The event is not what was signed"),
    "unknown_key": ProblemKind(403, "The event is signed with a key that is not the partner's"),
    "key_not_valid": ProblemKind(403, "The event is signed with a key that is not valid now"),
    "no_such_route": ProblemKind(404, "There is nothing at this path"),
    "no_such_score": ProblemKind(404, "No assessment is recorded under this id"),
    "no_such_movement": ProblemKind(404, "No such movement was scored for the agency"),
    "no_such_entity": ProblemKind(404, "No movement has named this entity"),
    "method_not_allowed": ProblemKind(405, "The path does not take this method"),
    "not_acceptable": ProblemKind(406, "The answer cannot be given in the type asked for"),
    "body_too_slow": ProblemKind(408, "The body did not arrive in time"),
    "movement_conflict": ProblemKind(409, "This version of the movement was scored before"),
    "idempotency_key_in_use": ProblemKind(409, "A request with this key is being answered"),
    "event_conflict": ProblemKind(409, "This event id came before with another content"),
    "erased": ProblemKind(410, "Retention has erased what is asked for"),
    "body_too_large": ProblemKind(413, "The body is larger than the service takes"),
    "too_many_rows": ProblemKind(413, "The batch holds more rows than the service takes"),
    "event_too_large": ProblemKind(413, "The event is larger than the service takes"),
    "uri_too_long": ProblemKind(414, "Path and query are longer than the service takes"),
    "unsupported_media_type": ProblemKind(415, "The body is not of a type that the path takes"),
    "record_rejected": ProblemKind(422, "The record breaks at least one rule"),
    "bad_event": ProblemKind(422, "The event is not as its type says"),
    "unknown_event_type": ProblemKind(422, "The event is of a type that is not known"),
    "own_event": ProblemKind(422, "The event tells us what we said ourselves"),
    "idempotency_key_reused": ProblemKind(422, "The key came before with another request"),
    "as_of_in_future": ProblemKind(422, "What will be known then is not known yet"),
    "bad_columns": ProblemKind(422, "A column is not one that the service takes"),
    "no_such_sandbox_reference": ProblemKind(422, "The sandbox has no such reference"),
    "quota_exceeded": ProblemKind(429, "The client sends more than its quota"),
    "too_many_attempts": ProblemKind(429, "Too many wrong credentials came from the address"),
    "headers_too_large": ProblemKind(431, "The headers are more than the service takes"),
    "internal_error": ProblemKind(500, "The service failed on this request"),
    "not_recorded": ProblemKind(503, "The answer could not be recorded, so there is none"),
    "recording_slow": ProblemKind(503, "Recording takes longer than the service waits"),
    "overloaded": ProblemKind(503, "The service works on as much as it can"),
    "tokens_unverifiable": ProblemKind(503, "No token can be checked at present"),
    "ledger_unreadable": ProblemKind(503, "What is recorded cannot be read at present"),
    "links_behind": ProblemKind(503, "Links are still being read from the ledger"),
    "not_ready": ProblemKind(503, "The service cannot answer requests"),
}

MEDIA_TYPE = "application/problem+json"


class RecordError(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule of the record that was sent."""

    code: Annotated[str, Meta(description="Stable name of the rule, such as net_above_gross.")]
    pointer: Annotated[
        str, Meta(description="JSON pointer (RFC 6901) to the field; empty for the whole record.")
    ]
    message: Annotated[str, Meta(description="Rule, value and next step, for a person.")]


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, rename={"kind": "type"}):
    """RFC 9457 problem details, with the members ``code`` and ``errors`` added."""

    kind: Annotated[str, Meta(description="urn:foreland:problem: followed by the code.")]
    title: Annotated[str, Meta(description="What kind of problem it is; the same for a code.")]
    status: Annotated[int, Meta(description="The HTTP status.", ge=400, le=599)]
    detail: Annotated[str, Meta(description="What happened this time, and what to do.")]
    code: Annotated[str, Meta(description="Stable name of the problem; rely on this one.")]
    errors: Annotated[
        tuple[RecordError, ...], Meta(description="Every broken rule, for record_rejected.")
    ] = ()
    instance: Annotated[
        str | None, Meta(description="urn:foreland:request: followed by the X-Request-Id.")
    ] = None


class RequestRefused(Exception):
    """The request ends here, with the problem document that belongs to ``code``."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: tuple[Problem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(detail)

    @property
    def status(self) -> int:
        return PROBLEMS[self.code].status

    def kept(self) -> Self:
        """To be kept with what it is about. The frames that an exception has passed hold that, and
        it them: all of it would stay until garbage is collected."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)

    def document(self) -> bytes:
        """The body of the response.

        >>> print(RequestRefused("bad_json", "no value").document().decode())
        {"type":"urn:foreland:problem:bad_json","title":"The body is not valid JSON",\
"status":400,"detail":"no value","code":"bad_json","errors":[],"instance":null}
        """
        kind = PROBLEMS[self.code]
        return msgspec.json.encode(
            ProblemDocument(
                kind=f"urn:foreland:problem:{self.code}",
                title=kind.title,
                status=HTTPStatus(kind.status).value,
                detail=str(self),
                code=self.code,
                errors=record_errors(self.errors),
                instance=instance(),
            )
        )


def record_errors(problems: tuple[Problem, ...], prefix: str = "") -> tuple[RecordError, ...]:
    """``prefix`` is the pointer of the record within the body, such as ``/3`` in an array."""
    return tuple(
        RecordError(code=p.code, pointer=prefix + p.pointer, message=p.message) for p in problems
    )
