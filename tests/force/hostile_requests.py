"""Requests whose head or framing nobody honest sends, each written by hand, with its only answers.

A good movement under strange headers, on strange paths, by strange methods; lengths and chunks that
lie; two requests that try to look like one; and what is no HTTP at all. Where HTTP itself is broken
the server underneath answers 400 in its own words, or hangs up.
"""

import gzip
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.force.hostile import Hostile, framed
from tests.force.hostile_bodies import MIB, SCORES

BROKEN = frozenset({400, 0})
"""What is no HTTP is refused as such, or not answered; 0 stands for no answer."""
WAITS = frozenset({0, 400, 408, 504})
"""It waits for the rest, until we go."""
GOOD = (
    b'{"kind":"vehicle","movement_ref":"HONEST-BUT-STRANGE","declared_at":"2026-11-01T08:00:00Z",'
    b'"route_id":"DUN-DVR"}'
)
_LENGTH = b"Content-Length: %d" % len(GOOD)
_HEAD = b"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_OTHER = b"POST /v1/outcomes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"


class _Head(NamedTuple):
    """A good body, or none, under something strange."""

    name: str
    answer: int | str
    """Status, or code of the problem document."""
    headers: Mapping[str, str] = {}
    path: str = SCORES
    method: str = "POST"
    body: bytes = GOOD


_TYPE, _ENCODING = "Content-Type", "Content-Encoding"
_UNTYPED = "unsupported_media_type"
HEADS: tuple[_Head, ...] = (
    _Head("no type", _UNTYPED, {_TYPE: "-"}),
    _Head("an empty type", _UNTYPED, {_TYPE: ""}),
    _Head("text", _UNTYPED, {_TYPE: "text/plain"}),
    _Head("text/json", _UNTYPED, {_TYPE: "text/json"}),
    _Head("XML", _UNTYPED, {_TYPE: "application/xml"}),
    _Head("a form", _UNTYPED, {_TYPE: "application/x-www-form-urlencoded"}),
    _Head("parts", _UNTYPED, {_TYPE: "multipart/form-data; boundary=x"}),
    _Head("parts without a boundary", _UNTYPED, {_TYPE: "multipart/form-data"}),
    _Head("any type", _UNTYPED, {_TYPE: "*/*"}),
    _Head("jsonp", _UNTYPED, {_TYPE: "application/jsonp"}),
    _Head("two types", _UNTYPED, {_TYPE: "application/json, text/plain"}),
    _Head("a long type", _UNTYPED, {_TYPE: "a" * 5_000}),
    _Head("a type in Latin-1", _UNTYPED, {_TYPE: "application/jsön"}),
    _Head("a type in capitals", 200, {_TYPE: "APPLICATION/JSON"}),
    _Head("a type with parameters", 200, {_TYPE: "application/json; charset=utf-8; x=y"}),
    _Head("another charset", 200, {_TYPE: "application/json; charset=utf-16"}),
    _Head("gzip", _UNTYPED, {_ENCODING: "gzip"}, body=gzip.compress(GOOD)),
    _Head("a gzip bomb", _UNTYPED, {_ENCODING: "gzip"}, body=gzip.compress(bytes(50 * MIB))),
    _Head("gzip twice", _UNTYPED, {_ENCODING: "gzip, gzip"}, body=gzip.compress(GOOD)),
    _Head("gzip that is not", _UNTYPED, {_ENCODING: "gzip"}),
    _Head("deflate", _UNTYPED, {_ENCODING: "deflate"}),
    _Head("brotli", _UNTYPED, {_ENCODING: "br"}),
    _Head("an unknown encoding", _UNTYPED, {_ENCODING: "x-enigma"}),
    _Head("an empty encoding", _UNTYPED, {_ENCODING: ""}),
    _Head("identity", 200, {_ENCODING: "identity"}),
    _Head("a body of over a megabyte", "body_too_large", body=b" " * (MIB + 1)),
    _Head("a body of four megabytes", "body_too_large", body=b"[" * (4 * MIB)),
    _Head("an explanation that is not", "bad_query", path=f"{SCORES}?explain=please"),
    _Head("an empty explanation", "bad_query", path=f"{SCORES}?explain="),
    _Head("two explanations", "bad_query", path=f"{SCORES}?explain=never&explain=always"),
    _Head("an unknown parameter", "bad_query", path=f"{SCORES}?debug=1"),
    _Head("a parameter without a value", "bad_query", path=f"{SCORES}?explain"),
    _Head("a zero in a parameter", "bad_query", path=f"{SCORES}?explain=%00"),
    _Head("half a character", "bad_query", path=f"{SCORES}?explain=%c3"),
    _Head("a broken escape", "bad_query", path=f"{SCORES}?explain=%zz"),
    _Head("a long parameter", "uri_too_long", path=f"{SCORES}?explain={'a' * 20_000}"),
    _Head("1,000 parameters", "bad_query", path=f"{SCORES}?{'&'.join('a=1' for _ in range(1000))}"),
    _Head("an empty query", 200, path=f"{SCORES}?"),
    _Head("a slash more", "no_such_route", path=f"{SCORES}//"),
    _Head("two slashes first", "no_such_route", path="//v1/scores"),
    _Head("dots", "no_such_route", path="/v1/../v1/scores"),
    _Head("escaped dots", "no_such_route", path="/v1/%2e%2e/%2e%2e/etc/passwd"),
    _Head("capitals", "no_such_route", path="/V1/SCORES"),
    _Head("a parameter of the path", "no_such_route", path="/v1/scores;jsessionid=1"),
    _Head("a zero in the path", "no_such_route", path="/v1/scores%00"),
    _Head("a backslash", "no_such_route", path="/v1\\scores"),
    _Head("another version", "no_such_route", path="/v2/scores"),
    _Head("an administrator", "no_such_route", path="/admin"),
    _Head("Git", "no_such_route", path="/.git/config", method="GET"),
    _Head("the root", "no_such_route", path="/", method="GET"),
    _Head("a score that is not", "no_such_score", path=f"{SCORES}/1", method="GET", body=b""),
    _Head("a score of a zero", "no_such_score", path=f"{SCORES}/%00", method="GET", body=b""),
    _Head("a score of quotes", "no_such_score", path=f"{SCORES}/'%20OR%201=1", method="GET"),
    _Head("a score of 20,000", "uri_too_long", path=f"{SCORES}/{'a' * 20_000}", method="GET"),
    _Head("a score of half a character", "no_such_score", path=f"{SCORES}/%c3", method="GET"),
    _Head("to list without saying what", "bad_query", method="GET"),
    _Head("to put", "method_not_allowed", method="PUT"),
    _Head("to patch", "method_not_allowed", method="PATCH"),
    _Head("to delete", "method_not_allowed", method="DELETE"),
    _Head("options", "method_not_allowed", method="OPTIONS"),
    _Head("to trace", "method_not_allowed", method="TRACE"),
    _Head("to search", "method_not_allowed", method="SEARCH"),
    _Head("to find properties", "method_not_allowed", method="PROPFIND"),
    _Head("to delete a score", "method_not_allowed", path=f"{SCORES}/1", method="DELETE"),
    _Head("to post to a probe", "method_not_allowed", path="/livez"),
    _Head("to post to the metrics", "method_not_allowed", path="/metrics"),
    _Head("another host", 200, {"Host": "evil.example"}),
    _Head("a host of nothing", 200, {"Host": ""}),
    _Head("no host", 200, {"Host": "-"}),
    _Head("a long host", 200, {"Host": "a" * 5_000}),
    _Head("another method by a header", 200, {"X-HTTP-Method-Override": "DELETE"}),
    _Head("another path by a header", 200, {"X-Original-URL": "/admin"}),
    _Head("forwarded from elsewhere", 200, {"X-Forwarded-For": "127.0.0.1, ::1", "Via": "x"}),
    _Head("forwarded from a zero", 200, {"Forwarded": 'for="[::]:0";by=_hidden'}),
    _Head("a cookie of 8 kB", 200, {"Cookie": "a=" + "b" * 8_000}),
    _Head("100 more headers", "headers_too_large", {f"X-{number}": "y" for number in range(100)}),
    _Head("a range", 200, {"Range": "bytes=0-18446744073709551615"}),
    _Head("a condition", 200, {"If-None-Match": "*", "If-Match": '"x"'}),
    _Head("an answer in another form", 200, {"Accept": "image/webp;q=0"}),
    _Head("a broken trace", 200, {"traceparent": "00-zz-zz-zz"}),
    _Head("a credential nobody asked for", 200, {"Authorization": "Bearer x.y.z"}),
    _Head("a credential of 8 kB", 200, {"Authorization": "Basic " + "A" * 8_000}),
    _Head("Latin-1 in a header", 200, {"X-Name": "Zoë"}),
    _Head("an upgrade to HTTP/2", 200, {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"}),
)

BYTES: Mapping[str, tuple[bytes, frozenset[int]]] = {
    "nothing": (b"", BROKEN),
    "a line": (b"\r\n", BROKEN),
    "10,000 lines": (b"\r\n" * 10_000, BROKEN),
    "a zero byte": (b"\0", BROKEN),
    "every byte": (bytes(range(256)) * 16, BROKEN),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), BROKEN),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", BROKEN),
    "Redis": (b"*1\r\n$4\r\nPING\r\n", BROKEN),
    "PostgreSQL": (b"\0\0\0\x08\x04\xd2\x16\x2f", BROKEN),
    "a proxy's line": (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + _HEAD, BROKEN),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", BROKEN),
    "HTTP/0.9": (b"GET /livez\r\n", BROKEN),
    "HTTP/1.0": (_HEAD.replace(b"1.1", b"1.0") + _LENGTH + b"\r\n\r\n" + GOOD, frozenset({200})),
    "HTTP/1.2": (b"GET /livez HTTP/1.2\r\nHost: x\r\n\r\n", BROKEN | {200, 505}),
    "HTTP/9.9": (b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", BROKEN | {505}),
    "HTCPCP": (b"BREW /pot HTCPCP/1.0\r\nHost: x\r\n\r\n", BROKEN),
    "no version": (b"GET /livez \r\nHost: x\r\n\r\n", BROKEN),
    "a made-up method": (b"BREW /v1/scores HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN | {405}),
    "a small method": (b"post /v1/scores HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN | {405}),
    "a method of 10,000": (b"A" * 10_000 + b" / HTTP/1.1\r\n\r\n", BROKEN),
    "a space first": (b" GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN),
    "two spaces": (b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN | {200, 404}),
    "a tab for a space": (b"GET\t/livez\tHTTP/1.1\r\nHost: x\r\n\r\n", BROKEN),
    "a path with a space": (b"GET /li vez HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN),
    "a path with a zero": (b"GET /livez\0 HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN),
    "a path in UTF-8": ("GET /lïvez HTTP/1.1\r\nHost: x\r\n\r\n".encode(), BROKEN | {404}),
    "a path of 200 kB": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", BROKEN | {404, 414}),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN | {404}),
    "a whole address": (b"GET http://x/livez HTTP/1.1\r\nHost: y\r\n\r\n", BROKEN | {200, 404}),
    "to connect": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", BROKEN | {404}),
    "lines without returns": (b"GET /livez HTTP/1.1\nHost: x\n\n", BROKEN | {200}),
    "returns without lines": (b"GET /livez HTTP/1.1\rHost: x\r\r", BROKEN),
    "a header without a colon": (_HEAD + b"Nonsense\r\n\r\n", BROKEN),
    "a header without a name": (_HEAD + b": nothing\r\n\r\n", BROKEN),
    "a space before the colon": (_HEAD + b"Content-Length : 5\r\n\r\nhello", BROKEN),
    "a folded header": (_HEAD + b"X-A: b\r\n c\r\n\r\n", BROKEN | {200}),
    "a zero in a header": (_HEAD + b"X-A: b\0c\r\n\r\n", BROKEN),
    "a return in a header": (_HEAD + b"X-A: b\rX-B: c\r\n\r\n", BROKEN),
    "a header of 1 MB": (_HEAD + b"X-A: " + b"b" * MIB + b"\r\n\r\n", BROKEN | {431}),
    "10,000 headers": (
        _HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        BROKEN | {431},
    ),
    "a head without an end": (_HEAD + b"X-A: b\r\n", WAITS),
    "half a request line": (b"POST /v1/sc", WAITS),
    "two hosts": (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BROKEN | {200}),
    "a negative length": (_HEAD + b"Content-Length: -1\r\n\r\n" + GOOD, BROKEN),
    "a length with a plus": (_HEAD + b"Content-Length: +5\r\n\r\nhello", BROKEN),
    "a length with a letter": (_HEAD + b"Content-Length: 5x\r\n\r\nhello", BROKEN),
    "a hexadecimal length": (_HEAD + b"Content-Length: 0x5\r\n\r\nhello", BROKEN),
    "an empty length": (_HEAD + b"Content-Length: \r\n\r\n", BROKEN),
    "a length past 64 bits": (_HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", BROKEN),
    "a length of 2 to the 63": (_HEAD + b"Content-Length: 9223372036854775808\r\n\r\n", WAITS),
    "two lengths": (_HEAD + _LENGTH + b"\r\nContent-Length: 1\r\n\r\n" + GOOD, BROKEN),
    "lengths in one line": (_HEAD + b"Content-Length: 5, 5\r\n\r\nhello", BROKEN),
    "a length too long": (_HEAD + b"Content-Length: 999\r\n\r\n" + GOOD, WAITS),
    "a length of a gigabyte": (_HEAD + b"Content-Length: 1073741824\r\n\r\n" + GOOD, WAITS),
    "a length too short": (_HEAD + b"Content-Length: 5\r\n\r\n" + GOOD, BROKEN),
    "no length": (_HEAD + b"\r\n" + GOOD, BROKEN),
    "length and chunks": (
        _HEAD + _LENGTH + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _OTHER,
        BROKEN,
    ),
    "chunks and length": (
        _HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + _OTHER,
        BROKEN,
    ),
}
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS: Mapping[str, tuple[bytes, frozenset[int]]] = {
    "good chunks": (_CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD), frozenset({200})),
    "chunks of one byte": (
        _CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD) + b"0\r\n\r\n",
        frozenset({200}),
    ),
    "an extension": (_CHUNKED + b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD), BROKEN | {200}),
    "an extension of 100 kB": (_CHUNKED + b"5;" + b"a" * 100_000 + b"\r\nhello", WAITS | {413}),
    "trailers": (_CHUNKED + b"%x\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(GOOD), GOOD), BROKEN | {200}),
    "no chunk": (_CHUNKED + b"0\r\n\r\n", frozenset({400})),
    "a size that is no number": (_CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", BROKEN),
    "a negative size": (_CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", BROKEN),
    "a size with 0x": (_CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", BROKEN),
    "a size past 64 bits": (_CHUNKED + b"fffffffffffffffff\r\nhello", BROKEN),
    "a size of 2 to the 63": (_CHUNKED + b"7fffffffffffffff\r\nhello", WAITS),
    "a size too long": (_CHUNKED + b"ff\r\n" + GOOD, WAITS),
    "a size too short": (_CHUNKED + b"5\r\n" + GOOD + b"\r\n0\r\n\r\n", BROKEN),
    "no line after a chunk": (_CHUNKED + b"5\r\nhello0\r\n\r\n", BROKEN),
    "no last chunk": (_CHUNKED + b"%x\r\n%b\r\n" % (len(GOOD), GOOD), WAITS),
    "two megabytes of chunks": (
        _CHUNKED + b"8000\r\n%b\r\n" % bytes(0x8000) * 64 + b"0\r\n\r\n",
        frozenset({413, 0}),
    ),
    "an unknown coding": (_HEAD + b"Transfer-Encoding: cow\r\n\r\n" + GOOD, BROKEN),
    "chunked in capitals": (
        _HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD),
        BROKEN | {200},
    ),
    "chunked, then not": (
        _HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        BROKEN,
    ),
    "chunked with a mark": (
        _HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + _OTHER,
        BROKEN,
    ),
    "chunked twice": (
        _HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
        BROKEN,
    ),
    "a socket for the web": (
        (
            b"GET /v1/scores HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
        frozenset({400, 403, 404, 405, 426, 0}),
    ),
    "50 requests at once, then nonsense": (
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 50 + b"\0\0\0\r\n\r\n",
        BROKEN | {200},
    ),
}


def requests() -> Iterator[Hostile]:
    for head in HEADS:
        sent = framed(head.path, head.body, head.headers, head.method)
        if isinstance(head.answer, str):
            yield Hostile(f"a head with {head.name}", sent, frozenset({head.answer}))
        else:
            yield Hostile(f"a head with {head.name}", sent, frozenset(), frozenset({head.answer}))
    for name, (sent, statuses) in {**BYTES, **CHUNKS}.items():
        yield Hostile(name, sent, frozenset(), statuses)
