"""BentoML's model store holds what is promoted, and never decides what serves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError
from models.bundle import BundleError, load_bundle
from models.pins import Pin, load_pinned, place_bundle, read_pin, write_pin
from serving.model_store import Kept, keep, keep_promoted, link_pins
from tests.quiet_bentoml import model_store_at
from tests.small_models import KEY, write_small_bundle

TRUSTED = [KEY.verifying]


@pytest.fixture
def bentoml(tmp_path: Path) -> Iterator[Any]:
    """BentoML with an empty model store of the test's own."""
    with model_store_at(tmp_path / "store") as bentoml:
        yield bentoml


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "True")


def promoted(home: Path, version: int, kind: str = "vehicle") -> Pin:
    trained = home / f"trained-{kind}-{version}"
    sha256 = write_small_bundle(trained, kind, version)
    pin = Pin(
        kind=kind,
        version=version,
        bundle_sha256=sha256,
        signed_by=KEY.key_id,
        bundle=place_bundle(home / "pins", load_bundle(trained)),
        approvers=("A. Ahmed", "B. Brown"),
        promoted_at=7,
    )
    write_pin(home / "pins", pin)
    return pin


def test_a_promoted_bundle_is_a_model_of_bentoml(tmp_path: Path, bentoml: Any) -> None:
    pin = promoted(tmp_path, 1)
    assert keep(tmp_path / "pins", pin) == Kept("foreland-vehicle:1", "added", ())
    model = bentoml.models.get("foreland-vehicle:latest")
    assert model.info.labels == {
        "kind": "vehicle",
        "version": "1",
        "bundle_sha256": pin.bundle_sha256,
        "signed_by": KEY.key_id,
        "approvers": "A. Ahmed, B. Brown",
    }
    files = [path for path in Path(model.path).rglob("*") if path.is_file()]
    assert not {path.suffix for path in files} & {".pkl", ".pickle", ".joblib"}
    load_bundle(Path(model.path) / "vehicle-1", expected_sha256=pin.bundle_sha256, trusted=TRUSTED)
    assert keep(tmp_path / "pins", pin).change == "none"


def test_versions_that_no_longer_serve_are_named(tmp_path: Path, bentoml: Any) -> None:
    """``:1`` beside ``:12``: BentoML itself takes the one for the beginning of the other."""
    for version in (12, 13):
        keep(tmp_path / "pins", promoted(tmp_path, version))
    pin = promoted(tmp_path, 1)
    assert keep(tmp_path / "pins", pin) == Kept(
        "foreland-vehicle:1", "added", ("foreland-vehicle:12", "foreland-vehicle:13")
    )
    bentoml.models.delete("foreland-vehicle:12")
    assert keep(tmp_path / "pins", pin).stale == ("foreland-vehicle:13",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda model: (model / "vehicle-1" / "booster.txt").write_text("tree"),
        lambda model: (model / "vehicle-1" / "card.md").unlink(),
        lambda model: (model / "vehicle-1" / "added.pkl").write_text("cos"),
        lambda model: (model / "model.yaml").write_text("{"),
    ],
    ids=["altered", "missing", "added", "not described"],
)
def test_a_damaged_model_is_replaced(tmp_path: Path, bentoml: Any, damage: Any) -> None:
    pin = promoted(tmp_path, 1)
    keep(tmp_path / "pins", pin)
    damage(tmp_path / "store" / "foreland-vehicle" / "1")
    assert keep(tmp_path / "pins", pin).change == "damage replaced"
    assert keep(tmp_path / "pins", pin).change == "none"
    load_bundle(Path(bentoml.models.get("foreland-vehicle:1").path) / "vehicle-1", trusted=TRUSTED)


def test_a_roll_back_renews_the_model_and_its_floor(tmp_path: Path, bentoml: Any) -> None:
    first = promoted(tmp_path, 1)
    keep(tmp_path / "pins", first)
    keep(tmp_path / "pins", promoted(tmp_path, 2))
    write_pin(tmp_path / "pins", first)
    assert keep(tmp_path / "pins", first) == Kept(
        "foreland-vehicle:1", "renewed", ("foreland-vehicle:2",)
    )
    model = Path(bentoml.models.get("foreland-vehicle:1").path)
    assert load_pinned(model, "vehicle", TRUSTED) is not None


def test_pins_are_made_of_the_models_of_a_bento(tmp_path: Path, bentoml: Any) -> None:
    pins = [promoted(tmp_path, 3), promoted(tmp_path, 1, "vessel")]
    kept = keep_promoted(tmp_path / "pins", TRUSTED)
    assert [one.tag for one in kept] == ["foreland-vehicle:3", "foreland-vessel:1"]
    linked = tmp_path / "linked"
    linked.mkdir()
    link_pins([Path(bentoml.models.get(one.tag).path) for one in kept], linked)
    for pin in pins:
        assert read_pin(linked, pin.kind) == pin
        bundle = load_pinned(linked, pin.kind, TRUSTED)
        assert bundle is not None
        assert bundle.sha256 == pin.bundle_sha256
    assert load_pinned(linked, "shipment", TRUSTED) is None


@pytest.mark.usefixtures("bentoml")
def test_what_is_not_as_promoted_never_enters_the_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is promoted"):
        keep_promoted(tmp_path / "pins", TRUSTED)
    promoted(tmp_path, 1)
    (tmp_path / "pins" / "vehicle-1" / "booster.txt").write_text("tree")
    with pytest.raises(BundleError, match=r"booster\.txt has sha256"):
        keep_promoted(tmp_path / "pins", TRUSTED)
    assert list((tmp_path / "store").iterdir()) == []
