"""What can be seen and heard of the Shift page: names, room for every text, the focus, what is told once."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QWidget

from cashier.domain.money import Cents
from cashier.domain.receipt import TenderKind
from cashier.till.config import DrawerRules
from cashier.ui.rail import SALE, SHIFT
from cashier.ui.shift_page import RECOUNT, Showing
from cashier.ui.shift_steps import Step
from tests.fakes.people import PIN, SUPERVISOR, at_once
from tests.ui.desk import Desk
from tests.ui.shift_hands import REASON, at_the_window, look, take
from tests.ui.test_accessibility import nameless, nameless_in, names
from tests.ui.test_theme import check_texts

Key = Qt.Key


def states(desk: Desk) -> Iterator[str]:
    """Every state of the page in turn, from no shift to a shift that is opened again; dialogs stay up."""
    page = desk.window.shift
    yield "sale without a shift"
    desk.window.show_page(SHIFT)
    yield "open"
    desk.key(Key.Key_Return)
    yield "float refused"
    desk.type("200")
    desk.key(Key.Key_Return)
    yield "work"
    desk.till.shifts.pay_in(Cents(15_000), "Change from the bank, for the whole of this week")
    take(desk, TenderKind.CHECK)
    desk.doubt()
    desk.window.show_page(SALE)
    yield "sale, warned"
    desk.fill("planning-application", "right-of-way", "copies")
    desk.till.choose_reader("lane-3000")  # which cannot be used for this sale: that is told, too
    yield "sale with fees, warned"
    desk.till.new_sale()
    desk.window.show_page(SHIFT)
    yield "work, warned"
    for button in (page.working.pay_in, page.working.drop):
        button.click()
        yield f"dialog {button.text()}"
        desk.dialogs[0].reject()
        at_the_window(desk)
    page.working.rest.click()
    yield "suspended"
    page.working.rest.click()
    page.working.count.click()
    yield "count"
    page.counting.done.click()
    yield "count refused"
    page.counting.fill_rest()
    page.counting.done.click()
    yield "recount"
    page.counting.fill_rest()
    page.counting.done.click()
    yield "wait"
    page.waiting.review.click()
    yield "dialog review"
    desk.dialogs[0].reject()
    look(desk, page)
    yield "review"
    page.review.accept.click()
    yield "review refused"
    page.review.reason.setText(REASON)
    page.review.accept.click()
    yield "carry"
    page.carrying.go_on.click()
    yield "sign"
    page.signing.sign.click()
    yield "closed"
    desk.window.presence.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    page.opening.reopen.click()
    yield "dialog reopen"
    dialog = desk.dialogs[0]
    dialog.reason.setText(REASON)  # type: ignore[attr-defined]
    dialog.go_on.click()  # type: ignore[attr-defined]
    at_the_window(desk)
    page.working.expected.click()
    yield "opened again, expected shown"


def begin(desk: Desk, size: tuple[int, int] = (1360, 860), *, text_scale: float = 1.0) -> None:
    desk.has_shift = False
    desk.config = desk.config_with(
        drawer=DrawerRules(float_cents=Cents(20_000), soft_limit_cents=Cents(30_000))
    )
    desk.start(size, text_scale=text_scale)
    desk.window.show_page(SALE)


def test_everything_usable_of_a_shift_has_a_name_in_every_state(desk: Desk) -> None:
    begin(desk)
    for state in states(desk):
        assert nameless(desk) == [], state
        assert [nameless_in(dialog) for dialog in desk.dialogs] == [[] for _ in desk.dialogs], state


def test_the_names_of_the_count_are_words_for_people(desk: Desk) -> None:
    desk.start()
    desk.window.show_page(SHIFT)
    desk.window.shift.working.count.click()
    said = [name for _, name in names(desk.window.shift)]
    for name in (
        "Bill of 100.00, pieces",
        "Coin of 0.05, pieces",
        "Checks, number",
        "Money orders, sum",
        "The count is done",
        "The rest is none",
        "Go on with the shift, and put this count away",
    ):
        assert name in said
    assert all("   " not in name for name in said)


@pytest.mark.parametrize(("size", "text_scale"), [((1080, 700), 1.0), ((1360, 860), 1.0), ((1360, 860), 2.0)])
def test_nothing_of_a_shift_is_cut_off(desk: Desk, size: tuple[int, int], text_scale: float) -> None:
    begin(desk, size, text_scale=text_scale)
    for state in states(desk):
        desk.lay_out()
        assert (desk.window.width(), desk.window.height()) == size, state
        check_texts(desk, state, text_scale)
        sale = desk.window.sale
        for one, other in pairwise((sale.fees.offers, sale.reader, sale.pay, sale.cash)):
            assert not _on_window(one).intersects(_on_window(other)), state
        for step in desk.window.findChildren(Step):
            inside = step.widget()
            if step.isVisible() and inside is not None:
                # Nothing is scrolled sideways: it would be out of sight.
                assert inside.width() <= step.viewport().width(), state
                assert inside.minimumSizeHint().width() <= step.viewport().width(), state
        focused = desk.focus
        if isinstance(focused, (QLineEdit, QPushButton)) and not desk.dialogs:
            assert focused.visibleRegion().boundingRect() == focused.rect(), f"{state}: the focus is hidden"
        for kind in (QPushButton, QLineEdit, QComboBox):
            for widget in desk.window.shift.findChildren(kind):
                if widget.isVisible():
                    assert widget.height() >= 38, f"{state}: {widget.accessibleName()}"


def _on_window(widget: QWidget) -> QRect:
    if not widget.isVisible():
        return QRect()
    return QRect(widget.mapTo(widget.window(), QPoint()), widget.size())


def test_the_focus_is_always_to_be_seen_on_the_shift_page(desk: Desk) -> None:
    """Each widget that Tab reaches looks different with the focus than without, in every state."""
    begin(desk)
    seen = set()
    for state in states(desk):
        if desk.dialogs or desk.window.pages.currentIndex() != SHIFT:
            continue
        showing = desk.window.shift.showing
        first, count = desk.focus, 0
        while showing not in seen and (count == 0 or desk.focus is not first):
            widget = desk.focus
            there = widget.grab().toImage()
            QTest.keyClick(widget, Key.Key_Tab)
            assert there != widget.grab().toImage(), f"{state}: {widget.accessibleName()}"
            count += 1
            assert count < 40, state
        seen.add(showing)
        first.setFocus()
    assert seen == set(Showing) - {Showing.FAULT}


def test_what_is_to_be_done_is_said_once(desk: Desk) -> None:
    desk.start()
    desk.window.show_page(SHIFT)
    page = desk.window.shift
    said: list[str] = []
    page.banner.changed.connect(said.append)
    page.working.count.click()
    page.counting.fill_rest()
    page.counting.done.click()
    for _ in range(3):
        desk.till.line_is(desk.snapshot.line)
        desk.window.refresh()
    assert len(said) == 2
    assert said[0].startswith("Count. Count the whole drawer, and write 0 for what is not there.")
    assert said[1].startswith(f"Count once more. {RECOUNT}")
