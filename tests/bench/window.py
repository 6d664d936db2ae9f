"""A till's real window, a process of its own, that sends a queue to its hub; how long its loop stood still.

    python -m tests.bench.window FOLDER ENTRIES < where the servers are, as JSON

Prints JSON: the longest times between two ticks of a 5 ms timer of Qt's, in ms, with nothing to do and while
sending, and the most that the window's thread itself was at work between two; the seconds that sending took.
A wait of the outbox between two tries is cut short, as by a hub that has answered somebody else: the queue is
to be under way all the time.
"""

import asyncio
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import qasync
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from cashier import paths
from cashier.bootstrap import account_view_maker, open_till, view_maker
from cashier.data_files import JOURNAL, daybook_of
from cashier.domain.outbox import Phase
from cashier.journal.store import SqliteJournal
from cashier.secrets import Secrets
from cashier.settings import check
from cashier.training import SITE, TILL, Servers, Training, begin, secrets_of
from cashier.ui import theme
from cashier.ui.payer import until
from cashier.ui.window import MainWindow
from tests.bench.rows import chain
from tests.fakes.clock import MovingClock
from tests.fakes.keyring import memory_keyring

TICK_MS = 5
NUDGE_MS = 20
IDLE_S = 2.0
PATIENCE_S = 600.0


class Ticks:
    """A timer on the window's own loop, and the longest between two of its ticks."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._ticks: list[tuple[float, float]] = []

    def start(self) -> None:
        self._ticks = []
        self._tick()
        self._timer.start(TICK_MS)

    def stop(self) -> tuple[list[float], list[float]]:
        """All gaps in ms, the longest last; and how much of each this thread was at work, likewise."""
        self._timer.stop()
        gaps = [
            [(after - before) * 1000 for before, after in pairwise(times)]
            for times in zip(*self._ticks, strict=True)
        ]
        return sorted(gaps[0]), sorted(gaps[1])

    def _tick(self) -> None:
        self._ticks.append((time.perf_counter(), time.thread_time()))


async def play(app: QApplication, folder: Path, servers: Servers) -> dict[str, object]:
    training = Training(folder)
    training.servers = servers
    settings = check(training.settings({"data_folder": str(folder)}), "bench", environment=False)
    window = MainWindow(theme.put_on(app, paths.resources()), training=True)
    window.show()
    secrets = Secrets(SITE, TILL, secrets_of(servers.till_key))
    async with open_till(settings, secrets, lister=lambda: ()) as till:
        till.outbox.pause()
        await begin(till)
        window.attach(till, view_maker(settings), daybook_of(settings), None, account_view_maker(settings))
        await until(_is_verified, "the journal is verified")
        await until(lambda: till.snapshot().line.value == "online", "hub and gateway")

        def nudge() -> None:
            if till.outbox.view().phase is Phase.WAITING:
                till.outbox.line_is_up()

        nudging, ticks = QTimer(), Ticks()
        nudging.timeout.connect(nudge)
        ticks.start()
        await asyncio.sleep(IDLE_S)
        idle, _ = ticks.stop()
        owed = till.outbox.view().to_send
        start = time.perf_counter()
        ticks.start()
        nudging.start(NUDGE_MS)
        till.outbox.resume()
        await until(lambda: till.outbox.view().to_send == 0, "everything is sent", PATIENCE_S)
        nudging.stop()
        gaps, busy = ticks.stop()
        told = {
            "owed": owed,
            "recorded": till._journal.head().seq,
            "seconds": time.perf_counter() - start,
            "idle_ms": idle[-1],
            "longest_ms": gaps[-5:],
            "p99_ms": gaps[len(gaps) * 99 // 100],
            "busy_ms": busy[-1],
        }
        window.close()
        window.deleteLater()
        return told


def _is_verified() -> bool:
    return all(task.get_name() != "verifying the journal" for task in asyncio.all_tasks())


def main(folder: Path, entries: int) -> None:
    servers = Servers(**json.loads(sys.stdin.readline()))
    with SqliteJournal(folder / JOURNAL, till=TILL, clock=MovingClock(), holder="a bench") as journal:
        journal.adopt(list(chain(TILL, entries, days=1)))
    app = QApplication(["bench", "-platform", "offscreen"])
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with memory_keyring(), loop:
        told = loop.run_until_complete(play(app, folder, servers))
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
