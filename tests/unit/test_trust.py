"""Whose bundles are believed: the home's own key, those before it, or those that are pinned."""

from functools import partial
from pathlib import Path

import pytest

from features.errors import InputError
from features.key_files import KeyUnusable
from features.settings import Settings, read_settings
from features.signing import SigningKey
from models.bundle import BundleError, load_bundle, write_bundle
from models.pins import Pin, place_bundle, write_pin
from models.trust import bundle_signing_key, rotate_signing_key, trusted_keys
from serving.pinned import PinnedBundles
from tests.command import runner
from tests.small_models import small_parts

OTHER = SigningKey(b"\3" * 32)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home)


def test_where_nothing_was_signed_nobody_is_trusted(settings: Settings, home: Path) -> None:
    assert trusted_keys(settings) == []
    assert not home.exists()


def test_the_key_is_made_once_and_only_its_owner_can_read_it(settings: Settings) -> None:
    key = bundle_signing_key(settings)
    assert bundle_signing_key(settings).key_id == key.key_id
    assert trusted_keys(settings) == [key.verifying]
    assert (settings.keys / "signing-bundles.key").stat().st_mode & 0o777 == 0o600


def test_where_only_the_public_half_lies_nothing_is_signed(settings: Settings) -> None:
    key = bundle_signing_key(settings)
    (settings.keys / "signing-bundles.key").unlink()
    assert trusted_keys(settings) == [key.verifying]
    with pytest.raises(KeyUnusable, match="restore the key"):
        bundle_signing_key(settings)


def test_pinned_keys_take_the_place_of_the_homes_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_signing_key(settings)
    second = SigningKey(b"\4" * 32).verifying
    pins = f"{OTHER.verifying.public.hex()} {second.public.hex()}"
    monkeypatch.setenv("FORELAND_BUNDLE_KEYS", pins)
    assert trusted_keys(read_settings()) == [OTHER.verifying, second]
    settings.home.joinpath("foreland.toml").write_text(f"bundle_keys = ['{'ab' * 32}']")
    monkeypatch.delenv("FORELAND_BUNDLE_KEYS")
    assert [key.public.hex() for key in trusted_keys(read_settings())] == ["ab" * 32]


def test_half_a_pinned_key_is_a_wrong_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORELAND_BUNDLE_KEYS", "abcd")
    with pytest.raises(InputError, match="bundle_keys"):
        read_settings()
    assert not home.exists()


def test_a_key_service_gives_the_key_by_variable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_SIGNING_KEY_BUNDLES", "03" * 32)
    assert bundle_signing_key(settings).key_id == OTHER.key_id
    assert trusted_keys(settings) == [OTHER.verifying]
    assert not settings.keys.exists()
    with pytest.raises(KeyUnusable, match="comes from FORELAND_SIGNING_KEY_BUNDLES"):
        rotate_signing_key(settings)


def test_after_a_rotation_old_bundles_load_until_their_key_is_removed(
    settings: Settings, tmp_path: Path
) -> None:
    old = bundle_signing_key(settings)
    write_bundle(tmp_path / "old", small_parts(), old)
    new = rotate_signing_key(settings)
    assert bundle_signing_key(settings).key_id == new.key_id != old.key_id
    assert trusted_keys(settings) == [new.verifying, old.verifying]
    assert load_bundle(tmp_path / "old", trusted=trusted_keys(settings)).signed_by == old.verifying
    (settings.keys / f"signing-bundles-{old.key_id}.pub").unlink()
    with pytest.raises(BundleError, match="not trusted here"):
        load_bundle(tmp_path / "old", trusted=trusted_keys(settings))


def test_there_must_be_a_key_to_rotate(settings: Settings) -> None:
    with pytest.raises(KeyUnusable):
        rotate_signing_key(settings)


def test_the_command_makes_shows_and_rotates(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreland = runner(monkeypatch)
    made = foreland("signing-key", "make")
    assert foreland("signing-key", "make").out == made.out
    (first,) = trusted_keys(settings)
    assert made.out == f"{first.public.hex()}\n"
    rotated = foreland("signing-key", "rotate")
    assert f"What keys {first.key_id} signed is believed until" in rotated.error
    shown = foreland("signing-key", "show")
    assert [line.split()[1] for line in shown.out.splitlines()] == [
        rotated.out.strip(),
        made.out.strip(),
    ]
    assert "2 keys are believed here, the home's own" in shown.error


def test_a_service_that_pins_another_key_refuses_what_was_promoted(settings: Settings) -> None:
    key = bundle_signing_key(settings)
    trained = settings.bundles / "vehicle-1"
    sha256 = write_bundle(trained, small_parts(), key)
    pin = Pin(
        kind="vehicle",
        version=1,
        bundle_sha256=sha256,
        signed_by=key.key_id,
        bundle=place_bundle(settings.pins, load_bundle(trained)),
        approvers=("A", "B"),
        promoted_at=7,
    )
    write_pin(settings.pins, pin)
    serving = Settings(home=settings.home, bundle_keys=(OTHER.verifying.public.hex(),))
    for configured, refused in ((settings, None), (serving, "which is not trusted here")):
        bundles = PinnedBundles(settings.pins, partial(trusted_keys, configured))
        bundles.load_changed()
        served = bundles.of("vehicle")
        assert (served.bundle is None) == (refused is not None)
        assert refused is None or refused in str(served.refusal)
