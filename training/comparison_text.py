"""A comparison as a person reads it in a terminal."""

from collections.abc import Iterator

from training.compare import FEWEST_ROWS, Comparison, Disagreement, GroupChange
from training.words import difference_in_words


def in_words(found: Comparison) -> Iterator[str]:
    """Lines."""
    yield found.verdict
    if found.warning:
        yield f"Warning: {found.warning}."
    yield (
        f"{found.rows:,} examined {found.kind} movements with a matured label that neither learned "
        f"from, known since {found.since}, on {found.days:,} days."
    )
    yield ""
    yield f"Version {found.second} where version {found.first} was (95 % intervals, by days)"
    for paired in found.measures:
        yield f"  {difference_in_words(paired)}"
    yield ""
    yield (
        f"Each refers {found.capacity:,}; both refer {found.both:,}. Only version {found.first}: "
        f"{found.only_first:,}, {found.only_first_finds:,} finds. Only version {found.second}: "
        f"{found.only_second:,}, {found.only_second_finds:,} finds."
    )
    for one in found.disagreements:
        yield from _disagreement(found, one)
    yield ""
    yield f"Groups (gain in log loss a row; {found.groups_too_small} are too small to be shown)"
    for group in found.groups:
        yield _group(group)
    if not found.groups:
        yield f"  none has {FEWEST_ROWS} movements and enough finds"


def _disagreement(found: Comparison, one: Disagreement) -> Iterator[str]:
    ended = "a find" if one.found else "nothing found"
    yield (
        f"  {one.movement} of {one.day}, {ended}: version {found.first} {one.first:.3f}, "
        f"version {found.second} {one.second:.3f}"
    )
    for version, reasons in ((found.first, one.first_reasons), (found.second, one.second_reasons)):
        for reason in reasons:
            yield f"    version {version} {reason}"


def _group(group: GroupChange) -> str:
    within = (
        "" if group.interval is None else f" ({group.interval[0]:+.4f} to {group.interval[1]:+.4f})"
    )
    return (
        f"  {group.group}: {group.gain:+.4f}{within}, {group.says}; {group.finds:,} finds in "
        f"{group.rows:,} ({group.finds / group.rows:.1%}), said {group.first_predicted:.1%} and "
        f"{group.second_predicted:.1%}"
    )
