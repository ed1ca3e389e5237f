"""A pin is whole or not there, and serves what was approved or nothing."""

from pathlib import Path

import pytest

from models.bundle import BundleError, load_bundle
from models.pins import Pin, PinError, load_pinned, place_bundle, read_pin, write_pin
from tests.small_models import write_small_bundle


def pin_of(sha256: str = "a" * 64, version: int = 1, bundle: str = "vehicle-1") -> Pin:
    return Pin(
        kind="vehicle",
        version=version,
        bundle_sha256=sha256,
        bundle=bundle,
        approvers=("A", "B"),
        promoted_at=7,
    )


@pytest.fixture
def placed(tmp_path: Path) -> tuple[Path, Pin]:
    sha256 = write_small_bundle(tmp_path / "trained")
    pins = tmp_path / "pins"
    name = place_bundle(pins, load_bundle(tmp_path / "trained"))
    return pins, pin_of(sha256, bundle=name)


def test_nothing_was_promoted_yet(tmp_path: Path) -> None:
    assert read_pin(tmp_path / "nowhere", "vehicle") is None
    assert load_pinned(tmp_path / "nowhere", "vehicle") is None
    assert not (tmp_path / "nowhere").exists()


def test_what_was_pinned_is_loaded(placed: tuple[Path, Pin]) -> None:
    pins, pin = placed
    write_pin(pins, pin)
    assert read_pin(pins, "vehicle") == pin
    bundle = load_pinned(pins, "vehicle")
    assert bundle is not None
    assert (bundle.path, bundle.sha256) == (pins / "vehicle-1", pin.bundle_sha256)
    assert read_pin(pins, "vessel") is None


def test_an_interrupted_write_leaves_the_old_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pin(tmp_path, pin_of(version=1))

    def full(_: object, __: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            write_pin(tmp_path, pin_of(version=2))
    assert read_pin(tmp_path, "vehicle") == pin_of(version=1)
    assert [file.name for file in tmp_path.iterdir()] == ["vehicle.json"]


@pytest.mark.parametrize("bundle", ["../vehicle-1", "/root/vehicle-1", "a/b", "", ".", ".."])
def test_a_pin_cannot_point_elsewhere(tmp_path: Path, bundle: str) -> None:
    write_pin(tmp_path, pin_of(bundle=bundle))
    with pytest.raises(PinError, match="no directory beside it"):
        read_pin(tmp_path, "vehicle")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"kind": "vehicle"', '{"kind": 1}'])
def test_half_a_pin_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vehicle.json").write_text(text)
    with pytest.raises(PinError, match="promote a version again"):
        read_pin(tmp_path, "vehicle")


def test_the_pin_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_pin(tmp_path, pin_of())
    (tmp_path / "vehicle.json").rename(tmp_path / "vessel.json")
    with pytest.raises(PinError, match="is for vehicle, not vessel"):
        read_pin(tmp_path, "vessel")


def test_another_bundle_than_the_approved_one_is_refused(placed: tuple[Path, Pin]) -> None:
    pins, _ = placed
    write_pin(pins, pin_of("b" * 64))
    with pytest.raises(BundleError, match="expected bbbbbbbbbbbb"):
        load_pinned(pins, "vehicle")


def test_a_pin_that_names_another_version_than_its_bundle_is_refused(
    placed: tuple[Path, Pin],
) -> None:
    pins, pin = placed
    write_pin(pins, pin_of(pin.bundle_sha256, version=4))
    with pytest.raises(PinError, match="says version 4, its bundle is vehicle 1"):
        load_pinned(pins, "vehicle")


def test_placing_again_keeps_what_is_right_and_replaces_what_is_not(
    placed: tuple[Path, Pin], tmp_path: Path
) -> None:
    pins, pin = placed
    trained = load_bundle(tmp_path / "trained")
    before = (pins / "vehicle-1").stat().st_ino
    assert place_bundle(pins, trained) == "vehicle-1"
    assert (pins / "vehicle-1").stat().st_ino == before
    (pins / "vehicle-1" / "card.md").write_text("altered")
    place_bundle(pins, trained)
    assert load_bundle(pins / "vehicle-1").sha256 == pin.bundle_sha256
    assert [item.name for item in pins.iterdir()] == ["vehicle-1"]
