"""What an agency says of a piece of its intelligence: who may see it, and what to do about it.

Selectors and rules share these words; imports nothing heavy.
"""

from collections.abc import Mapping
from typing import Literal

Handling = Literal["open", "contact", "hidden"]
"""Who may see a match: every client (``open``); another agency's client sees only that something
matched and whom to ask (``contact``), or nothing (``hidden``). Its own agency sees all."""
Action = Literal["refer", "inform"]
"""Refer the movement to an examination, or tell whoever reads the answer."""
Marking = Literal["OFFICIAL", "OFFICIAL-SENSITIVE"]

HANDLINGS: Mapping[Handling, str] = {
    "open": "every client sees it",
    "contact": "clients of other agencies see only whom to ask",
    "hidden": "clients of other agencies see nothing",
}
