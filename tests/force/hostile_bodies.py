"""Bodies that nobody honest sends, each written by hand, with the code that must refuse it.

They are well framed and declared as JSON; what is not is in ``hostile_requests``.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from tests.force.hostile import Hostile, framed

SCORES, OUTCOMES = "/v1/scores", "/v1/outcomes"
VEHICLE = '"kind":"vehicle","movement_ref":"HOSTILE","declared_at":"2026-11-01T08:00:00Z"'
OUTCOME = (
    '"kind":"vehicle","event_id":"HOSTILE","movement_ref":"HOSTILE","outcome":"negative",'
    '"examined_at":"2026-11-01T08:00:00Z"'
)
MIB = 1 << 20


NOT_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "a line": b"\n",
    "a zero byte": b"\0",
    "many zero bytes": b"\0" * 4096,
    "a word": b"vehicle",
    "an open brace": b"{",
    "a closed brace": b"}",
    "an open bracket": b"[",
    "a quote": b'"',
    "a minus": b"-",
    "a point": b".5",
    "a number that ends in a point": b"5.",
    "a leading zero": b'{"kind":"vehicle","version":01}',
    "a leading plus": b'{"kind":"vehicle","version":+1}',
    "a hexadecimal number": b'{"kind":"vehicle","version":0x1}',
    "an exponent without digits": b'{"kind":"vehicle","gross_mass_kg":1e}',
    "NaN": b'{"kind":"vehicle","gross_mass_kg":NaN}',
    "nan": b'{"kind":"vehicle","gross_mass_kg":nan}',
    "Infinity": b'{"kind":"vehicle","gross_mass_kg":Infinity}',
    "minus Infinity": b'{"kind":"vehicle","gross_mass_kg":-Infinity}',
    "NaN alone": b"NaN",
    "True of Python": b'{"kind":"vehicle","is_empty":True}',
    "None of Python": b'{"kind":"vehicle","is_empty":None}',
    "undefined": b'{"kind":"vehicle","is_empty":undefined}',
    "single quotes": b"{'kind':'vehicle'}",
    "keys without quotes": b'{kind:"vehicle"}',
    "a trailing comma": b'{"kind":"vehicle",}',
    "a leading comma": b'{,"kind":"vehicle"}',
    "two commas": b'{"kind":"vehicle",,"version":1}',
    "no comma": b'{"kind":"vehicle" "version":1}',
    "no colon": b'{"kind" "vehicle"}',
    "two colons": b'{"kind"::"vehicle"}',
    "a key that is a number": b'{1:"vehicle"}',
    "a key that is null": b'{null:"vehicle"}',
    "a comment": b'{"kind":"vehicle"} // sincerely',
    "a block comment": b'/* hello */{"kind":"vehicle"}',
    "two objects": b'{"kind":"vehicle"}{"kind":"vehicle"}',
    "two lines of JSON": b'{"kind":"vehicle"}\n{"kind":"vehicle"}',
    "a brace too many": b'{"kind":"vehicle"}}',
    "cut in a key": b'{"kind":"vehicle","movem',
    "cut in a string": b'{"kind":"vehi',
    "cut after an escape": b'{"kind":"vehicle\\',
    "cut in a code point": b'{"kind":"\\u00',
    "cut after a colon": b'{"kind":',
    "cut in true": b'{"kind":"vehicle","is_empty":tru',
    "a tab in a string": b'{"kind":"vehi\tcle"}',
    "a newline in a string": b'{"kind":"vehi\ncle"}',
    "a zero byte in a string": b'{"kind":"vehi\0cle"}',
    "a bell in a string": b'{"kind":"vehi\x07cle"}',
    "an unknown escape": b'{"kind":"\\x41"}',
    "an escape of no letter": b'{"kind":"\\u00zz"}',
    "a form feed between": b'{\x0c"kind":"vehicle"}',
    "a no-break space between": b'{\xc2\xa0"kind":"vehicle"}',
    "a byte order mark": b'\xef\xbb\xbf{"kind":"vehicle"}',
    "XML": b"<vehicle><movement_ref>1</movement_ref></vehicle>",
    "XML with an entity bomb": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "YAML": b"kind: vehicle\nmovement_ref: 1\n",
    "a form": b"kind=vehicle&movement_ref=1",
    "CSV": b"kind,movement_ref\nvehicle,1\n",
    "a digit more than Python reads": b'{"kind":"vehicle","version":' + b"9" * 5_000 + b"}",
    "a megabyte of digits": b"1" * (MIB - 1),
    "a megabyte of quotes": b'"' * (MIB - 1),
    "a megabyte of backslashes": b'"' + b"\\" * (MIB - 2),
    "a megabyte of spaces": b" " * (MIB - 1),
    "a megabyte of commas": b"[" + b"," * (MIB - 2),
}
NOT_UTF8: Mapping[str, bytes] = {
    "Latin-1": '{"kind":"véhicule"}'.encode("latin-1"),
    "UTF-16": '{"kind":"vehicle"}'.encode("utf-16"),
    "UTF-32 with a mark": '{"kind":"vehicle"}'.encode("utf-32"),
    "half a character": b'{"kind":"\xc3"}',
    "a continuation alone": b'{"kind":"\x80"}',
    "an overlong slash": b'{"kind":"\xc0\xaf"}',
    "an overlong zero": b'{"kind":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"kind":"\xed\xa0\x80"}',
    "a pair of surrogates in UTF-8": b'{"kind":"\xed\xa0\xbd\xed\xb8\x80"}',
    "past the last code point": b'{"kind":"\xf4\x90\x80\x80"}',
    "five bytes": b'{"kind":"\xf8\x88\x80\x80\x80"}',
    "the byte FE": b'\xfe{"kind":"vehicle"}',
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a zip": b"PK\x03\x04\x14\0\0\0\x08\0\xff\xff",
    "gzip that nobody declared": gzip.compress(b'{"kind":"vehicle"}'),
    "zlib that nobody declared": zlib.compress(b'{"kind":"vehicle"}'),
}
TOO_DEEP: Mapping[str, bytes] = {
    "17 arrays": b"[" * 17 + b"]" * 17,
    "17 objects": b'{"a":' * 17 + b"1" + b"}" * 17,
    "100,000 arrays": b"[" * 100_000 + b"]" * 100_000,
    "100,000 arrays left open": b"[" * 100_000,
    "a megabyte of brackets": b"[" * (MIB - 1),
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "arrays and objects": b'[{"a":' * 1_000 + b"1" + b"}]" * 1_000,
    "deep within a field": b'{"kind":"vehicle","haulier":' + b"[" * 50 + b"]" * 50 + b"}",
    "deep after a string with brackets": b'{"a":"[[[[","b":' + b"[" * 20 + b"]" * 20 + b"}",
    "deep after an escaped quote": b'{"a":"\\"[","b":' + b"[" * 20 + b"]" * 20 + b"}",
}
TWICE: Mapping[str, bytes] = {
    "kind twice": b'{"kind":"vehicle","kind":"vessel"}',
    "the same key and value": b'{"kind":"vehicle","kind":"vehicle"}',
    "a key and its escape": b'{"kind":"vehicle","\\u006bind":"vessel"}',
    "deep inside": b'{"kind":"vehicle","attributes":{"a":1,"a":2}}',
    "in an array": b'[{"a":1},{"b":1,"b":2}]',
    "empty keys": b'{"":1,"":2}',
    "of 10,000 keys the last": b"{"
    + b",".join(b'"%d":1' % number for number in range(10_000))
    + b',"0":1}',
    "__proto__ twice": b'{"__proto__":{},"__proto__":{}}',
}
NO_RECORD: Mapping[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "a number": b"5",
    "a string": b'"vehicle"',
    "an empty string": b'""',
    "an empty object": b"{}",
    "an array of records": b"[{" + VEHICLE.encode() + b"}]",
    "an array of numbers": b"[1,2,3]",
    "a record in a record": b'{"movement":{' + VEHICLE.encode() + b"}}",
    "no kind": b'{"movement_ref":"A","declared_at":"2026-11-01T08:00:00Z"}',
    "a kind that is not": b'{"kind":"person","movement_ref":"A"}',
    "a kind in capitals": b'{"kind":"VEHICLE","movement_ref":"A"}',
    "a kind with a space": b'{"kind":"vehicle ","movement_ref":"A"}',
    "a kind that is null": b'{"kind":null,"movement_ref":"A"}',
    "a kind that is a number": b'{"kind":1,"movement_ref":"A"}',
    "a kind that is an array": b'{"kind":["vehicle"],"movement_ref":"A"}',
    "a kind that is an object": b'{"kind":{"a":"vehicle"},"movement_ref":"A"}',
    "a kind with a zero": b'{"kind":"vehicle\\u0000","movement_ref":"A"}',
    "nothing but kind": b'{"kind":"vehicle"}',
    "nothing to score": b"{" + VEHICLE.encode() + b"}",
    "an unknown field": b"{" + VEHICLE.encode() + b',"no_such_field":1}',
    "__proto__": b"{" + VEHICLE.encode() + b',"__proto__":{"admin":true}}',
    "__class__": b"{" + VEHICLE.encode() + b',"__class__":"os.system"}',
    "constructor": b"{" + VEHICLE.encode() + b',"constructor":{"prototype":{}}}',
    "$where": b"{" + VEHICLE.encode() + b',"$where":"sleep(1000)"}',
    "an empty key": b"{" + VEHICLE.encode() + b',"":1}',
    "a key of a zero": b"{" + VEHICLE.encode() + b',"\\u0000":1}',
    "a key of 100,000 letters": b"{" + VEHICLE.encode() + b',"' + b"k" * 100_000 + b'":1}',
    "10,000 unknown fields": b"{"
    + VEHICLE.encode()
    + b"".join(b',"k%d":1' % number for number in range(10_000))
    + b"}",
    "a name of a driver": b"{" + VEHICLE.encode() + b',"driver_name":"A"}',
    "a nationality": b"{" + VEHICLE.encode() + b',"DriverNationality":"XX"}',
    "fields of another kind": b"{" + VEHICLE.encode() + b',"imo":"9074729"}',
    "the answer's own fields": b"{" + VEHICLE.encode() + b',"probability":0.0,"band":"low"}',
    "a score_id": b"{" + VEHICLE.encode() + b',"score_id":"1"}',
    "an as_of": b"{" + VEHICLE.encode() + b',"as_of":"2020-01-01T00:00:00Z"}',
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "movement_ref": (
        "null",
        "5",
        "true",
        "[]",
        "{}",
        '""',
        '" "',
        '"A\\nB"',
        '"A\\r\\nSet-Cookie: a=b"',
        '"' + "A" * 10_000 + '"',
        '"' + "\\u0041" * 5_000 + '"',
    ),
    "declared_at": (
        "null",
        "0",
        "-1",
        "1e308",
        "1795000000",
        '""',
        '"now"',
        '"2026"',
        '"2026-11-01"',
        '"2026-13-01T00:00:00Z"',
        '"2026-02-30T00:00:00Z"',
        '"2026-11-01T25:00:00Z"',
        '"2026-11-01T08:61:00Z"',
        '"0000-00-00T00:00:00Z"',
        '"99999-01-01T00:00:00Z"',
        '"-2026-11-01T08:00:00Z"',
        '"2026-11-01T08:00:00+99:99"',
        '"2026-11-01T08:00:00Z; DROP TABLE events"',
        "[]",
        "{}",
        '["2026-11-01T08:00:00Z"]',
    ),
    "version": (
        "0",
        "-1",
        "1.5",
        "2.0",
        "3e0",
        '"4"',
        "1e400",
        "-1e400",
        "1e999999999",
        "9223372036854775808",
        "-9223372036854775809",
        "1000001",
        "340282366920938463463374607431768211456",
        '"one"',
        '""',
        "[]",
        "{}",
        "[1]",
    ),
    "gross_mass_kg": (
        "-1",
        "0",
        "-0.0",
        '"9000"',
        "-1e-300",
        "1e300",
        "1e400",
        "-1e400",
        '""',
        '"heavy"',
        '"NaN"',
        '"Infinity"',
        '"1,5"',
        '"0x10"',
        '"1_000"',
        "[]",
        "{}",
        "[9000]",
        "9" * 400,
    ),
    "route_id": (
        "5",
        "1.5",
        "true",
        "[]",
        "{}",
        '["DUN-DVR"]',
        '""',
        '"\\u0000"',
        '"' + "R" * 5_000 + '"',
        '"A\\nB"',
        '"\\u2028"',
    ),
    "haulier_eori": (
        "5",
        "true",
        "[]",
        "{}",
        '""',
        '"' + "X" * 5_000 + '"',
        '"\\r\\n"',
        '["XX1"]',
        '{"$ne":null}',
    ),
    "vehicle_reg": (
        "5",
        "[]",
        "{}",
        '""',
        '"' + "A" * 5_000 + '"',
        '["AB12"]',
    ),
    "is_empty": ('"maybe"', "2", "0.5", "[]", "{}", '""'),
    "direction": ('"SIDEWAYS"', '""', "1", "[]", '"uk_inbound"', '"UK_INBOUND\\u0000"'),
    "attributes": (
        "5",
        '"x"',
        "[]",
        "true",
        '{"a":[]}',
        '{"a":{}}',
        '{"a":{"b":{"c":1}}}',
        '{"":1}',
        '{"a":1e400}',
        '{"a":"' + "x" * 20_000 + '"}',
        '{"driver_name":"A"}',
        "{" + ",".join(f'"a{number}":1' for number in range(5_000)) + "}",
    ),
    "further_containers": ('"x"', "5", "{}", '[""]', "[null]", "[[]]", "[1]"),
    "haulier": ('"x"', "5", "[]", '{"no_such":1}', '{"name":5}'),
}
"""Values of one field, as JSON, that no record may have."""

STRANGE_AND_TAKEN: Mapping[str, tuple[str, ...]] = {
    "movement_ref": (
        '"\\u0000"',
        '"A\\u0000B"',
        '"\\u202eABC"',
        '"\\u200bABC"',
        '"\\ufeffABC"',
        '"\\ud83d\\ude80"',
        '"<script>alert(1)</script>"',
        '"../../etc/passwd"',
        '"\'; DROP TABLE events; --"',
        '"{{7*7}}${7*7}%s%n"',
    ),
    "declared_at": (
        '"0001-01-01T00:00:00+23:59"',
        '"9999-12-31T23:59:59-23:59"',
        '"1969-12-31T23:59:59Z"',
        '"2026-11-01T08:00:00.' + "9" * 5_000 + 'Z"',
    ),
    "version": ("1000000",),
    "gross_mass_kg": ("1e-320", "9000.000000000000000000000001"),
    "haulier_eori": ('"\\u0000"', '"%00"', '"-"'),
    "vehicle_reg": ('"\\u0000\\u0000"', '"\\u0130"', '"\\u1e9e"'),
}
"""Values that make one think, and that are a legal record: text is text, and is kept as a
pseudonym; a time may be any time."""

OUTCOMES_WITH: Mapping[str, str] = {
    "an unknown result": f'{{{OUTCOME},"no_such_field":1}}',
    "a threat without a find": f'{{{OUTCOME},"threat":"firearms"}}',
    "a concealment without a find": f'{{{OUTCOME},"concealment":"tank"}}',
    "a concealment on a person": f'{{{OUTCOME},"concealment":"on_person"}}',
    "a threat that is not": f'{{{OUTCOME},"threat":"dragons"}}',
    "itself to correct": f'{{{OUTCOME},"corrects":"HOSTILE"}}',
    "a time when it was known": f'{{{OUTCOME},"known_at":"2026-11-01T09:00:00Z"}}',
    "an officer's name": f'{{{OUTCOME},"officer_name":"A"}}',
    "no result": '{"kind":"vehicle","event_id":"E","movement_ref":"M"}',
    "a string": '"outcome"',
    "a number": "5",
    "null": "null",
    "an empty object": "{}",
}


def bodies() -> Iterator[Hostile]:
    """Well framed and declared as JSON, to either route."""
    refusals = (
        (NOT_JSON, "bad_json"),
        (NOT_UTF8, "not_utf8"),
        (TOO_DEEP, "too_deep"),
        (TWICE, "duplicate_key"),
    )
    for table, code in refusals:
        for place, (name, body) in enumerate(table.items()):
            path = (SCORES, OUTCOMES)[place % 2]
            yield Hostile(f"{code}: {name}", framed(path, body), frozenset({code}))
    for name, body in NO_RECORD.items():
        yield Hostile(f"no record: {name}", framed(SCORES, body), frozenset({"record_rejected"}))
    for field, values in FIELDS.items():
        for value in values:
            yield Hostile(
                f"{field} {value[:40]}",
                framed(SCORES, _with(field, value).encode()),
                frozenset({"record_rejected", "bad_json"}),
            )
    for field, values in STRANGE_AND_TAKEN.items():
        for place, value in enumerate(values):
            yield Hostile(
                f"{field} {value[:40]}, taken",
                framed(SCORES, _with(field, value, f"STRANGE-{field}-{place}").encode()),
                frozenset(),
                frozenset({200}),
            )
    for name, text in OUTCOMES_WITH.items():
        yield Hostile(
            f"an outcome with {name}",
            framed(OUTCOMES, text.encode()),
            frozenset({"record_rejected"}),
        )


def _with(field: str, value: str, movement_ref: str = "HOSTILE") -> str:
    good: dict[str, Any] = json.loads(f"{{{VEHICLE}}}")
    good |= {"movement_ref": movement_ref, "route_id": "DUN-DVR"}
    good.pop(field, None)
    return json.dumps(good)[:-1] + f', "{field}": {value}}}'
