"""The hub as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cashier

from .conftest import MASTER

SERVE = """
import sys
from datetime import UTC, datetime
from cashier.hub.serve import serve
serve(sys.argv[1], "127.0.0.1", 0, sys.argv[2].encode(), lambda url: print(url, flush=True),
      exit_with_parent=sys.argv[3] == "with-parent", clock=lambda: datetime(2026, 2, 3, 9, tzinfo=UTC))
"""


@contextmanager
def hub_process(
    db_url: str, mode: str = "alone", errors: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A hub process and its address. Whatever still runs at the end is killed.

    What it says on its standard error goes into the file `errors`, else into a pipe, which must not fill.
    """
    with ExitStack() as stack:
        said = subprocess.PIPE if errors is None else stack.enter_context(errors.open("a"))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVE, db_url, MASTER.decode(), mode],
            cwd=Path(cashier.__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate()[1] or errors
        yield process, url
    finally:
        process.kill()
        process.communicate()
