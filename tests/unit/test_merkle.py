"""Merkle trees as RFC 6962 has them, against its definition written down as it stands there."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.audit.merkle import MerkleTree, path_to, root_by_path, root_of

# The tree of Google's certificate-transparency test vectors.
VECTOR = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
VECTOR_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def by_definition(leaves: list[bytes]) -> bytes:
    """Section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def test_the_published_vector() -> None:
    assert root_of(VECTOR).hex() == VECTOR_ROOT


@pytest.mark.parametrize("size", range(70))
def test_every_size_is_as_defined_and_every_leaf_has_its_path(size: int) -> None:
    leaves = [bytes([n]) * 32 for n in range(size)]
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    root = by_definition(leaves)
    assert tree.root() == root_of(leaves) == root
    for index, leaf in enumerate(leaves):
        path = path_to(index, leaves)
        assert root_by_path(leaf, index, size, path) == root
        assert root_by_path(b"another", index, size, path) != root
        assert root_by_path(leaf, index, size, [*path, root]) != root
        assert size == 1 or root_by_path(leaf, index, size, path[:-1]) != root
        assert root_by_path(leaf, size, size, path) is None


@given(st.lists(st.binary(max_size=3), min_size=2, max_size=12), st.data())
def test_another_order_or_a_leaf_less_is_another_root(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 2))
    swapped = list(leaves)
    swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
    assert (root_of(swapped) == root_of(leaves)) == (swapped == leaves)
    assert root_of(leaves[:-1]) != root_of(leaves)
