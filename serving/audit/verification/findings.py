"""What a verification finds, one line each."""

from collections.abc import Callable
from typing import NamedTuple

KEEP = "keep the database as evidence, and compare it with a back-up and the exported heads"


class Finding(NamedTuple):
    rule: str
    """Stable name of what does not hold."""
    place: str
    """Where, and what is there."""
    next_step: str = KEEP

    def line(self) -> str:
        return f"{self.rule}: {self.place}; {self.next_step}"


Found = Callable[[Finding], None]
"""Takes findings as they come: there may be millions."""
