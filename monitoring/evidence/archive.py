"""The archive: a tar whose every byte follows from its contents, with a signed list of them.

``manifest.json`` comes first and names size and sha256 of every file; ``manifest.sig`` second, the
signature in hexadecimal; then the files by name. Headers are all alike (POSIX ustar, no times, no
owners), so that a byte that was changed anywhere shows: in a file by its sha256, elsewhere because
another archive would have been written.
"""

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from features.errors import ForelandError
from features.signing import SignatureWrong, SigningKey, VerifyingKey

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
FORMAT = "foreland evidence 1"
PURPOSE = b"foreland evidence 1\n"
"""Signed in front of the manifest: the key signs heads of the audit log too."""
_SIGNATURE = re.compile(rb"([0-9a-f]{128})\n")
_CHUNK = 1 << 20


class EvidenceWrong(ForelandError):
    """An archive is not what was written."""


class FileFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    period: str
    key_id: str
    """Of the key that signed it."""
    files: dict[str, FileFacts]


class Written(NamedTuple):
    manifest_sha256: str
    files: int


def write_archive(out: Path, period: str, files: Mapping[str, Path], key: SigningKey) -> Written:
    """The whole archive or none.

    Args:
        files: name within the archive to where it lies.
    """
    named = dict(sorted(files.items()))
    facts = {name: _facts_of(path) for name, path in named.items()}
    manifest = msgspec.json.format(
        msgspec.json.encode(
            Manifest(format=FORMAT, period=period, key_id=key.key_id, files=facts), order="sorted"
        ),
        indent=1,
    )
    signature = key.sign(PURPOSE + manifest).hex().encode() + b"\n"
    aside = out.with_name(f".{out.name}.new")
    try:
        with aside.open("wb") as file:
            with _canonical_tar(file) as tar:
                for name, content in ((MANIFEST, manifest), (SIGNATURE, signature)):
                    tar.addfile(_header(name, len(content)), BytesIO(content))
                for name, path in named.items():
                    with path.open("rb") as source:
                        tar.addfile(_header(name, facts[name].bytes), source)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return Written(hashlib.sha256(manifest).hexdigest(), len(named))


def unpack_verified(archive: Path, key: VerifyingKey, folder: Path) -> Manifest:
    """Write its files into ``folder``, which is empty, once each of them is what was signed.

    Raises:
        EvidenceWrong: something is not what was written.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            members = iter(tar)
            manifest = _signed_manifest(tar, members, key)
            names = []
            for member in members:
                facts = manifest.files.get(member.name)
                if facts is None or not member.isreg():
                    raise EvidenceWrong(f"{member.name} is not in the signed list")
                names.append(member.name)
                _unpack(tar, member, facts, folder)
    except (tarfile.TarError, EOFError, UnicodeError, ValueError, OSError) as exc:
        raise EvidenceWrong(f"{archive} is no archive of evidence ({type(exc).__name__})") from exc
    if names != sorted(manifest.files):
        missing = sorted(set(manifest.files).difference(names))
        raise EvidenceWrong(f"{', '.join(missing) or 'the order of its files'} is not as signed")
    _check_every_byte(archive)
    return manifest


def _signed_manifest(
    tar: tarfile.TarFile, members: Iterator[tarfile.TarInfo], key: VerifyingKey
) -> Manifest:
    contents = []
    for name in (MANIFEST, SIGNATURE):
        member = next(members, None)
        stream = None if member is None or member.name != name else tar.extractfile(member)
        if stream is None:
            raise EvidenceWrong(f"{name} is not where it belongs")
        contents.append(stream.read())
    manifest, signature = contents
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise EvidenceWrong(f"{SIGNATURE} holds no signature")
    try:
        key.verify(bytes.fromhex(found[1].decode()), PURPOSE + manifest)
        said = msgspec.json.decode(manifest, type=Manifest)
    except (SignatureWrong, msgspec.MsgspecError) as exc:
        raise EvidenceWrong(f"{MANIFEST}: {exc}") from exc
    if said.format != FORMAT or any(_leads_elsewhere(name) for name in said.files):
        raise EvidenceWrong(f"{MANIFEST} is not of {FORMAT}")
    return said


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, facts: FileFacts, folder: Path) -> None:
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = tar.extractfile(member)
    assert stream is not None  # it is a regular file
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != facts.sha256 or path.stat().st_size != facts.bytes:
        raise EvidenceWrong(f"{member.name} is not what was signed")


def _leads_elsewhere(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("/") or any(part in {"", ".", ".."} for part in parts)


class _Hashing:
    """A file that only remembers the digest of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return len(content)


def _check_every_byte(archive: Path) -> None:
    """What lies between the files must be what would be written again."""
    again = _Hashing()
    with tarfile.open(archive, "r:") as tar, _canonical_tar(again) as copy:
        for member in tar:
            copy.addfile(_header(member.name, member.size), tar.extractfile(member))
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
    if found.digest() != again.digest.digest():
        raise EvidenceWrong(f"{archive} was changed between its files")


def _canonical_tar(file: "IO[bytes] | _Hashing") -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT)  # type: ignore[call-overload,no-any-return]  # it only writes


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    return header


def _facts_of(path: Path) -> FileFacts:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileFacts(sha256=digest, bytes=path.stat().st_size)
