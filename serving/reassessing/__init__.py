"""Assessing a movement again because something else became known: a consignment on board, what an
examination elsewhere ended in, a selector or a rule
([ADR 36](../../docs/adr/0036-a-carrier-answers-for-its-consignments.md)).
"""

from serving.reassessing.chore import Reassessing
from serving.reassessing.committing import ReassessmentCommit
from serving.reassessing.turns import prepare

__all__ = ["Reassessing", "ReassessmentCommit", "prepare"]
