"""Attributes of rules: a wrong name or sort of comparison is refused when it is proposed."""

import datetime
from contextlib import closing
from pathlib import Path

import pytest

from features.clock import now_micros
from features.ledger import MovementDeclared, open_ledger
from features.settings import Settings
from models.rules import RuleRefused, check_attributes, check_known, read_rules
from tests.command import Run, runner
from tests.rule_texts import DAY, rule_of, rule_text
from tests.small_border import event


@pytest.fixture
def settings(home: Path) -> Settings:
    """Two vehicles and a vessel have attributes; ``mark`` is a number of one and a text of one."""
    home.mkdir(parents=True, exist_ok=True)
    url, now = f"sqlite:///{home / 'ledger.db'}", now_micros()
    given: list[tuple[str, dict[str, float | str]]] = [
        ("vehicle", {"axles": 3.0, "mark": 1.0}),
        ("vehicle", {"tax_type": "A", "mark": "one"}),
        ("vessel", {"hull": "steel"}),
    ]
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(
            event(
                "file",
                MovementDeclared(
                    kind=kind, movement=f"m{number}", declared_at=now - DAY, attributes=values
                ),
                now - DAY,
            )
            for number, (kind, values) in enumerate(given)
        )
    return Settings(home=home, ledger_url=url)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    return runner(monkeypatch)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("declared.attribute.axels > 2.0", "no attribute of a vehicle 'axels'; did you mean axles"),
        ("has(declared.attribute.axels)", "did you mean axles"),
        ("declared.attribute.hull == 'steel'", "'hull'; there are axles, mark, tax_type"),
        ("history.attribute.tax_typ.find_rate > 0.1", "did you mean tax_type"),
        ("declared.attribute.axles == 'three'", "asks whether a number is 'three'"),
        ("declared.attribute.axles.startsWith('3')", "cannot be evaluated"),
        ("declared.attribute.tax_type > 2.0", "cannot be evaluated"),
        ("declared.attribute.tax_type in ['A', 2.0]", "asks whether a text is 2.0"),
        ("history.attribute.axles.find_rate > 0.1", "compare declared.attribute.axles"),
        ("history.hauler.finds > 1.0", "did you mean history.haulier.finds"),
        ("declared.gross_mas_kg > 1.0", "did you mean declared.gross_mass_kg"),
        ("declared.gross_mass_kg > 'heavy'", "cannot be evaluated"),
    ],
)
def test_a_wrong_name_or_comparison_is_refused_at_once(
    run: Run, settings: Settings, tmp_path: Path, when: str, says: str
) -> None:
    done = run("rules", "add", str(file_of(when, tmp_path)))
    assert done.status == 2
    assert says in done.error
    with closing(open_ledger(settings.ledger)) as ledger:
        assert read_rules(ledger).all() == []


@pytest.mark.parametrize(
    "when",
    [
        "declared.attribute.axles > 2.0",
        "declared.attribute.tax_type == 'A'",
        "history.attribute.tax_type.find_rate > 0.1",
        "declared.attribute.mark == 1.0 || declared.attribute.mark == 'one'",
    ],
)
def test_what_was_declared_may_be_read(run: Run, tmp_path: Path, when: str) -> None:
    assert "is proposed" in run("rules", "add", str(file_of(when, tmp_path))).out


def test_where_nobody_declared_any_the_mapping_is_named() -> None:
    with pytest.raises(RuleRefused, match=r"no vehicle ever declared any; map one first"):
        check_known(rule_of("declared.attribute.axles > 2.0"), ())


def test_a_rule_without_attributes_asks_nobody() -> None:
    check_attributes(rule_of("declared.gross_mass_kg > 2.0"), {})


def file_of(when: str, folder: Path) -> Path:
    path = folder / "rule.toml"
    expires = datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=90)
    path.write_text(rule_text(when, expires=expires))
    return path
