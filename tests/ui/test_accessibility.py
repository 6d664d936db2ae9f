"""What a screen reader is told: a name for everything, and news once."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QWidget

from cashier.ui.rail import DESK, RECEIPTS
from tests.fakes.entries import Drafts
from tests.ui.desk import Desk

#: What a person can use; each has to say what it is.
USED = {
    QAccessible.Role.Button,
    QAccessible.Role.ButtonMenu,
    QAccessible.Role.CheckBox,
    QAccessible.Role.ComboBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.List,
    QAccessible.Role.ListItem,
    QAccessible.Role.RadioButton,
    QAccessible.Role.Table,
    QAccessible.Role.Tree,
    QAccessible.Role.TreeItem,
}


def walk(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """An interface and everything in it that can be seen."""
    if not interface.isValid() or interface.state().invisible:
        return
    yield interface
    for at in range(interface.childCount()):
        child = interface.child(at)
        if child is not None:
            yield from walk(child)


def names(widget: QWidget) -> list[tuple[QAccessible.Role, str]]:
    """Role and name of everything usable in a widget."""
    top = QAccessible.queryAccessibleInterface(widget)
    assert top is not None
    return [(one.role(), one.text(QAccessible.Text.Name).strip()) for one in walk(top) if one.role() in USED]


def nameless(desk: Desk) -> list[str]:
    """What can be used and has no name."""
    return nameless_in(desk.window)


def nameless_in(widget: QWidget) -> list[str]:
    """The same, in a widget."""
    found = []
    top = QAccessible.queryAccessibleInterface(widget)
    assert top is not None
    for one in walk(top):
        if one.role() in USED and not one.text(QAccessible.Text.Name).strip():
            found.append(f"{one.role()} {one.object()}")
    return found


def test_everything_usable_has_a_name_in_every_state(desk: Desk) -> None:
    desk.journal.record(Drafts().paid_sale("s1"))
    desk.start()
    assert nameless(desk) == []
    desk.type("copies")
    desk.key(Qt.Key.Key_Return)
    assert nameless(desk) == []
    desk.key(Qt.Key.Key_Escape)
    desk.open_page("planning-application", "right-of-way")
    assert nameless(desk) == []
    desk.window.payment.stop_waiting()
    assert nameless(desk) == []
    desk.window.show_page(DESK)
    assert nameless(desk) == []
    desk.key(Qt.Key.Key_V)
    assert [nameless_in(dialog) for dialog in desk.dialogs] == [[]]
    desk.dialogs[0].reject()
    desk.window.activateWindow()
    desk.window.new_sale()
    desk.open_page("variance")
    desk.approve()
    assert nameless(desk) == []
    desk.window.show_page(RECEIPTS)
    assert nameless(desk) == []


def test_the_walk_sees_a_field_without_a_name(desk: Desk) -> None:
    desk.start()
    desk.window.sale.fields["city"].setAccessibleName("")
    desk.window.sale.fields["city"].setPlaceholderText("")
    desk.window.sale.fields["city"].setToolTip("")
    assert len(nameless(desk)) == 1


def test_the_names_are_words_for_people(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application")
    said = dict.fromkeys(name for _, name in names(desk.window.sale))
    for name in (
        "Customer name",
        "Account number",
        "ZIP",
        "Add a fee",
        "Fees found",
        "Invoices of this sale",
        "Take a card payment",
    ):
        assert name in said
    # Qt names a choice by its text here; its label says what it is for.
    [buddy] = [one for one in desk.labels() if one.buddy() is desk.window.sale.reader]
    assert buddy.text() == "Card reader" and buddy.isVisible()
    assert any(name.startswith("Building permit, from 45.00, Building") for name in said)
    assert any(name.startswith("Planning application") for name in said)


def test_a_buttons_name_is_without_its_key(desk: Desk) -> None:
    desk.start()
    for button in desk.window.payment.buttons:
        assert "   " not in button.accessibleName()
        assert button.accessibleName()


def test_a_new_standing_is_said_once(desk: Desk) -> None:
    desk.start()
    said: list[str] = []
    banner = desk.window.payment.banner
    banner.changed.connect(said.append)
    desk.open_page()
    for _ in range(5):
        desk.till.choose_reader("swipe")
        desk.till.choose_reader(None)
    assert said[-1] == "Payer is paying. The payer is at the payment page."
    assert said.count(said[-1]) == 1
    desk.window.payment.stop_waiting()
    assert said[-1].startswith("In doubt. The page was closed")
    before = len(said)
    desk.window.refresh()
    assert len(said) == before
    desk.approve()
    assert said[-1].startswith("Paid. 150.00 is paid, confirmed by Invoice Cloud: it was completed before")
    assert len(said) == before + 1
    assert banner.accessibleName() == said[-1]


@pytest.mark.parametrize("state", ["paid", "partly paid"])
def test_the_receipt_says_what_it_is(desk: Desk, state: str) -> None:
    desk.gateway.minimum_cents = 100
    desk.start()
    desk.open_page()
    desk.approve(**({"payment_amount_cents": 4000} if state == "partly paid" else {}))
    amount = "40.00" if state == "partly paid" else "150.00"
    said = desk.window.payment.receipt.accessibleName()
    assert said == f"Receipt A-000001, Robin Example, {amount}, {state}"
