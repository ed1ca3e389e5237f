"""The ``foreland`` command in the test's own process, as a person starts it."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

import foreland


class Done(NamedTuple):
    status: int
    out: str
    error: str


Run = Callable[..., Done]


def runner(patch: pytest.MonkeyPatch) -> Run:
    """Takes the arguments after ``foreland``; what it says is kept apart from the test's own."""

    def run(*arguments: str) -> Done:
        patch.setattr(sys, "argv", ["foreland", *arguments])
        out, error = io.StringIO(), io.StringIO()
        with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(error):
            foreland.main()
        return Done(int(ended.value.code or 0), out.getvalue(), error.getvalue())

    return run


def listing(home: Path, stem: str) -> Path:
    """The one list of refused rows of the files of this name; the rest is a hash of the path."""
    (path,) = (home / "rejects").glob(f"{stem}-*.csv")
    return path
