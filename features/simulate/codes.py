"""Identifiers by the thousand: the right shape, the right check digit, no two alike.

Characters are laid out as a uint8 matrix, one row per identifier, so that making a million costs
a few vector operations. Numbers are drawn at random: one that belongs to a real company, vehicle
or ship is a coincidence. Ship numbers are drawn from 2000000-4999999, where to our knowledge none
is issued.

References:
    IMO Resolution A.1117(30); ISO 6346 (its arithmetic also closes an MRN); HMRC's modulus 97
    for VAT numbers, from which a British EORI is made; ISO 10087 for hull identification.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Characters = NDArray[np.uint8]
Texts = pa.StringArray
Column: TypeAlias = "pa.Array[Any]"

DIGITS = np.frombuffer(b"0123456789", dtype=np.uint8)
LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
PLATE_LETTERS = np.frombuffer(b"ABCDEFGHJKLMNOPRSTUVWXY", dtype=np.uint8)
BASE36 = np.concatenate([DIGITS, LETTERS])

_ISO6346_VALUES = np.zeros(128, dtype=np.int64)
_ISO6346_VALUES[ord("0") : ord("9") + 1] = np.arange(10)
# Letters start at 10 and leave out the multiples of 11.
_ISO6346_VALUES[LETTERS] = [v for v in range(10, 39) if v % 11][:26]

_PLATES = {  # L letter, D digit; the usual style of each country
    "BE": "D-LLL-DDD",
    "BG": "LL DDDD LL",
    "CZ": "DLD DDDD",
    "DE": "LL-LL DDDD",
    "DK": "LL DDDDD",
    "ES": "DDDD LLL",
    "FR": "LL-DDD-LL",
    "HU": "LLLDDD",
    "IE": "DD-L-DDDDD",
    "IT": "LL DDDLL",
    "LT": "LLL DDD",
    "NL": "DD-LLL-D",
    "PL": "LL DDDDD",
    "PT": "LL DD LL",
    "RO": "LL DD LLL",
    "TR": "DD LLL DDD",
}
_EORI_DIGITS = {"BE": 10, "DE": 15, "ES": 9, "FR": 14, "IE": 8, "IT": 11, "NL": 9, "PL": 15}


def texts(matrix: Characters) -> Texts:
    """uint8[n, width] as n strings."""
    n, width = matrix.shape
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(width)
    where, what = pa.py_buffer(offsets.tobytes()), pa.py_buffer(matrix.tobytes())
    return pa.StringArray.from_buffers(n, where, what)


def digits(numbers: Ints, width: int) -> Characters:
    """
    >>> bytes(digits(np.array([42]), 4)).decode()
    '0042'
    """
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    made: Characters = DIGITS[(numbers[:, None] // powers) % 10]
    return made


def base36(numbers: Ints, width: int) -> Characters:
    powers = 36 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    made: Characters = BASE36[(numbers[:, None] // powers) % 36]
    return made


def distinct(rng: np.random.Generator, n: int, low: int, high: int) -> Ints:
    """n different whole numbers, ``low <= x < high``, in random order."""
    found = np.empty(0, dtype=np.int64)
    while found.size < n:
        more = rng.integers(low, high, size=int((n - found.size) * 1.3) + 16)
        found = np.unique(np.concatenate([found, more]))
    return rng.permutation(found)[:n]


def scatter(counter: Ints, span: int, key: int) -> Ints:
    """Whole numbers below ``span``, all different for different counters below it.

    ``span`` must not be a multiple of the multiplier's prime 1000003.
    """
    return (counter * 1_000_003 + key) % span


def british_registrations(rng: np.random.Generator, n: int) -> Texts:
    """GB, a VAT number with its check digits, 000."""
    base = distinct(rng, n, 1_000_000, 10_000_000)
    body = digits(base, 7)
    weighted = (body - DIGITS[0]).astype(np.int64) @ np.array([8, 7, 6, 5, 4, 3, 2])
    check = digits(-weighted % 97, 2)
    return texts(np.hstack([_repeat("GB", n), body, check, _repeat("000", n)]))


def registrations(rng: np.random.Generator, countries: Sequence[str]) -> Texts:
    """One number per organisation, in the style of its country."""
    n = len(countries)
    codes = np.array(countries)
    made = np.empty(n, dtype=object)
    for country in np.unique(codes):
        where = np.flatnonzero(codes == country)
        if country == "GB":
            made[where] = british_registrations(rng, where.size).to_pylist()
            continue
        width = _EORI_DIGITS.get(country, 10)
        number = distinct(rng, where.size, 10 ** (width - 1), 10**width)
        body = np.hstack([_repeat(country, where.size), digits(number, width)])
        made[where] = texts(body).to_pylist()
    return pa.array(made.tolist(), pa.string())


def iso6346_check(body: Characters) -> Ints:
    """The check digit over the characters of each row."""
    weights = 2 ** np.arange(body.shape[1], dtype=np.int64)
    return (_ISO6346_VALUES[body] @ weights) % 11 % 10


def container_numbers(rng: np.random.Generator, n: int) -> Texts:
    owners = LETTERS[rng.integers(0, 26, size=(16, 3))][rng.integers(0, 16, size=n)]
    serial = digits(distinct(rng, n, 0, 1_000_000) if n < 500_000 else np.arange(n), 6)
    body = np.hstack([owners, _repeat("U", n), serial])
    return texts(np.hstack([body, DIGITS[iso6346_check(body)][:, None]]))


def imo_numbers(rng: np.random.Generator, n: int) -> Texts:
    body = digits(distinct(rng, n, 200_000, 500_000), 6)
    check = ((body - DIGITS[0]).astype(np.int64) @ np.array([7, 6, 5, 4, 3, 2])) % 10
    return texts(np.hstack([body, DIGITS[check][:, None]]))


def station_identities(rng: np.random.Generator, country_digits: Ints) -> Texts:
    """MMSI: the three digits of the flag, then six."""
    serial = digits(distinct(rng, country_digits.size, 100_000, 1_000_000), 6)
    return texts(np.hstack([digits(country_digits, 3), serial]))


def hull_numbers(rng: np.random.Generator, n: int) -> Texts:
    makers = LETTERS[rng.integers(0, 26, size=(60, 5))][rng.integers(0, 60, size=n)]
    serial = digits(distinct(rng, n, 0, 100_000) if n < 50_000 else np.arange(n), 5)
    month = LETTERS[rng.integers(0, 12, size=(n, 1))]
    year = rng.integers(5, 25, size=n)
    return texts(np.hstack([makers, serial, month, digits(year % 10, 1), digits(year, 2)]))


def number_plates(rng: np.random.Generator, countries: Sequence[str]) -> Texts:
    """British marks in the current style, others in their country's usual one."""
    codes = np.array(countries)
    made = np.empty(codes.size, dtype=object)
    for country in np.unique(codes):
        where = np.flatnonzero(codes == country)
        template = "LLDDLLL" if country == "GB" else _PLATES.get(country, "LLL DDDD")
        matrix = _filled(rng, template, where.size)
        if country == "GB":
            half_years = np.concatenate([np.arange(12, 26), np.arange(62, 76)])
            matrix[:, 2:4] = digits(half_years[rng.integers(0, half_years.size, where.size)], 2)
        made[where] = texts(matrix).to_pylist()
    return pa.array(made.tolist(), pa.string())


def british_trailer_marks(rng: np.random.Generator, n: int) -> Texts:
    """The British trailer register's letter and seven digits."""
    letters = LETTERS[rng.integers(0, 6, size=(n, 1))]
    return texts(np.hstack([letters, digits(distinct(rng, n, 1_000_000, 10_000_000), 7)]))


def with_mistyped(pool: Texts, place: int = -1) -> Texts:
    """The pool, and after it the same again with a wrong digit at ``place``.

    >>> with_mistyped(pa.array(["MSKU7", "TGHU9"])).to_pylist()
    ['MSKU7', 'TGHU9', 'MSKU0', 'TGHU2']
    """
    wrong = []
    for text in pool.to_pylist():
        marks = list(str(text))
        marks[place] = str((int(marks[place]) + 3) % 10)
        wrong.append("".join(marks))
    return pa.concat_arrays([pool, pa.array(wrong, pa.string())])


def goods_movement_references(counter: Ints, stamp: int) -> Texts:
    """GMR, a letter and eight of 0-9A-Z; ``stamp`` keeps two simulations apart."""
    number = base36(scatter(counter, 36**8, stamp * 36**4), 8)
    return texts(np.hstack([_repeat("GMRA", counter.size), number]))


def arrival_references(counter: Ints, stamp: int) -> Texts:
    n = counter.size
    return texts(np.hstack([_repeat(f"VA{stamp:06d}", n), digits(counter, 8)]))


def movement_reference_numbers(counter: Ints, years: Ints, stamp: int) -> Texts:
    """MRN: year, GB, thirteen characters, and the check digit over the seventeen before it."""
    n = counter.size
    number = base36(scatter(counter, 36**8, stamp * 36**4), 8)
    body = np.hstack([digits(years % 100, 2), _repeat("GB", n), _repeat("SIM00", n), number])
    return texts(np.hstack([body, DIGITS[iso6346_check(body)][:, None]]))


def _repeat(text: str, n: int) -> Characters:
    return np.tile(np.frombuffer(text.encode(), dtype=np.uint8), (n, 1))


def _filled(rng: np.random.Generator, template: str, n: int) -> Characters:
    """Templates with few different marks may repeat one: plates are not unique across borders."""
    matrix = _repeat(template, n).copy()
    for place, sort in enumerate(template):
        if sort in "LD":
            alphabet = PLATE_LETTERS if sort == "L" else DIGITS
            matrix[:, place] = alphabet[rng.integers(0, alphabet.size, size=n)]
    return matrix
