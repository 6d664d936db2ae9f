"""The lines of a sale: under their invoices, changed and removed in place."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from cashier.till.draft import LINES_MAX
from tests.fakes.entries import Drafts, make_sale
from tests.ui.desk import Desk

Key = Qt.Key


def top(tree: QTreeWidget, at: int) -> QTreeWidgetItem:
    """An invoice's heading."""
    item = tree.topLevelItem(at)
    assert item is not None
    return item


def line_of(tree: QTreeWidget, invoice: int, at: int) -> QTreeWidgetItem:
    """A line of an invoice."""
    item = top(tree, invoice).child(at)
    assert item is not None
    return item


def marked(tree: QTreeWidget) -> str:
    """The marked line, up to what explains it."""
    item = tree.currentItem()
    assert item is not None
    return item.text(0).split("   ")[0]


def on_sale(desk: Desk, widget: QWidget) -> None:
    """The focus is where it should be."""
    assert desk.focus is widget, f"{desk.focus} {desk.focus.accessibleName()!r}"


# -- lines ---------------------------------------------------------------------------------------------------


def test_lines_stand_under_their_invoices_with_totals(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "right-of-way", "copies")
    tree = desk.window.sale.invoices.tree
    shown = []
    for at in range(tree.topLevelItemCount()):
        heading = top(tree, at)
        lines = [line_of(tree, at, n) for n in range(heading.childCount())]
        texts = [(line.text(0).split("   ")[0], line.text(1)) for line in lines]
        shown.append((heading.text(0), heading.text(1), texts))
    assert shown == [
        ("93  Planning · 2 fees", "150.00", [("Planning application", "150.00"), ("Copies", "0.00")]),
        ("43  Permits · 1 fee", "110.00", [("Right-of-way permit", "110.00")]),
    ]
    assert desk.window.sale.total.text() == "260.00"
    assert desk.window.sale.service_fee.text() == "+ 6.50"
    assert desk.window.sale.with_fee.text() == "266.50"


def test_a_percentage_follows_the_fee_it_is_of(desk: Desk) -> None:
    desk.start()
    desk.fill("plan-review")
    assert desk.window.sale.total.text() == "35.00"
    desk.window.sale.focus_start()
    desk.type("building perm")
    desk.key(Key.Key_Return)
    desk.type("25500")
    desk.key(Key.Key_Return)
    assert desk.window.sale.total.text() == "273.00"  # 195.00 and 40 % of it


def test_a_line_is_changed_in_place(desk: Desk) -> None:
    desk.start()
    desk.fill("copies", "planning-application")
    sale = desk.window.sale
    for key, pages in ((Key.Key_Return, "25"), (Key.Key_F2, "45")):
        desk.key(Key.Key_F6)
        desk.key(Key.Key_Home)
        desk.key(key)
        on_sale(desk, sale.fees.inputs[""])
        assert sale.fees.add.text() == "Change"
        desk.type(pages)
        desk.key(Key.Key_Return)
        on_sale(desk, sale.fees.search)
    assert desk.lines == [("copies", 45), ("planning-application", 1)]
    tree = sale.invoices.tree
    line = line_of(tree, 0, 0)
    desk.double_click(tree.viewport(), tree.visualItemRect(line).center())
    assert sale.fees.inputs[""].text() == "45"


def test_lines_are_removed_one_after_the_other(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "right-of-way", "copies")
    tree = desk.window.sale.invoices.tree
    desk.key(Key.Key_F6)
    desk.key(Key.Key_Home)
    desk.key(Key.Key_Delete)
    assert desk.lines == [("right-of-way", 1), ("copies", 1)]
    on_sale(desk, tree)
    desk.key(Key.Key_Delete)
    assert desk.lines == [("copies", 1)]
    on_sale(desk, tree)
    desk.key(Key.Key_Delete)
    assert desk.lines == []
    on_sale(desk, desk.window.sale.fees.search)


def test_a_refused_removal_says_why(desk: Desk) -> None:
    desk.start()
    desk.fill("right-of-way", "technology")
    desk.key(Key.Key_F6)
    desk.key(Key.Key_Home)
    desk.key(Key.Key_Delete)
    assert len(desk.lines) == 2
    assert "Technology surcharge" in desk.window.sale.note.text()
    assert desk.window.sale.note.isVisible()
    on_sale(desk, desk.window.sale.invoices.tree)


def test_the_arrows_step_from_line_to_line_over_the_headings(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "right-of-way", "variance")
    desk.key(Key.Key_F6)
    desk.key(Key.Key_Home)
    tree = desk.window.sale.invoices.tree
    seen = []
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Down, Key.Key_Up, Key.Key_Up, Key.Key_Up):
        seen.append(marked(tree))
        desk.key(key)
    assert seen == [
        "Planning application",
        "Right-of-way permit",
        "Zoning variance",
        "Zoning variance",
        "Right-of-way permit",
        "Planning application",
    ]
    assert marked(tree) == "Planning application"


def test_sixty_lines_and_no_more_with_the_newest_in_sight(desk: Desk) -> None:
    desk.start((1080, 700))
    desk.fill(*["planning-application"] * LINES_MAX)
    tree = desk.window.sale.invoices.tree
    newest = line_of(tree, 0, LINES_MAX - 1)
    assert tree.viewport().rect().contains(tree.visualItemRect(newest))
    # Also after a long note has taken some of its room.
    desk.till.choose_reader("lane-3000")
    desk.till.remove_fee(LINES_MAX)
    desk.till.add_fee("right-of-way")
    desk.lay_out()
    newest = line_of(tree, 1, 0)
    assert tree.viewport().rect().contains(tree.visualItemRect(newest))
    assert desk.window.sale.reader_note.isVisible()
    desk.window.sale.focus_start()
    desk.type("planning app")
    desk.key(Key.Key_Return)
    assert len(desk.lines) == LINES_MAX
    assert "at most 60 fees" in desk.window.sale.fees.reason.text()
    assert desk.window.sale.fees.reason.isVisible()
    on_sale(desk, desk.window.sale.fees.search)


def test_an_empty_sale_says_what_to_do_with_the_last_three_sales(desk: Desk) -> None:
    drafts = Drafts()
    for number in range(5):
        desk.journal.record(drafts.paid_sale(f"s{number}", make_sale(f"Robin {number}", invoice="700001")))
    desk.start()
    text = desk.window.sale.invoices.empty.text()
    assert "Type a word of a fee's name, press Enter" in text
    assert [word for word in text.split() if word.startswith("A-")] == ["A-000005", "A-000004", "A-000003"]
    assert "Robin 4   224.18" in text
