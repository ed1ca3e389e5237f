"""The pseudonym key: made once, for its owner alone, and never mistaken for another."""

import os
import stat
import threading
from pathlib import Path

import pytest

from features.keys import KeyUnusable, PseudonymKey, load_pseudonym_key


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORELAND_PSEUDONYM_KEY", raising=False)


def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        first = load_pseudonym_key(tmp_path / "keys")
    finally:
        os.umask(umask)
    file = tmp_path / "keys" / "pseudonym.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file], "nothing else stays behind"
    assert load_pseudonym_key(tmp_path / "keys").tag(b"x") == first.tag(b"x")


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    first, second = (load_pseudonym_key(tmp_path / name) for name in "ab")
    assert first.tag(b"x") != second.tag(b"x")
    assert first.key_id != second.key_id


def test_of_many_that_make_it_at_once_one_wins(tmp_path: Path) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(load_pseudonym_key(tmp_path / "k").key_id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_key_that_lies_open_is_refused(tmp_path: Path) -> None:
    load_pseudonym_key(tmp_path / "keys")
    file = tmp_path / "keys" / "pseudonym.key"
    file.chmod(0o640)
    with pytest.raises(KeyUnusable, match=r"open to others \(mode 640\); run `chmod 600"):
        load_pseudonym_key(tmp_path / "keys")
    file.chmod(0o600)
    file.parent.chmod(0o770)
    with pytest.raises(KeyUnusable, match=r"others can write to .*chmod 700"):
        load_pseudonym_key(tmp_path / "keys")


@pytest.mark.parametrize("content", ["", "abcd", "xyz" * 30, "00" * 31])
def test_a_damaged_key_is_refused_and_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys" / "pseudonym.key"
    file.parent.mkdir(mode=0o700)
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(KeyUnusable, match="no key of 64 hexadecimal digits; restore it"):
        load_pseudonym_key(tmp_path / "keys")
    assert file.read_text() == content


def test_the_environment_goes_first_and_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_PSEUDONYM_KEY", "ab" * 32)
    key = load_pseudonym_key(tmp_path / "keys")
    assert key.tag(b"x") == PseudonymKey(b"\xab" * 32).tag(b"x")
    assert not (tmp_path / "keys").exists()
    monkeypatch.setenv("FORELAND_PSEUDONYM_KEY", "secret")
    with pytest.raises(KeyUnusable, match="FORELAND_PSEUDONYM_KEY") as caught:
        load_pseudonym_key(tmp_path / "keys")
    assert "secret" not in str(caught.value)


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnusable, match="cannot be read or made"):
        load_pseudonym_key(tmp_path / "file" / "keys")


def test_its_text_form_hides_it() -> None:
    key = PseudonymKey(b"\xab" * 32)
    assert "ab" * 8 not in repr(key)
    assert key.key_id in repr(key)
    with pytest.raises(KeyUnusable):
        PseudonymKey(b"short")
