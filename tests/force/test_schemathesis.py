"""What schemathesis makes of the OpenAPI document is answered as the document says.

All of its checks, with a key that may do everything, on the whole application in this process:
no request is answered with 500, with a status, a header or a body that is not described; what
breaks the schema is refused, and what keeps it is taken, but for what ``EXPECTED`` says.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import jsonschema_rs
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans
from starlette.applications import Starlette

from features.clock import now_micros
from features.ledger import open_ledger
from serving.app import create_app
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.state import ServingState
from tests.force.recording import prepare, settings_of

JSON = "application/json"
MANY = {
    "POST /v1/outcomes": "outcomes",
    "POST /v1/decisions": "decisions",
    "POST /v1/scores/batch": "results",
}
"""Operations on many items, and where the answer has what became of each."""
_REFUSED = [400, 401, 403, 404, 405, 406, 409, 415, 422, 428, 429, "5xx"]
_TAKEN = ["2xx", "3xx", 401, 403, 404, 409, 429, "5xx"]
EXPECTED: Mapping[str, Mapping[str, list[Any]]] = {
    # Rules between fields (net above gross, an override without a reason): no schema states them
    # all, docs/api.md does, and 422 is described.
    "POST /v1/scores": {"positive_data_acceptance": [*_TAKEN, 422]},
    # Of many items each is taken or rejected alone, in an answer with status 200: see
    # ``a_wrong_item_is_rejected``.
    **{
        operation: {
            "positive_data_acceptance": [*_TAKEN, 422],
            "negative_data_rejection": [200, *_REFUSED],
        }
        for operation in MANY
    },
    # An entity is a namespace and an identifier that can be one, and an instant is not ahead.
    "GET /v1/entities/{key}/links": {"positive_data_acceptance": [*_TAKEN, 400, 422, 503]},
    # 413: more rows than the document's maximum; or with reasons, which lowers it.
    "POST /v1/scores/batch": {
        "positive_data_acceptance": [*_TAKEN, 413, 422],
        "negative_data_rejection": [200, 413, *_REFUSED],
    },
    # Nothing that is made up is signed by a partner: 403, or of a batch each event is rejected.
    "POST /v1/exchange/events": {
        "positive_data_acceptance": [*_TAKEN, 422],
        "negative_data_rejection": [200, 413, *_REFUSED],
    },
}
"""What the checks take besides what they take by themselves, and why."""


@schemathesis.check
def a_wrong_item_is_rejected(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """An array that breaks the schema has an item that breaks it, and that one is not taken."""
    where = MANY.get(case.operation.label)
    if where is None or not isinstance(case.body, list):
        return
    if response.status_code == 200 and _is_json(response) and not _keeps_the_schema(case):
        items = json.loads(response.content)[where]
        assert not items or any(item["status"] == "rejected" for item in items), items


def _keeps_the_schema(case: schemathesis.Case[Any]) -> bool:
    """By a validator of its own: what was meant to break the schema may keep it after all."""
    schema = case.operation.schema.raw_schema
    (path,) = [path for path in schema["paths"] if case.operation.label.endswith(f" {path}")]
    body = schema["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"]
    whole = {**body, "components": schema["components"]}
    return jsonschema_rs.is_valid(whole, case.body)


def _is_json(response: schemathesis.Response) -> bool:
    return response.headers["content-type"] == [JSON]


class Tried(NamedTuple):
    cases: Counter[str]
    """How many requests in each phase."""
    failures: list[str]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Starlette, str]]:
    """The application, and a key for everything."""
    home = tmp_path_factory.mktemp("tried")
    prepare(home)
    unbounded = {"requests_per_second": 1e9, "scores_per_second": 0}
    settings = settings_of(home).model_copy(update=unbounded)
    everything = Client("tester", "border", frozenset(SCOPES))
    key, stored = new_key(everything, created_at=now_micros())
    with closing(open_ledger(settings.ledger)) as ledger:
        with ledger.transaction() as transaction:
            key_store.prepare(transaction)
        key_store.add(ledger, stored)
    yield create_app(lambda: ServingState(settings), counters=Counters()), key
    shutdown_lifespans()


def try_everything(
    application: tuple[Starlette, str], *, examples: int, every_value: bool, seed: int = 1
) -> Tried:
    """
    Args:
        examples: for each operation, of each kind of request.
        every_value: also each bound, format and missing field of the document by itself.
    """
    app, key = application
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"database": "none", "max-examples": examples},
            "cache": {"enabled": False},
            "continue-on-failure": True,
            "phases": {"coverage": {"enabled": every_value}},
            "operations": [
                {
                    "include-name": name,
                    "checks": {
                        check: {"expected-statuses": statuses} for check, statuses in checks.items()
                    },
                }
                for name, checks in EXPECTED.items()
            ],
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    cases: Counter[str] = Counter()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            cases[event.phase.value] += len(event.recorder.cases)
            failures += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
    return Tried(cases, failures)


def _failures(scenario: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in scenario.recorder.checks.items():
        case = scenario.recorder.cases[case_id].value
        for check in checks:
            if check.failure_info is not None:
                said = check.failure_info.failure
                sent = case.as_curl_command()[:2_000]
                yield f"{check.name}: {said.title} ({said.message}): {sent}"


def test_hundreds_of_requests_are_answered_as_described(
    application: tuple[Starlette, str],
) -> None:
    tried = try_everything(application, examples=20, every_value=False)
    assert tried.failures == []
    assert tried.cases.total() >= 250


@pytest.mark.slow
def test_twenty_thousand_requests_are_answered_as_described(
    application: tuple[Starlette, str],
) -> None:
    tried = try_everything(application, examples=1_000, every_value=True)
    print(dict(tried.cases))
    assert tried.failures == []
    assert tried.cases.total() >= 20_000
