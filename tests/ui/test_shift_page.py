"""Opening a shift, its cash in and out, the way to its count; by keyboard through the real window."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cashier.domain.entries import Draft, EntryKind
from cashier.domain.money import Cents
from cashier.domain.people import Role
from cashier.domain.receipt import TenderKind
from cashier.ui.rail import PAYMENT, RECEIPTS, SALE, SHIFT
from cashier.ui.shift_dialogs import ReasonDialog
from cashier.ui.shift_page import Showing
from cashier.ui.tender_dialog import TenderDialog
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once, hire
from tests.fakes.shifts import close_shift
from tests.ui.desk import Desk
from tests.ui.shift_hands import approval, at_the_window, counter, found, kinds, take

Key, Mod = Qt.Key, Qt.KeyboardModifier


def reason_dialog(desk: Desk) -> ReasonDialog:
    (dialog,) = desk.dialogs
    assert isinstance(dialog, ReasonDialog)
    return dialog


# -- no shift is open ----------------------------------------------------------------------------------------


def test_t1_without_a_shift_no_tender_is_taken_and_the_sale_page_says_so(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    desk.window.show_page(SALE)
    bar = desk.window.shift_bar
    assert bar.isVisible()
    assert bar.text == "No shift is open at this till. Open one with its starting cash before money is taken."
    assert bar.button.text() == "Open a shift"
    desk.fill()
    for key in (Key.Key_F8, Key.Key_F9, Key.Key_F10):
        QTest.keyClick(desk.window, key)
        desk.settle()
        assert desk.window.sale.note.text() == bar.text
    assert not desk.dialogs and not desk.gateway.launched and not desk.snapshot.unsettled
    bar.button.click()
    assert desk.window.pages.currentIndex() == SHIFT and desk.focus is page.opening.float
    assert not bar.isVisible()  # the page says it itself
    desk.type("100")
    desk.key(Key.Key_Return)
    desk.window.show_page(SALE)
    assert not bar.isVisible() and not desk.draft.drawer_refusal


def test_t1_opening_asks_for_the_starting_cash_and_blank_is_not_zero(desk: Desk) -> None:
    page = counter(desk, has_shift=False, float_cents=Cents(20_000))
    form = page.opening
    assert desk.focus is form.float and form.who.text() == CLERK
    assert (form.float.text(), form.float.placeholderText()) == ("", "usually 200.00")
    desk.key(Key.Key_Return)
    assert page.fault.text() == "Enter the cash that the drawer starts with; 0.00 for none."
    assert desk.focus is form.float and page.showing is Showing.OPEN
    assert not kinds(desk, EntryKind.SHIFT_OPENED)
    desk.type("0")
    desk.key(Key.Key_Return)
    (entry,) = kinds(desk, EntryKind.SHIFT_OPENED)
    assert (entry.body["float_cents"], entry.body["by"]) == (0, CLERK)
    assert page.showing is Showing.WORK and not page.fault.isVisible()
    assert desk.focus is page.working.sale
    assert "Shift 1 of Kim Clerk, since 15:04. Business date Tuesday, February 3, 2026." in page.banner.text
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentIndex() == SALE


def test_t1_an_opening_that_cannot_be_recorded_opens_nothing(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    desk.journal.disk_full = True
    desk.type("150")
    desk.key(Key.Key_Return)
    assert page.showing is Showing.OPEN and page.fault.isVisible()
    assert page.opening.float.text() == "150"  # what was typed stays
    desk.journal.disk_full = False
    desk.key(Key.Key_Return)
    assert page.showing is Showing.WORK


def test_x5_a_float_is_read_as_it_is_typed_or_refused(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    for typed in ("abc", "1.234,50", "12,34", "-5", "1e3"):
        page.tell("")
        page.opening.float.setText(typed)
        desk.key(Key.Key_Return)
        assert page.fault.isVisible() and page.opening.float.text() == typed
        assert not kinds(desk, EntryKind.SHIFT_OPENED), typed
    page.opening.float.setText("1,200.50 ")
    desk.key(Key.Key_Return)
    (entry,) = kinds(desk, EntryKind.SHIFT_OPENED)
    assert entry.body["float_cents"] == 120_050 and not page.fault.isVisible()


def test_x4_an_enter_held_down_opens_one_shift_and_presses_nothing_after_it(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    desk.type("150")
    desk.hold(None, Key.Key_Return, 20)
    assert len(kinds(desk, EntryKind.SHIFT_OPENED)) == 1
    assert desk.window.pages.currentIndex() == SHIFT and page.showing is Showing.WORK


def test_t8_the_business_date_is_chosen_in_words_the_usual_one_first(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    dates = page.opening.date
    assert dates.currentText() == dates.itemText(0) == "Tuesday, February 3, 2026"
    assert "Thursday, February 5, 2026" in [dates.itemText(place) for place in range(dates.count())]
    dates.setCurrentText("Thursday, February 5, 2026")
    desk.till.line_is(desk.snapshot.line)  # news of something else leaves the choice
    page.refresh()
    desk.type("150")
    desk.key(Key.Key_Return)
    (entry,) = kinds(desk, EntryKind.SHIFT_OPENED)
    assert entry.body["business_date"] == "2026-02-05"
    assert "Thursday, February 5, 2026" in page.banner.text


def test_t8_a_clock_that_was_set_back_is_told_calmly(desk: Desk) -> None:
    page = counter(desk)
    desk.clock.advance(-3600)
    desk.window.show_page(SALE)
    desk.window.refresh()
    assert "clock was set back" in desk.window.shift_bar.text and not desk.boxes
    desk.window.shift_bar.button.click()
    assert "clock was set back" in page.warning.text() and page.warning.isVisible()


def test_a_journal_that_contradicts_itself_is_told_and_nothing_is_offered(desk: Desk) -> None:
    page = counter(desk)
    desk.journal.record([Draft("x1", EntryKind.SHIFT_RESUMED, "another shift", {"by": CLERK})])
    desk.window.refresh()
    assert page.showing is Showing.FAULT and "does not follow" in page.banner.text
    assert "No money is taken. Verify the journal and call support." in page.banner.text
    assert not page.opening.isVisible() and not page.working.isVisible()
    desk.window.show_page(SALE)
    assert "does not follow" in desk.window.shift_bar.text


# -- coming and going ----------------------------------------------------------------------------------------


def sign_in(desk: Desk, name: str = CLERK, pin: str = CLERK_PIN) -> None:
    at_once(desk.till.people.sign_in(name, pin))
    desk.app.processEvents()


def test_who_signs_in_without_a_shift_is_at_the_starting_cash(desk: Desk) -> None:
    desk.has_shift = False
    desk.start()
    page = desk.window.shift
    assert desk.window.pages.currentIndex() == SHIFT and desk.focus is page.opening.float
    desk.window.show_page(RECEIPTS)
    desk.window.presence.lock()
    sign_in(desk)  # unlocked: the same person goes on where they were
    assert desk.window.pages.currentIndex() == RECEIPTS
    desk.window.presence.sign_out()
    sign_in(desk, SUPERVISOR, PIN)
    assert desk.window.pages.currentIndex() == SHIFT and desk.focus is page.opening.float


def test_who_signs_in_with_a_shift_open_goes_on_where_the_till_stands(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    sign_in(desk)
    assert desk.window.pages.currentIndex() == SALE and not desk.boxes


def test_a_payment_that_is_not_settled_stays_before_who_signs_in(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.window.payment.stop_waiting()
    desk.window.hide()
    desk.has_shift = False
    desk.clerk = ""
    desk.start()  # the shift of before is still open
    assert desk.window.pages.currentIndex() == PAYMENT
    sign_in(desk)
    assert desk.window.pages.currentIndex() == PAYMENT


def test_a_payment_in_doubt_stays_before_who_signs_in_without_a_shift(desk: Desk) -> None:
    counter(desk)
    desk.open_page()
    desk.window.payment.stop_waiting()
    assert desk.window.pages.currentIndex() == PAYMENT
    close_shift(desk.till.shifts)
    desk.window.presence.sign_out()
    sign_in(desk)
    assert desk.snapshot.no_money.startswith("No shift is open")
    assert desk.window.pages.currentIndex() == PAYMENT


def test_the_status_line_says_where_the_shift_stands(desk: Desk) -> None:
    page = counter(desk, has_shift=False)
    status = desk.window.status.till
    assert status.text() == "Till A · Kim Clerk · no shift open"
    desk.type("150")
    desk.key(Key.Key_Return)
    assert status.text() == "Till A · Kim Clerk · shift since 15:04"
    page.working.rest.click()
    assert status.text() == "Till A · Kim Clerk · shift suspended"
    page.working.rest.click()
    desk.window.presence.sign_out()
    sign_in(desk, SUPERVISOR, PIN)
    assert status.text() == "Till A · Robin Supervisor · shift of Kim Clerk since 15:04"


def test_leaving_with_an_open_shift_asks_and_says_nothing(desk: Desk) -> None:
    counter(desk)
    desk.window.presence.sign_out()
    assert not desk.boxes and not desk.dialogs
    sign_in(desk)
    desk.window.close()
    assert not desk.boxes and not desk.window.isVisible()


# -- the open shift ------------------------------------------------------------------------------------------


def test_cash_is_paid_in_and_out_with_a_reason_and_listed(desk: Desk) -> None:
    page = counter(desk)
    page.working.pay_in.click()
    dialog = reason_dialog(desk)
    assert dialog.focusWidget() is dialog.amount
    QTest.keyClicks(dialog.amount, "41.07")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    assert "reason" in dialog.fault.text() and dialog.focusWidget() is dialog.reason
    QTest.keyClicks(dialog.reason, "Change from the bank")
    QTest.keyClick(dialog.reason, Key.Key_Return)
    assert not desk.dialogs
    page.working.pay_out.click()
    dialog = reason_dialog(desk)
    dialog.amount.setText("1,000,000")
    dialog.reason.setText("Change for till B")
    dialog.go_on.click()
    assert dialog.fault.text() == "That is more cash than the drawer can hold."
    assert (dialog.amount.text(), dialog.reason.text()) == ("1,000,000", "Change for till B")
    dialog.amount.setText("20")
    dialog.go_on.click()
    paid_in, paid_out = kinds(desk, EntryKind.CASH_PAID_IN, EntryKind.CASH_PAID_OUT)
    assert (paid_in.body["amount_cents"], paid_out.body["amount_cents"]) == (4107, 2000)
    rows = page.working.moves.model()
    assert [rows.index(0, column).data() for column in range(5)] == [
        "15:04",
        "Paid out",
        "Change for till B",
        CLERK,
        "20.00",
    ]
    assert rows.rowCount() == 2


def test_x4_an_enter_held_down_in_the_dialog_pays_in_once(desk: Desk) -> None:
    page = counter(desk)
    page.working.pay_in.click()
    dialog = reason_dialog(desk)
    dialog.amount.setText("10")
    dialog.reason.setText("Change from the bank")
    desk.hold(dialog.reason, Key.Key_Return, 20)
    assert len(kinds(desk, EntryKind.CASH_PAID_IN)) == 1


def test_x5_an_amount_that_could_be_misread_is_refused_in_the_dialog(desk: Desk) -> None:
    page = counter(desk)
    page.working.pay_in.click()
    dialog = reason_dialog(desk)
    dialog.reason.setText("Change from the bank")
    for typed in ("", "abc", "1.234,50", "12,34", "-5", "0"):
        dialog.fault.hide()
        dialog.go_on.setFocus()
        dialog.amount.setText(typed)
        dialog.go_on.click()
        assert dialog.isVisible() and dialog.fault.isVisible() and dialog.focusWidget() is dialog.amount
        assert not kinds(desk, EntryKind.CASH_PAID_IN), typed
    dialog.reject()


def test_a_drop_needs_two_people_and_a_bag(desk: Desk) -> None:
    page = counter(desk)
    page.working.drop.click()
    dialog = approval(desk)
    assert [dialog.supervisor.itemText(place) for place in range(dialog.supervisor.count())] == [SUPERVISOR]
    amount, bag = dialog.answers
    amount.setText("50.00")
    bag.setText("BAG-00042")
    dialog.pin.setText("161803")
    dialog.go_on.click()
    desk.settle()
    assert dialog.fault.text() == "This is not the supervisor's PIN."
    assert not kinds(desk, EntryKind.CASH_DROPPED)
    dialog.pin.setText(PIN)
    dialog.go_on.click()
    desk.settle()
    (entry,) = kinds(desk, EntryKind.CASH_DROPPED)
    assert (entry.body["amount_cents"], entry.body["approver"]) == (5000, SUPERVISOR)
    rows = page.working.moves.model()
    assert rows.index(0, 2).data() == "bag BAG-00042"
    assert rows.index(0, 3).data() == f"{CLERK}, {SUPERVISOR}"


def test_a_suspended_shift_takes_no_money_until_it_is_resumed(desk: Desk) -> None:
    page = counter(desk)
    page.working.rest.setFocus()
    desk.key(Key.Key_Return)
    assert "SUSPENDED" in page.banner.text and desk.focus is page.working.rest
    assert page.working.rest.text() == "Resume" and not page.working.pay_in.isEnabled()
    desk.window.show_page(SALE)
    assert "is suspended" in desk.window.shift_bar.text
    assert desk.window.shift_bar.button.text() == "To the shift"
    desk.window.show_page(SHIFT)
    desk.key(Key.Key_Return)
    assert "OPEN" in page.banner.text and not desk.snapshot.no_money


def test_the_shift_of_somebody_else_is_theirs(desk: Desk) -> None:
    page = counter(desk)
    hire(desk.till.people, "Lee Second", Role.CLERK, "161803")
    desk.window.presence.sign_out()
    sign_in(desk, "Lee Second", "161803")
    desk.window.show_page(SALE)
    assert desk.window.shift_bar.text.startswith("This is the shift of Kim Clerk.")
    desk.window.show_page(SHIFT)
    assert "This is the shift of Kim Clerk." in page.banner.text
    page.working.rest.click()
    assert page.fault.text().startswith("This is the shift of Kim Clerk.")
    assert not kinds(desk, EntryKind.SHIFT_SUSPENDED)


def test_t9_a_full_drawer_is_told_and_takes_no_cash_until_two_people_drop(desk: Desk) -> None:
    page = counter(desk, soft_limit_cents=Cents(30_000), hard_limit_cents=Cents(40_000))
    take(desk, TenderKind.CASH)  # 200.00 and 150.00
    assert desk.window.shift_bar.text == ""  # the page says it itself
    assert "holds 300.00 or more in cash" in page.warning.text()
    desk.window.show_page(SALE)
    bar = desk.window.shift_bar
    assert bar.isVisible() and bar.text == "The drawer holds 300.00 or more in cash. Ask for a drop."
    assert not desk.boxes
    take(desk, TenderKind.CASH)
    desk.fill()
    QTest.keyClick(desk.window, Key.Key_F9)
    (dialog,) = desk.dialogs
    assert isinstance(dialog, TenderDialog)
    dialog.quick[0].click()
    dialog.take.click()
    assert "Two people must log a drop" in dialog.fault.text()
    dialog.reject()
    bar.button.click()
    page.working.drop.click()
    drop = approval(desk)
    for field, text in zip((*drop.answers, drop.pin), ("300", "BAG-00043", PIN), strict=True):
        field.setText(text)
    drop.go_on.click()
    desk.settle()
    at_the_window(desk)
    assert not page.warning.isVisible()
    desk.window.show_page(SALE)
    assert not bar.isVisible()
    QTest.keyClick(desk.window, Key.Key_F9)
    (dialog,) = desk.dialogs
    assert isinstance(dialog, TenderDialog)
    dialog.quick[0].click()
    dialog.take.click()
    assert "PAID" in dialog.paid.text()
    dialog.reject()


def test_t2_what_is_expected_is_for_a_supervisor_who_looks_at_it(desk: Desk) -> None:
    page = counter(desk)
    take(desk, TenderKind.CASH)
    assert page.working.expected.isHidden()
    desk.window.presence.sign_out()
    sign_in(desk, SUPERVISOR, PIN)
    desk.window.show_page(SHIFT)
    assert page.working.expected.isVisible() and not found(desk, "350.00")
    page.working.expected.click()
    assert found(desk, "350.00") and page.working.expected.text() == "Hide what is expected"
    page.working.expected.click()
    assert not found(desk, "350.00")
    for leave in (
        lambda: desk.window.show_page(RECEIPTS),
        desk.window.presence.lock,
        page.working.count.click,
        desk.window.presence.sign_out,
    ):
        desk.window.show_page(SHIFT)
        page.working.expected.click()
        assert found(desk, "350.00")
        leave()
        assert not found(desk, "350.00")
        if desk.window.presence.is_away:
            sign_in(desk, SUPERVISOR, PIN)
        if page.showing is Showing.COUNT:
            page.counting.back.click()
        assert not found(desk, "350.00")
