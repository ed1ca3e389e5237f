"""How the row functions are compiled.

numba keeps machine code on disk and forgets it when the *file of the function* changes, not when
one that it calls does. So everything compiled is in ``kernel.py``, and its constants with it.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")

OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""``_nrt``: no reference counts. Nothing here makes an array, and counting took two thirds of the
time."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """numba in nopython mode, kept on disk beside the source; the type stays the function's own."""
    return cast(Callable[P, R], numba.njit(**OPTIONS)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled into its callers: a call would pass every field of a state on the stack."""
    return cast(Callable[P, R], numba.njit(**OPTIONS, forceinline=True)(function))


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
