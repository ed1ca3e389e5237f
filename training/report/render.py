"""From facts to one HTML document."""

from models.pages import templates
from training.report.facts import EvaluationFacts
from training.report.sections import sections

SIMULATED = "Everything on this page is about a simulated border; no figure is about a real one."


def evaluation_page(facts: EvaluationFacts) -> str:
    """The whole page. The same facts give the same text."""
    template = templates("training.report").get_template("evaluation.html")
    return template.render(
        title=facts.title,
        simulated=SIMULATED if facts.simulated else None,
        verdict=facts.evaluation.verdict.removeprefix("Simulated data. "),
        meaning=(
            f"Each probability is that of a find if the {facts.kind} is examined, for movements "
            "like those examined in the past."
        ),
        sections=sections(facts),
    )
