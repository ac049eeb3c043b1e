"""Find out whether the disk of a folder is full, and keep a reserve there, so that this can still be recorded."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from swatchbook.domain.errors import DiskFull, Failure, Policy

RESERVE_BYTES = 4 << 20
"""Enough for the ledger to record why it stopped. A disk with less free space than this counts as full."""

_RESERVE = "reserve"
_FULL = (28, 122)  # ENOSPC, EDQUOT


def keep_reserve(home: Path) -> None:
    """Reserve RESERVE_BYTES in the folder, if there is room. Errors are ignored: what is written next reports them."""
    reserve = home / _RESERVE
    with suppress(OSError):
        if not reserve.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _allocate(reserve)


def release_reserve(home: Path) -> bool:
    """Give the reserve back to the disk. Return whether there was one."""
    try:
        (home / _RESERVE).unlink()
    except OSError:
        return False
    return True


def is_full(home: Path) -> bool:
    """Return whether less than RESERVE_BYTES can be written into the folder."""
    probe = home / f".probe-{uuid4().hex}"
    try:
        _allocate(probe)
    except OSError as error:
        return error.errno in _FULL
    with suppress(OSError):
        probe.unlink()
    return False


def require_room(home: Path) -> None:
    """Raise DiskFull if less than RESERVE_BYTES can be written into the folder."""
    if is_full(home):
        raise disk_full(home)


def blame_full_disk(failure: Failure, home: Path) -> Failure:
    """Return DiskFull instead of another failure if the disk is full: it may have had any consequence.

    Failures that an input or a person is to blame for stay as they are.
    """
    if failure.policy in (Policy.NEVER, Policy.BLOCKED) and failure.kind != "configuration":
        return failure
    return disk_full(home) if is_full(home) else failure


def disk_full(home: Path) -> DiskFull:
    """Return the failure of a home whose disk is full."""
    return DiskFull(f"The disk of {home} is full.", advice="Free some space; the document then continues by itself.")


def _allocate(path: Path) -> None:
    """Create a file of RESERVE_BYTES that takes its space at once, or none. Raises OSError."""
    try:
        with path.open("xb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            else:
                file.write(bytes(RESERVE_BYTES))
    except FileExistsError:
        return
    except OSError:
        path.unlink(missing_ok=True)
        raise
