"""The one list of every feature of a kind, in the order of the model's columns.

Declared features first (the movement itself), then history by role: two principal entities in
full, the other entities in brief, categories and coded attributes in compact form, pairs for
novelty (``features.history.roles`` says which), the organisations that the principal one is linked
with (``features.history.links``), and of a vehicle or vessel those whose goods it carries
(``features.history.aboard``). That makes 124 to 149 features a kind before
attributes: every statistic for the entities that matter most, without drowning a few
thousand labels in a hundred near-copies.

NaN in a row means that the thing was not declared. What never happened is a value: 0 movements,
0 finds, and ``NEVER_DAYS`` since the last one.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Literal

import msgspec

from features.declared import ATTRIBUTE, DERIVED, DType
from features.errors import ForelandError
from features.history import aboard
from features.history.links import AT_TWO_STEPS, LINK_STATISTICS, link_role
from features.history.roles import Part, Role, attribute_role, roles_of
from features.history.statistics import STATISTICS
from features.records import Field, declared_fields

Source = Literal["declared", "history"]

MORE_IS_WORSE = frozenset(
    {
        "ais_gap_hours",
        "loitering_hours",
        "encounters",
        "speed_anomalies",
        "identity_changes",
        "flag_changes_24m",
    }
)
"""Measures that are published indicators of risk, and of which more never speaks for a movement."""

ALSO_FROM: Mapping[str, tuple[str, ...]] = {"speed_anomalies": ("craft",)}
"""Measures that are worked out of a track, and in which another field has a say."""


class CatalogueError(ForelandError):
    """A catalogue cannot be read."""


class CatalogueMismatch(CatalogueError):
    """A catalogue names a feature that this code cannot make."""

    def __init__(self, catalogue: "Catalogue", name: str) -> None:
        super().__init__(
            f"feature {name!r} of catalogue {catalogue.kind} {catalogue.sha256[:12]} is not known"
            " to this code; retrain, or run the code that the model was trained with"
        )


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    group: str
    """What a reason is about, as an officer calls it: ``haulier``, ``gross mass``."""
    source: Source
    dtype: DType
    unit: str
    direction: int
    """+1: more never means less risk; -1: more never means more; 0: neither is sure."""
    missing: str
    """What NaN means."""
    description: str
    fields: tuple[str, ...]
    """Fields of the record without which it would be another number."""


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    features: tuple[Feature, ...]


class Catalogue:
    """Frozen; equal when the sha256 is."""

    def __init__(self, kind: str, features: tuple[Feature, ...]) -> None:
        self.kind = kind
        self.features = features

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @cached_property
    def directions(self) -> tuple[int, ...]:
        return tuple(feature.direction for feature in self.features)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The group of each feature, in the order of ``names``."""
        return tuple(feature.group for feature in self.features)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        """Canonical: sorted keys, no spaces, UTF-8."""
        document = _Document(kind=self.kind, features=self.features)
        return msgspec.json.encode(document, order="sorted")

    @classmethod
    def from_json(cls, text: bytes | str) -> "Catalogue":
        """
        Raises:
            CatalogueError: not the JSON of a catalogue.
        """
        try:
            document = msgspec.json.decode(text, type=_Document)
        except (msgspec.MsgspecError, RecursionError) as exc:
            raise CatalogueError(
                f"this is not a catalogue ({exc}); restore the file from where it came"
            ) from exc
        return cls(document.kind, document.features)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


@lru_cache(maxsize=64)
def places_in(whole: Catalogue, part: Catalogue) -> tuple[int, ...] | None:
    """Where a row of ``whole`` has the features of ``part``; None when it lacks one of them, or
    means something else by its name."""
    places = {feature: place for place, feature in enumerate(whole.features)}
    found = [places.get(feature) for feature in part.features]
    known = tuple(place for place in found if place is not None)
    return known if whole.kind == part.kind and len(known) == len(found) else None


def catalogue_for(
    kind: str, attributes: Mapping[str, str] | None = None, *, two_steps: bool = False
) -> Catalogue:
    """Every feature of a kind.

    Args:
        attributes: name to ``number`` or ``code``, as ``Timeline.attributes(kind)`` gives them.
        two_steps: finds two steps away along links too; they were worth nothing (ADR 37).
    """
    attributes = attributes or {}
    roles = list(roles_of(kind))
    numbers = []
    for name in sorted(attributes):
        if attributes[name] == "code":
            roles.append(attribute_role(kind, name))
        else:
            numbers.append(_number_attribute(kind, name))
    return Catalogue(
        kind,
        (
            *_declared_features(kind),
            *numbers,
            *(feature for role in roles for feature in _history_features(role)),
            *(_features_aboard() if kind in aboard.CARRIERS else ()),
            *_link_features(kind, two_steps=two_steps),
        ),
    )


def _declared_features(kind: str) -> list[Feature]:
    plain = [
        _plain(field) for field in declared_fields(kind) if field.role in {"measure", "switch"}
    ]
    derived = [
        Feature(
            name=item.name,
            group=item.group,
            source="declared",
            dtype=item.dtype,
            unit=item.unit,
            direction=item.direction,
            missing=item.missing,
            description=item.description,
            fields=item.fields,
        )
        for item in DERIVED[kind]
    ]
    return plain + derived


def _plain(field: Field) -> Feature:
    """A measure or a switch, as it is."""
    return Feature(
        name=field.name,
        group=field.label,
        source="declared",
        dtype="switch" if field.role == "switch" else "number",
        unit=field.unit or "yes/no",
        direction=1 if field.name in MORE_IS_WORSE else 0,
        missing="not declared",
        description=f"{field.label} as declared",
        fields=(field.name, *ALSO_FROM.get(field.name, ())),
    )


def _number_attribute(kind: str, name: str) -> Feature:
    return Feature(
        name=f"{ATTRIBUTE}{name}",
        group=attribute_role(kind, name).label,
        source="declared",
        dtype="number",
        unit="as mapped",
        direction=0,
        missing="not declared",
        description=f"attribute {name} as declared",
        fields=(f"{ATTRIBUTE}{name}",),
    )


def _history_features(role: Role) -> list[Feature]:
    found = []
    for name in role.statistics:
        statistic = STATISTICS[name]
        found.append(
            Feature(
                name=f"{role.name}.{name}",
                group=role.label,
                source="history",
                dtype="integer" if statistic.operation == "count" else "number",
                unit=statistic.unit,
                direction=statistic.direction,
                missing=f"{role.label} not declared",
                description=f"{role.label}: {statistic.description}",
                fields=tuple(map(_field_of, role.parts)),
            )
        )
    return found


def _field_of(part: Part) -> str:
    return f"{ATTRIBUTE}{part.field}" if part.source == "attributes" else part.field


def _features_aboard() -> list[Feature]:
    return [
        Feature(
            name=f"{aboard.ROLE}.{number.name}",
            group=aboard.LABEL,
            source="history",
            dtype=number.dtype,
            unit=number.unit,
            direction=number.direction,
            missing="no consignment known, or none that names an organisation",
            description=f"{aboard.LABEL}: {number.description}",
            fields=("consignments",),
        )
        for number in aboard.NUMBERS
    ]


def _link_features(kind: str, *, two_steps: bool) -> list[Feature]:
    links = link_role(kind)
    return [
        Feature(
            name=f"{links.name}.{statistic.name}",
            group=links.label,
            source="history",
            dtype=statistic.dtype,
            unit=statistic.unit,
            direction=statistic.direction,
            missing=f"{links.organisation.label} not declared",
            description=f"{links.label} by a shared {links.shared}: {statistic.description}",
            fields=tuple(map(_field_of, links.organisation.parts)),
        )
        for statistic in LINK_STATISTICS.values()
        if two_steps or statistic.name not in AT_TWO_STEPS
    ]
