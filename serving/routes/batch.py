"""Many scores in one request: each row answered as it would be alone, the others whatever it is."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from features.records import kind_of
from serving import sandbox
from serving.auth.access import Client
from serving.metrics import Counters
from serving.problems import RequestRefused
from serving.routes.scores import explain_asked
from serving.routes.shell import (
    JSON,
    body_of,
    counters_of,
    for_clients,
    media_type_of,
    required,
    route,
    state_of,
)
from serving.vocabulary import Explain, Kind
from serving.wire import ScoreRequest, encode
from serving.wire.arrow_answers import as_arrow
from serving.wire.arrow_bodies import read_arrow_rows
from serving.wire.batch import (
    MAX_BATCH_BYTES,
    as_json,
    as_json_lines,
    check_row_count,
    read_json_lines,
    read_json_rows,
)
from serving.wire.rows import Answers, Found, Given, PlainRows, RejectedRow, RowAnswer, SentRows

NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"


class Form(NamedTuple):
    """How rows and their results are written."""

    read: Callable[[bytes], SentRows]
    write: Callable[[SentRows, Answers], bytes]


FORMS: Mapping[str, Form] = {
    JSON: Form(read_json_rows, as_json),
    NDJSON: Form(read_json_lines, as_json_lines),
    ARROW: Form(read_arrow_rows, as_arrow),
}


async def _score_batch(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    explain = explain_asked(request, unless_asked="never")
    sent_as = media_type_of(request, *FORMS)
    answered_as = _acceptable(request, sent_as)
    body = await batch_body(request, client)
    with state_of(request).batches.places:
        rows = await asyncio.to_thread(FORMS[sent_as].read, body)
        answers = await answers_to(request, rows, explain, client)
        content = await asyncio.to_thread(FORMS[answered_as].write, rows, answers)
    return Response(content, media_type=answered_as, headers={"Cache-Control": "no-store"})


async def batch_body(request: Request, client: Client) -> bytes:
    """As ``body_of``; and ``overloaded`` while there is no place for a batch. It takes none: until
    the body is here another may have it."""
    batches = state_of(request).batches
    batches.places.check()
    return await body_of(request, client, MAX_BATCH_BYTES, batches.arriving)


def _acceptable(request: Request, sent_as: str) -> str:
    """The type of the answer: the first that ``Accept`` names, or that of the request."""
    accepted = request.headers.get("accept", "*/*")
    for one in accepted.split(","):
        media_type = one.partition(";")[0].strip().lower()
        if media_type in FORMS:
            return media_type
        if media_type in ("*/*", "application/*"):
            return sent_as
    raise RequestRefused("not_acceptable", f"accept {' or '.join(FORMS)}")


async def answers_to(request: Request, rows: SentRows, explain: Explain, client: Client) -> Answers:
    """One per row, in the order sent, counted; made up for what is the sandbox's.

    Raises:
        RequestRefused: ``too_many_rows``, or ``scope_missing`` for a client of the sandbox alone.
    """
    check_row_count(len(rows), explained=explain != "never")
    answers: dict[int, RowAnswer] = {}
    movements: dict[int, ScoreRequest] = {}
    for index, row in rows.apart.items():
        if isinstance(row, RejectedRow):
            answers[index] = row.refusal
        elif sandbox.is_reserved(row.movement_ref):
            answers[index] = _made_up(row, client)
        else:
            movements[index] = row
    plain = [_less_made_up(one, client, answers) for one in rows.plain]
    if not movements and not any(len(one.places) for one in plain):
        return Answers(len(rows), answers, [])
    required(client, "score_batch")
    given = await state_of(request).batches.score(movements, plain, explain, client)
    _count(counters_of(request), given)
    return Answers(len(rows), answers | given.apart, given.together)


def _less_made_up(rows: PlainRows, client: Client, answers: dict[int, RowAnswer]) -> PlainRows:
    """Those that are not the sandbox's, which are answered."""
    places, records = rows
    references = records.values["movement_ref"]
    left = [at for at, named in enumerate(references) if not sandbox.is_reserved(named)]
    if len(left) == len(places):
        return rows
    for at in sorted(set(range(len(places))).difference(left)):
        answers[places[at]] = _made_up(cast(ScoreRequest, records[at]), client)
    return PlainRows([places[at] for at in left], records.taken(left))


def _made_up(row: ScoreRequest, client: Client) -> RowAnswer:
    kind = cast(Kind, kind_of(row))
    try:
        made_up = sandbox.answer(kind, row.movement_ref, row.version, client)
    except RequestRefused as exc:
        return exc.kept()
    body = encode(replace(made_up, movement_ref=None))
    return Given(kind, made_up.status, made_up.band, body, replayed=False)


def _count(counters: Counters, answers: Found) -> None:
    """Added up first: each increment is a write to a file that is shared between workers."""
    given = [answer for answer in answers.apart.values() if isinstance(answer, Given)]
    scored = Counter((one.kind, one.band, one.status) for one in given if not one.replayed)
    for together in answers.together:
        scored.update(together.counted())
    for labels, count in scored.items():
        counters.scores.labels(*labels).inc(count)
    for kind, count in Counter(one.kind for one in given if one.replayed).items():
        counters.replays.labels(kind).inc(count)


ROUTES = [route("/v1/scores/batch", POST=for_clients("score_batch", _score_batch))]
