"""The evaluation page as text: complete in itself, honest, and readable without its pictures."""

import re
from html.parser import HTMLParser

import pytest

from models.evaluation import MODEL
from tests.evaluated import evaluated
from training.report import evaluation_page


@pytest.fixture(scope="module")
def page() -> str:
    return evaluation_page(evaluated())


class Outline(HTMLParser):
    """Headings, tables and pictures in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.captions = self.tables = 0
        self.pictures: list[str | None] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag == "svg":
            self.pictures.append(given.get("aria-label"))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.targets.append(str(given["href"]))


def test_nothing_is_asked_of_a_network(page: str) -> None:
    assert re.findall(r"""(?:src|href|action)\s*=\s*["'](?!#)[^"']*""", page) == []
    assert re.findall(r"url\((?!#)", page) == []
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_headings_rise_by_one_and_tables_and_pictures_have_names(page: str) -> None:
    outline = Outline(page)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    pairs = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(later <= earlier + 1 for earlier, later in pairs)
    assert outline.tables == outline.captions > 15
    assert len(outline.pictures) >= 7
    assert all(outline.pictures)
    assert len(set(outline.ids)) == len(outline.ids)
    assert {target.removeprefix("#") for target in outline.targets} <= {*outline.ids, "main"}


def test_it_says_what_was_measured(page: str) -> None:
    evaluation = evaluated().evaluation
    assert "Everything on this page is about a simulated border" in page
    assert evaluation.verdict.removeprefix("Simulated data. ") in page.replace("&#39;", "'")
    precision = evaluation.all.ranking(MODEL).at(0.05)
    assert precision.interval is not None
    low, high = precision.interval
    assert f"{precision.precision:.1%} ({low:.1%} to {high:.1%})" in page
    for name in evaluated().scores:
        assert f'<th scope="row">{name}</th>' in page
    assert "At 2 a day" in page
    assert "declared empty" in page  # a rule of the points table
    assert "ROC AUC lost" in page
    assert "Half &lt; of them." in page  # escaped
    assert "3 checks for leaks and memory; 2 failed, 1 of them without a reason given" in page
    assert "Effective sample size" in page
    assert "Horvitz-Thompson" in page


def test_small_groups_are_named_and_suppressed(page: str) -> None:
    small = [item for item in evaluated().evaluation.groups if item.measured is None]
    assert "BEZEE-GBHUL" in {item.group for item in small}
    row = re.search(r'<th scope="row">BEZEE-GBHUL</th>(.*?)</tr>', page)
    assert row is not None
    assert re.findall(r">([^<]+)</td>", row.group(1)) == ["suppressed"]


def test_what_is_not_known_is_said() -> None:
    facts = evaluated()
    bare = facts.evaluation.__class__(
        all=facts.evaluation.all,
        unseen=facts.evaluation.unseen,
        unseen_by="hauliers",
        verdict="Nothing.",
    )
    page = evaluation_page(
        facts._replace(evaluation=bare, simulated=False, alarms=None, calibration=None)
    )
    assert "Not assessable: no propensity was logged" in page
    assert "foreland train --ablation" in page
    assert "Nothing was checked in this run." in page
    assert "No group was measured." in page
    assert 'class="simulated"' not in page


def test_the_same_facts_give_the_same_page(page: str) -> None:
    assert evaluation_page(evaluated()) == page
