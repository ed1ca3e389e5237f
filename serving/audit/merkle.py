"""Merkle trees over the links of records: one digest for many, and a short proof that one is in.

References:
    RFC 6962, section 2.1: leaves and nodes are hashed with prefixes 0 and 1; the left half of a
    tree of n leaves holds the greatest power of two below n. RFC 9162, section 2.1.3.2: how a path
    is verified.
"""

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class MerkleTree:
    """Takes leaves one by one and keeps no more than one digest for each power of two."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []
        """Roots of full trees, the largest first: one for each bit that is set in ``size``."""

    def add(self, leaf: bytes) -> None:
        root, size = leaf_hash(leaf), self.size
        while size & 1:
            root, size = node_hash(self._full.pop(), root), size >> 1
        self._full.append(root)
        self.size += 1

    def root(self) -> bytes:
        if not self._full:
            return EMPTY_ROOT
        *others, root = self._full
        for left in reversed(others):
            root = node_hash(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path_to(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The digests beside the way from leaf ``index`` up to the root, the lowest first."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*path_to(index, left), root_of(right)]
    return [*path_to(index - split, right), root_of(left)]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of the tree of ``size`` leaves in which this one has this path; None when no tree
    has a path of this length there."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf_hash(leaf)
    for beside in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = node_hash(beside, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, beside)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None
