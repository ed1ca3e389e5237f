"""The HTTP routes: parse strictly, ask the worker's state, answer or refuse with a code."""

from serving.routes import outcomes, scores, standing

ROUTES = [*scores.ROUTES, *outcomes.ROUTES, *standing.ROUTES, standing.NOTHING_HERE]
