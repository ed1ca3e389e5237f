"""Keys: made once, for their owner alone, never shown, and never mistaken for another."""

import copy
import os
import pickle
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import InputError
from features.key_files import KEY_BYTES, KeyUnusable
from features.keys import (
    Keyring,
    PartnershipKey,
    PseudonymKey,
    load_keyring,
    load_partnership_keys,
    make_partnership_key,
    save_keyring,
)
from features.signing import (
    SignatureWrong,
    SigningKey,
    VerifyingKey,
    load_signing_key,
    load_verifying_key,
    make_signing_key,
)

SECRET = bytes.fromhex("ab" * KEY_BYTES)


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FORELAND_")]:
        monkeypatch.delenv(name)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o077])
def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        first = load_keyring(tmp_path / "keys")
        partner = make_partnership_key(tmp_path / "keys", "north-sea")
        signing = make_signing_key(tmp_path / "keys", "audit")
    finally:
        os.umask(before)
    made = {path.name: mode_of(path) for path in (tmp_path / "keys").iterdir()}
    assert made == {
        "pseudonym.key": 0o600,
        "partnership-north-sea.key": 0o600,
        "signing-audit.key": 0o600,
        "signing-audit.pub": 0o644 & ~umask,
    }, "and nothing else stays behind"
    assert mode_of(tmp_path / "keys") == 0o700
    assert load_keyring(tmp_path / "keys").tag(b"x") == first.tag(b"x")
    assert make_partnership_key(tmp_path / "keys", "north-sea").tag(b"x") == partner.tag(b"x")
    assert make_signing_key(tmp_path / "keys", "audit").key_id == signing.key_id


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    first, second = (load_keyring(tmp_path / name) for name in "ab")
    assert first.tag(b"x") != second.tag(b"x")
    assert first.key_id != second.key_id


def test_a_file_of_one_line_is_the_first_generation(tmp_path: Path) -> None:
    write_key(tmp_path / "keys" / "pseudonym.key", "ab" * 32 + "\r\n\n")  # edited by hand
    keyring = load_keyring(tmp_path / "keys")
    assert keyring.generation == 1
    assert keyring.tag(b"x") == PseudonymKey(SECRET).tag(b"x")[:16]
    assert keyring.key_id == PseudonymKey(SECRET).key_id


def write_key(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)


@pytest.mark.parametrize(
    "make",
    [
        lambda keys: load_keyring(keys).key_id,
        lambda keys: make_signing_key(keys, "audit").key_id,
        lambda keys: make_partnership_key(keys, "north-sea").key_id,
    ],
)
def test_of_many_threads_that_make_it_at_once_one_wins(
    tmp_path: Path, make: Callable[[Path], str]
) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(make(tmp_path / "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_of_two_processes_that_make_it_at_once_one_wins(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from features.keys import load_keyring\n"
        "from features.signing import make_signing_key\n"
        "print('ready', flush=True); input(); keys = Path(sys.argv[1])\n"
        "print(load_keyring(keys).key_id, make_signing_key(keys, 'audit').key_id)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "keys")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in running]
    assert said[0] == said[1]
    keyring, signing = load_keyring(tmp_path / "keys"), load_signing_key(tmp_path / "keys", "audit")
    assert said[0].split() == [keyring.key_id, signing.key_id]


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("pseudonym.key", load_keyring),
        ("partnership-north-sea.key", load_partnership_keys),
        ("signing-audit.key", lambda keys: load_signing_key(keys, "audit")),
    ],
)
def test_a_key_that_lies_open_is_refused(
    tmp_path: Path, name: str, load: Callable[[Path], object]
) -> None:
    file = tmp_path / "keys" / name
    write_key(file, "ab" * 32)
    load(file.parent)
    file.chmod(0o640)
    with pytest.raises(KeyUnusable, match=r"open to others \(mode 640\); run `chmod 600"):
        load(file.parent)
    file.chmod(0o600)
    file.parent.chmod(0o770)
    with pytest.raises(KeyUnusable, match=r"others can write to .*chmod 700"):
        load(file.parent)


DAMAGED = ["", "abcd", "xyz" * 30, "00" * 31, "\ud83d", "ab" * 32 + "\n\n" + "cd" * 32]


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("pseudonym.key", load_keyring),
        ("partnership-north-sea.key", load_partnership_keys),
        ("signing-audit.key", lambda keys: load_signing_key(keys, "audit")),
        ("signing-audit.pub", lambda keys: load_verifying_key(keys, "audit")),
    ],
)
def test_a_damaged_key_is_refused_and_not_replaced(
    tmp_path: Path, name: str, load: Callable[[Path], object], content: str
) -> None:
    file = tmp_path / "keys" / name
    write_key(file, "")
    stored = content.encode(errors="surrogatepass")
    file.write_bytes(stored)
    with pytest.raises(KeyUnusable, match="no key of 64 hexadecimal digits; restore it") as caught:
        load(file.parent)
    assert "abab" not in str(caught.value)
    assert file.read_bytes() == stored


def test_where_one_key_belongs_two_are_refused(tmp_path: Path) -> None:
    two = "ab" * 32 + "\n" + "cd" * 32 + "\n"
    write_key(tmp_path / "partnership-north-sea.key", two)
    write_key(tmp_path / "signing-audit.key", two)
    for load in (load_partnership_keys, lambda keys: load_signing_key(keys, "audit")):
        with pytest.raises(KeyUnusable, match="holds 2 keys, and one belongs there"):
            load(tmp_path)


def test_the_environment_goes_first_and_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_PSEUDONYM_KEY", "ab" * 32)
    monkeypatch.setenv("FORELAND_SIGNING_KEY_AUDIT_LOG", "ab" * 32)
    monkeypatch.setenv("FORELAND_PARTNERSHIP_KEY_NORTH_SEA", "ab" * 32)
    keys = tmp_path / "keys"
    assert load_keyring(keys).key_id == PseudonymKey(SECRET).key_id
    assert load_signing_key(keys, "audit-log").key_id == SigningKey(SECRET).key_id
    assert load_verifying_key(keys, "audit-log") == SigningKey(SECRET).verifying
    found = load_partnership_keys(keys)
    assert list(found) == ["north-sea"]
    assert found["north-sea"].tag(b"x") == PartnershipKey(SECRET).tag(b"x")
    assert not keys.exists()


@pytest.mark.parametrize(
    ("variable", "load"),
    [
        ("FORELAND_PSEUDONYM_KEY", load_keyring),
        ("FORELAND_SIGNING_KEY_AUDIT", lambda keys: load_signing_key(keys, "audit")),
        ("FORELAND_PARTNERSHIP_KEY_NORTH_SEA", load_partnership_keys),
    ],
)
@pytest.mark.parametrize("value", ["", "hush", "hush" * 16])
def test_a_malformed_variable_is_named_and_not_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    load: Callable[[Path], object],
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(KeyUnusable, match=variable) as caught:
        load(tmp_path / "keys")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_generations_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = PseudonymKey(SECRET).key_id
    monkeypatch.setenv("FORELAND_PSEUDONYM_KEY", "ab" * 32)
    new = load_keyring(tmp_path).up_to(first).following()
    with pytest.raises(KeyUnusable, match="cannot be written from here; append a new key"):
        save_keyring(tmp_path, new)
    monkeypatch.setenv("FORELAND_PSEUDONYM_KEY", f"{'ab' * 32} {'cd' * 32}")
    keyring = load_keyring(tmp_path)
    assert keyring.generation == 2
    following = keyring.up_to(first).following()
    assert following.key_id == keyring.key_id
    save_keyring(tmp_path, following)
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_grows_by_one_and_a_stale_one_changes_nothing(tmp_path: Path) -> None:
    old = load_keyring(tmp_path / "keys")
    mine, other = old.following(), old.following()
    save_keyring(tmp_path / "keys", mine)
    save_keyring(tmp_path / "keys", mine)  # once more is nothing
    save_keyring(tmp_path / "keys", old)
    file = tmp_path / "keys" / "pseudonym.key"
    assert mode_of(file) == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert file.read_text() == "".join(secret.hex() + "\n" for secret in mine.reveal())
    with pytest.raises(KeyUnusable, match="has changed since it was read"):
        save_keyring(tmp_path / "keys", other)
    stored = load_keyring(tmp_path / "keys")
    assert (stored.key_id, stored.generation) == (mine.key_id, 2)
    assert stored.up_to(old.key_id).tag(b"x") == old.tag(b"x")
    assert stored.tag(b"x") == stored.tag_again(old.tag(b"x"))


def test_of_many_rotations_at_once_one_is_written(tmp_path: Path) -> None:
    old = load_keyring(tmp_path / "keys")
    written: list[str] = []
    refused: list[KeyUnusable] = []

    def rotate() -> None:
        new = old.following()
        try:
            save_keyring(tmp_path / "keys", new)
            written.append(new.key_id)
        except KeyUnusable as exc:
            refused.append(exc)

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(written), len(refused)) == (1, 7)
    assert load_keyring(tmp_path / "keys").key_id == written[0]


def test_a_keyring_holds_each_key_once() -> None:
    key = PseudonymKey(SECRET)
    with pytest.raises(KeyUnusable, match="at least one key and none twice, not none"):
        Keyring([])
    with pytest.raises(KeyUnusable, match=f"none twice, not {key.key_id}, {key.key_id}"):
        Keyring([key], waiting=[key])


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for make in (load_keyring, lambda keys: make_signing_key(keys, "audit")):
        with pytest.raises(KeyUnusable, match="cannot be read or made"):
            make(tmp_path / "file" / "keys")
    with pytest.raises(KeyUnusable, match="cannot be read or made"):
        save_keyring(tmp_path / "nowhere", Keyring([PseudonymKey(SECRET)]))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyUnusable, match="no space left on device"):
        load_keyring(tmp_path / "keys")
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize("name", ["", "Audit", "a b", "../audit", "a_b", "-a", "a--b", "a" * 41])
def test_names_that_no_file_and_no_variable_could_have(tmp_path: Path, name: str) -> None:
    for load in (make_signing_key, load_signing_key, load_verifying_key, make_partnership_key):
        with pytest.raises(InputError, match="a key cannot be named"):
            load(tmp_path, name)


# --- signatures -----------------------------------------------------------------------------------


def test_the_first_example_of_rfc_8032() -> None:
    """Section 7.1, TEST 1 (the empty message) and TEST 2 (one byte)."""
    key = SigningKey(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert key.verifying.public.hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    signature = key.sign(b"")
    assert signature.hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    key.verifying.verify(signature, b"")


def test_a_signature_is_of_one_message_by_one_key() -> None:
    key, other = SigningKey(SECRET), SigningKey(bytes(32))
    signature = key.sign(b"head 7")
    assert len(signature) == 64
    key.verifying.verify(signature, b"head 7")
    forged = bytes([signature[0] ^ 1]) + signature[1:]
    for by, text, message in [
        (key, signature, b"head 8"),
        (key, forged, b"head 7"),
        (key, b"", b"head 7"),
        (other, signature, b"head 7"),
    ]:
        with pytest.raises(SignatureWrong, match=f"not signed by key {by.key_id}, or changed"):
            by.verifying.verify(text, message)


def test_whoever_verifies_needs_no_secret(tmp_path: Path) -> None:
    signing = make_signing_key(tmp_path / "keys", "bundles")
    (tmp_path / "keys" / "signing-bundles.key").unlink()
    verifying = load_verifying_key(tmp_path / "keys", "bundles")
    verifying.verify(signing.sign(b"x"), b"x")
    assert verifying == signing.verifying
    assert len({verifying, signing.verifying}) == 1
    with pytest.raises(KeyUnusable, match=r"there is no .*signing-bundles\.key.*restore the key"):
        load_signing_key(tmp_path / "keys", "bundles")
    with pytest.raises(KeyUnusable, match=r"signing-audit\.pub and no FORELAND_SIGNING_KEY_AUDIT;"):
        load_verifying_key(tmp_path / "keys", "audit")
    (tmp_path / "keys" / "signing-bundles.pub").chmod(0o666)
    with pytest.raises(KeyUnusable, match="others can write to"):
        load_verifying_key(tmp_path / "keys", "bundles")


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    key = make_signing_key(tmp_path / "keys", "audit")
    (tmp_path / "keys" / "signing-audit.pub").unlink()
    make_signing_key(tmp_path / "keys", "audit")
    assert load_verifying_key(tmp_path / "keys", "audit") == key.verifying


# --- secrets stay secret --------------------------------------------------------------------------

SECRETIVE = [
    PseudonymKey(SECRET),
    PartnershipKey(SECRET),
    SigningKey(SECRET),
    Keyring([PseudonymKey(SECRET)]),
]


@pytest.mark.parametrize("holder", SECRETIVE, ids=lambda holder: type(holder).__name__)
def test_no_text_form_and_no_pickle_shows_a_secret(holder: object) -> None:
    for text in (repr(holder), str(holder), f"{holder}", repr([holder])):
        assert "abab" not in text
        assert "\\xab" not in text
    assert not hasattr(holder, "__dict__")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(KeyUnusable, match="never pickled"):
            pickle.dumps(holder, protocol)
    with pytest.raises(KeyUnusable, match="never pickled"):
        copy.deepcopy(holder)


@pytest.mark.parametrize("key", [PseudonymKey, PartnershipKey, SigningKey, VerifyingKey])
def test_a_key_of_another_length_is_no_key(key: Callable[[bytes], object]) -> None:
    with pytest.raises(KeyUnusable, match="32 bytes, not 6") as caught:
        key(b"hushed")
    assert "hushed" not in str(caught.value)
