"""docs/add-a-feature.md, word for word: what it shows works, and gives what it says."""

import math
import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from features import declared, sentences
from features.catalogue import Catalogue, catalogue_for
from features.files.mapping import read_mapping
from features.ingest import ingest
from features.ledger import open_ledger
from features.pseudonyms import load_pseudonyms
from features.rows import feature_rows
from features.timeline import load_timeline
from tests.unit import test_declared

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-feature.md").read_text()


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_an_attribute_becomes_the_features_that_the_page_shows(tmp_path: Path) -> None:
    (movements,), (mapping,) = blocks("csv"), blocks("toml")
    (tmp_path / "lorries.csv").write_text(movements)
    (tmp_path / "lorries.toml").write_text(mapping)
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        report = ingest(
            ledger,
            "vehicle",
            tmp_path / "lorries.csv",
            None,
            read_mapping(tmp_path / "lorries.toml", "vehicle"),
            load_pseudonyms(tmp_path / "keys"),
        )
        assert (report.movements, report.rejected_rows) == (3, 0)
        timeline = load_timeline(ledger, available_before=1 << 61)
    catalogue = catalogue_for("vehicle", timeline.attributes("vehicle"))
    known = timeline.of_kind("vehicle")
    rows = feature_rows(timeline, list(known["payload"]), known["available_at"], catalogue)
    shown = re.findall(r"^\| `(attribute\.\S+)` \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(shown) == 4
    for name, value in shown:
        assert rows[2, catalogue.names.index(name)] == pytest.approx(float(value), abs=5e-5), name
    for said in re.findall(r'"(axles: .*?|tarpaulin: .*?)"', PAGE):
        assert sentences.sentence(catalogue, said.split(":")[0], rows[2]) == said


def test_a_derived_feature_as_the_page_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    function, entry, sentence, by_hand = blocks("python")
    in_declared, in_sentences, in_tests = (
        dict(vars(module)) for module in (declared, sentences, test_declared)
    )
    exec(function, in_declared)  # noqa: S102 - the page's own code, as its reader would paste it
    added = eval(entry, in_declared)  # noqa: S307
    monkeypatch.setitem(declared.DERIVED, "vessel", (*declared.DERIVED["vessel"], added))
    for name, words in eval(sentence, in_sentences).items():  # noqa: S307
        monkeypatch.setitem(sentences.WHOLE, name, words)
    exec(by_hand, in_tests)  # noqa: S102
    in_tests["test_length_to_beam"]()

    catalogue: Catalogue = catalogue_for("vessel")
    place = catalogue.names.index("length_to_beam")
    feature = catalogue.features[place]
    assert (feature.group, feature.description) == ("shape", "Length overall by beam")
    row = np.full(len(catalogue.names), math.nan)
    assert sentences.sentence(catalogue, "shape", row) == "shape: not declared"
    row[place] = 6.0
    assert sentences.sentence(catalogue, "shape", row) == "shape: 6 times as long as wide"
