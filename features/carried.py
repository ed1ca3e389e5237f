"""References and details of a record on their way into the ledger, where no identifier is plain.

Details keep their shape; every identifier within them, however deep, becomes a pseudonym, which is
also listed among the record's references, so that records that name the same thing can be joined.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, cast, get_args

import msgspec

from features.identifiers import failures
from features.pseudonyms import Pseudonyms
from features.records import Namespace
from features.records.movement import NO_SEAL
from features.records.roles import Field, fields_of
from features.records.shipment import CarriedBy

_NAMESPACES = frozenset(get_args(Namespace))
_TRANSPORT: dict[str, Namespace] = {"1": "vessel", "10": "vehicle", "11": "vessel"}
"""What the means of transport is, by mode at the border; by other modes it is no entity of ours."""


class Carried:
    """The references and details of one record, gathered field by field."""

    __slots__ = ("_pseudonyms", "_transport", "details", "flags", "references")

    def __init__(self, pseudonyms: Pseudonyms, mode_at_border: str | None) -> None:
        self.references: dict[str, tuple[str, ...]] = {}
        self.details: dict[str, Any] = {}
        self.flags: dict[str, None] = {}
        """Checks that failed, each once for a path, in the order met."""
        self._pseudonyms = pseudonyms
        self._transport = _TRANSPORT.get(mode_at_border or "", "transport")

    def refer(self, field: Field, value: Any, path: str) -> Any:
        """The pseudonym or pseudonyms of a reference, kept under its path too."""
        self._check(field, value, path)
        found = tuple(self._pseudonyms_of(str(field.space), value))
        self.references[path] = (*self.references.get(path, ()), *found)
        if isinstance(value, tuple):
            return list(found)
        return found[0] if found else None

    def keep(self, field: Field, value: Any, path: str) -> Any:
        """A detail as JSON, its identifiers replaced."""
        self._check(field, value, path)
        return self._plain(value, path)

    def _check(self, field: Field, value: Any, path: str) -> None:
        namespace = cast(Namespace, field.space) if field.space in _NAMESPACES else None
        if field.check is None and namespace is None:
            return
        for text in value if isinstance(value, tuple) else (value,):
            failed = failures(namespace, field.check, text)
            self.flags.update(dict.fromkeys(f"{one}:{path}" for one in failed))

    def _plain(self, value: Any, path: str) -> Any:
        if isinstance(value, str | int | float):  # True and False are int
            return value
        if isinstance(value, tuple):
            return [self._plain(item, path) for item in value]
        if isinstance(value, msgspec.Struct):
            return self._keep_object(value, path)
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(f"{path} holds a {type(value).__name__}, which no detail can be")

    def _keep_object(self, value: msgspec.Struct, path: str) -> dict[str, Any]:
        kept = {}
        for field in fields_of(type(value)):
            given = getattr(value, field.name)
            if given is None:
                continue
            within = f"{path}.{field.name}"
            carry = self.refer if field.role == "reference" else self.keep
            kept[field.name] = carry(field, given, within)
        return kept

    def _pseudonyms_of(self, space: str, value: Any) -> Iterator[str]:
        if isinstance(value, CarriedBy):
            yield self._pseudonyms.movement(value.kind, value.movement_ref)
            return
        if space == "transport":
            space = self._transport
        for text in value if isinstance(value, tuple) else (value,):
            if space == "shipment":
                yield self._pseudonyms.movement("shipment", text)
            elif space in _NAMESPACES:
                entity, _ = self._pseudonyms.identified(cast(Namespace, space), None, text)
                if entity is not None:
                    yield entity
            elif text != NO_SEAL:
                yield self._pseudonyms.reference(space, text)
