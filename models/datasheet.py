"""The datasheet: what the data were that a bundle learned from, in Markdown, for people.

The questions are those of the reference, in its order, those about people left out: nothing here
is about a person. What the training run knows is answered from the numbers of the model card; what
only people know is marked, and never made up.

References:
    Gebru, T. et al. (2021), "Datasheets for datasets", Communications of the ACM 64(12), section 3.
"""

from collections import Counter
from collections.abc import Iterator

from features.clock import from_micros
from models.bundle.format import UNNUMBERED
from models.card import CardFacts

TO_BE_COMPLETED = "*To be completed.*"
"""Stands wherever only people know the answer."""

Question = tuple[str, str]


def datasheet(facts: CardFacts) -> str:
    parts = [datasheet_title(facts.kind, facts.version, facts.simulated), ""]
    if facts.simulated:
        parts += ["**Simulated data:** no figure is about a real border.", ""]
    for heading, questions in _sections(facts):
        parts += [f"## {heading}", ""]
        for question, answer in questions:
            parts += [f"**{question}** {answer}", ""]
    return "\n".join(parts)


def datasheet_title(kind: str, version: int, simulated: bool) -> str:
    """
    >>> datasheet_title("vessel", 3, simulated=False)
    '# Datasheet: what vessel version 3 learned from'
    """
    number = "the one not numbered yet" if version == UNNUMBERED else f"version {version}"
    marked = " (simulated)" if simulated else ""
    return f"# Datasheet: what {kind} {number} learned from{marked}"


def _sections(facts: CardFacts) -> Iterator[tuple[str, list[Question]]]:
    yield "Motivation", _motivation(facts)
    yield "Composition", _composition(facts)
    yield "Collection process", _collection(facts)
    yield "Preprocessing, cleaning and labelling", _preparation(facts)
    yield "Uses", _uses(facts)
    yield "Distribution", _distribution()
    yield "Maintenance", _maintenance()


def _motivation(facts: CardFacts) -> list[Question]:
    purpose = f"To learn how likely a find is when a {facts.kind} movement is examined."
    return [
        ("For what purpose was the dataset created?", purpose),
        ("Who created it, and on behalf of whom?", TO_BE_COMPLETED),
        ("Who funded its creation?", TO_BE_COMPLETED),
    ]


def _composition(facts: CardFacts) -> list[Question]:
    labels = sum(item.labels for item in facts.slices)
    finds = sum(item.finds for item in facts.slices)
    slices = "; ".join(
        f"{item.name}: {item.labels:,} from {_day(item.first)} to {_day(item.last)}, with "
        f"{item.finds:,} finds"
        for item in facts.slices
    )
    sources = Counter(feature.source for feature in facts.catalogue.features)
    inputs = ", ".join(f"{count} from {source}" for source, count in sorted(sources.items()))
    erased = sum(count.movements for count in facts.erased)
    gone = f"{erased:,} movements that retention had erased" if erased else "nothing was erased"
    return [
        (
            "What do the instances represent?",
            (
                f"Movements of the kind {facts.kind} that were examined. They are things that "
                "move, never people."
            ),
        ),
        ("How many instances are there?", f"{labels:,} with a result, {finds:,} of them finds."),
        (
            "Is it a sample of a larger set? Is it representative?",
            (
                "Yes, and no: only examined movements have a result, and they were not examined at "
                "random. What nobody examined is unlabelled and never counted as clean."
            ),
        ),
        (
            "What data does each instance consist of?",
            (
                f"{len(facts.catalogue.names)} numbers: {inputs}. The bundle's catalogue.json "
                "lists each with its unit, its source and what missing means."
            ),
        ),
        (
            "Is there a label?",
            (
                "Whether the examination found something: a find, or none. No-shows, missed, "
                "withdrawn and lost for lack of officers are no labels."
            ),
        ),
        ("Is any information missing from instances?", f"What was not declared; and {gone}."),
        (
            "Are there recommended splits?",
            f"By time, so that no later result is learned from: {slices}.",
        ),
        (
            "Are there errors, noise or redundancies?",
            (
                "An examination that found nothing may have missed something. Identifiers whose "
                "check digits fail are kept and flagged. Each movement counts once, whatever its "
                "versions."
            ),
        ),
        (
            "Is it self-contained?",
            f"It is built from the ledger alone; its rows have sha256 `{facts.data_sha256}`.",
        ),
        (
            "Does it contain confidential data?",
            (
                "Commercial data, with identifiers as keyed pseudonyms. The bundle holds 48 rows "
                "of numbers without who they were."
            ),
        ),
        (
            "Does it relate to people, or identify groups of them?",
            "No attribute of a natural person is an input or a key of history.",
        ),
    ]


def _collection(facts: CardFacts) -> list[Question]:
    source = (
        "It was simulated (docs/simulated-border.md)."
        if facts.simulated
        else "Declared by carriers and traders, or recorded by examinations, and sent by the "
        "systems that hold it."
    )
    first = min(item.first for item in facts.slices)
    return [
        ("How was the data acquired?", source),
        ("Who was involved in the collection?", TO_BE_COMPLETED),
        (
            "Over what time was it collected?",
            (
                f"Movements from {_day(first)}; nothing that became known from "
                f"{_day(facts.trained_until)} on."
            ),
        ),
        ("Was there an ethical review, or a data protection impact assessment?", TO_BE_COMPLETED),
        ("Under what powers or agreements was it collected?", TO_BE_COMPLETED),
    ]


def _preparation(facts: CardFacts) -> list[Question]:
    return [
        (
            "Was the data cleaned or labelled?",
            (
                "Records that break a rule are refused when they come in. Results count once they "
                "had time to mature; a corrected result counts as corrected."
            ),
        ),
        (
            "Was the raw data kept?",
            (
                "In the ledger, until retention erases it; every row can be built again from it as "
                "it was known then."
            ),
        ),
        (
            "Is the software available?",
            (
                "It is Foreland itself; catalogue sha256 "
                f"`{facts.catalogue.sha256}` says which features it made."
            ),
        ),
    ]


def _uses(facts: CardFacts) -> list[Question]:
    return [
        (
            "Has it been used, and for what?",
            f"To train and test the model that this bundle holds. {facts.evaluation.verdict}",
        ),
        (
            "What might go wrong with other uses?",
            (
                "It speaks of movements like those examined in the past. Where it is used for "
                "others, or its results become the only reason to examine, it learns from itself."
            ),
        ),
        (
            "What should it not be used for?",
            "To score people, or to decide without an officer.",
        ),
    ]


def _distribution() -> list[Question]:
    return [
        ("Is it given to third parties?", TO_BE_COMPLETED),
        ("Are there export controls, licences or other restrictions?", TO_BE_COMPLETED),
    ]


def _maintenance() -> list[Question]:
    return [
        ("Who maintains it, and how can they be reached?", TO_BE_COMPLETED),
        (
            "Is it updated?",
            "Each training run reads the ledger again and has a datasheet of its own.",
        ),
        (
            "Are there limits on how long it is kept?",
            "By the rules of foreland retain, which each later card and datasheet account for.",
        ),
        ("Are older versions kept?", "Their numbers stand in their bundles and in MLflow."),
    ]


def _day(instant: int) -> str:
    return f"{from_micros(instant):%Y-%m-%d}"
