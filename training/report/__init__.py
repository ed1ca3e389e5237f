"""The evaluation of one model as one page: the verdict in words, then the charts, then the tables.

It opens from disk with no network and holds everything that it shows.
"""

from training.report.facts import EvaluationFacts
from training.report.render import evaluation_page

__all__ = ["EvaluationFacts", "evaluation_page"]
