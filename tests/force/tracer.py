"""A child process that is stopped before each call by which it touches a file or a database.

The kernel stops it (a seccomp filter, and ptrace), so nothing of it knows: not Python, not SQLite.
At a stop it can be killed, or what it is about to write can be read. Linux on x86-64 only.

References:
    ptrace(2), seccomp(2): PTRACE_O_TRACESECCOMP, PTRACE_GET_SYSCALL_INFO
"""

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

CALLS = {
    1: "write",
    18: "pwrite64",
    44: "sendto",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    82: "rename",
    87: "unlink",
    257: "openat",
    263: "unlinkat",
    264: "renameat",
    316: "renameat2",
}
"""Numbers of x86-64. What SQLite and Python change files by, and what a database is told by; the
index of a write-ahead log is memory, which no crash of the machine leaves behind."""
SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"

_CREATES = os.O_CREAT
_LEAST_TOLD = 5
"""Bytes of a message to a database; an event loop wakes itself up with one."""
_TRACEME, _CONT, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 7, 0x4200, 0x420E
_TRACE_CLONE, _TRACE_SECCOMP, _EXIT_KILL = 1 << 3, 1 << 7, 1 << 20
_EVENT_SECCOMP = 7
_WAIT_FOR_THREADS_TOO = 0x40000000  # __WALL
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Call(msgspec.Struct, frozen=True):
    """One call that is about to change a file, a directory, what of them is on disk, or what a
    database was told."""

    name: str
    path: str
    """Of the file; for a rename, of the one that it becomes."""
    offset: int = 0
    """Where ``data`` goes; for a truncation, the size that is left."""
    data: bytes = b""
    source: str = ""
    """Of a rename."""


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction))]


class _Stopped(ctypes.Structure):
    """``struct ptrace_syscall_info`` at a stop by the filter."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction_pointer", ctypes.c_uint64),
        ("stack_pointer", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
        ("returned", ctypes.c_uint32),
    ]


def run_traced(body: Callable[[], None], before: Callable[[Call], bool]) -> int:
    """Fork, run ``body`` in the child, and ask ``before`` at each of its calls.

    Must be called in a process with one thread. The child must start no further process.

    Args:
        before: True to kill the child there, so that the call is never made.

    Returns:
        The child's wait status.

    Raises:
        OSError: this kernel, or this container, does not let a process be traced.
    """
    pid = os.fork()
    if pid == 0:
        _be_traced(body)
    return _Tracing(pid, before).follow()


def _be_traced(body: Callable[[], None]) -> NoReturn:
    """Runs in the child, and ends it: 0, or 1 after an exception, which is printed."""
    status = 1
    try:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _stop_before(CALLS)
        body()
        status = 0
    except BaseException as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _stop_before(calls: "dict[int, str]") -> None:
    """Install the filter: load the call's number, compare it with each, let all others pass."""
    count = len(calls)
    program = [_Instruction(_LOAD, 0, 0, 0)]
    program += [
        _Instruction(_JUMP_IF_EQUAL, count - place, 0, number)
        for place, number in enumerate(sorted(calls))
    ]
    program += [_Instruction(_RETURN, 0, 0, _ALLOW), _Instruction(_RETURN, 0, 0, _TRACE)]
    array = (_Instruction * len(program))(*program)
    filtering = _Program(len(program), array)
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _check(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(filtering), 0, 0))


class _Tracing:
    def __init__(self, pid: int, before: Callable[[Call], bool]) -> None:
        self._pid = pid
        self._before = before
        self._killed = False

    def follow(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        if not os.WIFSTOPPED(status):
            return status  # it could not even ask to be traced
        _ptrace(_SETOPTIONS, self._pid, data=_TRACE_CLONE | _TRACE_SECCOMP | _EXIT_KILL)
        _ptrace(_CONT, self._pid)
        while True:
            thread, status = os.waitpid(-1, _WAIT_FOR_THREADS_TOO)
            if os.WIFSTOPPED(status):
                self._at_stop(thread, status)
            elif thread == self._pid:
                return status

    def _at_stop(self, thread: int, status: int) -> None:
        event, received = status >> 16, os.WSTOPSIG(status)
        if event == _EVENT_SECCOMP and not self._killed:
            call = _read_call(thread)
            if call is not None and self._before(call):
                os.kill(self._pid, signal.SIGKILL)
                self._killed = True
                return
        passed_on = 0 if event or received in (signal.SIGSTOP, signal.SIGTRAP) else received
        try:
            _ptrace(_CONT, thread, data=passed_on)
        except ProcessLookupError:  # killed meanwhile
            return


def _read_call(thread: int) -> Call | None:
    """None for what changes nothing: an ``openat`` that makes no file, a send to oneself."""
    stopped = _Stopped()
    _ptrace(_GET_SYSCALL_INFO, thread, ctypes.sizeof(stopped), ctypes.addressof(stopped))
    name, given = CALLS[stopped.number], list(stopped.arguments)
    if name in ("write", "pwrite64"):
        offset = given[3] if name == "pwrite64" else 0
        return Call(name, _path_of(thread, given[0]), offset, _memory(thread, given[1], given[2]))
    if name == "sendto":
        return Call(name, _path_of(thread, given[0])) if given[2] >= _LEAST_TOLD else None
    if name in ("fsync", "fdatasync"):
        return Call(name, _path_of(thread, given[0]))
    if name == "ftruncate":
        return Call(name, _path_of(thread, given[0]), given[1])
    if name == "openat":
        return Call(name, _text(thread, given[1])) if given[2] & _CREATES else None
    if name == "rename":
        return Call(name, _text(thread, given[1]), source=_text(thread, given[0]))
    if name == "unlink":
        return Call(name, _text(thread, given[0]))
    if name == "unlinkat":
        return Call("unlink", _text(thread, given[1]))
    if name in ("renameat", "renameat2"):
        return Call("rename", _text(thread, given[3]), source=_text(thread, given[1]))
    raise AssertionError(f"the trace does not know what {name} does to a file")


def _path_of(thread: int, descriptor: int) -> str:
    return str(Path(f"/proc/{thread}/fd/{descriptor}").readlink())


def _memory(thread: int, address: int, size: int) -> bytes:
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - unbuffered
        memory.seek(address)
        return memory.read(size)


def _text(thread: int, address: int) -> str:
    """The string that ends with a zero; a page at a time, for the next one may not be there."""
    found = b""
    while b"\0" not in found:
        found += _memory(thread, address + len(found), 4096 - (address + len(found)) % 4096)
    return found.partition(b"\0")[0].decode()


def _ptrace(request: int, pid: int, address: int = 0, data: Any = 0) -> None:
    _check(_libc.ptrace(request, pid, address, data))


def _check(returned: int) -> None:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"tracing is not possible: {os.strerror(number)}")
