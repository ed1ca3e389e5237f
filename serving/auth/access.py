"""Clients, scopes, and what each operation of the API asks for; imports nothing heavy."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from features.errors import InputError
from serving.problems import RequestRefused

SCOPES: Mapping[str, str] = {
    "score.write": "have movements scored, and read the answers again",
    "outcome.write": "send what examinations ended in",
    "decision.write": "send what officers did with a score",
    "audit.read": "read recorded assessments of the own agency",
    "report.read": "read the governance site",
    "links.read": "read who is tied with whom, whichever agency sent it",
    "sandbox": "get made-up answers to reserved references",
    "exchange.write": "send events of a partner agency, each signed by it",
}
"""What a client may do, each as the end of the sentence "the client may ..."."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "score": ("score.write",),
    "score_batch": ("score.write",),
    "stored_score": ("score.write", "audit.read"),
    "score_page": ("score.write", "audit.read"),
    "scores_of_movement": ("score.write", "audit.read"),
    "proof": ("audit.read",),
    "cancel": ("score.write",),
    "outcomes": ("outcome.write",),
    "decisions": ("decision.write",),
    "models": (),
    "reports": ("report.read",),
    "links": ("links.read",),
    "exchange": ("exchange.write",),
}
"""Operation to scopes, any one of which is enough; with none any client may. Operations that are
not here need no credential."""
SANDBOX = "sandbox"
SANDBOXED = frozenset(NEEDED) - {"models", "proof", "reports", "links", "exchange"}
"""Operations that the scope ``sandbox`` opens too, for reserved references alone."""

NAME_RULE = "letters, digits, '_', '.' and '-', at most 64, a letter or digit first"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MOST_CLIENT_CHARACTERS = 128


class Client(NamedTuple):
    """A machine that asks, on behalf of one agency; never a person."""

    name: str
    agency: str
    scopes: frozenset[str]


LONGEST_SENT = 70
"""Characters of a name that a client gives to a message of its own (``features.records``)."""
LOCAL_AGENCY = "local"
"""Of whoever asks while no credential is needed, and of everything recorded before there were
agencies."""
LOCAL = Client("local", LOCAL_AGENCY, frozenset(SCOPES))


def require(client: Client, *any_of: str) -> None:
    """
    Raises:
        RequestRefused: ``scope_missing`` when the client has none of these scopes.
    """
    if any_of and client.scopes.isdisjoint(any_of):
        raise RequestRefused(
            "scope_missing",
            f"this needs the scope {' or '.join(any_of)}; ask whoever runs the service for it",
            headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
        )


class CredentialRefused(Exception):
    """Not one that is good now. The reason is for log and metrics; the client is not told."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def is_name(text: object) -> bool:
    """Of an agency, or of a client with API keys."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_client_of_token(text: object) -> bool:
    """Authorization servers name their clients more freely: any visible ASCII."""
    return (
        isinstance(text, str)
        and text.isascii()
        and text.isprintable()
        and (0 < len(text) <= _MOST_CLIENT_CHARACTERS)
    )


def check_name(text: str, option: str) -> str:
    if not is_name(text):
        raise InputError(f"{option} is made of {NAME_RULE}, not {text!r}")
    return text


def check_scopes(text: str) -> frozenset[str]:
    """
    >>> sorted(check_scopes("score.write, outcome.write"))
    ['outcome.write', 'score.write']
    """
    scopes = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(scopes.difference(SCOPES)):
        raise InputError(f"there is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}")
    if not scopes:
        raise InputError(f"--scopes needs at least one of {', '.join(SCOPES)}")
    return scopes


def mine(agency: str, name: str) -> str:
    """The name as only this agency can mean it: two agencies may number their messages alike.

    Names of the local agency stay as they are; the others become longer than any that is sent.
    """
    return name if agency == LOCAL_AGENCY else agency.ljust(LONGEST_SENT + 1) + name
