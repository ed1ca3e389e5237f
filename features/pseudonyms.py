"""Keyed pseudonyms in place of identifiers, and how they outlive the key they were made under.

A pseudonym is an HMAC-SHA-256 tag cut to 128 bits. A *generation* is the time between two
rotations of the key. The tag of a text under generation n is nested in the one before::

    tag_1 = HMAC(key_1, message)      tag_n = HMAC(key_n, tag_(n-1))      each cut to 16 bytes

What the ledger keeps for an entity, movement or message is its tag under the generation in which
it was *first seen*: that is its id, for good, and no event is ever rewritten. At a rotation one
pass over the ledger computes, from each id, the tag that the new generation gives to the same text
(nesting makes this possible without the text), and keeps ``tag -> id`` as an *alias*. A text that
comes later is tagged under the new generation, looked up among the aliases, and has the id it had
before; where there is no alias, the tag is the id of something new.

    generation   first seen   tag under 1, 2, 3   aliases after the rotation to 3
    1            lorry A      a1  a2  a3          a3 -> a1
    2            lorry B      .   b2  b3          b3 -> b2
    3            lorry C      .   .   c3          (none: c3 is its id)

Nothing forces two texts apart: with ten billion ids the chance that any two share one is
(1e10)**2 / 2 / 2**128, about 1.5e-19, and an alias is no likelier to be met by accident.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from features.identifiers import failures, is_placeholder, normalise
from features.keys import (
    TAG_BYTES,
    Keyring,
    PartnershipKey,
    load_keyring,
    load_partnership_keys,
)
from features.records import Namespace


class Aliases(Protocol):
    """From a tag of the current generation to the id of what was first seen in an earlier one."""

    def get(self, tag: bytes, /) -> bytes | None: ...


class AliasTable:
    """In memory: 32 bytes an alias, found by bisection."""

    __slots__ = ("_high", "_ids", "_low")

    def __init__(self, tags: NDArray[np.uint8], ids: NDArray[np.uint8]) -> None:
        """``tags`` and ``ids`` are uint8[n, 16], row by row, in any order."""
        halves = np.ascontiguousarray(tags).view(">u8").astype(np.uint64)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        self._high, self._low = halves[order, 0], halves[order, 1]
        self._ids = np.ascontiguousarray(ids[order])

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "AliasTable":
        """From ``(tag, id)`` pairs of 16 bytes each.

        >>> AliasTable.of([(b"T" * 16, b"I" * 16)]).get(b"T" * 16)
        b'IIIIIIIIIIIIIIII'
        """
        tags, ids = bytearray(), bytearray()
        for tag, identity in pairs:
            if len(tag) != TAG_BYTES or len(identity) != TAG_BYTES:
                raise ValueError(f"an alias joins two values of {TAG_BYTES} bytes")
            tags += tag
            ids += identity
        return cls(_rows(tags), _rows(ids))

    def __len__(self) -> int:
        return len(self._high)

    def get(self, tag: bytes, /) -> bytes | None:
        if not len(self._high):
            return None
        high, low = struct.unpack(">QQ", tag)
        at = int(np.searchsorted(self._high, np.uint64(high)))
        while at < len(self._high) and self._high[at] == high:
            if self._low[at] == low:
                return bytes(self._ids[at])
            at += 1
        return None


def _rows(joined: bytearray) -> NDArray[np.uint8]:
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, TAG_BYTES)


NO_ALIASES: Aliases = AliasTable.of(())
"""Before the first rotation."""


class Identified(NamedTuple):
    entity: str | None
    """Its pseudonym; None for a placeholder, which names nobody."""
    failed: tuple[str, ...]
    """As ``features.identifiers.failures``."""


class Pseudonyms:
    """Replaces identifiers by tags, apart for every namespace and kind of thing.

    The same text in two namespaces has two unrelated pseudonyms, and so has the same reference
    in two kinds of movement. What it knows of keys and aliases is fixed when it is made: after a
    rotation, make another.
    """

    def __init__(
        self,
        keyring: Keyring,
        aliases: Aliases = NO_ALIASES,
        partnerships: Mapping[str, PartnershipKey] | None = None,
    ) -> None:
        self._keyring = keyring
        self._aliases = aliases
        self._partnerships = dict(partnerships or {})
        self.shares_tags = bool(self._partnerships)
        """Whether there is a partner for whom ``tags`` makes any."""
        # The cache itself, since a call through a method of ours would cost more than it.
        self.identified: Callable[[Namespace, str | None, str], Identified] = lru_cache(65_536)(
            self._identified
        )
        """What one identifier is, and what is wrong with it by a check: the same come again."""

    @property
    def key_id(self) -> str:
        """Of the current generation: what a ledger written with these is marked with."""
        return self._keyring.key_id

    def movement(self, kind: str, movement_ref: str) -> str:
        """32 hexadecimal digits; references keep their case, only outer white space goes."""
        return self._id(f"movement {kind}", movement_ref.strip())

    def movements(self, kind: str, references: Iterable[str]) -> list[str]:
        """As ``movement`` of each."""
        domain = f"movement {kind}"
        tags = self._keyring.tags([_message(domain, text.strip()) for text in references])
        if self._aliases is NO_ALIASES:
            return [tag.hex() for tag in tags]
        return [(self._aliases.get(tag) or tag).hex() for tag in tags]

    def entity(self, namespace: Namespace, text: str) -> str:
        """``namespace:`` and 32 hexadecimal digits, the same for every spelling of ``text``."""
        return f"{namespace}:{self._id(f'entity {namespace}', normalise(namespace, text))}"

    def event(self, event_id: str) -> str:
        """32 hexadecimal digits in place of a sender's message id, which may name an entity."""
        return self._id("event", event_id)

    def reference(self, space: str, text: str) -> str:
        """32 hexadecimal digits for what joins records: a document, a booking, a consignment."""
        return self._id(f"reference {space}", text.strip())

    def tags(self, namespace: Namespace, text: str) -> dict[str, str]:
        """Partnership to 32 hexadecimal digits that the partner makes of the same identifier.

        Under the partnership's own key and unrelated to the pseudonym: neither tells the other.
        Empty without a partnership, and for a placeholder.
        """
        plain = normalise(namespace, text) if self._partnerships else ""
        if plain == "":
            return {}
        message = _message(f"partnership {namespace}", plain)
        return {
            name: key.tag(message)[:TAG_BYTES].hex() for name, key in self._partnerships.items()
        }

    def _identified(self, namespace: Namespace, check: str | None, text: str) -> Identified:
        failed = failures(namespace, check, text)
        if is_placeholder(namespace, text):
            return Identified(None, failed)
        return Identified(self.entity(namespace, text), failed)

    def _id(self, domain: str, text: str) -> str:
        tag = self._keyring.tag(_message(domain, text))
        return (self._aliases.get(tag) or tag).hex()


def _message(domain: str, text: str) -> bytes:
    # No domain holds a NUL, so no two (domain, text) give the same message.
    return f"foreland 1 {domain}\0{text}".encode()


def name_for_partner(key: PartnershipKey, space: str, pseudonym: str) -> str:
    """32 hexadecimal digits by which a partner knows a movement or message of ours.

    Made of the pseudonym, which they do not tell: it was made with 256 bits that nobody else has.
    The same for good, because a pseudonym outlives the rotation of its key.
    """
    return key.tag(_message(f"partnership id {space}", pseudonym))[:TAG_BYTES].hex()


def load_pseudonyms(
    keys: Path, *, key_id: str | None = None, aliases: Aliases = NO_ALIASES
) -> Pseudonyms:
    """With the keys of ``keys`` or the environment.

    ``key_id`` is the generation that the ledger was written under, by default the newest: a key
    that an interrupted rotation left behind it is not used.

    Raises:
        KeyUnusable: when the keyring is absent, malformed or open to others, or has no such key.
    """
    keyring = load_keyring(keys, make=key_id is None)
    if key_id is not None:
        keyring = keyring.up_to(key_id)
    return Pseudonyms(keyring, aliases, load_partnership_keys(keys))


def rotate(
    keyring: Keyring, ids: Iterable[bytes], aliases: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[Keyring, Iterator[tuple[bytes, bytes]]]:
    """The next generation, and all ``(tag, id)`` aliases that it needs, made as they are read.

    ``keyring`` is the one that the ledger was written under (``Keyring.up_to``), ``ids`` every id
    in the ledger, of entities, movements, messages and references alike, each once, and
    ``aliases`` the pairs stored by the rotation before. An id with an alias is known to the
    current generation by that tag, one without was first seen in it and is its own tag; either is
    tagged once more. Aliases of ids that are no longer in the ledger end here.

    Store in this order, so that a crash between the two loses nothing: the keyring
    (``save_keyring``), then in one transaction the aliases, instead of all old ones, and the new
    ``key_id``. A rotation that stopped in between is taken up again with the same key.

    Raises:
        ValueError: while the pairs are read, for an id that is not 16 bytes long.
    """
    new = keyring.following()
    current_tags = AliasTable.of((identity, tag) for tag, identity in aliases)
    pairs = ((new.tag_again(current_tags.get(identity) or identity), identity) for identity in ids)
    return new, pairs
