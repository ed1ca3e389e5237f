"""The neighbourhood of a movement as an assessment's page shows it: a sentence, then its table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from features.clock import iso
from features.neighbourhood.bounds import Truncation

if TYPE_CHECKING:  # they import what reads the ledger, which only a worker needs
    from features.neighbourhood.walk import Neighbour, Neighbourhood
    from serving.neighbourhoods import Around

LEFT_OUT: dict[Truncation, str] = {
    "entities": "There is no room for all who are tied",
    "connectors": "Not everything that these use was followed",
    "movements": "Of entities with very many movements the newest were read, and those with finds",
    "links": "There is no room for all links",
    "time": "Reading took too long, and was broken off",
}
"""What of the neighbourhood is missing, each as the beginning of a sentence."""


class Row(NamedTuple):
    number: int
    what: str
    name: str
    """The pseudonym's first digits."""
    tied: str
    known: str
    caught: bool


class LinksSection(NamedTuple):
    """What the template shows."""

    says: str
    picture: Markup | None
    undrawn: bool
    """There is something to draw, and it could not be drawn."""
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]


def section_of(around: "Around") -> LinksSection:
    found = around.neighbourhood
    numbers = {one.key: number for number, one in enumerate(found.neighbours, start=1)}
    return LinksSection(
        says=sentence(found),
        picture=None if around.picture is None else Markup(around.picture),  # noqa: S704 - our own
        undrawn=around.picture is None and bool(found.links),
        rows=tuple(_row(one, numbers, around.named) for one in found.neighbours),
        left_out=tuple(LEFT_OUT[one] for one in found.truncated),
    )


def sentence(found: "Neighbourhood") -> str:
    """
    How many are tied, how many of them had finds, and how many nobody ever examined.
    """
    tied = [one for one in found.neighbours if one.step > 0 and one.tied_by]
    if not tied:
        return (
            "Nobody was tied with what this movement names. That nobody is known to be is not "
            "the same as nobody."
        )
    caught = [one for one in tied if one.examined.finds > 0]
    never = sum(one.examined.examinations == 0 for one in tied)
    one = len(tied) == 1
    said = (
        f"{len(tied)} organisation{'' if one else 's'} {'is' if one else 'are'} tied with what "
        f"this movement names: {len(caught)} with a find"
    )
    last = max((one.examined.last_find_at or 0 for one in caught), default=0)
    if caught:
        said += f", the last known on {iso(last)[:10]}"
    return f"{said}, {never} never examined, which is not the same as clean."


def _row(one: "Neighbour", numbers: Mapping[str, int], named: tuple[str, ...]) -> Row:
    namespace, _, pseudonym = one.key.partition(":")
    tied = "named by this movement" if one.key in named else ""
    return Row(
        numbers[one.key],
        namespace,
        pseudonym[:8],
        tied + _shared(one) if tied else tied_of(one, numbers, asked=False),
        known_of(one),
        one.examined.finds > 0,
    )


def tied_of(one: "Neighbour", numbers: Mapping[str, int], *, asked: bool) -> str:
    """By what it is tied and since when, or who uses it.

    Args:
        numbers: by which other entities are called.
    """
    if asked:
        return f"asked about{_shared(one)}"
    if not one.tied_by:
        return f"in use{_shared(one)}"
    by = ", ".join(str(numbers[key]) for key in one.tied_by)
    return f"tied by {by} since {iso(one.tied_since or 0)[:10]}"


def _shared(one: "Neighbour") -> str:
    if one.organisations is None or one.organisations < 2:
        return ""
    return f"; {one.organisations} organisations use it"


def known_of(one: "Neighbour") -> str:
    """What examinations ended in. Never examined is not clean."""
    examinations, finds, last = one.examined
    if examinations == 0:
        return "never examined"
    plural = "" if examinations == 1 else "s"
    if last is None:
        return f"nothing found in {examinations} examination{plural}"
    word = "find" if finds == 1 else "finds"
    return f"{finds} {word} in {examinations} examination{plural}, the last {iso(last)[:10]}"
