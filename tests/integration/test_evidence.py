"""The evidence pack: what is in it, that anybody can verify it, and that every change is found."""

import random
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from features.clock import now_micros
from features.errors import InputError
from features.ledger import Ledger, open_ledger
from features.settings import Settings
from features.signing import SigningKey, VerifyingKey
from foreland import app
from monitoring.evidence.archive import EvidenceWrong
from monitoring.evidence.packing import Packed, pack, verify_pack
from monitoring.periods import month_of
from serving.audit import AssessmentsListed, AuditStream, prepare
from serving.audit.heads import add_head
from serving.audit.trust import audit_signing_key

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_evidence.py"
MONTH = month_of(now_micros()).name


class Made(NamedTuple):
    settings: Settings
    packed: Packed


def notes(ledger: Ledger, stream: AuditStream, rows: int) -> None:
    with ledger.transaction() as transaction:
        prepare(transaction)
        for number in range(rows):
            stream.note(transaction, AssessmentsListed(command="t", account="a", rows=number))


def filled(settings: Settings) -> None:
    """A home with a published report, and two heads over three streams, and what none covers."""
    report = settings.reports / MONTH
    (report / "downloads").mkdir(parents=True)
    (report / "records").mkdir()
    (report / "index.html").write_text("<title>report</title>")
    (report / "downloads" / "bands.csv").write_text("band\nhigh\n")
    (report / "records" / "atrs.md").write_text("# ATRS\n")
    key = audit_signing_key(settings)
    with closing(open_ledger(settings.ledger)) as ledger:
        one, two = AuditStream("one-1"), AuditStream("two-1")
        notes(ledger, one, 5)
        notes(ledger, two, 2)
        with ledger.transaction() as transaction:
            add_head(transaction, key, now_micros())
        notes(ledger, one, 3)
        notes(ledger, AuditStream("three-1"), 1)
        with ledger.transaction() as transaction:
            add_head(transaction, key, now_micros())
        notes(ledger, two, 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("evidence")
    settings = Settings(home=folder / "home")
    filled(settings)
    yield Made(settings, pack(settings, MONTH, folder / "pack.tar"))


def script(archive: Path, *keys: VerifyingKey) -> subprocess.CompletedProcess[str]:
    options = [word for key in keys for word in ("--key", key.public.hex())]
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(archive), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_report_records_approvals_heads_and_commands(made: Made) -> None:
    with tarfile.open(made.packed.archive) as tar:
        names = tar.getnames()
    assert names[:2] == ["manifest.json", "manifest.sig"]
    assert names[2:] == sorted(names[2:])
    assert set(names) >= {
        "report/index.html",
        "report/downloads/bands.csv",
        "report/records/atrs.md",
        "approvals.jsonl",
        "commands.md",
        "audit/records.jsonl",
        "audit/heads.jsonl",
        "audit/keys.jsonl",
    }
    verified = verify_pack(made.packed.archive, made.packed.key)
    assert verified.period == MONTH
    assert (verified.counts.records, verified.counts.heads, verified.counts.pending) == (13, 2, 2)


def test_an_auditor_verifies_it_with_the_standard_library_and_openssl(made: Made) -> None:
    done = script(made.packed.archive, made.packed.key)
    assert done.stdout.endswith("everything holds\n"), done
    assert "13 records, 2 heads, 2 pending" in done.stdout
    assert done.returncode == 0


def test_the_same_evidence_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.settings.home, tmp_path / "home")
    one = pack(Settings(home=tmp_path / "home"), MONTH, tmp_path / "one.tar")
    shutil.rmtree(tmp_path / "home")
    shutil.copytree(made.settings.home, tmp_path / "home")
    two = pack(Settings(home=tmp_path / "home"), MONTH, tmp_path / "two.tar")
    assert one.archive.read_bytes() == two.archive.read_bytes()


def places(content: bytes) -> list[int]:
    """Two hundred bytes anywhere, and some of each header, padding and the end."""
    rng = random.Random(1)
    everywhere = rng.sample(range(len(content)), 200)
    headers = [m.start() + offset for m in re.finditer(rb"ustar", content) for offset in (-5, 3)]
    return [*everywhere, *headers, 0, 100, 136, 148, 156, 511, len(content) - 1]


def test_a_change_of_any_byte_is_found(made: Made, tmp_path: Path) -> None:
    content = made.packed.archive.read_bytes()
    altered = tmp_path / "altered.tar"
    for place in places(content):
        for flip in (1, 0x20):
            altered.write_bytes(
                content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
            )
            with pytest.raises(EvidenceWrong):
                verify_pack(altered, made.packed.key)


def test_the_script_finds_changed_bytes_too(made: Made, tmp_path: Path) -> None:
    content = made.packed.archive.read_bytes()
    altered = tmp_path / "altered.tar"
    for place in places(content)[::12]:
        altered.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert script(altered, made.packed.key).returncode == 1, place


def test_what_is_cut_off_or_added_is_found(made: Made, tmp_path: Path) -> None:
    content = made.packed.archive.read_bytes()
    altered = tmp_path / "altered.tar"
    for changed in (content[:-1], content[:5_000], content + b"\0" * 512, content + b"more", b""):
        altered.write_bytes(changed)
        with pytest.raises(EvidenceWrong):
            verify_pack(altered, made.packed.key)
        assert script(altered, made.packed.key).returncode == 1


def test_another_key_is_not_believed(made: Made) -> None:
    other = SigningKey(b"\7" * 32).verifying
    with pytest.raises(EvidenceWrong, match=r"manifest\.json"):
        verify_pack(made.packed.archive, other)
    assert script(made.packed.archive, other).returncode == 1


def repacked(made: Made, tmp_path: Path, name: str, old: bytes, new: bytes) -> Packed:
    """As somebody who has the key, and changed the audit log before packing it."""
    from monitoring.evidence.archive import MANIFEST, SIGNATURE, write_archive

    folder = tmp_path / "files"
    with tarfile.open(made.packed.archive) as tar:
        tar.extractall(folder, filter="data")
    path = folder / name
    before = path.read_bytes()
    assert old in before
    path.write_bytes(before.replace(old, new, 1))
    files = {
        str(one.relative_to(folder)): one
        for one in folder.rglob("*")
        if one.is_file() and one.name not in {MANIFEST, SIGNATURE}
    }
    archive = tmp_path / "again.tar"
    write_archive(archive, MONTH, files, audit_signing_key(made.settings))
    return made.packed._replace(archive=archive)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("audit/records.jsonl", b'\\"rows\\":2', b'\\"rows\\":9'),
        ("audit/heads.jsonl", b'\\"number\\":2', b'\\"number\\":3'),
        ("audit/before.jsonl", b'"number":0', b'"number":1'),
    ],
)
def test_an_audit_log_that_was_changed_before_it_was_packed_is_found(
    made: Made, tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    packed = repacked(made, tmp_path, name, old, new)
    with pytest.raises(EvidenceWrong):
        verify_pack(packed.archive, packed.key)
    assert script(packed.archive, packed.key).returncode == 1


def test_the_command_packs_and_verifies(
    made: Made, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made.settings.home, home)
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["evidence", "--period", MONTH])
    assert answer.exit_code == 0, answer.output
    *_, key = answer.stdout.split()
    archive = f"evidence-{MONTH}.tar"
    checked = CliRunner().invoke(app, ["evidence", "--verify", archive, "--key", key])
    assert checked.exit_code == 0, checked.output
    assert "everything holds" in checked.stdout
    Path(archive).write_bytes(b"nothing")
    assert CliRunner().invoke(app, ["evidence", "--verify", archive, "--key", key]).exit_code == 1


def test_each_mistake_says_what_to_do(made: Made, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="foreland report --period 2020-01"):
        pack(made.settings, "2020-01", tmp_path / "x.tar")
    (tmp_path / "there.tar").touch()
    with pytest.raises(InputError, match="new file"):
        pack(made.settings, MONTH, tmp_path / "there.tar")
