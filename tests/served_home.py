"""A home in which everything is well: whoever breaks one thing knows what made the difference."""

from contextlib import closing
from pathlib import Path
from typing import Any

from features.clock import now_micros
from features.ledger import open_ledger
from features.settings import Settings
from models.bands import Thresholds
from models.bundle import load_bundle
from models.pins import Pin, Role, place_bundle, write_pin
from serving.openapi import MOVEMENT_EXAMPLES
from tests.example_events import movement_event, outcome_event
from tests.small_models import KEY, write_small_bundle

ALL_LOW = Thresholds(high=0.999, medium=0.998)
ALL_HIGH = Thresholds(high=0.0, medium=0.0)
MINUTE = 60_000_000


def healthy_home(home: Path, url: str | None = None) -> Settings:
    """A ledger with a fresh outcome, and a vehicle model by which every movement is low."""
    home.mkdir(parents=True, exist_ok=True)
    url = url or f"sqlite:///{home / 'ledger.db'}"
    (home / "foreland.toml").write_text(
        f'ledger_url = "{url}"\nbundle_keys = ["{KEY.verifying.public.hex()}"]\n'
    )
    now = now_micros()
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(
            [
                movement_event(1, available_at=now - 60 * MINUTE),
                outcome_event(1, available_at=now - 30 * MINUTE),
            ]
        )
    pin_small(home, 1)
    return Settings(home=home, ledger_url=url, bundle_keys=(KEY.verifying.public.hex(),))


def pin_small(
    home: Path, version: int, role: Role = "champion", kind: str = "vehicle", **parts: Any
) -> Path:
    """Make another small model the one of the role; where its bundle lies."""
    trained = home / "bundles" / f"{kind}-{version}"
    sha256 = write_small_bundle(trained, kind, version, **{"thresholds": ALL_LOW, **parts})
    name = place_bundle(home / "pins", load_bundle(trained))
    pin = Pin(
        kind=kind,
        version=version,
        bundle_sha256=sha256,
        signed_by=KEY.key_id,
        bundle=name,
        approvers=("A", "B"),
        promoted_at=now_micros(),
    )
    write_pin(home / "pins", pin, role)
    return home / "pins" / name


def vehicle(number: int, **changes: Any) -> dict[str, Any]:
    """A score request of its own."""
    return {**MOVEMENT_EXAMPLES["vehicle"], "movement_ref": f"GMRB{number:08d}", **changes}


def shipment(number: int, **changes: Any) -> dict[str, Any]:
    """Likewise."""
    return {**MOVEMENT_EXAMPLES["shipment"], "movement_ref": f"26GB{number:013d}", **changes}
