"""Verify an export of Foreland's audit log, with Python's standard library and ``openssl`` alone.

    foreland audit export --out DIR
    python3 -I verify_audit.py DIR [--key HEX ...] [--heads DIRECTORY]

It shares no code with Foreland. docs/audit.md says what it checks. Give the public key that you
got by another way (``--key``); without one, the export's own keys are taken, and it says so. Give
the second place of the heads (``--heads``): what lies after the last head there is pending.
Exit status 0: everything holds; 1: what does not is printed, one line each.

    python3 -I verify_audit.py --proof FILE --key HEX

verifies the answer of GET /v1/audit/SCORE_ID/proof in the same way.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import defaultdict, deque
from pathlib import Path

NOTHING = bytes(32)
PEM_OF_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410


def sha256(data):
    return hashlib.sha256(data).digest()


class Tree:
    """Merkle tree of RFC 6962, fed leaf by leaf."""

    def __init__(self):
        self.size, self.full = 0, []

    def add(self, leaf):
        root, size = sha256(b"\0" + leaf), self.size
        while size & 1:
            root, size = sha256(b"\1" + self.full.pop() + root), size >> 1
        self.full.append(root)
        self.size += 1

    def root(self):
        if not self.full:
            return sha256(b"")
        root = self.full[-1]
        for left in reversed(self.full[:-1]):
            root = sha256(b"\1" + left + root)
        return root


def root_by_path(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    place, last, root = index, size - 1, sha256(b"\0" + leaf)
    for beside in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = sha256(b"\1" + beside + root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = sha256(b"\1" + root + beside)
        place, last = place >> 1, last >> 1
    return root if last == 0 and 0 <= index < size else None


def canonical(text):
    """What it says; None unless it is canonical JSON without fractions (RFC 8785)."""

    def refuse(*_):
        raise ValueError

    try:
        said = json.loads(text, parse_float=refuse, parse_constant=refuse)
        again = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return None
    return said if isinstance(said, dict) and again == text else None


def key_id(public):
    return hashlib.sha256(public).hexdigest()[:16]


def is_signed(public, signature, message):
    """As ``openssl pkeyutl -verify -pubin -inkey KEY -rawin -in MESSAGE -sigfile SIGNATURE``."""
    pem = base64.encodebytes(PEM_OF_ED25519 + public).decode()
    with tempfile.TemporaryDirectory() as directory:
        key, text, signed = (Path(directory) / name for name in ("key.pem", "text", "signature"))
        key.write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n")
        text.write_bytes(message)
        signed.write_bytes(signature)
        done = subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-verify",
                "-pubin",
                "-inkey",
                key,
                "-rawin",
                "-in",
                text,
                "-sigfile",
                signed,
            ],
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


def lines_of(path):
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class Verifier:
    def __init__(self, keys):
        self.keys = {key_id(key): key for key in keys}
        self.findings = 0
        self.heads, self.trees = [], {}
        self.spans, self.ends = defaultdict(deque), {}

    def find(self, said):
        self.findings += 1
        print(said)

    def check_heads(self, rows):
        """Each signed and linked to the one before; what they cover waits for its records."""
        previous, used = NOTHING, []
        for number, row in enumerate(rows, 1):
            content = row["content"].encode()
            head = canonical(row["content"])
            if head is None or head.get("type") != "foreland audit head 1":
                self.find(f"head {number}: not canonical JSON of a head")
                continue
            if not head["number"] == row["number"] == number:
                self.find(f"head {number}: the one there is numbered {row['number']}")
            if head["previous_sha256"] != previous.hex():
                self.find(f"head {number}: does not name the head before it")
            previous = sha256(content)
            self.check_signature(number, head, content, bytes.fromhex(row["signature"]), used)
            self.expect(number, head)
            self.heads.append((number, content, row["signature"], head["records"]))

    def check_signature(self, number, head, content, signature, used):
        key = self.keys.get(head["key_id"])
        if key is None or not is_signed(key, signature, content):
            self.find(f"head {number}: not signed by a key that is believed")
        if head["key_id"] in used[:-1]:
            self.find(f"head {number}: signed by a key that was rotated out")
        elif head["key_id"] not in used:
            used.append(head["key_id"])

    def expect(self, number, head):
        self.trees[number] = (Tree(), head["records"], head["merkle_root"])
        for span in head["streams"]:
            if span["first"] != self.ends.get(span["stream"], 0) + 1:
                self.find(f"head {number}: leaves a gap in {span['stream']}")
            self.ends[span["stream"]] = span["last"]
            self.spans[span["stream"]].append((span, number))

    def check_records(self, rows):
        """Each chained to the one before in its stream, and as the heads saw it."""
        records, streams, stream = 0, 0, None
        seen = set()
        for row in rows:
            if row["stream"] != stream:
                stream, expected, link = row["stream"], 1, NOTHING
                streams += 1
                if stream in seen:
                    self.find(f"{stream}: in two parts; it was put together by somebody else")
                seen.add(stream)
            where = f"record {row['number']} of {stream}"
            records += 1
            said = canonical(row["content"])
            place = (stream, row["number"])
            if said is None or (said.get("stream"), said.get("number")) != place:
                self.find(f"{where}: not canonical JSON of this record")
            if row["number"] != expected:
                self.find(f"{where}: expected number {expected}")
            elif sha256(link + row["content"].encode()).hex() != row["link"]:
                self.find(f"{where}: not what was chained there")
            expected, link = row["number"] + 1, bytes.fromhex(row["link"])
            self.cover(stream, row["number"], link)
        self.finish()
        return records, streams

    def cover(self, stream, number, link):
        spans = self.spans[stream]
        while spans and spans[0][0]["last"] < number:
            self.find(f"head {spans[0][1]}: records of {stream} are gone")
            spans.popleft()
        if not spans or number < spans[0][0]["first"]:
            if number <= self.ends.get(stream, 0):
                self.find(f"record {number} of {stream}: in no head, yet later ones are")
            return
        span, head = spans[0]
        self.trees[head][0].add(link)
        if number == span["last"]:
            if span["link"] != link.hex():
                self.find(f"record {number} of {stream}: not the one that head {head} saw")
            spans.popleft()

    def finish(self):
        for stream, spans in self.spans.items():
            for _, head in spans:
                self.find(f"head {head}: records of {stream} are gone")
        for number, (tree, records, root) in self.trees.items():
            if tree.size != records or tree.root().hex() != root:
                self.find(f"head {number}: made over other records")

    def check_second_place(self, directory):
        """Files of two lines, head and signature; the records that the last of them vouches for."""
        files = sorted(Path(directory).glob("head-*.txt"))
        stored = {number: (content, signature) for number, content, signature, _ in self.heads}
        for number, path in enumerate(files, 1):
            content, _, signature = path.read_bytes().rstrip(b"\n").rpartition(b"\n")
            if path.name != f"head-{number:010d}.txt":
                self.find(f"{path}: expected head {number}")
            elif stored.get(number) != (content, signature.decode(errors="replace")):
                self.find(f"{path}: the export has another head, or none, of this number")
        return sum(records for number, _, _, records in self.heads if number <= len(files))


def verify_export(directory, keys, second_place):
    own = [bytes.fromhex(row["public"]) for row in lines_of(directory / "keys.jsonl")]
    verifier = Verifier(keys or own)
    if not keys:
        print("the keys are the export's own: give --key to rely on more", file=sys.stderr)
    verifier.check_heads(lines_of(directory / "heads.jsonl"))
    records, streams = verifier.check_records(lines_of(directory / "records.jsonl"))
    covered = sum(head[3] for head in verifier.heads)
    if second_place is not None:
        covered = verifier.check_second_place(second_place)
    heads, pending = len(verifier.heads), max(0, records - covered)
    print(f"{records:,} records in {streams:,} streams, {heads:,} heads, {pending:,} pending")
    return verifier.findings


def verify_proof(path, keys):
    proof = json.loads(path.read_text(encoding="utf-8"))
    said = canonical(proof["content"])
    link = sha256(bytes.fromhex(proof["previous_link"]) + proof["content"].encode())
    place = (proof["stream"], proof["number"], proof["score_id"])
    wrong = []
    if said is None or (said["stream"], said["number"], said["entry"]["score_id"]) != place:
        wrong.append("the content is not of this record")
    if link.hex() != proof["link"]:
        wrong.append("the link is not that of the content")
    if proof["head"] is None:
        print("pending: no head covers the record yet")
    else:
        wrong += head_problems(proof["head"], link, {key_id(key): key for key in keys})
    print("\n".join(wrong) or "the proof holds")
    return len(wrong)


def head_problems(signed, link, keys):
    content = signed["content"].encode()
    head = canonical(signed["content"])
    if head is None:
        return ["the head is not canonical JSON"]
    wrong = []
    path = [bytes.fromhex(beside) for beside in signed["path"]]
    root = root_by_path(link, signed["leaf_index"], head["records"], path)
    if root is None or root.hex() != head["merkle_root"]:
        wrong.append("the head does not cover the record")
    key = keys.get(head["key_id"])
    if key is None or not is_signed(key, bytes.fromhex(signed["signature"]), content):
        wrong.append("the head is not signed by a key that is believed")
    return wrong


def main():
    parser = argparse.ArgumentParser(description="Verify an export of Foreland's audit log.")
    parser.add_argument("export", type=Path, nargs="?", help="what foreland audit export wrote")
    parser.add_argument("--key", type=bytes.fromhex, action="append", default=[])
    parser.add_argument("--heads", type=Path, help="second place of the heads")
    parser.add_argument("--proof", type=Path, help="one proof, instead of an export")
    asked = parser.parse_args()
    if (asked.export is None) == (asked.proof is None) or (asked.proof and not asked.key):
        parser.error("give an export, or --proof with --key")
    try:
        if asked.proof:
            return 1 if verify_proof(asked.proof, asked.key) else 0
        return 1 if verify_export(asked.export, asked.key, asked.heads) else 0
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        print(f"not what foreland writes: {type(exc).__name__} {exc}")
        return 1
    except OSError as exc:
        print(f"{exc.filename}: {exc.strerror}; check the path, and that openssl is installed")
        return 1


if __name__ == "__main__":
    sys.exit(main())
