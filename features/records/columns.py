"""Records of one kind that are kept as columns: plain values by field, and no object for each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, overload

from msgspec.structs import force_setattr

from features.records.codes import CODE_LISTS
from features.records.kinds import (
    RECORDS,
    SOMETHING_TO_GO_BY,
    checks_about,
    kind_of,
    names_to_go_by,
)
from features.records.movement import Movement


class RecordColumns(Sequence[Movement]):
    """
    Args:
        values: of the fields that any of them gives, converted to their types; None where a record
            does not give it.
        made: the records, where they were made already.
    """

    __slots__ = ("kind", "made", "values")

    def __init__(
        self,
        kind: str,
        values: Mapping[str, Sequence[Any]],
        made: Sequence[Movement] | None = None,
    ) -> None:
        self.kind = kind
        self.values = values
        self.made = made

    @classmethod
    def of(cls, records: Sequence[Movement], names: Collection[str]) -> "RecordColumns":
        """
        Args:
            records: one or more, of one kind.
            names: of all fields that any of them gives.
        """
        fields = [name for name in records[0].__struct_fields__ if name in names]
        values = {name: list(map(attrgetter(name), records)) for name in fields}
        return cls(kind_of(records[0]), values, records)

    def __len__(self) -> int:
        return len(self.values["movement_ref"])

    @overload
    def __getitem__(self, at: int) -> Movement: ...
    @overload
    def __getitem__(self, at: slice) -> "RecordColumns": ...
    def __getitem__(self, at: int | slice) -> "Movement | RecordColumns":
        if isinstance(at, slice):
            return self.taken(range(len(self))[at])
        if self.made is not None:
            return self.made[at]
        given = {name: column[at] for name, column in self.values.items()}
        return RECORDS[self.kind](**{n: value for n, value in given.items() if value is not None})

    def taken(self, places: Sequence[int]) -> "RecordColumns":
        """Those at some places, in that order."""
        values = {name: [column[at] for at in places] for name, column in self.values.items()}
        made = self.made and [self.made[at] for at in places]
        return RecordColumns(self.kind, values, made)

    def one_by_one(self) -> Iterator[Movement]:
        """Each in its turn, as one record whose fields change: not to be kept."""
        if self.made is not None or not len(self):
            yield from self.made or ()
            return
        record, names = self[0], tuple(self.values)
        for values in zip(*self.values.values(), strict=True):
            for name, value in zip(names, values, strict=True):
                force_setattr(record, name, value)
            yield record

    def break_no_rule(self, names: tuple[str, ...]) -> bool:
        """Whether ``check_movement`` takes each of them.

        Args:
            names: of the columns that they were read from: no other field is given.
        """
        checks = checks_about(self.kind, names)
        if checks.inside or not self._something_to_go_by():
            return False
        for name, code_list, _ in checks.coded:
            if not set(self.values.get(name, ())) - {None} <= set(CODE_LISTS[code_list][0]):
                return False
        broken = [rule.broken for rule in checks.rules if rule is not SOMETHING_TO_GO_BY]
        if not broken:
            return True
        return not any(said(record) for record in self.one_by_one() for said in broken)

    def _something_to_go_by(self) -> bool:
        columns = [self.values[n] for n in names_to_go_by(self.kind) if n in self.values]
        if any(None not in column for column in columns):
            return True
        rows = zip(*columns, strict=True)
        return bool(columns) and all(any(value is not None for value in row) for row in rows)
