"""Every command that ``docs/operating.md`` tells an operator to give exists, with its options."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import foreland

ANY_CONTEXT: Any = None
"""Looking a command up by name asks nothing of it."""
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text()
NAMED = sorted(
    set(re.findall(r"^    foreland (.+)$", PAGE, re.MULTILINE))
    | set(re.findall(r"`foreland ([a-z][^`]*)`", PAGE.replace("\n", " ")))
)


@pytest.mark.parametrize("words", NAMED)
def test_a_command_of_the_page_exists(words: str) -> None:
    command: Any = get_command(foreland.app)
    for word in words.split(" --")[0].split():
        if isinstance(command, TyperGroup):
            command = command.get_command(ANY_CONTEXT, word)
            assert command is not None, f"there is no `{word}` in `foreland {words}`"
    known = {option for parameter in command.params for option in parameter.opts}
    asked = set(re.findall(r"(?<!\S)--[a-z-]+", words)) - {"--help"}
    assert asked <= known, f"`foreland {words}`: no {sorted(asked - known)}"


def test_there_is_something_to_check() -> None:
    assert len(NAMED) > 15
