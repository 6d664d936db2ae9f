"""Rescued receipts on the page of receipts: found with the till's own, read, copied, never undone."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from cashier.domain.entries import EntryKind
from cashier.domain.prints import PRINT_KINDS
from cashier.journal.rescued import RescuedFile
from cashier.journal.store import SqliteJournal
from cashier.till.printing import PrintConfig
from cashier.ui.rail import RECEIPTS
from cashier.ui.receipts_page import ReceiptsPage
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts, make_sale
from tests.fakes.printer import FakePrinter
from tests.helpers.journal_file import rows_in
from tests.ui.desk import Desk

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
CONTROL_SHIFT = CONTROL | Qt.KeyboardModifier.ShiftModifier
NUMBER, TIME, PAYER, PERMIT, PAID, STATE = range(6)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """What stands in `imported` of a dead till B: two receipts, the second of them void."""
    file = tmp_path / "town-B.db"
    with SqliteJournal(file, till="B", clock=MovingClock(), holder="the rescue") as journal:
        drafts = Drafts("b", "B")
        journal.record(drafts.paid_sale("b1", make_sale("Robin Rescued", "P-71")))
        journal.record(drafts.paid_sale("b2", make_sale("Kim Rescued", "P-72")))
        void = {
            "receipt": "B-000002",
            "business_date": "2026-02-03",
            "amount_cents": 22418,
            "reason": "wrong amount",
            "text": "typed wrongly",
            "requester": "Kim Clerk",
            "approver": "Pat Supervisor",
        }
        journal.record([drafts.draft(EntryKind.RECEIPT_VOIDED, "b2", void)])
    return file


@pytest.fixture
def page(desk: Desk, disk: Path) -> ReceiptsPage:
    """The page, with an own receipt and the rescued ones."""
    desk.rescued = lambda: [RescuedFile(disk, "B", desk.clock.today)]
    desk.journal.record(Drafts().paid_sale("s1", make_sale("Robin Example", "P-1")))
    desk.start()
    desk.window.show_page(RECEIPTS)
    return desk.window.receipts


def column(page: ReceiptsPage, at: int) -> list[str]:
    return [page.model.index(row, at).data() for row in range(page.model.rowCount())]


def find(desk: Desk, page: ReceiptsPage, text: str) -> None:
    page.search.setFocus()
    page.search.clear()
    desk.type(text)
    desk.lay_out()


def test_o8_rescued_receipts_are_found_on_the_page_and_say_whose_they_are(
    desk: Desk, page: ReceiptsPage, disk: Path
) -> None:
    before = rows_in(disk)
    assert sorted(column(page, NUMBER)) == [
        "A-000001",
        "B-000001 · rescued, till B",
        "B-000002 · rescued, till B",
    ]
    find(desk, page, "P-71")
    assert column(page, PAYER) == ["Robin Rescued"]
    assert page.view.receipt is not None and page.view.receipt.number == "B-000001"
    said = " ".join(item.left + item.right for item in page.view.items)
    for wanted in ("Robin Rescued", "224.18", "B-000001"):
        assert wanted in said, "its details are readable"
    find(desk, page, "b-2")
    assert (column(page, PAYER), column(page, STATE)) == (["Kim Rescued"], ["✕  VOID"])
    find(desk, page, "1")
    assert column(page, NUMBER)[:2] == ["A-000001", "B-000001 · rescued, till B"], "one of each till, by 1"
    assert rows_in(disk) == before


def test_o8_a_rescued_receipt_is_never_voided_or_refunded_here(desk: Desk, page: ReceiptsPage) -> None:
    find(desk, page, "P-71")
    panel = page.corrections
    assert [button.isEnabled() for button in panel.acts] == [False, False, False]
    assert not any(button.isVisible() for button in panel.papers)
    said = panel.why.text()
    assert said.startswith("Void, Refund, Returned check: B-000001 is a receipt of till B")
    assert "Only till B can void or refund it" in said and "finance office" in said
    for key in (Key.Key_V, Key.Key_R, Key.Key_B):
        desk.key(key, CONTROL_SHIFT)
    assert desk.dialogs == []
    find(desk, page, "P-1")
    assert "till B" not in panel.why.text(), "this till's own are as they were"


def test_o8_a_copy_of_a_rescued_receipt_is_a_duplicate_in_this_tills_journal(desk: Desk, disk: Path) -> None:
    printer = FakePrinter()
    desk.prints = PrintConfig(local=lambda stamp: stamp[:16], printer=printer)
    desk.rescued = lambda: [RescuedFile(disk, "B", desk.clock.today)]
    before = rows_in(disk)
    desk.start()
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    find(desk, page, "P-71")
    assert page.panel.print.text() == "Print a copy   Ctrl+P"
    for copy in (1, 2):
        desk.key(Key.Key_P, CONTROL)
        desk.loop.run_until_complete(desk.till.printing.work())
        assert f"DUPLICATE {copy}" in printer.texts[-1] and "B-000001" in printer.texts[-1]
    find(desk, page, "P-72")
    desk.key(Key.Key_P, CONTROL)
    desk.loop.run_until_complete(desk.till.printing.work())
    assert "VOID" in printer.texts[-1]
    assert page.corrections.endorse.isHidden()
    recorded = [entry for entry in desk.journal.entries("B-000001") if entry.kind in PRINT_KINDS]
    assert [entry.kind for entry in recorded] == 2 * [
        EntryKind.PRINT_ASKED,
        EntryKind.PRINT_STARTED,
        EntryKind.PRINTED,
    ]
    assert {entry.till for entry in recorded} == {"A"}
    assert rows_in(disk) == before, "nothing is ever added to a rescued journal"


def test_o8_a_rescued_receipt_is_saved_as_a_file_too(desk: Desk, page: ReceiptsPage, tmp_path: Path) -> None:
    find(desk, page, "P-71")
    desk.click(page.save)
    [dialog] = desk.dialogs
    assert isinstance(dialog, QFileDialog)
    desk.window.papers.write_receipt(page.view.receipt, tmp_path / "copy.pdf")
    assert (tmp_path / "copy.pdf").read_bytes().startswith(b"%PDF")
    [asked, printed] = desk.journal.entries("B-000001")
    assert (asked.body["copy"], printed.kind) == (1, EntryKind.PRINTED)


def test_o8_a_rescued_journal_that_cannot_be_read_is_named_and_hides_nothing_else(
    desk: Desk, disk: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "town-C.db"
    damaged.write_bytes(b"no journal at all, and longer than a header of one" * 99)
    files = {"C": damaged, "B": disk}
    desk.rescued = lambda: [RescuedFile(file, till, desk.clock.today) for till, file in files.items()]
    desk.start()
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    assert len(column(page, NUMBER)) == 2
    assert page.unread.isVisible()
    said = page.unread.text()
    assert said.startswith("The rescued journal of till C cannot be read: its file is damaged.")
    assert "Take no payments" not in said
    del files["C"]
    page.refresh()
    assert not page.unread.isVisible()


def test_o8_a_journal_imported_while_the_window_is_open_is_found(desk: Desk, disk: Path) -> None:
    files: list[RescuedFile] = []
    desk.rescued = lambda: tuple(files)
    desk.start()
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    assert column(page, NUMBER) == []
    files.append(RescuedFile(disk, "B", desk.clock.today))
    find(desk, page, "Rescued")
    assert len(column(page, NUMBER)) == 2
    assert column(page, STATE)[column(page, PAYER).index("Kim Rescued")] == "✕  VOID"
