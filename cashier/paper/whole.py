"""Files that are there whole or not at all: written beside their place, synced, and put there by a rename."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path


def write_whole(out: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file and put it in the place of `out`; its owner's only: reports name payers.

    Whatever `write` raises, nothing is left and what stood there stays. Raises OSError, too.
    """
    part = out.with_name(out.name + ".part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        write(part)
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(out)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
