"""The daily report against a bare QPainter page writer on the same rows, and its memory for 20,000 receipts.

    .venv/bin/python -m pytest tests/bench/test_daily_report.py --bench -s

One interleaved run of processes: each contender paints the same rows into a PDF in turn, round after round;
what is compared is each round's ratio, and the median counts. The bare writer does the least that a page of
these rows needs: one font, one drawText a cell, a line under each row, a new page when one is full. The
report also has its headings, page numbers, cut texts and totals. Times do not carry over to other machines.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 7
RECEIPTS = 2_000
MANY = 20_000
RATIO_MAX = 1.3
MEMORY_MAX_MIB = 100

COMMON = """
import json, sys, time
from pathlib import Path
from PySide6.QtGui import QGuiApplication
app = QGuiApplication(["bench", "-platform", "offscreen"])
from tests.bench.test_daily_report import receipts
"""
REPORT = (
    COMMON
    + """
from cashier.paper.daily_page import pdf_bytes
from tests.helpers.daily import report_of
report = report_of(list(receipts(int(sys.argv[1]))))
pdf_bytes(report_of(list(receipts(50))))
start = time.perf_counter()
data = pdf_bytes(report)
print(json.dumps({"seconds": time.perf_counter() - start, "bytes": len(data)}))
"""
)
BARE = (
    COMMON
    + """
from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPageLayout, QPageSize, QPainter, QPdfWriter
from cashier.paper import daily_page, sheet
from tests.helpers.daily import report_of
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextSingleLine)

def bare(rows, height):
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(data)
    margins = QMarginsF(36, 36, 36, 36)
    page = QPageSize(QPageSize.PageSizeId.Letter)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, margins))
    writer.setResolution(300)
    painter = QPainter(writer)
    painter.scale(300 / 720, 300 / 720)
    font = QFont("DejaVu Sans")
    font.setPixelSize(80)
    font.setFeature(QFont.Tag("tnum"), 1)
    painter.setFont(font)
    y = 0.0
    for cells in rows:
        if y + height > 7200 - 520:
            writer.newPage()
            painter.setFont(font)
            y = 0.0
        painter.drawLine(QPointF(0, y), QPointF(5400, y))
        for x, width, right, text in cells:
            if right:
                painter.drawText(QRectF(x, y + 8, width, height), RIGHT, text)
            else:
                painter.drawText(QPointF(x, y + 82), text)
        y += height
    painter.end()
    return bytes(data.data().data())

# The very rows of the report, as plain cells.
layout = daily_page.Layout(report_of(list(receipts(int(sys.argv[1])))))
rows, height = [], 0.0
for item in layout.items:
    if item.table is not None:
        table = item.draw.__self__
        values = item.args[0](item.args[1]) if callable(item.args[0]) else item.args[0]
        cells = zip(table.columns, values, strict=True)
        rows.append([(c.x * 10, c.width * 10 - 60, c.right, text) for c, text in cells if text])
        height = item.height
bare(rows[:100], height)
start = time.perf_counter()
data = bare(rows, height)
print(json.dumps({"seconds": time.perf_counter() - start, "bytes": len(data), "rows": len(rows)}))
"""
)
MEMORY = """
import json, sys
from pathlib import Path
from cashier.report_verbs import daily, print_report, save_csv
from cashier.domain.daily import Scope
import datetime as dt
day = dt.date(2026, 2, 3)
journal, out = Path(sys.argv[1]), Path(sys.argv[2])
report = daily(journal, None, Scope(day, day))
assert report.figures.receipts.count == int(sys.argv[3]), report.figures.receipts
print_report(report, out / "day.pdf", "Letter", (journal,))
save_csv(report, out / "day.csv", (journal,))
# Not ru_maxrss: Linux lets a child begin with what its parent had when it was started.
[line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"mib": int(line.split()[1]) / 1024}))
"""


def receipts(count: int):  # type: ignore[no-untyped-def]
    """Receipts one by one, by card, check and cash in turn."""
    from tests.helpers.daily import card, cash, check, receipt

    for number in range(1, count + 1):
        tender = (card(12_345, 309), check(9_900, f"{number}"), cash(4_500, 5_000))[number % 3]
        yield receipt(number, tender)


def run(code: str, *words: object) -> dict[str, float]:
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, float] = json.loads(done.stdout)
    return said


@pytest.mark.usefixtures("bench")
def test_a_report_costs_little_more_than_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    ratios, own, least = [], [], []
    for _ in range(ROUNDS):
        bare, report = run(BARE, RECEIPTS), run(REPORT, RECEIPTS)
        ratios.append(report["seconds"] / bare["seconds"])
        own.append(report["seconds"])
        least.append(bare["seconds"])
    with capsys.disabled():
        print(
            f"\n{RECEIPTS} receipts, {bare['rows']:.0f} rows, medians of {ROUNDS}: bare writer "
            f"{statistics.median(least):.2f} s, report {statistics.median(own):.2f} s, "
            f"ratio {statistics.median(ratios):.2f}"
        )
    assert statistics.median(ratios) <= RATIO_MAX


@pytest.mark.usefixtures("bench")
def test_many_receipts_fit_into_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cashier.journal.store import SqliteJournal
    from tests.fakes.entries import Drafts, FixedClock, make_sale

    journal, drafts = tmp_path / "journal.db", Drafts()
    with SqliteJournal(journal, till="A", clock=FixedClock(), holder="bench") as opened:
        for start in range(0, MANY, 1_000):
            opened.record(
                [drafts.receipt(f"s{n}", make_sale(f"Payer {n}")) for n in range(start, start + 1_000)]
            )
    took = run(MEMORY, journal, tmp_path, MANY)
    with capsys.disabled():
        print(f"\n{MANY} receipts as PDF and CSV: {took['mib']:.0f} MiB at most")
    assert took["mib"] <= MEMORY_MAX_MIB
