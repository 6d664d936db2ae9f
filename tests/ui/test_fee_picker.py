"""Finding a fee, answering what it asks, and its price before it is added."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor

from cashier.ui.fee_picker import CODE_ROLE, FeePicker, OfferRow
from cashier.ui.widgets import ElidedLabel
from tests.ui.desk import Desk

Key = Qt.Key


@pytest.fixture
def fees(desk: Desk) -> FeePicker:
    """The fee picker of a sale for somebody, with the focus in its search field."""
    desk.start()
    return desk.window.sale.fees


def codes(fees: FeePicker) -> list[str]:
    """The fees that are offered."""
    return [fees.offers.item(at).data(CODE_ROLE) for at in range(fees.offers.count())]


# -- searching -----------------------------------------------------------------------------------------------


def test_typing_finds_and_enter_adds_the_best(desk: Desk, fees: FeePicker) -> None:
    desk.type("plann")
    assert codes(fees)[0] == "planning-application"
    assert fees.offers.currentRow() == 0
    desk.key(Key.Key_Return)
    assert desk.lines == [("planning-application", 1)]
    assert fees.search.text() == ""
    assert desk.focus is fees.search


def test_the_arrows_choose_while_the_cursor_stays(desk: Desk, fees: FeePicker) -> None:
    desk.type("plan")
    second = codes(fees)[1]
    desk.key(Key.Key_Down)
    assert desk.focus is fees.search
    assert fees.offers.currentItem().data(CODE_ROLE) == second
    for _ in range(30):
        desk.key(Key.Key_Down)
    assert fees.offers.currentRow() == fees.offers.count() - 1
    for _ in range(30):
        desk.key(Key.Key_Up)
    assert fees.offers.currentRow() == 0


def test_enter_in_the_list_takes_the_marked_fee(desk: Desk, fees: FeePicker) -> None:
    desk.type("planning")
    desk.key(Key.Key_Tab)
    assert desk.focus is fees.offers
    desk.hold(None, Key.Key_Return)
    assert desk.lines == [("planning-application", 1)]
    assert desk.focus is fees.search


def test_enter_on_an_empty_field_adds_nothing(desk: Desk, fees: FeePicker) -> None:
    desk.hold(None, Key.Key_Return)
    desk.type("no such fee at all")
    desk.hold(None, Key.Key_Return)
    assert desk.lines == []


def test_x1_enter_held_down_adds_once(desk: Desk, fees: FeePicker) -> None:
    desk.type("planning")
    desk.hold(None, Key.Key_Return)
    assert desk.lines == [("planning-application", 1)]


def test_enter_held_down_does_not_answer_a_question(desk: Desk, fees: FeePicker) -> None:
    desk.type("copies")
    desk.hold(None, Key.Key_Return)
    assert desk.lines == []
    assert fees.question_card.isVisible()
    desk.hold(None, Key.Key_Return)
    assert desk.lines == [("copies", 1)]
    assert desk.focus is fees.search


def test_a_click_takes_a_fee_and_a_double_click_only_once(desk: Desk, fees: FeePicker) -> None:
    desk.type("planning")
    center = fees.offers.visualItemRect(fees.offers.item(0)).center()
    desk.double_click(fees.offers.viewport(), center)
    assert desk.lines == [("planning-application", 1)]
    assert not fees.question_card.isVisible()
    fees.search.setText("variance")
    desk.click(fees.offers.viewport(), fees.offers.visualItemRect(fees.offers.item(0)).center())
    assert desk.lines == [("planning-application", 1), ("variance", 1)]


def test_escape_clears_the_text_and_then_nothing(desk: Desk, fees: FeePicker) -> None:
    desk.fill("planning-application")
    desk.type("roof")
    for _ in range(3):
        desk.key(Key.Key_Escape)
        assert fees.search.text() == ""
        assert desk.focus is fees.search
    assert desk.lines == [("planning-application", 1)]


def test_a_price_is_seen_before_anything_is_added(desk: Desk, fees: FeePicker) -> None:
    desk.type("planning")
    row = fees.offers.itemWidget(fees.offers.item(0))
    assert isinstance(row, OfferRow)
    said = fees.offers.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "Planning application, 150.00, Planning"


@pytest.mark.parametrize("width", [1080, 1360, 1900])
def test_long_names_end_in_dots_and_the_columns_stand(desk: Desk, fees: FeePicker, width: int) -> None:
    desk.window.resize(width, 700)
    desk.app.processEvents()
    rows = [fees.offers.itemWidget(fees.offers.item(at)) for at in range(fees.offers.count())]
    lefts = {tuple(part.x() for part in row.findChildren(ElidedLabel)) for row in rows}
    assert len(lefts) == 1
    [(name_x, kind_x)] = lefts
    assert name_x < kind_x < rows[0].width()
    long = OfferRow("A very long name of a fee " * 8, "Department of everything else", "from 31.50 each")
    desk.qtbot.addWidget(long)
    long.resize(rows[0].width(), 40)
    long.show()
    name, kind = long.findChildren(ElidedLabel)
    assert name.width() < name.fontMetrics().horizontalAdvance(name.text())
    assert kind.geometry().right() <= long.width()
    assert name.toolTip() == "A very long name of a fee " * 8


# -- questions -----------------------------------------------------------------------------------------------


def test_a_measure_gives_a_price_before_the_fee_is_added(desk: Desk, fees: FeePicker) -> None:
    desk.type("building perm")
    desk.key(Key.Key_Return)
    assert fees.asked.text() == "Building permit"
    assert fees.price.text() == ""
    assert not fees.reason.isVisible()
    desk.type("25,500")
    assert fees.price.text() == "→ 195.00"
    assert desk.lines == []
    desk.key(Key.Key_Return)
    assert desk.lines == [("building-permit", 1)]


def test_a_refused_measure_says_why_next_to_the_field(desk: Desk, fees: FeePicker) -> None:
    desk.type("subdiv")
    desk.key(Key.Key_Return)
    desk.type("500")
    assert fees.reason.isVisible()
    assert "100" in fees.reason.text()
    assert fees.reason.palette().windowText().color() == QColor(desk.theme.text("refused"))
    assert fees.price.text() == ""
    desk.key(Key.Key_Return)
    assert desk.lines == []
    assert desk.focus is fees.inputs["lots"]
    gap = fees.reason.mapTo(fees, QPoint()).y() - fees.inputs["lots"].mapTo(fees, QPoint()).y()
    assert 0 < gap < 150
    desk.key(Key.Key_Backspace)
    desk.key(Key.Key_Backspace)
    assert not fees.reason.isVisible()
    desk.key(Key.Key_Return)
    assert desk.lines == [("subdivision-plat", 1)]


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "10000", "abc", "²", "1 000"])
def test_a_quantity_is_a_whole_number(desk: Desk, fees: FeePicker, typed: str) -> None:
    desk.type("copies")
    desk.key(Key.Key_Return)
    fees.inputs[""].setText(typed)
    assert fees.reason.text() == "The quantity is a whole number from 1 to 9999."
    desk.key(Key.Key_Return)
    assert desk.lines == []


def test_a_quantity_that_counts(desk: Desk, fees: FeePicker) -> None:
    desk.type("copies")
    desk.key(Key.Key_Return)
    assert fees.inputs[""].selectedText() == "1"
    assert fees.inputs[""].accessibleName() == "Quantity (pages)"
    desk.type("25")
    assert fees.price.text() == "→ 3.00"
    desk.key(Key.Key_Return)
    assert desk.lines == [("copies", 25)]


def test_escape_leaves_the_question_from_every_place_in_it(desk: Desk, fees: FeePicker) -> None:
    desk.fill("planning-application")
    for place in range(4):
        fees.search.setFocus()
        fees.search.setText("copies")
        desk.key(Key.Key_Return)
        (fees.inputs[""], fees.add, fees.leave, fees.offers)[place].setFocus()
        desk.key(Key.Key_Escape)
        assert not fees.question_card.isVisible()
        assert desk.focus is fees.search
        assert fees.search.text() == "copies"  # it clears its own text, one Esc later
    assert desk.lines == [("planning-application", 1)]


def test_the_buttons_work_by_keyboard(desk: Desk, fees: FeePicker) -> None:
    for button, added in (("leave", 0), ("add", 1)):
        fees.search.setText("copies")
        fees.search.setFocus()
        desk.key(Key.Key_Return)
        getattr(fees, button).setFocus()
        desk.key(Key.Key_Return)
        assert len(desk.lines) == added
        assert desk.focus is fees.search


def test_another_fee_takes_the_place_of_an_open_question(desk: Desk, fees: FeePicker) -> None:
    desk.type("copies")
    desk.key(Key.Key_Return)
    desk.key(Key.Key_F3)
    fees.search.selectAll()
    desk.type("fence")
    desk.key(Key.Key_Return)
    assert fees.asked.text() == "Fence permit"
    assert list(fees.inputs) == ["linear_feet"]
    desk.key(Key.Key_F3)
    fees.search.selectAll()
    desk.type("planning")
    desk.key(Key.Key_Return)
    assert desk.lines == [("planning-application", 1)]
    assert not fees.question_card.isVisible()


def test_leaving_the_page_keeps_an_open_question(desk: Desk, fees: FeePicker) -> None:
    desk.type("fence")
    desk.key(Key.Key_Return)
    desk.type("250")
    desk.key(Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    desk.key(Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert fees.inputs["linear_feet"].text() == "250"
    assert fees.price.text() == "→ 37.00"


def test_a_change_shows_what_was_entered_and_can_be_left(desk: Desk, fees: FeePicker) -> None:
    desk.till.add_fee("fence", 1, {"linear_feet": "250.5"})
    desk.key(Key.Key_F6)
    desk.key(Key.Key_Return)
    assert fees.inputs["linear_feet"].text() == "250.50"
    desk.type("9000")
    assert fees.price.text() == "→ 431.00"
    desk.key(Key.Key_Escape)
    assert desk.draft.total_cents == 39_00
    # The next fee is added, not taken for the change that was left.
    desk.type("planning")
    desk.key(Key.Key_Return)
    assert [code for code, _ in desk.lines] == ["fence", "planning-application"]
