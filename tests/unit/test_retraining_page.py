"""docs/retraining.md and docs/alarms.md: their configurations are read, their commands exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from typer.main import get_command

from foreland import app
from models.alarms import NAMES
from training.config import read_config

DOCUMENTS = Path(__file__).parents[2] / "docs"
PAGES = ("retraining.md", "alarms.md", "add-a-feature.md")


def commands() -> list[list[str]]:
    """The words of every ``foreland`` command on the pages, lines that go on joined."""
    text = "\n".join((DOCUMENTS / page).read_text() for page in PAGES).replace("\\\n", " ")
    lines = re.findall(r"^ {4}(?:\$ )?foreland (.*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("page", ["retraining.md", "alarms.md"])
def test_every_configuration_shown_is_read(page: str, tmp_path: Path) -> None:
    shown = re.findall(
        r"^```toml\n(.*?)^```$", (DOCUMENTS / page).read_text(), re.MULTILINE | re.DOTALL
    )
    assert shown
    for text in shown:
        (tmp_path / "config.toml").write_text(text)
        assert read_config(tmp_path / "config.toml", "vehicle").acknowledge.keys() <= set(NAMES)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_shown_has_the_options_that_it_is_given(words: list[str]) -> None:
    whole: Any = get_command(app)
    command = whole.get_command(click.Context(whole), words[0])
    assert command is not None, words[0]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
