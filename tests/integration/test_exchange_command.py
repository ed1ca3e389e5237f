"""``foreland exchange``: a partnership set up as the documentation says, and files between two."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from features.clock import now_micros
from features.intake import declare, movement_event_id
from features.ledger import Event, PartnerEventReceived, open_ledger
from features.pseudonyms import load_pseudonyms
from features.records import Vehicle
from tests.command import Done, Run, runner
from tests.integration.small_border import DECLARED_AT


class Agency:
    """A home, and ``foreland`` in it."""

    def __init__(self, name: str, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.name, self.home = name, home
        self._patch, self._run = patch, runner(patch)
        home.mkdir()
        open_ledger(self.ledger).close()

    @property
    def ledger(self) -> str:
        return f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def run(self) -> Run:
        self._patch.setenv("FORELAND_HOME", str(self.home))
        return self._run

    def exchange(self, *arguments: str) -> Done:
        done = self.run("exchange", *arguments)
        assert done.status == 0, done.error
        return done

    def refused(self, *arguments: str) -> str:
        done = self.run("exchange", *arguments)
        assert done.status == 2, done
        return done.error

    def introduce(self, partner: "Agency", public: str, url: str | None = None) -> None:
        where = "" if url is None else f'url = "{url}"'
        (self.home / "partners.toml").write_text(
            f"""agency = "{self.name}"
[[partner]]
name = "{partner.name}"
agency = "{partner.name}"
partnership = "north-sea"
shares = ["movements", "outcomes"]
{where}
[[partner.key]]
public = "{public}"
"""
        )

    def declare(self, *numbers: int) -> None:
        """Vehicles of one haulier, as a service takes them."""
        pseudonyms = load_pseudonyms(self.home / "keys")
        with closing(open_ledger(self.ledger)) as ledger:
            for number in numbers:
                record = Vehicle(
                    movement_ref=f"M-{number}", declared_at=DECLARED_AT, haulier_eori="XX000000007"
                )
                declared = declare(record, pseudonyms)
                ledger.append(
                    [
                        Event(
                            source="api",
                            event_id=movement_event_id(declared),
                            occurred_at=now_micros(),
                            payload=declared,
                        )
                    ]
                )

    def heard(self, partner: "Agency") -> list[str]:
        with closing(open_ledger(self.ledger)) as ledger:
            return [
                event.event_id
                for event in ledger.read_source(f"partner:{partner.name}")
                if isinstance(event.payload, PartnerEventReceived)
            ]


@pytest.fixture
def agencies(tmp_path: Path) -> Iterator[tuple[Agency, Agency]]:
    """Introduced to each other, with one key of their partnership."""
    with pytest.MonkeyPatch.context() as patch:
        one, other = (Agency(name, tmp_path / name, patch) for name in ("bf", "nca"))
        one.exchange("partnership", "create", "north-sea")
        copy = tmp_path / "copy.key"
        shutil.copy(one.home / "keys" / "partnership-north-sea.key", copy)
        other.exchange("partnership", "import", "north-sea", str(copy))
        keys = {one: one.exchange("keys", "create"), other: other.exchange("keys", "create")}
        one.introduce(other, keys[other].out.strip())
        other.introduce(one, keys[one].out.strip())
        yield one, other


def test_files_between_two_agencies(agencies: tuple[Agency, Agency], tmp_path: Path) -> None:
    one, other = agencies
    one.declare(1, 2, 3)
    file = tmp_path / "events.ndjson"
    done = one.exchange("export", str(file), "--partner", "nca", "--acknowledge")
    assert done.out.startswith("3 events for nca, ledger positions 1 to 3")
    assert other.exchange("import", str(file)).out == "3 accepted, 0 duplicate, 0 rejected\n"
    assert other.exchange("import", str(file)).out == "0 accepted, 3 duplicate, 0 rejected\n"
    assert other.heard(one) == [f"{position}.movement.declared" for position in (1, 2, 3)]
    one.declare(4)
    one.exchange("export", str(file), "--partner", "nca")
    assert len(file.read_text().splitlines()) == 1, "after what was acknowledged"
    one.exchange("export", str(file), "--partner", "nca", "--after", "0")
    assert len(file.read_text().splitlines()) == 4
    status = one.exchange("status").out
    assert "nca: told up to position 3 of 4" in status
    assert "bf: told up to position 0 of 3" in other.exchange("status").out
    assert "3 events came" in other.exchange("status").out


def test_a_file_that_was_changed_is_refused_line_by_line(
    agencies: tuple[Agency, Agency], tmp_path: Path
) -> None:
    one, other = agencies
    one.declare(1, 2, 3)
    file = tmp_path / "events.ndjson"
    one.exchange("export", str(file), "--partner", "nca")
    first, second, third = file.read_text().splitlines()
    lines = [first, second.replace('"version":1', '"version":2'), "no json", "", third]
    file.write_text("\n".join(lines))
    done = other.run("exchange", "import", str(file))
    assert (done.status, done.out) == (1, "2 accepted, 0 duplicate, 2 rejected\n")
    assert done.error.splitlines() == [
        "line 2: bad_signature: the event is not what was signed; send it again",
        "line 3: bad_json: expecting value at line 1, column 1",
    ]


def test_a_key_that_was_rotated_holds_everything_and_loses_nothing(
    agencies: tuple[Agency, Agency], tmp_path: Path
) -> None:
    one, other = agencies
    one.declare(1)
    file = tmp_path / "events.ndjson"
    public = one.exchange("keys", "rotate").out.strip()
    assert one.exchange("keys", "show").out.strip() == public
    one.exchange("export", str(file), "--partner", "nca")
    done = other.run("exchange", "import", str(file))
    assert "unknown_key" in done.error
    other.introduce(one, public)
    assert other.exchange("import", str(file)).out.startswith("1 accepted")


def test_partners_are_listed_with_their_keys(agencies: tuple[Agency, Agency]) -> None:
    one, _ = agencies
    said = one.exchange("partners").out
    assert (
        "nca: agency nca, partnership north-sea, by files alone; is told movements, outco" in said
    )
    assert "good, for good" in said
    path = one.home / "partners.toml"
    path.write_text(path.read_text() + "valid_until = 2026-01-01T00:00:00Z\n")
    assert "NOT VALID NOW" in one.exchange("partners").out


def test_nobody_there_is_said_and_what_waits_waits(agencies: tuple[Agency, Agency]) -> None:
    one, other = agencies
    public = other.exchange("keys", "show").out.strip()
    one.introduce(other, public, url="http://127.0.0.1:9/v1/exchange/events")
    one.declare(1)
    done = one.run("exchange", "send")
    assert done.status == 1
    assert done.out == "nca: 0 taken, 0 refused; the rest waits: ConnectError\n"
    assert "waits since" in one.exchange("status").out
    assert one.exchange("dead-letters", "list").out == "0 dead letters\n"


def test_what_cannot_be_done_is_said_in_one_line(
    agencies: tuple[Agency, Agency], tmp_path: Path
) -> None:
    one, other = agencies
    assert "a new key needs a new name" in one.refused("partnership", "create", "north-sea")
    other_key = tmp_path / "other.key"
    other_key.write_text("ab" * 32 + "\n")
    other_key.chmod(0o600)
    refusal = one.refused("partnership", "import", "north-sea", str(other_key))
    assert "agree on one" in refusal
    other_key.chmod(0o644)
    assert "open to others" in one.refused("partnership", "import", "channel", str(other_key))
    assert "no partner 'met'" in one.refused("export", str(tmp_path / "x"), "--partner", "met")
    assert "nca has no url" in one.refused("send", "--partner", "nca")
    assert "there is no" in one.refused("import", str(tmp_path / "none.ndjson"))
    (other.home / "partners.toml").unlink()
    assert "there is no" in other.refused("status")
    (one.home / "keys" / "partnership-north-sea.key").unlink()
    assert "no key of the partnership" in one.refused("export", "x", "--partner", "nca")
