"""``/reports``: who may read, what may be read, and that whoever reads is recorded."""

import base64
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from features.ledger import open_ledger, open_tables
from features.settings import Settings
from serving.app import create_app
from serving.audit import ReportViewed
from serving.audit.period import notes_between
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.auth.guesses import MOST, SECONDS_EACH, Guesses
from serving.metrics import Counters
from serving.openapi import document
from serving.problems import RequestRefused
from serving.published import TYPES
from serving.state import ServingState
from tests.app_client import AppClient, refused_with

READER = Client("board", "border-force", frozenset({"report.read"}))
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home")
    site = made.reports
    (site / "2026-03" / "annex").mkdir(parents=True)
    (site / "2026-03" / "downloads").mkdir()
    (site / ".2026-04.half").mkdir()
    (site / "index.html").write_text("<title>all periods</title>")
    (site / "2026-03" / "index.html").write_text("<title>March</title>")
    (site / "2026-03" / "annex" / "vehicle.html").write_text("<script>1</script>")
    (site / "2026-03" / "downloads" / "bands.csv").write_text("band\nhigh\n")
    (site / "2026-03" / "strange.exe").write_text("no")
    (site / ".2026-04.half" / "index.html").write_text("half")
    (made.home / "secret.html").write_text("secret")
    (site / "link.html").symlink_to(made.home / "secret.html")
    (site / "linked").symlink_to(made.home, target_is_directory=True)
    os.mkfifo(site / "pipe.html")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    app = create_app(lambda: ServingState(settings), counters=Counters())
    with closing(AppClient(app)) as opened:
        yield opened


def key_of(settings: Settings, client: Client = READER) -> str:
    key, stored = new_key(client, created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.open_keys(ledger).close()
        key_store.add(ledger, stored)
    return key


def basic(password: str, name: str = "anybody") -> dict[str, str]:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def ask(client: AppClient, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return client.request("GET", path, headers=headers or {})


def views(settings: Settings) -> list[tuple[str, str, str]]:
    with closing(open_tables(settings.ledger)) as tables:
        found = [record.entry for record in notes_between(tables, 0, 2**62)]
    return [(v.path, v.client, v.agency) for v in found if isinstance(v, ReportViewed)]


def test_a_reader_with_the_scope_logs_in_with_a_key_as_password(
    client: AppClient, settings: Settings
) -> None:
    key = key_of(settings)
    answer = ask(client, "/reports/2026-03/index.html", basic(key))
    assert answer.status_code == 200
    assert answer.text == "<title>March</title>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    for path in ("/reports/", "/reports/2026-03/"):
        assert ask(client, path, basic(key)).status_code == 200
    bearer = {"Authorization": f"Bearer {key}"}
    assert ask(client, "/reports/index.html", bearer).status_code == 200
    assert views(settings) == [
        ("2026-03/index.html", "board", "border-force"),
        ("index.html", "board", "border-force"),
        ("2026-03/index.html", "board", "border-force"),
        ("index.html", "board", "border-force"),
    ]


def test_downloads_are_saved_and_the_annex_runs_in_a_sandbox(
    client: AppClient, settings: Settings
) -> None:
    key = key_of(settings)
    csv = ask(client, "/reports/2026-03/downloads/bands.csv", basic(key))
    assert csv.headers["content-disposition"] == 'attachment; filename="bands.csv"'
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    annex = ask(client, "/reports/2026-03/annex/vehicle.html", basic(key))
    policy = annex.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy  # so default-src 'none' holds for it


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "2026-03/../../secret.html",
        "%2e%2e/secret.html",
        "..%2fsecret.html",
        "2026-03/%2e%2e/%2e%2e/secret.html",
        "/etc/passwd",
        "//etc/passwd.html",
        "link.html",
        "linked/secret.html",
        "pipe.html",
        ".2026-04.half/index.html",
        "2026-03/strange.exe",
        "2026-03",
        "2026-03/index.html%00.css",
        "2026-03\\index.html",
        "no-such.html",
        "a/b/c/d/e/f/g.html",
    ],
)
def test_nothing_but_published_files_is_there(
    client: AppClient, settings: Settings, path: str
) -> None:
    answer = ask(client, f"/reports/{path}", basic(key_of(settings)))
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert views(settings) == []


def test_without_a_credential_a_browser_is_asked_for_one(
    client: AppClient, settings: Settings
) -> None:
    key_of(settings)
    answer = ask(client, "/reports/", HTML)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Basic realm="Foreland reports"')
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "report.read" in answer.text
    refused_with(ask(client, "/reports/"), "unauthorized")  # not a browser
    assert ask(client, "/v1/models").headers["www-authenticate"] == "Bearer"


def test_another_scope_is_not_enough_and_a_password_opens_nothing_else(
    client: AppClient, settings: Settings
) -> None:
    others = frozenset(SCOPES) - {"report.read"}
    key = key_of(settings, Client("port", "port", others))
    refused_with(ask(client, "/reports/", basic(key)), "scope_missing")
    page = ask(client, "/reports/", basic(key) | HTML)
    assert page.status_code == 403
    assert "Close the browser" in page.text
    refused_with(ask(client, "/v1/models", basic(key)), "unauthorized")
    assert views(settings) == []


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic YWJj",  # no colon
        "Basic " + base64.b64encode(b"a:").decode(),
        "Basic " + base64.b64encode("a:schlüssel".encode()).decode(),
        "Basic " + base64.b64encode(b"a:fl_000000000000_" + b"A" * 43).decode(),
        "Digest abc",
    ],
)
def test_a_malformed_or_wrong_credential_is_refused(
    client: AppClient, settings: Settings, header: str
) -> None:
    key_of(settings)
    refused_with(ask(client, "/reports/", {"Authorization": header}), "unauthorized")


def test_a_revoked_key_reads_nothing_more(client: AppClient, settings: Settings) -> None:
    key = key_of(settings)
    assert ask(client, "/reports/", basic(key)).status_code == 200
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.revoke(ledger, "board", time.time_ns() // 1_000)
    time.sleep(0.3)
    assert ask(client, "/reports/", basic(key)).status_code == 401


def test_too_many_wrong_keys_make_an_address_wait(client: AppClient, settings: Settings) -> None:
    key = key_of(settings)
    wrong = basic(key[:-1] + ("A" if key[-1] != "A" else "B"))
    statuses = [ask(client, "/reports/", wrong).status_code for _ in range(MOST + 1)]
    assert statuses == [401] * MOST + [429]
    refused = ask(client, "/reports/", basic(key))
    refused_with(refused, "too_many_attempts")
    assert 0 < int(refused.headers["retry-after"]) <= SECONDS_EACH + 1


def test_an_address_is_as_good_as_new_after_a_time() -> None:
    guesses = Guesses()
    for _ in range(MOST):
        guesses.check("a", 100.0)
        guesses.wrong("a", 100.0)
    with pytest.raises(RequestRefused):
        guesses.check("a", 100.0)
    guesses.check("b", 100.0)
    guesses.check("a", 100.0 + SECONDS_EACH)


def test_before_the_first_key_this_machine_reads_without_one(client: AppClient) -> None:
    assert ask(client, "/reports/").status_code == 200


def test_the_site_has_one_address(client: AppClient) -> None:
    moved = ask(client, "/reports")
    assert (moved.status_code, moved.headers["location"]) == (308, "/reports/")
    assert client.request("POST", "/reports/", content=b"").status_code == 405
    assert client.request("HEAD", "/reports/").status_code == 200


def test_the_openapi_document_describes_every_type_of_file() -> None:
    described = json.loads(document())["paths"]["/reports/{path}"]["get"]
    content = described["responses"]["200"]["content"]
    assert set(content) == {media_type.partition(";")[0] for media_type in TYPES.values()}
    assert described["security"] == [{"credential": ["report.read"]}, {"password": []}]
