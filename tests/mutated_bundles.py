"""Bundles that somebody or something altered: each family in as many ways as it is asked for.

Nobody but who has the key can sign again, so most of these are refused before a byte of them is
parsed. ``signed`` families are signed again with the right key, as if it were stolen: they show
what parsing and golden rows catch by themselves.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np

from features.signing import SigningKey
from models.bundle import FILES, MANIFEST, SIGNATURE
from models.threats import THREATS, ThreatShares, base_rates
from tests.small_models import (
    KEY,
    made_up_rows,
    sign_again,
    small_parts,
    sum_again,
    write_small_bundle,
)

ATTACKER = SigningKey(b"\x66" * 32)
EVERY_FILE = (MANIFEST, SIGNATURE, *FILES)
THREATS_FILE = "threats.json"
DOCUMENTS = tuple(name for name in FILES if name.endswith(".json"))
PER_LEAF = ("leaf_value",)
PER_SPLIT = ("split_feature", "left_child", "right_child", "decision_type", "threshold")
HUGE = ("1e999", "-1e999", "NaN", "Infinity", "-1e400", "0x10", "1e", "--1")

Rng = np.random.Generator
Alter = Callable[[Path, Rng], None]


class Genuine(NamedTuple):
    """Bundles as they were written, to alter copies of and to mix."""

    first: Path
    """Vehicle version 1, which is altered."""
    second: Path
    """The same model as version 2."""
    vessel: Path


def write_genuine(directory: Path) -> Genuine:
    genuine = Genuine(*(directory / name for name in ("vehicle-1", "vehicle-2", "vessel-1")))
    write_small_bundle(genuine.first, metrics={"made_up": 0.75}, threats=_threats())
    write_small_bundle(genuine.second, version=2, metrics={"made_up": 0.76})
    write_small_bundle(genuine.vessel, "vessel")
    return genuine


def _threats() -> ThreatShares:
    """With small trees that tell two threats apart."""
    rows = made_up_rows()
    labels = (rows[:, 1] > 0.0).astype(np.float64)
    parameters = {"objective": "multiclass", "num_class": 2, "num_leaves": 5, "seed": 1}
    parameters |= {"num_threads": 1, "verbosity": -1, "deterministic": True}
    names = list(small_parts().catalogue.names)
    data = lightgbm.Dataset(rows, labels, feature_name=names, params=parameters)
    text = str(lightgbm.train(parameters, data, 4).model_to_string())
    base = base_rates(np.arange(len(THREATS)))
    return ThreatShares(base=base, finds=len(rows), told_apart=(2, 4), weight=0.5, trees=text)


def families(genuine: Genuine) -> dict[str, tuple[int, Alter]]:
    """Name to how many of a thousand there are, and how one is made."""
    return {
        "truncated": (120, _truncate),
        "flipped bits": (220, _flip),
        "edited digits": (120, _edit_digit),
        "left out": (10, lambda path, rng: (path / _one(EVERY_FILE, rng)).unlink()),
        "one too many": (20, _add),
        "links, pipes and directories": (40, _no_file),
        "swapped files": (60, lambda path, rng: _swap(genuine, path, rng)),
        "swapped manifests": (20, lambda path, rng: _swap_manifest(genuine, path, rng)),
        "other versions": (20, _other_version),
        "summed again, not signed": (120, _sum_only),
        "signed by an attacker": (120, _attack),
        "signed: leaves": (100, _signed(_edit_leaf)),
        "signed: branches": (80, _signed(_break_branch)),
        "signed: half a text": (30, _signed(_truncate_trees)),
        "signed: leaves of threats": (20, _signed(lambda p, rng: _edit_leaf(p, rng, THREATS_FILE))),
        "signed: branches of threats": (
            40,
            _signed(lambda p, rng: _break_branch(p, rng, THREATS_FILE)),
        ),
        "signed: another catalogue": (20, _signed(_other_catalogue)),
        "signed: files of another bundle": (20, _signed(lambda path, _: _graft(genuine, path))),
        "signed: huge numbers": (60, _signed(_huge_number)),
        "signed: deep documents": (20, _signed(_deep)),
        "signed: no documents": (40, _signed(_truncate_document)),
        "signed: manifests": (30, _strange_manifest),
    }


def altered(genuine: Genuine, directory: Path, share: float) -> Iterator[tuple[str, int, Path]]:
    """Family, number and path of each; a path is gone when the next is asked for.

    Args:
        share: of the thousand, at least one of each family; the same ones every time.
    """
    for place, (family, (count, alter)) in enumerate(families(genuine).items()):
        for number in range(max(1, round(count * share))):
            path = Path(shutil.copytree(genuine.first, directory / "altered"))
            alter(path, np.random.default_rng([place, number]))
            yield family, number, path
            shutil.rmtree(path)


def _one(choices: Any, rng: Rng) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _edit(file: Path, change: Callable[[bytes], bytes]) -> None:
    before = file.read_bytes()
    after = change(before)
    assert after != before
    file.write_bytes(after)


def _truncate(path: Path, rng: Rng) -> None:
    _edit(path / _one(EVERY_FILE, rng), lambda content: content[: rng.integers(len(content))])


def _flip(path: Path, rng: Rng) -> None:
    _edit(path / _one(EVERY_FILE, rng), lambda content: _flipped(content, rng))


def _flipped(content: bytes, rng: Rng) -> bytes:
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8))
    bits[rng.choice(len(bits), size=int(rng.integers(1, 4)), replace=False)] ^= 1
    return bytes(np.packbits(bits))


def _edit_digit(path: Path, rng: Rng) -> None:
    name = _one([name for name in EVERY_FILE if name != "card.md"], rng)
    _edit(path / name, lambda content: _other_digit(content, rng))


def _other_digit(content: bytes, rng: Rng) -> bytes:
    places = [match.start() for match in re.finditer(rb"[0-9]", content)]
    place = _one(places, rng)
    digit = (content[place] - ord("0") + int(rng.integers(1, 10))) % 10
    return content[:place] + b"%d" % digit + content[place + 1 :]


def _add(path: Path, rng: Rng) -> None:
    name = _one(["notes.txt", ".hidden", "booster.pkl", "card.md~", "manifest.json.bak"], rng)
    if rng.random() < 0.2:
        (path / name).mkdir()
    else:
        (path / name).write_bytes(b"left behind")


def _no_file(path: Path, rng: Rng) -> None:
    file = path / _one(EVERY_FILE, rng)
    content = file.read_bytes()
    file.unlink()
    how = int(rng.integers(4))
    if how == 0:
        os.mkfifo(file)
    elif how == 1:
        file.mkdir()
    elif how == 2:
        file.symlink_to("/dev/zero")
    else:
        elsewhere = path.parent / "elsewhere"
        elsewhere.write_bytes(content)
        file.symlink_to(elsewhere)


def _swap(genuine: Genuine, path: Path, rng: Rng) -> None:
    """A file of another genuine bundle, where the two differ."""
    other = _one(genuine[1:], rng)
    differ = [n for n in EVERY_FILE if (other / n).read_bytes() != (path / n).read_bytes()]
    shutil.copy(other / _one(differ, rng), path)


def _swap_manifest(genuine: Genuine, path: Path, rng: Rng) -> None:
    """Manifest and signature of another genuine bundle: soundly signed, about other files."""
    other = _one(genuine[1:], rng)
    for name in (MANIFEST, SIGNATURE):
        shutil.copy(other / name, path)


def _other_version(path: Path, rng: Rng) -> None:
    version = str(int(rng.integers(2, 1_000))).encode()
    _edit(path / MANIFEST, lambda text: text.replace(b'"version": 1', b'"version": ' + version))


def _forge(path: Path, rng: Rng) -> None:
    """Something that a forger would like to change."""
    how = int(rng.integers(3))
    if how == 0:
        _edit_leaf(path, rng)
    elif how == 1:
        _edit(path / "card.md", lambda text: text + b"Better than it was.\n")
    else:
        _edit(path / "metrics.json", lambda _: b'{"alarms": []}')


def _sum_only(path: Path, rng: Rng) -> None:
    signature = (path / SIGNATURE).read_bytes()
    _forge(path, rng)
    sum_again(path, version=int(rng.integers(1, 9)))
    (path / SIGNATURE).write_bytes(signature)


def _attack(path: Path, rng: Rng) -> None:
    """Whole and sound, but for who signed it; or signed in the name of the right key."""
    if rng.random() < 0.8:
        _forge(path, rng)
    sum_again(path, key=ATTACKER, version=int(rng.integers(1, 9)))
    if rng.random() < 0.5:
        own, right = (key.verifying.public.hex().encode() for key in (ATTACKER, KEY))
        _edit(path / SIGNATURE, lambda line: line.replace(own, right))


def _signed(alter: Alter) -> Alter:
    def alter_and_sign(path: Path, rng: Rng) -> None:
        alter(path, rng)
        sum_again(path)

    return alter_and_sign


def _edit_list(file: Path, names: tuple[str, ...], rng: Rng, change: Callable[[str], str]) -> None:
    """One value of one list of one tree, as a text of the same length where that can be."""
    name = _one(names, rng)

    def edited(text: str) -> str:
        line = _one(re.findall(rf"^{name}=.*$", text, re.MULTILINE), rng)
        values = line.removeprefix(f"{name}=").split(" ")
        place = int(rng.integers(len(values)))
        values[place] = change(values[place])
        return text.replace(line, f"{name}=" + " ".join(values), 1)

    _edit_trees(file, edited)


def _edit_trees(file: Path, change: Callable[[str], str]) -> None:
    """In LightGBM's own file, or in the document that holds its text."""
    if file.name != THREATS_FILE:
        _edit(file, lambda text: change(text.decode()).encode())
        return
    document = json.loads(file.read_text())
    document["shares"]["trees"] = change(document["shares"]["trees"])
    file.write_text(json.dumps(document))


def _edit_leaf(path: Path, rng: Rng, name: str = "booster.txt") -> None:
    """Another of the first digits: the last ones of a double may mean nothing."""

    def change(value: str) -> str:
        start = value.index(".") + 1
        return (
            value[:start]
            + _other_digit(value[start : start + 5].encode(), rng).decode()
            + (value[start + 5 :])
        )

    _edit_list(path / name, PER_LEAF, rng, change)


def _break_branch(path: Path, rng: Rng, name: str = "booster.txt") -> None:
    strange = ["9999", "-9999", "2147483647", "-2147483648", "nan", "x", "", "1e400", "99 99"]
    _edit_list(path / name, PER_SPLIT, rng, lambda _: str(_one(strange, rng)))


def _truncate_trees(path: Path, rng: Rng) -> None:
    """Before the last tree ends; what comes after are parameters that nothing is computed from."""
    _edit(path / "booster.txt", lambda text: text[: rng.integers(text.index(b"end of trees"))])


def _other_catalogue(path: Path, rng: Rng) -> None:
    document = json.loads((path / "catalogue.json").read_text())
    features = document["features"]
    one, other = rng.choice(len(features), size=2, replace=False)
    if rng.random() < 0.5:
        features[one], features[other] = features[other], features[one]
    else:
        del features[one]
    (path / "catalogue.json").write_text(json.dumps(document))


def _graft(genuine: Genuine, path: Path) -> None:
    for name in ("booster.txt", "catalogue.json"):
        shutil.copy(genuine.vessel / name, path)


def _huge_number(path: Path, rng: Rng) -> None:
    """In place of a number, in a document that must hold sensible ones."""
    name, value = _one(["calibration.json", "thresholds.json"], rng), _one(HUGE, rng).encode()

    def edited(text: bytes) -> bytes:
        numbers = re.finditer(rb"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?", text)
        start, end = _one([number.span() for number in numbers], rng)
        return b"".join([text[:start], value, text[end:]])

    _edit(path / name, edited)


def _deep(path: Path, rng: Rng) -> None:
    depth = int(rng.integers(2_000, 1_000_000))
    content = b'{"a":' * depth + b"1" + b"}" * depth
    _edit(path / _one(DOCUMENTS, rng), lambda _: content)


def _truncate_document(path: Path, rng: Rng) -> None:
    _edit(path / _one(DOCUMENTS, rng), lambda text: text[: rng.integers(len(text) - 1)])


def _strange_manifest(path: Path, rng: Rng) -> None:
    strange: list[dict[str, Any]] = [
        {"format": 1},
        {"format": 10**30},
        {"kind": "person"},
        {"kind": "vessel"},
        {"version": "1"},
        {"version": 10**400},
        {"trained_until": 1.5},
        {"catalogue_sha256": "0" * 64},
        {"author": "me"},
        {"simulated": None},
    ]
    sum_again(path, **_one(strange, rng))
    if rng.random() < 0.3:
        _edit(path / MANIFEST, lambda text: text.replace(b"card.md", b"../card.md"))
        sign_again(path)
