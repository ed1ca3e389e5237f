"""Ids of assessments: by time and by chance, which the system is asked for many at a time."""

import os
import time

_ENDS_AT_ONCE = 256
_ends: list[str] = []
"""Of ids that are still to be given."""
os.register_at_fork(after_in_child=_ends.clear)  # or a child would give its parent's ids again


def new_score_ids(count: int) -> list[str]:
    """UUIDs of version 7 (RFC 9562): ids that rise with time keep the index's last page hot."""
    moment = f"{time.time_ns() // 1_000_000:012x}"
    begin = f"{moment[:8]}-{moment[8:]}-"
    return [begin + _end_of_id() for _ in range(count)]


def _end_of_id() -> str:
    """Version, variant and 72 bits of chance; in any thread."""
    try:
        return _ends.pop()
    except IndexError:
        chance = os.urandom(9 * _ENDS_AT_ONCE).hex()
        first, *others = (
            f"7{chance[at : at + 3]}-8{chance[at + 3 : at + 6]}-{chance[at + 6 : at + 18]}"
            for at in range(0, len(chance), 18)
        )
        _ends.extend(others)
        return first
