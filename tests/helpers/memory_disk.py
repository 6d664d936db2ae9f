"""Where tests keep their files: in memory, where the machine has the room.

A till syncs every entry to the disk, and a test of it some hundred times: on a disk that others use too, most
of the tests' time went into waiting for that. What is synced survives the end of a process here as there, and
no test cuts the machine's own power: those that cut the power do it to a disk of their own making
(`tests/durability`). Nothing is kept after the run: who wants to look at a test's files sets TMPDIR.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "cashier-tests-"
#: Of room on that disk, and of memory that nobody uses: a run takes a fraction of it.
ROOM_MIN_BYTES = 2 * 1024**3
FREE_MIN_BYTES = 4 * 1024**3


def use() -> Path | None:
    """Make it the folder of temporary files of this process and its children; None where there is no room.

    Left alone where TMPDIR says where temporary files belong, as it does to the workers of a run.
    """
    if "TMPDIR" in os.environ or not has_room(MEMORY):
        return None
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(PREFIX)).exists():
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o711)  # PostgreSQL runs as another user
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # looked up again
    return folder


def has_room(disk: Path) -> bool:
    """Whether a disk is in memory, takes programs, and has room, and the machine the memory."""
    meminfo = Path("/proc/meminfo")
    if not (disk.is_dir() and os.access(disk, os.W_OK) and meminfo.exists()):
        return False
    found = os.statvfs(disk)
    fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    return (
        not found.f_flag & os.ST_NOEXEC
        and found.f_bavail * found.f_frsize >= ROOM_MIN_BYTES
        and int(fields["MemAvailable"].split()[0]) * 1024 >= FREE_MIN_BYTES
    )
