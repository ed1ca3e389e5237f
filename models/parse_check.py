"""Run as a program: parse a LightGBM text and compute rows, in a process that may die of it.

An altered text can end the process that parses it with a signal and no exception. Nothing but
the standard library is imported, so that the child starts in milliseconds.

    python -I -S parse_check.py LIB_LIGHTGBM < request > answer

Request: five uint64 (bytes of text, rows n, features F, margins m of each row, rows c to explain),
the text, n · F doubles. Answer: n · m margins, then c · (F + 1) contributions, as doubles. Exit
status 0 only if all of it was computed. Rows can be explained only if m is 1.
"""

import contextlib
import ctypes
import os
import struct
import sys

HEADER = struct.Struct("=5Q")
_DOUBLES, _ROW_MAJOR, _ALL_TREES = 1, 1, -1  # of LightGBM's c_api.h
_MARGINS, _CONTRIBUTIONS = 1, 3
_MOST_BYTES = 4 << 30
_SECONDS, _BYTES_PER_SECOND = 2, 500_000
"""Of processor time: fifty times what a sound text takes."""


class Refused(Exception):
    """LightGBM, or this check, will not have the text."""


def main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)  # LightGBM prints its complaints where the answer belongs
    text_bytes, rows, features, outputs, explained = HEADER.unpack(_read(HEADER.size))
    _limit(_SECONDS + text_bytes // _BYTES_PER_SECOND)
    library = ctypes.CDLL(sys.argv[1])
    text = _read(text_bytes)
    data = _read(rows * features * 8)
    booster = ctypes.c_void_p()
    trees = ctypes.c_int(0)
    _check(
        library.LGBM_BoosterLoadModelFromString(
            ctypes.c_char_p(text), ctypes.byref(trees), ctypes.byref(booster)
        )
    )
    found = ctypes.c_int(0)
    _check(library.LGBM_BoosterGetNumFeature(booster, ctypes.byref(found)))
    if found.value != features:
        raise Refused(f"the text has {found.value} features, the catalogue {features}")
    _read_parameters(library, booster)
    with os.fdopen(answer, "wb") as out:
        out.write(_predict(library, booster, data, (rows, features, outputs), _MARGINS))
        if explained:
            shape = (explained, features, features + 1)
            out.write(_predict(library, booster, data, shape, _CONTRIBUTIONS))


def _read_parameters(library: ctypes.CDLL, booster: ctypes.c_void_p) -> None:
    """As the Python package does when it loads a text."""
    buffer = ctypes.create_string_buffer(1 << 20)
    length = ctypes.c_int64(0)
    _check(
        library.LGBM_BoosterGetLoadedParam(
            booster, ctypes.c_int64(len(buffer)), ctypes.byref(length), buffer
        )
    )


def _predict(
    library: ctypes.CDLL,
    booster: ctypes.c_void_p,
    data: bytes,
    shape: tuple[int, int, int],
    what: int,
) -> bytes:
    """``shape`` is the rows, the features of each, and the numbers wanted of each."""
    rows, features, outputs = shape
    wanted = rows * outputs
    length = ctypes.c_int64(0)
    _check(
        library.LGBM_BoosterCalcNumPredict(booster, rows, what, 0, _ALL_TREES, ctypes.byref(length))
    )
    if length.value != wanted:
        raise Refused(f"{length.value} numbers for {rows} rows instead of {wanted}")
    found = (ctypes.c_double * wanted)()
    _check(
        library.LGBM_BoosterPredictForMat(
            booster,
            ctypes.c_char_p(data),
            _DOUBLES,
            ctypes.c_int32(rows),
            ctypes.c_int32(features),
            _ROW_MAJOR,
            what,
            0,
            _ALL_TREES,
            ctypes.c_char_p(b"num_threads=1"),
            ctypes.byref(length),
            found,
        )
    )
    return bytes(found)


def _check(status: int) -> None:
    if status != 0:
        raise Refused("LightGBM refuses the text")


def _read(size: int) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) != size:
        raise Refused("the request ends early")
    return data


def _limit(seconds: int) -> None:
    """An altered count must not take the machine's memory or time; no core dump either."""
    with contextlib.suppress(ImportError):  # resource exists on POSIX systems only
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    try:
        main()
    except Refused as exc:
        sys.exit(str(exc))
