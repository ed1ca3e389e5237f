"""The HTTP routes: parse strictly, ask the worker's state, answer or refuse with a code."""

from serving.routes import docs, happenings, scores, standing

ROUTES = [*scores.ROUTES, *happenings.ROUTES, *docs.ROUTES, *standing.ROUTES, standing.NOTHING_HERE]
