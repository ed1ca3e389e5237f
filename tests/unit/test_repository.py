"""What the repository promises about itself: names, locks, and no pickle."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "training", "serving", "monitoring")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES.append(ROOT / "foreland.py")


@pytest.mark.parametrize("package", [*PACKAGES, "foreland"])
def test_the_common_names_are_ours(package: str) -> None:
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


def test_the_lock_has_a_hash_for_everything_and_names_no_index() -> None:
    for lock in ("requirements.lock", "installer.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        requirements = re.findall(
            r"^[A-Za-z0-9].*==.*$(?:\n    --hash=\S+.*$)*", text, re.MULTILINE
        )
        assert len(requirements) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
        assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_the_lock_was_made_from_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==(\S+)", lock, re.MULTILINE))
    for requirement in wanted:
        name, _, pinned = re.sub(r"\[.*?\]", "", requirement).partition("==")
        name = re.split(r"[<>=~ ]", name)[0].lower()
        assert name in locked, f"{name} is in pyproject.toml, not in the lock; run `make lock`"
        if pinned:
            assert locked[name] == pinned, f"{name}: run `make lock`"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_pickled(path: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & {"pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}


def test_the_top_level_holds_what_the_design_says() -> None:
    allowed = {*PACKAGES, "tests", "docs", "var", "Makefile", "foreland.py", "pyproject.toml"}
    allowed |= {"README.md", "CHANGELOG.md", "LICENSE", "requirements.lock", "installer.lock"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found <= allowed | {"build", "dist", "__pycache__"}


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_a_document_names_is_there() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for document in (ROOT / "docs").rglob("*.md"):
        named = set(re.findall(r"`(test_\w+)`", document.read_text()))
        assert named <= there, document.name
