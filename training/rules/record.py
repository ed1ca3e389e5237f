"""Back-tests that were made: a file for each text of a rule, which an approval reads."""

from pathlib import Path

import msgspec

from features.errors import InputError
from features.settings import Settings
from models.whole_files import write_whole
from training.rules.backtest import RuleBacktest


def keep_backtest(settings: Settings, done: RuleBacktest) -> Path:
    """In the place of an earlier one of the same text."""
    path = _path(settings, done.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, done)
    return path


def kept_backtest(settings: Settings, sha256: str) -> RuleBacktest | None:
    """None when this text was never back-tested.

    Raises:
        InputError: the file is not what was written.
    """
    path = _path(settings, sha256)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=RuleBacktest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        raise InputError(f"{path} cannot be read ({exc}); back-test the rule again") from exc
    if found.sha256 != sha256:
        raise InputError(f"{path} is of another text of the rule; back-test the rule again")
    return found


def _path(settings: Settings, sha256: str) -> Path:
    return settings.rule_backtests / f"{sha256}.json"
