"""The HTTP routes: parse strictly, ask the worker's state, answer or refuse with a code."""

from serving.routes import (
    audit,
    batch,
    docs,
    exchange,
    happenings,
    links,
    reports,
    scores,
    standing,
)

ROUTES = [
    *batch.ROUTES,  # before scores: "batch" is no score id
    *scores.ROUTES,
    *audit.ROUTES,
    *happenings.ROUTES,
    *links.ROUTES,
    *exchange.ROUTES,
    *docs.ROUTES,
    *reports.ROUTES,
    *standing.ROUTES,
    standing.NOTHING_HERE,
]
PLAIN_PATHS = {one.path: one.endpoint for one in reversed(ROUTES) if not one.param_convertors}
"""What answers at paths that have no parameter."""
