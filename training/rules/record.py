"""Back-tests that were made: a file for each text of a rule, which an approval reads."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from features.errors import InputError
from features.ledger import RuleEstimate
from features.settings import Settings
from models.whole_files import write_whole

if TYPE_CHECKING:
    from training.rules.backtest import RuleBacktest  # seconds to import, and not to approve


class _Kept(msgspec.Struct, frozen=True):
    """As much of a ``RuleBacktest`` as an approval records."""

    sha256: str
    estimate: RuleEstimate


def keep_backtest(settings: Settings, done: "RuleBacktest") -> Path:
    """In the place of an earlier one of the same text."""
    path = _path(settings, done.sha256)
    write_whole(path, done)
    return path


def kept_estimate(settings: Settings, sha256: str) -> RuleEstimate | None:
    """Of the last back-test of this text; None when there was none.

    Raises:
        InputError: the file is not what was written.
    """
    path = _path(settings, sha256)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        raise InputError(f"{path} cannot be read ({exc}); back-test the rule again") from exc
    if found.sha256 != sha256:
        raise InputError(f"{path} is of another text of the rule; back-test the rule again")
    return found.estimate


def _path(settings: Settings, sha256: str) -> Path:
    return settings.rule_backtests / f"{sha256}.json"
