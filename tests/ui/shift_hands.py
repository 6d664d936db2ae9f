"""Hands for the tests of the Shift page: a count field by field, a supervisor's PIN, every text there is."""

from collections.abc import Iterator, Mapping

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QEvent, QModelIndex, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QWidget,
)

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.receipt import Tender, TenderKind
from cashier.till.config import DrawerRules
from cashier.ui.approval_dialog import ApprovalDialog
from cashier.ui.rail import SHIFT
from cashier.ui.shift_page import ShiftPage, Showing
from tests.fakes.people import PIN
from tests.ui.desk import WAIT_MS, Desk
from tests.ui.test_accessibility import walk

Key = Qt.Key
REASON = "Counted together, agreed"


def counter(desk: Desk, *, has_shift: bool = True, **rules: object) -> ShiftPage:
    """A counter with its Shift page up. `rules` are members of DrawerRules."""
    desk.has_shift = has_shift
    desk.config = desk.config_with(drawer=DrawerRules(**rules))  # type: ignore[arg-type]
    desk.start()
    desk.window.show_page(SHIFT)
    return desk.window.shift


def kinds(desk: Desk, *wanted: EntryKind) -> list[Entry]:
    """The entries of some kinds, in order."""
    return list(desk.journal.entries_of(wanted))


def take(desk: Desk, kind: TenderKind, *codes: str) -> None:
    """A sale that is paid exactly, as if it had been typed."""
    desk.fill(*codes)
    due = desk.draft.due_cents
    if kind is TenderKind.CASH:
        desk.till.take_tender(Tender(kind, due, received_cents=due))
    else:
        desk.till.take_tender(Tender(kind, due, number="1042", bank="First Bank", payer="Robin Example"))
    desk.till.new_sale()


def type_count(desk: Desk, page: ShiftPage, pieces: Mapping[int, int], papers: tuple[str, ...] = ()) -> None:
    """Type a whole count by keyboard, from the first field to the button, and press it.

    `papers` are number and sum of the checks, then of the money orders; the rest is none.
    """
    assert page.showing is Showing.COUNT
    page.counting.fields[0].setFocus()
    for cents in page.counting.pieces:
        desk.type(str(pieces.get(cents, 0)))
        desk.key(Key.Key_Return)
    for text in (*papers, "0", "0", "0", "0")[:4]:
        desk.type(text)
        desk.key(Key.Key_Return)
    assert desk.focus is page.counting.done
    desk.key(Key.Key_Return)


def look(desk: Desk, page: ShiftPage, pin: str = PIN) -> None:
    """A supervisor enters their PIN to see the count."""
    page.waiting.review.click()
    dialog = approval(desk)
    QTest.keyClicks(dialog.pin, pin)
    QTest.keyClick(dialog.pin, Key.Key_Return)
    desk.settle()
    at_the_window(desk)


def at_the_window(desk: Desk) -> None:
    """A dialog was left: the window has the keys again, as a window manager sees to it."""
    if not desk.dialogs:
        desk.window.activateWindow()
        desk.qtbot.waitUntil(desk.window.isActiveWindow, timeout=WAIT_MS)


def approval(desk: Desk) -> ApprovalDialog:
    """The dialog that is up."""
    (dialog,) = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    return dialog


def every_text(desk: Desk) -> Iterator[str]:
    """Every text of the window and its dialogs: seen or not, in tool tips, models and for screen readers."""
    desk.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # what is to be deleted is
    yield desk.window.windowTitle()
    for widget in (desk.window, *desk.window.findChildren(QWidget)):
        yield widget.toolTip()
        yield widget.accessibleName()
        yield widget.accessibleDescription()
        yield widget.statusTip()
        if isinstance(widget, (QLabel, QAbstractButton)):
            yield widget.text()
        elif isinstance(widget, QLineEdit):
            yield widget.text()
            yield widget.placeholderText()
        elif isinstance(widget, QMessageBox):
            yield widget.text()
        elif isinstance(widget, (QComboBox, QAbstractItemView)) and widget.model() is not None:
            yield from _model_texts(widget.model())
    top = QAccessible.queryAccessibleInterface(desk.window)
    assert top is not None
    for one in walk(top):
        for kind in (QAccessible.Text.Name, QAccessible.Text.Value, QAccessible.Text.Description):
            yield one.text(kind)
    clipboard = QApplication.clipboard()
    yield clipboard.text()


def _model_texts(model: QAbstractItemModel) -> Iterator[str]:
    roles = (
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.AccessibleTextRole,
        Qt.ItemDataRole.AccessibleDescriptionRole,
        Qt.ItemDataRole.UserRole,
    )
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for line in range(model.rowCount(QModelIndex())):
        for column in range(columns):
            for role in roles:
                yield str(model.index(line, column).data(role) or "")


def found(desk: Desk, *figures: str) -> list[str]:
    """Which of these figures stand anywhere."""
    texts = list(every_text(desk))
    assert len(texts) > 100
    return [figure for figure in figures if any(figure in text for text in texts)]
