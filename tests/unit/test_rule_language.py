"""What a rule may say, what a missing value does to it, and what the library answers."""

import cel
import numpy as np
import pytest
from msgspec.structs import replace

from features.catalogue import Catalogue, catalogue_for, places_in
from features.records import KINDS
from models.rules import Expression, RuleFailed, RuleRefused, RuleSet
from models.rules.expression import Variables, context_of
from models.rules.grammar import DEEPEST, LONGEST
from models.rules.names import names_of
from tests.rule_texts import live, rule_of, vehicle

KNOWN: Variables = {
    "declared": {"gross_mass_kg": 12.0, "is_empty": False, "route_id": "GBDVR-FRCQF"},
    "history": {"haulier": {"finds": 2.0}, "vehicle": {}},
}
MISSING = "history.vehicle.finds"


def met(when: str) -> bool:
    return Expression("vehicle", when).matches(context_of(KNOWN))


@pytest.mark.parametrize(
    "when",
    [
        "declared.gross_mass_kg == 12",
        "declared.gross_mass_kg == 12.0",
        "declared.gross_mass_kg > 11.5 && declared.gross_mass_kg <= 12",
        "declared.gross_mass_kg in [3, 12]",
        "declared.gross_mass_kg * 2.0 + 1.0 == 25.0",
        "!declared.is_empty",
        "declared.is_empty == false",
        "declared.route_id in ['GBDVR-FRCQF', 'GBHUL-NLRTM']",
        "declared.route_id.startsWith('GBDVR') && declared.route_id.matches('^GB.*FR')",
        "size(declared.route_id) == 11",
        "declared.is_empty ? history.haulier.finds > 5.0 : history.haulier.finds > 1.0",
        "has(declared.route_id) && !has(declared.value_gbp)",
        "!has(history.vehicle.finds)",
        "history.haulier.finds >= 2.0",
    ],
)
def test_what_is_true_matches(when: str) -> None:
    assert met(when)
    assert not met(f"!({when})")


@pytest.mark.parametrize(
    "when",
    [
        f"{MISSING} > 1.0",
        f"{MISSING} < 1.0",
        f"{MISSING} == 0.0",
        f"{MISSING} != 0.0",
        f"!({MISSING} > 1.0)",
        f"{MISSING} in [0.0, 1.0]",
        f"{MISSING} + 1.0 > 0.0",
        f"{MISSING} > 1.0 ? true : true",
        f"{MISSING} > 1.0 && !declared.is_empty",
        f"!declared.is_empty && {MISSING} > 1.0",
        f"{MISSING} > 1.0 || declared.is_empty",
        "declared.goods_description.contains('fish')",
        "!declared.goods_description.contains('fish')",
        "declared.value_gbp > declared.gross_mass_kg",
    ],
)
def test_a_comparison_with_what_is_missing_never_matches(when: str) -> None:
    assert not met(when)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (f"{MISSING} > 1.0 || !declared.is_empty", True),
        (f"!declared.is_empty || {MISSING} > 1.0", True),
        (f"!({MISSING} > 1.0 && declared.is_empty)", True),
        (f"!(declared.is_empty && {MISSING} > 1.0)", True),
        (f"has({MISSING}) && {MISSING} > 1.0", False),
        (f"!has({MISSING}) || {MISSING} < 1.0", True),
    ],
)
def test_an_answer_that_does_not_depend_on_what_is_missing_is_given(
    when: str, expected: bool
) -> None:
    assert met(when) is expected


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("declared.gros_mass_kg > 1", "did you mean declared.gross_mass_kg"),
        ("history.haulier.find > 1", "did you mean history.haulier.finds"),
        ("haulier.finds > 1", "a name begins with declared or history"),
        ("declared.haulier_eori == 'GB1'", "is an identifier; who is looked for by name"),
        ("declared > 1", "there is no value of a vehicle 'declared'"),
        ("declared.customs == 'x'", "there is no value"),
        ("[1, 2].exists(x, x > 1)", "there is no function 'exists'"),
        ("declared.route_id.lowerAscii() == 'a'", "there is no function 'lowerAscii'"),
        ("double(declared.gross_mass_kg) > 1.0", "there is no function 'double'"),
        ("__import__('os').system('x') == 0", "there is no function '__import__'"),
        ("declared['is_empty']", "reads by index"),
        ("{'a': true}.a && declared.is_empty", "no rule may have"),
        ("declared.is_empty // always", "write comments in the TOML"),
        ("declared.gross_mass_kg == null", "write !has(declared.gross_mass_kg)"),
        ("declared.gross_mass_kg >", "`when` is no expression: character 25"),
        ("declared.gross_mass_kg > 1u", "a name begins with declared or history"),
        ("declared.route_id.matches(declared.direction)", "takes one constant text"),
        (r"declared.route_id.matches(r'\w{9}')", "write [0-9] and [A-Z]"),
        ("declared.route_id.matches('" + "a" * 41 + "')", "at most 40 characters"),
        ("declared.route_id == 7", "a text is 7, which it never is"),
        ("declared.gross_mass_kg in [1, 'B']", "a number is 'B', which it never is"),
        ("declared.is_empty == 1", "compare it with true or false"),
        ("declared.is_empty || " * 60 + "true", f"1 to {LONGEST}"),
        ("(" * (DEEPEST + 1) + "declared.is_empty" + ")" * (DEEPEST + 1), "brackets"),
        ("", f"1 to {LONGEST}"),
    ],
)
def test_what_no_rule_may_say_is_refused_with_a_next_step(when: str, says: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        Expression("vehicle", when)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("declared.gross_mass_kg", "it gives float, which is neither true nor false"),
        ("declared.gross_mass_kg > declared.route_id", "No such overload"),
        ("declared.gross_mass_kg * 2 > 1.0", "float * int"),
        ("declared.is_empty && declared.gross_mass_kg", "No such overload"),
        ("declared.route_id.matches('(')", "not a valid regex"),
        ("10 / size(declared.route_id) > 1", "division by zero"),
        ("declared.departs_at > duration('1x')", "duration"),
        ("true", "reads nothing of the movement, so it is true of all"),
        (
            # Reached only by a movement that meets both conditions on texts.
            "declared.route_id == 'A' && declared.operator in ['P', 'Q'] && 1 + 1.0 > 2.0",
            "No such overload",
        ),
    ],
)
def test_a_type_error_is_found_before_anybody_approves(when: str, says: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        rule_of(when)
    assert says in str(refused.value)


def test_a_history_feature_reads_as_the_catalogue_calls_it() -> None:
    for kind in KINDS:
        names = names_of(kind)
        assert {f"{f.source}.{f.name}" for f in catalogue_for(kind).features} <= set(names)
        assert not [name for name in names if name.endswith(("_eori", "_reg", ".imo", ".mmsi"))]


def test_values_are_read_from_fields_details_attributes_and_the_row() -> None:
    rules = RuleSet(
        "vehicle",
        [
            live(rule_of(when))
            for when in (
                "declared.gross_mass_kg == 3 && declared.is_empty",
                "declared.goods_description.contains('fish')",
                "declared.attribute.tare_kg > 8 && declared.attribute.tax_type == 'A'",
                "declared.departs_at.getHours() == 4 && declared.departs_at_night",
                "declared.arrives_at - declared.departs_at > duration('1h')",
                "history.haulier.finds == 2 && history.attribute.tax_type.find_rate > 0.1",
            )
        ],
    )
    declared = vehicle(
        fields={
            "gross_mass_kg": 3,
            "is_empty": True,
            "departs_at": 4 * 3_600_000_000,
            "arrives_at": 6 * 3_600_000_000,
        },
        details={"goods_description": "frozen fish"},
        attributes={"tare_kg": 9.0, "tax_type": "A"},
    )
    assert rules.catalogue.names == (
        "departs_at_night",
        "haulier.finds",
        "attribute.tax_type.find_rate",
    )
    evaluated = rules.evaluate(declared, np.array([1.0, 2.0, 0.2]))
    assert len(evaluated.met) == 6
    assert evaluated.failed == ()
    assert rules.evaluate(vehicle(), np.full(3, np.nan)) == ((), ())


def test_a_rule_that_fails_is_told_apart_from_the_others() -> None:
    fails = rule_of("declared.attribute.axles + 1.0 > 2.0", name="axles")
    rules = RuleSet("vehicle", [live(fails), live(rule_of("declared.is_empty", name="empty"))])
    row = np.empty(0)
    coded = vehicle(attributes={"axles": "three"}, fields={"is_empty": True})
    met, failed = rules.evaluate(coded, row)
    assert [one.rule.name for one in met] == ["empty"]
    assert [(one.rule.name, why) for one, why in failed] == [
        ("axles", "Unsupported operation: string + float")
    ]


def test_a_rule_takes_its_features_from_a_row_that_has_them() -> None:
    part = RuleSet("vehicle", [live(rule_of())]).catalogue
    whole = catalogue_for("vehicle")
    places = places_in(whole, part)
    assert places is not None
    assert tuple(whole.names[at] for at in places) == part.names
    assert places_in(catalogue_for("vessel"), part) is None
    renamed = replace(whole.features[places[0]], unit="days")
    others = (feature for feature in whole.features if feature.name != renamed.name)
    assert places_in(Catalogue("vehicle", (renamed, *others)), part) is None


def test_a_rule_of_another_version_of_this_code_fails_alone() -> None:
    unknown = replace(rule_of(), when="declared.colour == 'red'", name="colour")
    rules = RuleSet("vehicle", [live(unknown), live(rule_of("declared.is_empty"))])
    met, failed = rules.evaluate(vehicle(fields={"is_empty": True}), np.empty(0))
    assert (len(met), [one.rule.name for one, _ in failed]) == (1, ["colour"])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a.int == 1.0", True),
        ("a.int < 1.5", True),
        ("a.double in [1, 2]", True),
        ("a.double == 'x'", False),
        ("a.nan < 1.0", TypeError),
        ("a.none > 1", TypeError),
        ("a.absent > 1", KeyError),
        ("a.absent > 1 || true", True),
        ("a.double + 1", TypeError),
        ("a.double / 0.0 > 1.0", True),
        ("1 / 0 == 1", ZeroDivisionError),
        ("nobody > 1", RuntimeError),
        ("nothing(1)", RuntimeError),
    ],
)
def test_the_library_still_answers_what_the_rules_rely_on(
    text: str, answer: bool | type[Exception]
) -> None:
    program = cel.compile(text)
    values = {"a": {"int": 1, "double": 1.0, "nan": float("nan"), "none": None}}
    if isinstance(answer, bool):
        assert program.execute(values) is answer
        return
    with pytest.raises(answer):
        program.execute(values)


def test_a_panic_of_the_library_fails_the_rule_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Panic(BaseException):
        """As what comes from Rust, which is no Exception."""

    class Panics:
        def execute(self, _: cel.Context) -> bool:
            raise Panic("index out of range. And more")

    expression = Expression("vehicle", "declared.is_empty")
    monkeypatch.setattr(expression, "_program", Panics())
    with pytest.raises(RuleFailed, match=r"^index out of range$"):
        expression.matches(context_of(KNOWN))


def test_nothing_but_a_boolean_is_an_answer() -> None:
    with pytest.raises(RuleFailed):
        met("declared.gross_mass_kg")
