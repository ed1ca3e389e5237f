"""A party may be given twice, as a number and as a whole; the two must be the same."""

from operator import attrgetter
from typing import Any

from features.records.rules import Breach, Rule


def party_agrees(party: str) -> Rule:
    """The rule for one party of a record: ``<party>_eori`` against ``<party>.eori``."""
    whole, number = attrgetter(party), attrgetter(f"{party}_eori")

    def broken(record: Any) -> Breach | None:
        given = whole(record)
        if given is None or given.eori is None or number(record) in (None, given.eori):
            return None
        message = f"{party}_eori and {party}.eori differ; correct one, or give one alone"
        return Breach(f"/{party}/eori", message)

    sentence = "A party given twice has one registration number."
    return Rule("party_disagrees", sentence, broken, (party,))
