"""``foreland links``: text, JSON and a picture, as of an instant; and what it refuses."""

import json
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pytest

from features.keys import load_keyring
from features.ledger import Event, open_ledger, open_tables
from features.pseudonyms import Pseudonyms
from features.settings import read_settings
from serving.audit import LinksRead
from serving.audit.period import notes_between
from tests.command import Run, runner
from tests.unit.test_links import DAY, Payload, found, lorry

START = 20_000


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """On a ledger where a and b share a lorry, a day apart from 2024-10-04 on, and a was caught."""
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    pseudonyms = Pseudonyms(load_keyring(tmp_path / "keys"))
    payloads: list[Payload] = [lorry("1", "a", "v"), lorry("2", "b", "v"), found("1")]
    named = pseudonyms.entity("vehicle", "AB12 CDE")
    with closing(open_ledger(read_settings().ledger)) as ledger:
        ledger.bind_pseudonym_key(pseudonyms.key_id)
        for day, payload in enumerate(payloads, start=START):
            if hasattr(payload, "entities"):
                payload.entities["vehicle_reg"] = named
            event = Event(
                source="file",
                event_id=str(day),
                occurred_at=0,
                available_at=day * DAY,
                payload=payload,
            )
            ledger.backfill([event])
    return runner(monkeypatch)


def test_who_is_tied_is_told_in_words_and_recorded(run: Run) -> None:
    done = run("links", "organisation:" + "b" * 32)
    assert done.status == 2
    assert "no movement has named this entity" in done.error
    done = run("links", "vehicle:ab12cde", "--depth", "2")
    assert done.status == 0, done.error
    assert "asked about; 2 organisations use it; 1 find in 1 examination" in done.out
    assert "organisation:b; tied by 1 since 2024-10-05; never examined" in done.out
    assert "2 with 1: 1 movements, 2024-10-04 to 2024-10-04, examined 1, finds 1" in done.out
    with closing(open_tables(read_settings().ledger)) as tables:
        notes = [record.entry for record in notes_between(tables, 0, 2**62)]
    (note,) = [one for one in notes if isinstance(one, LinksRead)]
    assert (note.depth, note.entities) == (2, 3)


def test_as_json_and_as_a_picture(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "neighbourhood.svg"
    done = run(
        "links", "vehicle:AB12CDE", "--as-of", "2024-10-06", "--json", "--picture", str(picture)
    )
    answer = json.loads(done.out)
    assert [one["known"] for one in answer["entities"]] == ["never_examined"] * 3
    assert answer["as_of"] == "2024-10-06T00:00:00Z"
    drawn = ET.fromstring(picture.read_text())  # noqa: S314 - our own
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lorry:AB12",), "the namespace is one of organisation, vehicle"),
        (("vehicle:NONE",), "is a placeholder, which stands for nobody"),
        (("vehicle:AB12CDE", "--as-of", "2999-01-01"), "is later than now"),
        (("vehicle:AB12CDE", "--as-of", "soon"), "is a day or an instant such as"),
    ],
)
def test_what_it_cannot_answer_ends_in_a_sentence(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = run("links", *arguments)
    assert done.status == 2
    assert said in done.error


def test_what_retention_erases_is_in_no_file_of_links(run: Run, tmp_path: Path) -> None:
    assert run("links", "vehicle:AB12CDE").status == 0
    assert list((tmp_path / "ties").glob("ties-*.db"))
    rule = '[[rule]]\nname = "all"\noutcome = "any"\nolder_than_days = 0\n'
    (tmp_path / "retention.toml").write_text(rule)
    assert run("retain").status == 0
    assert list((tmp_path / "ties").glob("ties-*")) == []
    assert "no movement has named this entity" in run("links", "vehicle:AB12CDE").error
