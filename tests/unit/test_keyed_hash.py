"""Tags of a prepared key are those of the standard library's HMAC."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.keyed_hash import KeyedHash


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=3))
def test_a_tag_is_the_hmac_whatever_was_tagged_before(key: bytes, messages: list[bytes]) -> None:
    keyed = KeyedHash(key)
    for message in messages:
        assert keyed.tag(message) == hmac.digest(key, message, "sha256")
    assert keyed.tags(messages) == [keyed.tag(message) for message in messages]


def test_a_key_longer_than_a_block_is_refused() -> None:
    KeyedHash(bytes(64))
    with pytest.raises(ValueError, match="at most 64 bytes, not 65"):
        KeyedHash(bytes(65))
