"""Verify an evidence pack of Foreland, with Python's standard library and ``openssl`` alone.

    python3 -I verify_evidence.py evidence-2026-03.tar --key HEX [--key HEX ...]

It shares no code with Foreland. Give the public key that you got by another way: the first one
signed the archive, others signed heads of the audit log before a rotation. Checked are the
signature of the list of files, every byte of every file and between them, the chains of the audit
log's records, and the signed heads that cover them. Exit status 0: everything holds; 1: what does
not is printed, one line each.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NOTHING = bytes(32)
PEM_OF_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410
PURPOSE = b"foreland evidence 1\n"


def sha256(data):
    return hashlib.sha256(data).digest()


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
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key]
        command += ["-rawin", "-in", text, "-sigfile", signed]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def root_of(leaves):
    """Merkle root of RFC 6962, section 2.1."""
    if not leaves:
        return sha256(b"")
    level = [sha256(b"\0" + leaf) for leaf in leaves]
    while len(level) > 1:  # an odd one moves up as it is
        pairs = [sha256(b"\1" + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def refuse(*_):
    raise ValueError


def canonical(text):
    """What it says; None unless it is canonical JSON without fractions (RFC 8785)."""
    try:
        said = json.loads(text, parse_float=refuse, parse_constant=refuse)
        again = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return None
    return said if isinstance(said, dict) and again == text else None


class Digest:
    """A file that only remembers the digest of what is written to it."""

    def __init__(self):
        self.sha256 = hashlib.sha256()

    def write(self, content):
        self.sha256.update(content)
        return len(content)


def check_archive(path, key, find):
    """The content of each file of ``audit/``, and how many files there are."""
    audit, names, again = {}, [], Digest()
    with (
        tarfile.open(path, "r:") as tar,
        tarfile.open(fileobj=again, mode="w|", format=tarfile.USTAR_FORMAT) as copy,
    ):
        listed = {}
        for place, member in enumerate(tar):
            if not member.isreg():
                find(f"{member.name}: no file")
                continue
            content = tar.extractfile(member).read()
            header = tarfile.TarInfo(member.name)
            header.size = len(content)
            with tar.extractfile(member) as stream:
                copy.addfile(header, stream)
            if place == 0 and member.name == "manifest.json":
                manifest, listed = content, json.loads(content)["files"]
            elif place == 1 and member.name == "manifest.sig":
                check_manifest(manifest, content, key, find)
            else:
                names.append(member.name)
                check_file(member.name, content, listed.get(member.name), find)
                if member.name.startswith("audit/"):
                    audit[member.name] = content.decode().splitlines()
    if names != sorted(listed):
        find("the files are not those of the signed list, in its order")
    if again.sha256.digest() != hashlib.sha256(path.read_bytes()).digest():
        find("the archive was changed between its files")
    return audit, len(names)


def check_manifest(manifest, signature, key, find):
    if not re.fullmatch(rb"[0-9a-f]{128}\n", signature):
        find("manifest.sig: holds no signature")
    elif not is_signed(key, bytes.fromhex(signature.decode()), PURPOSE + manifest):
        find("manifest.json: not signed by this key")


def check_file(name, content, listed, find):
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if listed != facts:
        find(f"{name}: not what was signed")


def check_records(lines, before, find):
    """Stream to number to link; each is chained to the one before."""
    links, ends = {}, {line["stream"]: (line["number"], line["link"]) for line in before}
    for line in lines:
        stream, number, content = line["stream"], line["number"], line["content"]
        last, link = ends.get(stream, (0, NOTHING.hex()))
        said = canonical(content)
        if said is None or (said.get("stream"), said.get("number")) != (stream, number):
            find(f"record {number} of {stream}: not canonical JSON of this record")
        chained = sha256(bytes.fromhex(link) + content.encode()).hex()
        if number != last + 1 or chained != line["link"]:
            find(f"record {number} of {stream}: not what was chained there")
        ends[stream] = (number, line["link"])
        links.setdefault(stream, {})[number] = bytes.fromhex(line["link"])
    return links


def check_heads(lines, links, keys, find):
    """How many records they cover: each head is signed, and made over just these records."""
    previous, covered = None, 0
    for line in lines:
        number, head = line["number"], canonical(line["content"])
        if head is None or head["type"] != "foreland audit head 1" or head["number"] != number:
            find(f"head {number}: not canonical JSON of this head")
            continue
        if previous is not None and head["previous_sha256"] != previous.hex():
            find(f"head {number}: does not name the head before it")
        content = line["content"].encode()
        previous = sha256(content)
        key = keys.get(head["key_id"])
        if key is None or not is_signed(key, bytes.fromhex(line["signature"]), content):
            find(f"head {number}: not signed by a key that is believed")
        leaves = [
            links.get(span["stream"], {}).get(place, b"")
            for span in head["streams"]
            for place in range(span["first"], span["last"] + 1)
        ]
        if len(leaves) != head["records"] or root_of(leaves).hex() != head["merkle_root"]:
            find(f"head {number}: made over other records")
        covered += len(leaves)
    return covered


def verify(path, keys):
    findings = []
    audit, files = check_archive(path, keys[0], findings.append)
    lines = {
        name: [json.loads(line) for line in audit.get(f"audit/{name}.jsonl", ())]
        for name in ("before", "records", "heads")
    }
    links = check_records(lines["records"], lines["before"], findings.append)
    known = {key_id(key): key for key in keys}
    covered = check_heads(lines["heads"], links, known, findings.append)
    records, heads = len(lines["records"]), len(lines["heads"])
    print(f"{files:,} files, {records:,} records, {heads:,} heads, {records - covered:,} pending")
    return findings


def main():
    parser = argparse.ArgumentParser(description="Verify an evidence pack of Foreland.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--key", type=bytes.fromhex, action="append", required=True)
    asked = parser.parse_args()
    try:
        findings = verify(asked.archive, asked.key)
    except (
        tarfile.TarError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        UnboundLocalError,
    ) as exc:
        findings = [f"not what foreland writes: {type(exc).__name__} {exc}"]
    print("\n".join(findings) or "everything holds")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
