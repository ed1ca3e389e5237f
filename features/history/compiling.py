"""How the row functions are compiled.

numba keeps machine code on disk and forgets it when the *file of the function* changes, not when
one that it calls does. So what is kept is marked with all files that have compiled code in them,
and constants of other files reach it as data.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

P = ParamSpec("P")
R = TypeVar("R")

OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""``_nrt``: no reference counts. Nothing here makes an array, and counting took two thirds of the
time."""

SOURCES = (
    "compiling.py",
    "kernel.py",
    "link_kernel.py",
    "link_reading.py",
    "live_kernel.py",
    "statistics.py",
)
"""Files of this directory that compiled code is made of."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """numba in nopython mode, kept on disk beside the source; the type stays the function's own."""
    return _kept(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled into its callers: a call would pass every field of a state on the stack."""
    return _kept(function, forceinline=True)


def _kept(function: Callable[P, R], **options: bool) -> Callable[P, R]:
    dispatcher: Any = numba.njit(**OPTIONS, **options)(function)
    # numba has no public way to say what else the code is made of (0.68); a test changes a callee.
    dispatcher._cache._cache_file._source_stamp = _sources_sha256()
    return cast(Callable[P, R], dispatcher)


@cache
def _sources_sha256() -> str:
    digest = sha256()
    for name in SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing: Any, address: Any) -> Any:  # noqa: ARG001 - numba passes its typing context
    """Ask for the cache line at ``address``, which may be nobody's."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_write, keep, data = flag(1), flag(3), flag(1)
        builder.call(function, [builder.inttoptr(args[0], byte), to_write, keep, data])
        return context.get_dummy_value()

    return types.void(types.intp), generate


def _lines_at(kind: Any) -> Any:
    """What makes an array, C-ordered, of the memory at an address, which its owner keeps."""
    array = types.Array(kind, 2, "C")

    @intrinsic  # type: ignore[untyped-decorator]
    def at(typing: Any, address: Any, rows: Any, words: Any) -> Any:  # noqa: ARG001 - as above
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
            size = ir.Constant(ir.IntType(64), 8)
            made = arrayobj.make_array(array)(context, builder)
            arrayobj.populate_array(
                made,
                data=builder.inttoptr(args[0], made.data.type),
                shape=[args[1], args[2]],
                strides=[builder.mul(args[2], size), size],
                itemsize=size,
                meminfo=None,
            )
            return made._getvalue()

        return array(types.int64, types.int64, types.int64), generate

    return at


ints_at, floats_at = _lines_at(types.int64), _lines_at(types.float64)
"""int64[rows, words] and float64[rows, words] at an address."""
