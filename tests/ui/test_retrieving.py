"""Retrieving invoices and customers at the window, and sales put aside: by keyboard, never blocking."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cashier.domain.enquiry import FoundCustomer
from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.till.config import Biller, ServiceFee
from cashier.ui.retrieve_dialogs import AmountDialog, ChooseInvoice, HeldSalesDialog
from tests.fakes.enquiry import FakeInvoice
from tests.helpers.payments import BILLER_GUID
from tests.ui.desk import TYPES, Desk
from tests.ui.keyboards import Keyboard, Ticks
from tests.ui.test_accessibility import nameless_in

Key = Qt.Key
NUMBER = "UB-12345"


@pytest.fixture
def counter(desk: Desk) -> Desk:
    """A counter that can ask, with an invoice to be retrieved."""
    desk.enquiry.not_set_up.clear()
    desk.enquiry.invoices[NUMBER] = FakeInvoice(
        12_000, 2_000, due_date=dt.date(2026, 2, 28), minimum_cents=2_500, allow_partial=True
    )
    desk.config = desk.config_with(
        billers=(
            Biller("town", {42: "Utility"} | TYPES, BILLER_GUID, service_fee=ServiceFee(250, Cents(100))),
        )
    )
    desk.start()
    return desk


def told(desk: Desk) -> str:
    """What the bar above the fees says."""
    bar = desk.window.lookups.bar
    assert bar.isVisible() and bar.banner.isVisible()
    return bar.banner.text


def choose(desk: Desk, row: int = 0) -> None:
    [dialog] = desk.dialogs
    assert isinstance(dialog, ChooseInvoice)
    dialog.list.setCurrentRow(row)
    QTest.keyClick(dialog.list, Key.Key_Return)
    desk.settle()
    desk.read_messages()  # none: the window is before the clerk again


def retrieve(desk: Desk, number: str = NUMBER) -> None:
    desk.key(Key.Key_F3)
    desk.type(number)
    desk.key(Key.Key_Return)
    desk.settle()
    choose(desk)


def hold_answers(desk: Desk) -> None:
    async def make() -> asyncio.Event:
        return asyncio.Event()

    desk.enquiry.held = desk.loop.run_until_complete(make())


# -- invoices ------------------------------------------------------------------------------------------------


def test_an_invoice_number_and_enter_bring_the_invoice(counter: Desk) -> None:
    counter.till.set_customer(Customer("10042", "Robin Example"))
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    assert counter.window.sale.fees.offers.count() == 0
    counter.key(Key.Key_Return)
    counter.settle()
    [dialog] = counter.dialogs
    assert isinstance(dialog, ChooseInvoice)
    assert nameless_in(dialog) == []
    assert "100.00 is due" in dialog.says.text()
    assert [dialog.list.item(row).text() for row in range(dialog.list.count())] == [
        "42  Utility",
        "6  Building",
        "43  Permits",
        "93  Planning",
        "95  Zoning",
    ]
    choose(counter)
    assert told(counter).startswith("●  ADDED Invoice UB-12345: 100.00 due 02/28/2026. A part may be paid")
    tree = counter.window.sale.invoices.tree
    top = tree.topLevelItem(0)
    assert top is not None and (top.text(0), top.text(1)) == ("42  Utility · retrieved", "100.00")
    child = top.child(0)
    assert child is not None and child.text(0) == "Invoice UB-12345 (balance)   due 02/28/2026"
    assert counter.window.sale.total.text() == "100.00"
    assert counter.window.sale.fees.search.text() == ""
    counter.key(Key.Key_F8)
    counter.settle()
    assert counter.payment.state is PaymentState.OPEN
    counter.approve()
    assert counter.payment.state is PaymentState.APPROVED


def test_asking_shows_progress_and_never_blocks_the_sale(counter: Desk) -> None:
    hold_answers(counter)
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    counter.key(Key.Key_Return)
    counter.turn()
    bar = counter.window.lookups.bar
    assert bar.isVisible() and "Asking Invoice Cloud about invoice UB-12345" in bar.asking.text()
    assert bar.stop.isVisible()
    counter.key(Key.Key_Return)  # once more: it is the same question
    counter.till.add_fee("planning-application")
    counter.till.set_customer(Customer("10042", "Robin Example"))
    counter.turn()
    assert counter.enquiry.looked_up == [(NUMBER, "town")]
    assert counter.enquiry.held is not None
    counter.enquiry.held.set()
    counter.settle()
    choose(counter)
    assert counter.window.sale.total.text() == "250.00"


@pytest.mark.parametrize("how", ["Esc", "button"])
def test_asking_can_be_stopped(counter: Desk, how: str) -> None:
    hold_answers(counter)
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    counter.key(Key.Key_Return)
    counter.turn()
    if how == "Esc":
        counter.key(Key.Key_Escape)
    else:
        counter.click(counter.window.lookups.bar.stop, counter.window.lookups.bar.stop.rect().center())
    counter.settle()
    assert "STOPPED" in told(counter)
    assert counter.window.sale.fees.search.text() == NUMBER, "what was typed stays"
    assert counter.draft.is_empty
    assert not counter.window.lookups.is_asking
    counter.enquiry.held = None
    counter.key(Key.Key_Return)
    counter.settle()
    choose(counter)
    assert not counter.draft.is_empty


def test_an_answer_for_a_sale_that_is_gone_changes_nothing(counter: Desk) -> None:
    hold_answers(counter)
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    counter.key(Key.Key_Return)
    counter.turn()
    counter.key(Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert counter.enquiry.held is not None
    counter.enquiry.held.set()
    counter.settle()
    assert counter.draft.is_empty and not counter.dialogs
    assert not counter.window.lookups.bar.isVisible()


@pytest.mark.parametrize(
    ("number", "changes", "words"),
    [
        ("UB-99999", {}, "✕  NOT FOUND Invoice Cloud knows of no invoice UB-99999"),
        (NUMBER, {"paid_cents": 12_000}, "✓  PAID ALREADY Invoice UB-12345 over 120.00 is paid already"),
    ],
)
def test_what_cannot_be_added_is_told(
    counter: Desk, number: str, changes: dict[str, int], words: str
) -> None:
    for name, value in changes.items():
        setattr(counter.enquiry.invoices[NUMBER], name, value)
    counter.key(Key.Key_F3)
    counter.type(number)
    counter.key(Key.Key_Return)
    counter.settle()
    assert told(counter).startswith(words)
    assert counter.draft.is_empty
    counter.type("r")  # typing on takes it away
    assert not counter.window.lookups.bar.isVisible()


def test_paid_already_is_blue_and_autopay_amber(counter: Desk) -> None:
    counter.enquiry.invoices[NUMBER].autopay = dt.date(2026, 2, 20)
    retrieve(counter)
    assert told(counter).startswith("◷  AUTOPAY")
    assert counter.window.lookups.bar.banner.objectName() == "banner-waiting"
    counter.enquiry.invoices[NUMBER].paid_cents = 12_000
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    counter.key(Key.Key_Return)
    counter.settle()
    assert counter.window.lookups.bar.banner.objectName() == "banner-paid"


def test_a_gateway_that_is_not_reached_is_told(counter: Desk) -> None:
    counter.enquiry.errors = [Unavailable("The gateway was not reached. Asking takes no money. Try again.")]
    counter.key(Key.Key_F3)
    counter.type(NUMBER)
    counter.key(Key.Key_Return)
    counter.settle()
    assert told(counter) == (
        "✕  NOT LOOKED UP The gateway was not reached. Asking takes no money. Try again."
    )


def test_what_is_neither_fee_nor_number_says_so(counter: Desk) -> None:
    counter.key(Key.Key_F3)
    counter.type("zzz")
    counter.key(Key.Key_Return)
    counter.settle()
    assert "No fee is called that" in counter.window.sale.fees.reason.text()
    assert counter.enquiry.looked_up == []


def test_a_number_that_is_also_a_fees_name_is_looked_up_by_its_own_key(counter: Desk) -> None:
    counter.enquiry.invoices["copies"] = FakeInvoice(5_000)
    counter.key(Key.Key_F3)
    counter.type("copies")
    assert counter.window.sale.fees.offers.count() > 0
    counter.key(Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    counter.settle()
    choose(counter)
    assert counter.window.sale.total.text() == "50.00"


def test_x3_a_scanned_invoice_number_waits_for_enter(counter: Desk) -> None:
    """A scan finds, the clerk takes: it never presses anything by itself."""
    counter.window.guard.scanner_prefix = "~"
    counter.window.sale.fields["city"].setFocus()
    counter.window.guard.pace = ticks = Ticks()
    keyboard = Keyboard(ticks)
    keyboard.type(f"~{NUMBER}\r", 8)
    keyboard.quiet()
    assert QApplication.focusWidget() is counter.window.sale.fees.search
    assert counter.window.sale.fees.search.text() == NUMBER
    assert counter.window.sale.fields["city"].text() == ""
    assert counter.enquiry.looked_up == []
    counter.key(Key.Key_Return)
    counter.settle()
    choose(counter)
    assert counter.window.sale.total.text() == "100.00"


def test_a_part_is_typed_in_place_and_refused_below_the_minimum(counter: Desk) -> None:
    retrieve(counter)
    counter.key(Key.Key_F6)
    counter.key(Key.Key_Return)
    [dialog] = counter.dialogs
    assert isinstance(dialog, AmountDialog)
    assert nameless_in(dialog) == []
    assert dialog.amount.text() == "100.00"
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    assert "at least 25.00 and at most 100.00" in dialog.fault.text()
    counter.lay_out()
    assert dialog.rect().contains(dialog.leave.geometry()), "the keys are not cut off by what is said"
    dialog.amount.setText("40")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    counter.settle()
    counter.read_messages()
    assert counter.window.sale.total.text() == "40.00"


def test_an_invoice_that_takes_no_part_says_so(counter: Desk) -> None:
    counter.enquiry.invoices[NUMBER].allow_partial = False
    retrieve(counter)
    counter.key(Key.Key_F6)
    counter.key(Key.Key_Return)
    assert counter.dialogs == []
    assert "must be paid in full" in told(counter)


def test_an_invoice_is_removed_like_a_fee(counter: Desk) -> None:
    retrieve(counter)
    counter.key(Key.Key_F6)
    counter.key(Key.Key_Delete)
    assert counter.draft.invoices == ()


def test_one_paid_meanwhile_is_refused_with_both_figures(counter: Desk) -> None:
    counter.till.set_customer(Customer("10042", "Robin Example"))
    retrieve(counter)
    counter.enquiry.pay(NUMBER, 10_000)
    counter.key(Key.Key_F8)
    counter.settle()
    [text] = counter.read_messages()
    assert "takes 100.00 of it" in text and "0.00 (paid already)" in text and "Nothing was charged" in text
    assert counter.pages == []


# -- customers -----------------------------------------------------------------------------------------------

RECORD = FoundCustomer(
    "10042", "Robin Q. Example", "3 Sample Lane", "Sampletown", "FL", "32003", "", "r@x.org"
)


def test_enter_on_the_account_number_fills_the_customer(counter: Desk) -> None:
    counter.enquiry.customers["10042"] = RECORD
    fields = counter.window.sale.fields
    fields["account_number"].setFocus()
    counter.type("10042")
    counter.key(Key.Key_Return)
    counter.settle()
    assert fields["name"].text() == "Robin Q. Example"
    assert fields["email"].text() == "r@x.org"
    assert "FOUND Account 10042: Robin Q. Example. The record was filled in." in told(counter)
    assert counter.draft.customer.city == "Sampletown"


@pytest.mark.parametrize(("take", "name"), [(False, "Robin Example"), (True, "Robin Q. Example")])
def test_what_was_typed_is_never_overwritten_unasked(counter: Desk, take: bool, name: str) -> None:
    counter.enquiry.customers["10042"] = RECORD
    fields = counter.window.sale.fields
    counter.key(Key.Key_F4)
    counter.type("Robin Example")
    fields["account_number"].setFocus()
    counter.type("10042")
    counter.key(Key.Key_Return)
    counter.settle()
    [box] = counter.boxes
    assert "Name: Robin Example → Robin Q. Example" in box.text()
    assert fields["name"].text() == "Robin Example"
    assert fields["city"].text() == "Sampletown", "what was blank is filled"
    if take:
        [button] = [one for one in box.buttons() if one.text() == "Take the record"]
        QTest.keyClick(button, Key.Key_Space)
    counter.read_messages()
    assert fields["name"].text() == name


def test_an_unknown_account_is_told_and_typed_on(counter: Desk) -> None:
    counter.window.sale.fields["account_number"].setFocus()
    counter.type("10099")
    counter.key(Key.Key_Return)
    counter.settle()
    assert "knows of no account 10099" in told(counter)
    assert counter.window.sale.fields["account_number"].text() == "10099"


# -- put aside -----------------------------------------------------------------------------------------------

SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_a_sale_is_put_aside_and_resumed_by_keyboard(counter: Desk) -> None:
    counter.fill("planning-application", name="Robin Example")
    retrieve(counter)
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    assert told(counter).startswith("●  PUT ASIDE The sale of Robin Example over 250.00 waits.")
    assert counter.draft.is_empty
    assert counter.window.rail.held.text() == "Held  1"
    assert counter.focus is counter.window.sale.fees.search
    counter.fill("copies", name="Alex Sample")
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    counter.key(Key.Key_F5)
    [dialog] = counter.dialogs
    assert isinstance(dialog, HeldSalesDialog)
    assert nameless_in(dialog) == []
    rows = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    assert [row.split(" · ")[:2] for row in rows] == [["250.00", "Robin Example"], ["0.00", "Alex Sample"]]
    QTest.keyClick(dialog.list, Key.Key_Return)
    counter.settle()
    counter.read_messages()
    assert counter.draft.customer.name == "Robin Example"
    assert counter.window.sale.total.text() == "250.00"
    assert counter.window.rail.held.text() == "Held  1"


def test_a_held_sale_is_dropped_only_by_a_second_press(counter: Desk) -> None:
    counter.fill()
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    counter.key(Key.Key_F5)
    [dialog] = counter.dialogs
    assert isinstance(dialog, HeldSalesDialog)
    QTest.keyClick(dialog.list, Key.Key_Delete)
    assert "Press Del once more" in dialog.fault.text()
    assert len(counter.snapshot.held) == 1
    QTest.keyClick(dialog.list, Key.Key_Delete)
    assert counter.snapshot.held == ()
    assert "No sale is put aside" in dialog.says.text()
    dialog.reject()


def test_resuming_over_another_sale_is_refused_in_the_dialog(counter: Desk) -> None:
    counter.fill()
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    counter.fill("copies", name="Alex Sample")
    counter.key(Key.Key_F5)
    [dialog] = counter.dialogs
    assert isinstance(dialog, HeldSalesDialog)
    QTest.keyClick(dialog.list, Key.Key_Return)
    assert "Another sale is on the screen" in dialog.fault.text()
    dialog.reject()


def test_what_cannot_be_put_aside_says_why(counter: Desk) -> None:
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    assert "NOT PUT ASIDE There is nothing to put aside yet." in told(counter)
    counter.open_page()
    counter.window.show_page(0)
    counter.key(Key.Key_F5, SHIFT)
    counter.settle()
    assert "not settled" in told(counter)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_it_fits_the_window(desk: Desk, tmp_path: Path, dark: bool, scale: float) -> None:
    desk.enquiry.not_set_up.clear()
    desk.enquiry.invoices[NUMBER] = FakeInvoice(12_000, autopay=dt.date(2026, 2, 20))
    desk.start((1080, 700), dark=dark, text_scale=scale)
    retrieve(desk)
    desk.grab(tmp_path / "sale.png")
    bar = desk.window.lookups.bar
    assert desk.window.sale.rect().contains(bar.geometry())
    assert desk.window.sale.fees.search.isVisible()
    for button in (desk.window.rail.put_aside, desk.window.rail.held):
        assert button.width() >= button.sizeHint().width()
