"""What each answer of a partner means, over loopback."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from features.key_files import KeyUnusable
from serving.exchange import posting
from serving.exchange.outbox import Posted
from serving.exchange.posting import TAKEN, PartnerPost, Unable, Unreachable, credential_of

EVENTS = [Posted("1.movement.declared", 1, b"{}"), Posted("2.movement.declared", 2, b"{}")]
GOOD = (
    b'{"events":[{"id":"1.movement.declared","status":"accepted"},'
    b'{"id":"2.movement.declared","status":"duplicate"}]}'
)
Post = Callable[..., PartnerPost]


class Answers:
    """What the partner says next, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, GOOD
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def url(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answers.asked.append(dict(self.headers))
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/events"
    server.shutdown()
    server.server_close()


def post(url: str, token: str | None = None, *, receipts: bool = True) -> list[posting.Said]:
    with closing(PartnerPost(url, lambda: token, receipts=receipts)) as partner:
        return partner(EVENTS)


def test_receipts_say_what_became_of_each(url: str, answers: Answers) -> None:
    assert post(url, "secret") == [TAKEN, TAKEN]
    (asked,) = answers.asked
    assert asked["Authorization"] == "Bearer secret"
    assert asked["Content-Type"] == "application/cloudevents-batch+json"
    assert asked["Date"].endswith("GMT")
    post(url)
    assert "Authorization" not in answers.asked[1]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 429, 502, 503, 504])
def test_who_refuses_us_is_asked_again_later(url: str, answers: Answers, status: int) -> None:
    answers.status, answers.headers = status, {"Location": url}
    answers.body = b'{"code":"unauthorized"}'
    with pytest.raises(Unreachable, match=f"status {status} unauthorized"):
        post(url)
    assert len(answers.asked) == 1, "what is for one partner goes nowhere else"


@pytest.mark.parametrize(
    ("status", "for_good"), [(400, True), (409, True), (413, True), (422, True), (500, False)]
)
def test_a_body_may_be_refused_as_a_whole(
    url: str, answers: Answers, status: int, for_good: bool
) -> None:
    answers.status, answers.body = status, b"<html>GB123 is not nice</html>"
    with pytest.raises(Unable) as caught:
        post(url)
    assert (str(caught.value), caught.value.for_good) == (f"status {status}", for_good)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"events":[]}', GOOD.replace(b"1.m", b"7.m"), b"[1]"]
)
def test_an_answer_that_is_not_about_the_events_is_none(
    url: str, answers: Answers, body: bytes
) -> None:
    answers.body = body
    with pytest.raises(Unreachable):
        post(url)


def test_an_answer_without_end_is_cut_off(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "MOST_ANSWER_BYTES", 10)
    with pytest.raises(Unreachable, match="longer than 10 bytes"):
        post(url)


def test_a_subscriber_need_not_answer_with_receipts(url: str, answers: Answers) -> None:
    answers.status, answers.body = 202, b"thanks"
    assert post(url, receipts=False) == [TAKEN, TAKEN]


def test_nobody_there_is_told_by_kind_and_not_by_address() -> None:
    with pytest.raises(Unreachable, match=r"^ConnectError$"):
        post("http://127.0.0.1:9/secret-path")


def test_a_credential_lies_in_a_file_of_its_own_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert credential_of(tmp_path, "north-sea") is None
    path = tmp_path / "partner-north-sea.token"
    path.touch(mode=0o600)
    path.write_text("fl_abc\n")
    assert credential_of(tmp_path, "north-sea") == "fl_abc"
    path.chmod(0o640)
    with pytest.raises(KeyUnusable, match="open to others"):
        credential_of(tmp_path, "north-sea")
    monkeypatch.setenv("FORELAND_PARTNER_TOKEN_NORTH_SEA", "fl_def")
    assert credential_of(tmp_path, "north-sea") == "fl_def"
