"""The bundles that serve: read from pins, kept until a better one is proven, swapped in one step.

A pin that changed is loaded and verified beside the bundle that serves, in another thread; only a
bundle that passed replaces it. One that is refused is named, and the old one keeps serving.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from features.errors import ForelandError
from features.history.online import LiveHistory
from features.ledger import MovementDeclared
from features.records import KINDS
from features.rows import feature_row
from models.bundle import Bundle
from models.floors import FloorError, read_floor
from models.pins import Pin, Role, load_pinned, pin_file, read_pin
from models.trust import Trusted
from serving.scorer import assess

logger = logging.getLogger("foreland.serving")


class Served(NamedTuple):
    """What serves one kind."""

    bundle: Bundle | None = None
    pin: Pin | None = None
    """The pin that ``bundle`` was loaded by."""
    refusal: str | None = None
    """Why the pin on disk now is not the one that serves."""


_Mark = tuple[bytes, int] | None


class PinnedBundles:
    """One bundle per kind. ``of`` belongs to the event loop; loading happens elsewhere."""

    def __init__(
        self,
        pins: Path,
        trusted: Callable[[], Trusted],
        shadow_failed: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """
        Args:
            trusted: the keys whose bundles are believed, asked for whenever one is loaded.
            shadow_failed: hears kind and reason of every challenger that is refused.
        """
        self._pins = pins
        self._trusted = trusted
        self._highest: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._served: dict[str, Served] = dict.fromkeys(KINDS, Served())
        self._marks: dict[str, _Mark] = dict.fromkeys(KINDS)
        self._shadow_failed = shadow_failed
        self._challengers: dict[str, Bundle | None] = dict.fromkeys(KINDS)
        self._challenger_marks: dict[str, _Mark] = dict.fromkeys(KINDS)

    def of(self, kind: str) -> Served:
        return self._served[kind]

    def challenger(self, kind: str) -> Bundle | None:
        """What is scored in the shadow of the one that serves; None when there is none to use."""
        return self._challengers[kind]

    def load_changed(self) -> None:
        """Load every kind whose pin is not the one looked at last; blocks while it verifies."""
        for kind in self._changed():
            self._swap(kind, *self._load(kind))
        for kind in self._challengers_changed():
            self._challenger_marks[kind], self._challengers[kind] = self._load_challenger(kind)

    async def refresh(self) -> None:
        """The same, with the loading in a thread and the swap on the event loop."""
        for kind in self._changed():
            self._swap(kind, *await asyncio.to_thread(self._load, kind))
        for kind in self._challengers_changed():
            loaded = await asyncio.to_thread(self._load_challenger, kind)
            self._challenger_marks[kind], self._challengers[kind] = loaded

    def _changed(self) -> list[str]:
        return [kind for kind in KINDS if self._mark(kind) != self._marks[kind]]

    def _challengers_changed(self) -> list[str]:
        marks = self._challenger_marks
        return [kind for kind in KINDS if self._mark(kind, "challenger") != marks[kind]]

    def _load_challenger(self, kind: str) -> tuple[_Mark, Bundle | None]:
        """Whatever is wrong with it, champions serve on; the one before is not what was named."""
        mark = self._mark(kind, "challenger")
        try:
            bundle = load_pinned(self._pins, kind, self._trusted(), "challenger")
            if bundle is not None:
                _try_out(bundle)
                logger.info("%s: version %s is scored in the shadow", kind, bundle.version)
        except Exception as exc:
            logger.error("%s: the challenger is refused: %s", kind, exc)
            self._shadow_failed(kind, "refused")
            return mark, None
        return mark, bundle

    def _load(self, kind: str) -> tuple[_Mark, Served]:
        mark = self._mark(kind)
        try:
            self._refuse_lowered_floor(kind)
            bundle = load_pinned(self._pins, kind, self._trusted())
            if bundle is not None:
                _try_out(bundle)
            return mark, Served(bundle, read_pin(self._pins, kind))
        except (ForelandError, OSError) as exc:
            return mark, self._served[kind]._replace(refusal=str(exc))

    def _refuse_lowered_floor(self, kind: str) -> None:
        """What this process has seen promoted stays promoted, whatever the files say later."""
        floor = read_floor(self._pins, kind)
        highest = 0 if floor is None else floor.highest_version
        if highest < self._highest[kind]:
            raise FloorError(
                f"the floor of {kind} went from version {self._highest[kind]} to {highest}, which "
                "no promotion and no roll-back does: keep the pins directory as evidence, and "
                "promote a version again"
            )
        self._highest[kind] = highest

    def _swap(self, kind: str, mark: _Mark, served: Served) -> None:
        before = self._served[kind]
        self._marks[kind], self._served[kind] = mark, served
        if served.refusal is not None:
            logger.error("%s: the promoted bundle is refused: %s", kind, served.refusal)
        elif served.bundle is not before.bundle:
            version = None if served.bundle is None else served.bundle.version
            logger.info("%s: version %s serves", kind, version)

    def _mark(self, kind: str, role: Role = "champion") -> _Mark:
        path = pin_file(self._pins, kind, role)
        try:
            return path.read_bytes(), path.stat().st_mtime_ns
        except OSError:
            return None


def _try_out(bundle: Bundle) -> None:
    """Answer for a movement that nothing is known about, before anybody else is answered for.

    Raises:
        ForelandError: this code cannot compute the features that the bundle was trained on.
    """
    stranger = MovementDeclared(kind=bundle.kind, movement="0" * 32, declared_at=0)
    row = feature_row(LiveHistory(), stranger, 0, bundle.catalogue)
    assess(bundle, row, explain="always")
