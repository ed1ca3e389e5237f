"""How much of a neighbourhood is read and told; imports nothing heavy."""

from typing import Literal

MOST_DEPTH = 2
MOST_ENTITIES = 200
"""Beside those that are asked about."""
MOST_ROWS = 50_000
"""Movements that are read of an entity that is asked about: the newest, and those with finds."""
MOST_ROWS_ON_THE_WAY = 5_000
"""Of another."""
MOST_FOLLOWED = 200
"""Other ends of the links of one entity that are followed."""
MOST_ENDS = 2_000
"""Of them those that are put in order before."""
LINKS_PER_ENTITY = 4

Truncation = Literal["entities", "connectors", "movements", "links", "time"]
"""Of what there is more than was read, or than there is room for."""
