"""The receipts page: searched as typed, the receipt beside the list, PAID in blue."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.sale import Customer
from cashier.paper.logo import Logo
from cashier.ui.rail import RECEIPTS
from cashier.ui.receipt_view import ReceiptView
from cashier.ui.receipts_page import ReceiptsPage
from tests.fakes.entries import Drafts, make_receipt, make_sale
from tests.ui.desk import Desk

Key = Qt.Key
NUMBER, TIME, PAYER, PERMIT, PAID, STATE = range(6)


def page_of(desk: Desk, *names: str) -> ReceiptsPage:
    """The page with a receipt for each name, of permits P-1 and so on, oldest first."""
    drafts = Drafts()
    for place, name in enumerate(names, 1):
        desk.journal.record(drafts.paid_sale(f"s{place}", make_sale(name, f"P-{place}")))
    desk.start()
    desk.key(Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    return desk.window.receipts


def column(page: ReceiptsPage, at: int) -> list[str]:
    """A column's texts."""
    return [page.model.index(row, at).data() for row in range(page.model.rowCount())]


def test_typing_searches_and_the_newest_comes_first(desk: Desk) -> None:
    page = page_of(desk, "Robin Example", "Kim Sample", "Robin Other")
    assert desk.focus is page.search
    assert column(page, NUMBER) == ["A-000003", "A-000002", "A-000001"]
    desk.type("robin")
    assert column(page, PAYER) == ["Robin Other", "Robin Example"]
    assert page.found.text() == "2 shown"
    desk.type(" ex")
    assert column(page, PAYER) == ["Robin Example"]
    assert page.view.receipt is not None and page.view.receipt.number == "A-000001"
    desk.key(Key.Key_Escape)
    assert page.search.text() == ""
    assert page.model.rowCount() == 3


@pytest.mark.parametrize("text", ["A-000002", "2", "P-2", "224.18 kim"])
def test_number_permit_and_amount_are_found(desk: Desk, text: str) -> None:
    page = page_of(desk, "Robin Example", "Kim Sample")
    desk.type(text)
    assert column(page, NUMBER) == ["A-000002"]


def test_the_keyboard_goes_through_the_list_from_the_search_field(desk: Desk) -> None:
    page = page_of(desk, "Robin One", "Robin Two", "Robin Three")
    seen = []
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Down, Key.Key_Up):
        desk.key(key)
        assert page.view.receipt is not None
        seen.append(page.view.receipt.customer.name)
    assert seen == ["Robin Two", "Robin One", "Robin One", "Robin Two"]
    assert desk.focus is page.search
    for widget in (page.search, page.table, page.view, page.save):
        assert desk.focus is widget
        desk.key(Key.Key_Tab)
    page.table.setFocus()
    desk.key(Key.Key_Down)
    assert page.view.receipt is not None and page.view.receipt.customer.name == "Robin One"


def test_typing_in_the_list_searches(desk: Desk) -> None:
    page = page_of(desk, "Robin Example", "Kim Sample")
    for place in (page.table, page.view, page.save, desk.window.rail.buttons[RECEIPTS]):
        page.search.clear()
        place.setFocus()
        desk.type("kim")
        assert desk.focus is page.search
        assert column(page, PAYER) == ["Kim Sample"]


def test_what_is_selected_stays_so_when_news_comes(desk: Desk) -> None:
    page = page_of(desk, "Robin One", "Robin Two", "Robin Three")
    desk.key(Key.Key_Down)
    desk.journal.record(Drafts("later").paid_sale("s9", make_sale("Robin Nine")))
    desk.till.choose_reader("swipe")
    assert column(page, PAYER)[0] == "Robin Nine"
    assert page.view.receipt is not None and page.view.receipt.customer.name == "Robin Two"
    assert page.table.currentIndex().row() == 2
    page.table.verticalScrollBar().setValue(1)
    place = page.table.verticalScrollBar().value()
    desk.till.choose_reader(None)
    assert page.table.verticalScrollBar().value() == place


def test_nothing_found_shows_nothing_and_saves_nothing(desk: Desk) -> None:
    page = page_of(desk, "Robin Example")
    desk.type("zzz")
    assert page.found.text() == "Nothing found."
    assert page.view.receipt is None
    assert not page.save.isEnabled()
    for key in (Key.Key_Down, Key.Key_Up, Key.Key_Return):
        desk.key(key)
    assert page.view.receipt is None
    desk.key(Key.Key_Escape)
    assert page.view.receipt is not None
    assert page.save.isEnabled()


def test_saving_asks_where_with_the_receipts_number(desk: Desk) -> None:
    page = page_of(desk, "Robin Example", "Kim Sample")
    asked: list[str] = []
    page.save_asked.connect(lambda receipt: asked.append(receipt.number))
    page.save.setFocus()
    desk.key(Key.Key_Return)
    assert asked == ["A-000002"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("selected", [False, True])
def test_paid_is_blue_and_stays_so_when_selected(desk: Desk, dark: bool, selected: bool) -> None:
    drafts = Drafts()
    for place in (1, 2):
        desk.journal.record(drafts.paid_sale(f"s{place}"))
    desk.start(dark=dark)
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    page.table.selectRow(0 if selected else 1)
    desk.lay_out()
    cell = page.table.visualRect(page.model.index(0, STATE))
    picture = page.table.viewport().grab(QRect(cell.topLeft(), cell.size())).toImage()
    assert _has(picture, QColor(desk.theme.text("accent")))
    background = QColor(picture.pixel(QPoint(3, 3)))
    assert background == QColor(desk.theme.text("accent_soft" if selected else "card"))
    other = page.table.visualRect(page.model.index(0, PAYER))
    text = page.table.viewport().grab(QRect(other.topLeft(), other.size())).toImage()
    assert _has(text, QColor(desk.theme.text("text")))


def _has(picture: QImage, color: QColor) -> bool:
    """Whether a colour is in a picture; edges of letters are blended, their middles are not."""
    return any(
        QColor(picture.pixel(x, y)) == color for x in range(picture.width()) for y in range(picture.height())
    )


def test_p14_partly_paid_says_what_is_left_in_amber(desk: Desk) -> None:
    drafts, sale = Drafts(), make_sale()
    receipt = make_receipt("s1", sale, paid_cents=4000)
    desk.journal.record(
        [drafts.sale("s1", sale), drafts.receipt("s1", sale, tenders=receipt.tenders, training=False)]
    )
    desk.start()
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    assert column(page, STATE) == ["PARTLY PAID, 184.18 due"]
    color = page.model.index(0, STATE).data(Qt.ItemDataRole.ForegroundRole)
    assert color == QColor(desk.theme.text("waiting"))
    assert "partly paid" in page.view.accessibleName()


@pytest.mark.parametrize("width", [1080, 1360])
def test_the_list_fits_with_the_longest_of_everything(desk: Desk, width: int) -> None:
    drafts = Drafts()
    sale = replace(make_sale(), customer=Customer("J_1", "Robin Example " * 7))
    part = (Tender(TenderKind.CARD, Cents(100)),)
    desk.journal.record(
        [drafts.sale("s1", sale), drafts.receipt("s1", sale, tenders=part), *drafts.paid_sale("s2")]
    )
    desk.start((width, 700))
    desk.window.show_page(RECEIPTS)
    desk.lay_out()
    table = desk.window.receipts.table
    assert not table.horizontalScrollBar().isVisible()
    assert not desk.window.receipts.view.horizontalScrollBar().isVisible()
    for at in (NUMBER, PAID, STATE):
        assert table.columnWidth(at) >= table.sizeHintForColumn(at)
    assert table.columnWidth(PAYER) > 60


def test_a_long_receipt_is_scrolled_by_keyboard(desk: Desk) -> None:
    page = page_of(desk, "Robin Example")
    desk.window.resize(1080, 700)
    fees = make_sale().invoices[0].fees * 30
    sale = make_sale("Kim Long")
    long = replace(sale, invoices=(replace(sale.invoices[0], fees=fees),))
    drafts = Drafts("long")
    desk.journal.record([drafts.sale("s8", long), drafts.receipt("s8", long)])
    page.refresh()
    desk.key(Key.Key_Up)
    desk.lay_out()
    bar = page.view.verticalScrollBar()
    assert bar.maximum() > 0
    page.view.setFocus()
    for _ in range(100):
        desk.key(Key.Key_Down)
    assert bar.value() == bar.maximum()
    # Another receipt is shown from its top.
    page.search.setFocus()
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Up)
    assert bar.value() == 0


def test_the_screen_shows_the_logo_that_the_page_has(qtbot: QtBot, tmp_path: Path) -> None:
    picture = QImage(400, 100, QImage.Format.Format_RGB32)
    picture.fill(QColor("#c00000"))
    assert picture.save(str(tmp_path / "logo.png"))
    view = ReceiptView()
    qtbot.addWidget(view)
    view.resize(520, 700)
    view.logo = Logo(tmp_path / "logo.png")
    view.show_receipt(make_receipt("s1", make_sale()))
    image = view.widget().grab().toImage()
    middle = image.width() // 2
    assert "#c00000" in {image.pixelColor(middle, y).name() for y in range(image.height() // 3)}
