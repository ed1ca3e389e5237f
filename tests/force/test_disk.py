"""The disk whose power fails, by hand: what may be there, and what must."""

from random import Random

from tests.force.disk import SECTOR_BYTES, Disk
from tests.force.tracer import Call

FILE, NEW = "/d/old", "/d/new"


def states(*calls: Call, obeys_syncs: bool = True) -> set[tuple[bytes | None, bytes | None]]:
    """Content of the old and the new file, in every state that came up; None: not there."""
    disk, random = Disk({FILE: b"before"}, obeys_syncs=obeys_syncs), Random(1)
    for call in calls:
        disk.play(call)
    images = [disk.after_power_failure(random) for _ in range(300)]
    return {(image.get(FILE), image.get(NEW)) for image in images}


def test_what_is_not_synced_is_there_or_not() -> None:
    write = Call("pwrite64", FILE, 0, b"AFTER!")
    assert states(write) == {(b"before", None), (b"AFTER!", None)}
    assert states(write, Call("fdatasync", FILE)) == {(b"AFTER!", None)}
    lied = states(write, Call("fdatasync", FILE), obeys_syncs=False)
    assert lied == {(b"before", None), (b"AFTER!", None)}


def test_writes_reach_the_disk_in_any_order_and_sector_by_sector() -> None:
    one, two = b"1" * SECTOR_BYTES, b"2" * SECTOR_BYTES
    zero = bytes(SECTOR_BYTES)
    sync = Call("fsync", FILE)
    cleared = [Call("ftruncate", FILE, 0), sync]
    whole = Call("pwrite64", FILE, 0, one + two)
    assert states(*cleared, whole) == {
        (b"", None),
        (one, None),
        (zero + two, None),
        (one + two, None),
    }
    apart = [Call("pwrite64", FILE, 0, one), Call("pwrite64", FILE, SECTOR_BYTES, two)]
    assert states(*cleared, *apart) == {
        (b"", None),
        (one, None),
        (zero + two, None),
        (one + two, None),
    }


def test_a_new_name_is_there_once_its_directory_is_synced() -> None:
    made = [Call("openat", NEW), Call("pwrite64", NEW, 0, b"x"), Call("fsync", NEW)]
    assert states(*made) == {(b"before", None), (b"before", b"x")}
    assert states(*made, Call("fsync", "/d")) == {(b"before", b"x")}


def test_a_removed_name_and_a_new_name_for_a_file_come_back_until_then() -> None:
    removed = Call("unlink", FILE)
    assert states(removed) == {(b"before", None), (None, None)}
    assert states(removed, Call("fdatasync", "/d")) == {(None, None)}
    assert states(Call("rename", NEW, source=FILE)) == {(b"before", None), (None, b"before")}
