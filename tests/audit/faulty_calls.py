"""Faults of system calls: a process whose n-th write to a folder fails, or is its last.

The kernel asks this process about each call (seccomp's user notification), so that the calls of Python, DuckDB,
Arrow and SQLite are seen alike, in the order in which all threads make them. Add a call to `_NUMBERS`.
"""

import ctypes
import errno
import os
import pickle
import platform
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fcntl import ioctl
from math import isqrt
from pathlib import Path
from threading import Thread
from traceback import format_exc
from typing import Any

_NUMBERS = {  # by machine: of openat, of what writes, of what reads; the older calls are x86's only
    "x86_64": {
        "openat": 257, "open": 2, "creat": 85, "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296,
        "fsync": 74, "fdatasync": 75, "ftruncate": 77, "fallocate": 285, "rename": 82, "renameat": 264,
        "renameat2": 316, "mkdir": 83, "mkdirat": 258, "unlink": 87, "unlinkat": 263, "rmdir": 84,
        "read": 0, "pread64": 17, "readv": 19, "preadv": 295, "sendto": 44,
    },
    "aarch64": {
        "openat": 56, "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "fsync": 82, "fdatasync": 83,
        "ftruncate": 46, "fallocate": 47, "renameat": 38, "renameat2": 276, "mkdirat": 34, "unlinkat": 35,
        "read": 63, "pread64": 67, "readv": 65, "preadv": 69, "sendto": 206,
    },
}.get(platform.machine(), {})  # fmt: skip
_NAMES = {number: name for name, number in _NUMBERS.items()}
_OF_KIND = dict.fromkeys(_NUMBERS, "writes")
_OF_KIND |= dict.fromkeys(("read", "pread64", "readv", "preadv"), "reads") | {"sendto": "sends"}
_OF_DIRECTORY = frozenset({"openat", "renameat", "renameat2", "mkdirat", "unlinkat"})
_OF_PATH = _OF_DIRECTORY | {"open", "creat", "rename", "mkdir", "unlink", "rmdir"}
_NEEDS_SPACE = frozenset(
    {
        "openat",
        "open",
        "creat",
        "write",
        "pwrite64",
        "writev",
        "pwritev",
        "ftruncate",
        "fallocate",
        "mkdir",
        "mkdirat",
    }
)
_SECCOMP, _GETS_LISTENER, _NO_NEW_PRIVILEGES = (
    {"x86_64": 317, "aarch64": 277}.get(platform.machine(), 0),
    8,
    38,
)
_ASK, _ALLOW = 0x7FC00000, 0x7FFF0000
_RECEIVE, _ANSWER, _GO_ON = 0xC0502100, 0xC0182101, 1
_NOTICE, _REPLY = struct.Struct("QIIiIQ6Q"), struct.Struct("QqiI")
_SECONDS = 120


@dataclass(frozen=True)
class Fault:
    """What happens to the call *number* of a process: an *error*, or its death where that is 0.

    With *lasts*, every later call fails too, as on a disk that is full or was made read-only. With *recurs*, it
    happens again and again, ever more seldom: at calls 1, 3, 6, 10 ... times *number*, where equal calls in a row
    count as one. The *kind* says which calls are counted: `writes` or `reads` of files, or `sends` to a server.
    """

    number: int
    error: int = 0
    lasts: bool = False
    recurs: bool = False
    kind: str = "writes"

    def hits(self, count: int, call: str) -> bool:
        if self.error == errno.ENOSPC and call not in _NEEDS_SPACE:
            return False
        if self.recurs:
            turn = isqrt(2 * count // self.number)
            return 2 * count == self.number * turn * (turn + 1)
        return count >= self.number if self.lasts else count == self.number

    def __str__(self) -> str:
        what = errno.errorcode[self.error] if self.error else "killed"
        return f"{what} {'from' if self.lasts else 'at'} call {self.number}"


NEVER = 1 << 60


@dataclass
class Ended:
    """A process that has ended: what its work returned, or None if it died; and its calls in the folder."""

    value: Any = None
    calls: list[str] = field(default_factory=list)


def is_supported() -> bool:
    """Tell whether this machine can ask about calls."""
    try:
        return call_with_fault(lambda: True, Path("/nowhere"), Fault(NEVER)).value is True
    except OSError:
        return False


def call_apart(work: Callable[[], Any]) -> Any:
    """Return what *work* returns in a process of its own, or its traceback."""
    return call_with_fault(work, Path("/"), None).value


def call_with_fault(work: Callable[[], Any], folder: Path, fault: Fault | None) -> Ended:
    """Call *work* in a process of its own, in which *fault* happens to a call on files below *folder*.

    A traceback is returned as text. Raises OSError where the kernel cannot be asked.
    """
    ours, theirs = socket.socketpair()
    process = os.fork()
    if not process:
        ours.close()
        _work(work, theirs, fault)
    theirs.close()
    with ours:
        _, listeners, _, _ = socket.recv_fds(ours, 1, 1)
        ended = _Supervisor(folder, fault or Fault(NEVER), process).watch(listeners, ours)
    for listener in listeners:
        os.close(listener)
    os.waitpid(process, 0)
    if fault and not listeners:
        raise OSError(errno.ENOSYS, "no seccomp with user notification")
    return ended


def _work(work: Callable[[], Any], parent: socket.socket, fault: Fault | None) -> None:
    """Ask to be watched, call *work*, send what it returns, and end."""
    try:
        listener = _listen(fault.kind) if fault else -1
        socket.send_fds(parent, [b" "], [listener] if listener >= 0 else [])
        if listener >= 0:
            os.close(listener)
        try:
            value = work()
        except BaseException:  # noqa: BLE001 - it is looked at by who asked
            value = format_exc()
        parent.sendall(pickle.dumps(value))
    finally:
        os._exit(0)


def _listen(kind: str) -> int:
    """Have the kernel ask about each call of *kind* by this process; return the descriptor that it asks at."""
    numbers = [number for name, number in _NUMBERS.items() if _OF_KIND[name] == kind]
    steps = [(0x20, 0, 0, 0)]  # load the number of the call
    steps += [(0x15, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    steps += [(0x06, 0, 0, _ALLOW), (0x06, 0, 0, _ASK)]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(packed)))
    libc = ctypes.CDLL(None)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return int(libc.syscall(_SECCOMP, 1, _GETS_LISTENER, program))


class FaultyProgram:
    """A program, with all that it starts: *fault* happens to a call on files below *folder* by any of them.

    Give `begin` to the new process, to be called before the program; then call `watch`.
    """

    def __init__(self, folder: Path, fault: Fault) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._supervisor = _Supervisor(folder, fault)

    @property
    def hit_count(self) -> int:
        """How many calls the fault has happened to."""
        return self._supervisor.hit_count

    def begin(self) -> None:
        """Have the kernel ask about this process, and send where it asks."""
        listener = _listen(self._supervisor.fault.kind)
        socket.send_fds(self._theirs, [b" "], [listener])
        os.close(listener)

    def watch(self) -> None:
        """Answer what the kernel asks, in a thread, until the last process has ended."""
        _, (listener,), _, _ = socket.recv_fds(self._ours, 1, 1)
        self._ours.close()
        self._theirs.close()
        Thread(target=self._supervisor.answer_all, args=[listener], daemon=True).start()

    def heal(self) -> None:
        """Let no more calls fail."""
        self._supervisor.fault = Fault(NEVER)


class _Supervisor:
    """Answers what the kernel asks about the calls of *process* and what it starts, or of several programs."""

    def __init__(self, folder: Path, fault: Fault, process: int = 0) -> None:
        self.fault, self.hit_count = fault, 0
        self._process = process
        self._prefix = "socket:" if fault.kind == "sends" else f"{folder}/"
        self._ended = Ended()

    def answer_all(self, listener: int) -> None:
        """Answer until no process asks any more."""
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while poll.poll()[0][1] & select.POLLIN:
            self._answer(listener)
        os.close(listener)

    def watch(self, listeners: list[int], results: socket.socket) -> Ended:
        """Answer at *listeners*; return what the process left in *results*, or that it hangs."""
        poll, received, until = select.poll(), b"", time.monotonic() + _SECONDS
        for descriptor in (*listeners, results.fileno()):
            poll.register(descriptor, select.POLLIN)
        while events := poll.poll(max(0, until - time.monotonic()) * 1000):
            for descriptor, event in events:
                if descriptor in listeners and event & select.POLLIN:
                    self._answer(descriptor)
                elif descriptor in listeners:
                    poll.unregister(descriptor)
                elif data := results.recv(1 << 20):
                    received += data
                else:
                    self._ended.value = pickle.loads(received) if received else None  # noqa: S301 - of our own child
                    return self._ended
        os.kill(self._process, signal.SIGKILL)
        self._ended.value = f"Traceback: it hangs after {self._ended.calls[-3:]}"
        return self._ended

    def _answer(self, listener: int) -> None:
        """Let a call go on, fail it, or kill who made it; a process that died meanwhile is not answered."""
        buffer = bytearray(_NOTICE.size)
        try:
            ioctl(listener, _RECEIVE, buffer)
            asked, thread, _, number, _, _, *arguments = _NOTICE.unpack(buffer)
            error = self._judge(thread, _NAMES[number], arguments)
            ioctl(listener, _ANSWER, bytearray(_REPLY.pack(asked, 0, -error, 0 if error else _GO_ON)))
        except OSError as gone:
            if gone.errno not in {errno.ENOENT, errno.ESRCH}:
                raise

    def _judge(self, thread: int, call: str, arguments: list[int]) -> int:
        """Return the error of a call, or 0; kill the process where that is its fault."""
        path = self._path_of(thread, call, arguments)
        if not path.startswith(self._prefix):
            return 0
        text = f"{call} {path.removeprefix(self._prefix)}"
        if self.fault.recurs and self._ended.calls[-1:] == [text]:
            return 0
        self._ended.calls.append(text)
        if not self.fault.hits(len(self._ended.calls), call):
            return 0
        self.hit_count += 1
        if not self.fault.error:
            os.kill(self._process or _process_of(thread), signal.SIGKILL)
        return self.fault.error

    def _path_of(self, thread: int, call: str, arguments: list[int]) -> str:
        """Return the path that a *call* is about, or nothing for an opening to read."""
        process = Path(f"/proc/{thread}")
        if call not in _OF_PATH:
            return str((process / "fd" / str(arguments[0])).readlink())
        first = call in _OF_DIRECTORY
        if call in {"openat", "open"} and not arguments[1 + first] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return ""
        with (process / "mem").open("rb", buffering=0) as memory:
            memory.seek(arguments[first])
            path = os.fsdecode(memory.read(4096).partition(b"\0")[0])
        if path.startswith("/"):
            return path
        descriptor = ctypes.c_int(arguments[0]).value if first else -1
        folder = process / "fd" / str(descriptor) if descriptor >= 0 else process / "cwd"
        return f"{folder.readlink()}/{path}"


def _process_of(thread: int) -> int:
    status = Path(f"/proc/{thread}/status").read_text(encoding="ascii")
    return int(status.partition("Tgid:")[2].split()[0])
