"""Locks on files between processes; a lock ends with its process."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_SECONDS = 0.05


@contextmanager
def file_lock(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Wait until no other process holds *path*, then hold it until the end of the block, or of the process.

    A *shared* holder waits only for an exclusive one. It polls: a sleeping process can be canceled, one that
    waits in the system call cannot.
    """
    if not isinstance(path, Path):  # an object store has no locks: the last writer wins
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        while not _try_lock(lock.fileno(), fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            time.sleep(_PAUSE_SECONDS)
        yield


@contextmanager
def try_file_lock(path: Path) -> Iterator[bool]:
    """Hold *path* until the end of the block, unless another process holds it; yield whether it is held."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        yield _try_lock(lock.fileno(), fcntl.LOCK_EX)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
