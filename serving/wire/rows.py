"""The rows of a batch and what becomes of them: one by one, or as columns where they are plain."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, Protocol, cast, overload

from features.records.columns import RecordColumns
from serving.problems import RequestRefused
from serving.vocabulary import Status
from serving.wire.movements import ScoreRequest


class RejectedRow(NamedTuple):
    """A row that is no movement."""

    movement_ref: str | None
    refusal: RequestRefused
    """What it would have met alone."""


SentRow = ScoreRequest | RejectedRow


class PlainRows(NamedTuple):
    """Movements of one kind that are kept as columns."""

    places: Sequence[int]
    """Of the rows."""
    records: RecordColumns


def joined(parts: Iterable[PlainRows]) -> list[PlainRows]:
    """The same, those of a kind together."""
    by_kind: dict[str, list[PlainRows]] = defaultdict(list)
    for part in parts:
        by_kind[part.records.kind].append(part)
    return [
        PlainRows(
            list(chain.from_iterable(part.places for part in of_kind)), _joined(kind, of_kind)
        )
        for kind, of_kind in by_kind.items()
    ]


def _joined(kind: str, parts: Sequence[PlainRows]) -> RecordColumns:
    values: dict[str, list[Any]] = {}
    before = 0
    for _, records in parts:
        for name, column in records.values.items():
            values.setdefault(name, [None] * before).extend(column)
        before += len(records)
        for column in values.values():
            column.extend([None] * (before - len(column)))
    made = [part.records.made for part in parts]
    return RecordColumns(
        kind, values, None if None in made else list(chain.from_iterable(filter(None, made)))
    )


class SentRows(Sequence[SentRow]):
    """The rows of a batch.

    Args:
        rows: how many there are; each is in ``apart``, by place, or in one of ``plain``.
    """

    def __init__(
        self, rows: int, apart: Mapping[int, SentRow], plain: Sequence[PlainRows] = ()
    ) -> None:
        self._rows = rows
        self.apart = apart
        self.plain = plain

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, at: int) -> SentRow: ...
    @overload
    def __getitem__(self, at: slice) -> list[SentRow]: ...
    def __getitem__(self, at: int | slice) -> SentRow | list[SentRow]:
        return self._each[at]

    @cached_property
    def _each(self) -> list[SentRow]:
        found = dict(self.apart)
        for places, records in self.plain:
            found |= zip(places, cast(Iterable[ScoreRequest], records), strict=True)
        return [found[at] for at in range(self._rows)]

    @cached_property
    def references(self) -> list[str | None]:
        """What the client calls each movement, as far as that can be read."""
        found: list[str | None] = [None] * self._rows
        for at, row in self.apart.items():
            found[at] = row.movement_ref
        for places, records in self.plain:
            for at, reference in zip(places, records.values["movement_ref"], strict=True):
                found[at] = reference
        return found


class Given(NamedTuple):
    """The recorded answer for one movement."""

    kind: str
    status: Status
    band: str
    body: bytes
    """With ``movement_ref`` null."""
    replayed: bool
    """True when this version of the movement was scored before; the body is the one given then."""


RowAnswer = Given | RequestRefused
"""What became of one movement: an answer, or the refusal that it would have met alone."""


class Together(Protocol):
    """Answers that are kept as columns."""

    def __len__(self) -> int: ...

    @property
    def places(self) -> Sequence[int]:
        """Of the rows that they answer."""

    def given(self, at: int, /) -> Given:
        """One of them."""

    def in_json(self, references: Sequence[str], /) -> list[bytes]:
        """A ``BatchRow`` of each.

        Args:
            references: what the client calls each movement.
        """

    def in_columns(self) -> dict[str, Sequence[Any]]:
        """What ``serving.wire.arrow_answers`` says of each, but for references."""

    def counted(self) -> Mapping[tuple[str, str, Status], int]:
        """How many there are by kind, band and status."""


class Found(NamedTuple):
    """What became of some rows of a batch: each is in one of the two, with its place."""

    apart: dict[int, RowAnswer]
    together: list[Together]


class Answers(Sequence[RowAnswer]):
    """What became of the rows of a batch, in their order.

    Args:
        rows: how many there are; each is in ``apart``, by place, or in one of ``together``.
    """

    def __init__(
        self, rows: int, apart: Mapping[int, RowAnswer], together: Sequence[Together]
    ) -> None:
        self._rows = rows
        self.apart = apart
        self.together = together

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, at: int) -> RowAnswer: ...
    @overload
    def __getitem__(self, at: slice) -> list[RowAnswer]: ...
    def __getitem__(self, at: int | slice) -> RowAnswer | list[RowAnswer]:
        return self._each[at]

    @cached_property
    def _each(self) -> list[RowAnswer]:
        found = dict(self.apart)
        for one in self.together:
            found |= zip(one.places, map(one.given, range(len(one))), strict=True)
        return [found[at] for at in range(self._rows)]
