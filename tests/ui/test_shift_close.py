"""The close of a shift in three steps: the blind count, what is carried forward, the signature."""

from itertools import pairwise

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cashier.domain.entries import EntryKind
from cashier.domain.money import Cents
from cashier.domain.people import Role
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.shift import ShiftState
from cashier.ui.rail import RECEIPTS, SALE, SHIFT
from cashier.ui.shift_dialogs import ReasonDialog
from cashier.ui.shift_page import RECOUNT, ShiftPage, Showing
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once, hire
from tests.fakes.shifts import close_shift
from tests.helpers.payments import told_all
from tests.ui.desk import Desk
from tests.ui.shift_hands import (
    REASON,
    approval,
    at_the_window,
    counter,
    found,
    kinds,
    look,
    take,
    type_count,
)

Key, Mod = Qt.Key, Qt.KeyboardModifier
#: What 200.00 in the drawer may be made of.
FLOAT = {10_000: 1, 5_000: 2}


def short(desk: Desk, **rules: object) -> ShiftPage:
    """A drawer of 200.00 that is counted as 190.00 twice: a supervisor is needed."""
    page = counter(desk, **rules)
    page.working.count.click()
    for _ in range(2):
        type_count(desk, page, {10_000: 1, 5_000: 1, 2_000: 2})
    assert page.showing is Showing.WAIT
    return page


def balanced(desk: Desk) -> ShiftPage:
    """A drawer that was counted right."""
    page = counter(desk)
    page.working.count.click()
    type_count(desk, page, FLOAT)
    assert page.showing is Showing.CARRY
    return page


def dialog_of(desk: Desk) -> ReasonDialog:
    (dialog,) = desk.dialogs
    assert isinstance(dialog, ReasonDialog)
    return dialog


# -- counting ------------------------------------------------------------------------------------------------


def test_x1_close_by_keyboard_alone(desk: Desk) -> None:
    desk.start()
    QTest.keyClick(desk.window, Key.Key_5, Mod.ControlModifier)
    page = desk.window.shift
    assert desk.focus is page.working.sale
    desk.key(Key.Key_Tab)
    assert desk.focus is page.working.count
    desk.key(Key.Key_Return)
    first = page.counting.fields[0]
    assert desk.focus is first
    desk.type("2")
    desk.key(Key.Key_0, Mod.ControlModifier)  # the rest is none
    assert desk.focus is page.counting.done
    assert [field.text() for field in page.counting.fields] == ["2", *["0"] * 15]
    desk.key(Key.Key_Return)
    assert page.showing is Showing.CARRY and desk.focus is page.carrying.go_on
    desk.key(Key.Key_Return)
    assert page.showing is Showing.SIGN and desk.focus is page.signing.sign
    desk.key(Key.Key_Return)
    assert [entry.kind for entry in kinds(desk, EntryKind.SHIFT_CLOSED, EntryKind.DAY_CLOSED)] == [
        EntryKind.SHIFT_CLOSED,
        EntryKind.DAY_CLOSED,
    ]
    assert page.showing is Showing.OPEN and desk.focus is page.opening.float
    assert "Shift 1 of Kim Clerk is closed. Tuesday, February 3, 2026 is closed, too." in page.banner.text
    assert page.opening.date.currentText() == "Wednesday, February 4, 2026"
    desk.type("200")
    desk.key(Key.Key_Return)
    assert "Shift 2 of Kim Clerk" in page.banner.text


def test_t2_every_tender_is_counted_and_blank_is_not_zero(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    form = page.counting
    assert form.total.text() == "0.00"
    for _ in form.fields[:3]:
        desk.type("2")
        desk.key(Key.Key_Return)
    assert form.total.text() == "340.00"
    assert desk.focus is form.fields[3]
    form.done.click()
    assert page.fault.text().startswith("Count 10.00, 5.00, 2.00, 1.00, 0.50, 0.25, 0.10, 0.05, 0.01, too.")
    assert desk.focus is form.pieces[1000] and form.fields[0].text() == "2"
    for field in list(form.pieces.values())[3:]:
        field.setText("0")
    for missing, words in (
        (form.numbers[TenderKind.CHECK], "Count the checks, too"),
        (form.sums[TenderKind.CHECK], "Count the checks, too"),
        (form.numbers[TenderKind.MONEY_ORDER], "Count the money orders, too"),
        (form.sums[TenderKind.MONEY_ORDER], "Count the money orders, too"),
    ):
        form.done.click()
        assert page.fault.text().startswith(words) and desk.focus is missing
        missing.setText("0")
    form.numbers[TenderKind.CHECK].setText("2")
    form.done.click()
    assert page.fault.text() == "The number and the sum of the checks do not go together."
    assert desk.focus is form.numbers[TenderKind.CHECK]
    assert not kinds(desk, EntryKind.SHIFT_COUNTED)


def test_x5_a_number_of_pieces_that_could_be_misread_is_refused_at_its_field(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    page.counting.fill_rest()
    for typed in ("abc", "1.5", "-1", "1,000", "1e3", "٣", "999999"):
        page.tell("")
        page.counting.pieces[2_000].setText(typed)
        page.counting.done.setFocus()
        page.counting.done.click()
        assert page.fault.isVisible() and desk.focus is page.counting.pieces[2_000], typed
        assert page.counting.pieces[2_000].text() == typed
    page.counting.pieces[2_000].setText("0")
    page.counting.sums[TenderKind.CHECK].setText("12,34")
    page.counting.done.click()
    assert "is not an amount" in page.fault.text()
    assert desk.focus is page.counting.sums[TenderKind.CHECK]
    assert not kinds(desk, EntryKind.SHIFT_COUNTED)


def test_arrows_go_from_field_to_field_and_tab_goes_the_same_way(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    form = page.counting
    for before, after in pairwise(form.fields):
        before.setFocus()
        desk.key(Key.Key_Down)
        assert desk.focus is after
        desk.key(Key.Key_Up)
        assert desk.focus is before
        desk.key(Key.Key_Tab)
        assert desk.focus is after
    for following in (form.done, form.rest, form.back):
        desk.key(Key.Key_Tab)
        assert desk.focus is following
    form.fields[0].setFocus()
    desk.hold(None, Key.Key_Return, 10)
    assert desk.focus is form.fields[1]  # held down it goes on once


def test_esc_and_leaving_the_page_lose_nothing_that_was_typed(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    desk.type("7")
    desk.key(Key.Key_Escape)
    assert page.showing is Showing.COUNT and page.counting.fields[0].text() == "7"
    desk.window.show_page(SALE)
    desk.key(Key.Key_Escape)
    desk.window.presence.lock()
    at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    desk.window.show_page(SHIFT)
    assert page.showing is Showing.COUNT and page.counting.fields[0].text() == "7"
    assert desk.focus is page.counting.fields[1]  # the first that is blank
    page.counting.back.click()
    assert page.showing is Showing.WORK
    page.working.count.click()
    assert page.counting.fields[0].text() == ""  # another count begins with nothing


def test_a_count_that_cannot_be_recorded_is_told_and_stays(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    page.counting.fill_rest()
    desk.journal.disk_full = True
    page.counting.done.click()
    assert page.fault.isVisible() and page.counting.fields[0].text() == "0"
    desk.journal.disk_full = False
    assert page.showing is Showing.COUNT and not kinds(desk, EntryKind.SHIFT_COUNTED)


def test_x4_every_act_of_the_close_is_done_once_however_it_is_pressed(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    page.counting.pieces[10_000].setText("2")
    page.counting.fill_rest()
    desk.hold(page.counting.done, Key.Key_Return, 20)
    assert page.showing is Showing.CARRY and len(kinds(desk, EntryKind.SHIFT_COUNTED)) == 1
    desk.hold(None, Key.Key_Return, 20)
    assert page.showing is Showing.SIGN
    desk.hold(None, Key.Key_Return, 20)
    desk.settle()
    assert len(kinds(desk, EntryKind.SHIFT_CLOSED)) == 1 and page.showing is Showing.OPEN
    assert not page.fault.isVisible()


def test_x4_a_double_click_does_not_press_what_comes_up_in_its_place(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    page.counting.pieces[10_000].setText("2")
    page.counting.fill_rest()
    desk.click(page.counting.done)
    where = (Qt.MouseButton.LeftButton, Mod.NoModifier, QPoint(5, 5))
    QTest.mouseDClick(page.carrying.go_on, *where)
    QTest.mouseRelease(page.carrying.go_on, *where)
    assert page.showing is Showing.CARRY
    desk.click(page.carrying.go_on)
    QTest.mouseDClick(page.signing.sign, *where)
    QTest.mouseRelease(page.signing.sign, *where)
    assert not kinds(desk, EntryKind.SHIFT_CLOSED)


# -- a count that differs ------------------------------------------------------------------------------------


def test_t3_a_count_that_differs_is_made_once_more_without_a_word_of_how(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    type_count(desk, page, {10_000: 1, 5_000: 1, 2_000: 2})
    assert page.showing is Showing.COUNT and f"COUNT ONCE MORE {RECOUNT}" in page.banner.text
    assert all(field.is_blank for field in page.counting.fields)
    assert desk.focus is page.counting.fields[0] and page.counting.total.text() == "0.00"
    assert desk.window.status.till.text() == "Till A · Kim Clerk · shift counting"
    desk.window.show_page(SALE)
    assert desk.window.shift_bar.text.startswith("The drawer is being counted.")
    desk.window.show_page(SHIFT)
    type_count(desk, page, FLOAT)
    assert page.showing is Showing.CARRY
    counts = kinds(desk, EntryKind.SHIFT_COUNTED)
    assert [entry.body["counted"]["cash"]["amount_cents"] for entry in counts] == [19_000, 20_000]
    assert [entry.body["outcome"] for entry in counts] == ["recount", "balanced"]


def test_t3_up_to_the_limit_the_recount_is_accepted_without_a_supervisor(desk: Desk) -> None:
    page = counter(desk)
    page.working.count.click()
    for _ in range(2):
        type_count(desk, page, {10_000: 1, 5_000: 1, 2_000: 2, 500: 1})
    assert page.showing is Showing.CARRY  # 5.00 short
    assert "over" not in page.banner.text and "short" not in page.banner.text


def test_t3_above_the_limit_a_second_person_sees_it_and_accepts_with_a_reason(desk: Desk) -> None:
    page = short(desk)
    assert desk.focus is page.waiting.review
    look(desk, page, "161803")
    dialog = approval(desk)
    assert dialog.fault.text() == "This is not the supervisor's PIN." and page.showing is Showing.WAIT
    dialog.reject()
    look(desk, page)
    assert not desk.dialogs and page.showing is Showing.REVIEW and desk.focus is page.review.reason
    model = page.review.table.model()
    rows = [[model.index(line, column).data() for column in range(4)] for line in range(4)]
    assert rows == [
        ["Cash", "200.00", "190.00", "10.00 short"],
        ["Checks", "0 × 0.00", "0 × 0.00", "0.00"],
        ["Money orders", "0 × 0.00", "0 × 0.00", "0.00"],
        ["In all", "", "", "10.00 short"],
    ]
    assert page.review.counts.text().count("cash 190.00") == 2  # both counts are kept
    page.review.accept.click()
    assert "reason of 8 to 300" in page.fault.text() and desk.focus is page.review.reason
    desk.type(REASON)
    page.review.accept.click()
    (entry,) = kinds(desk, EntryKind.SHIFT_BALANCED)
    assert (entry.body["approver"], entry.body["reason"]) == (SUPERVISOR, REASON)
    assert page.showing is Showing.CARRY and not page.fault.isVisible()
    page.carrying.go_on.click()
    assert f"accepted by {SUPERVISOR}" in page.signing.says.text()


def test_t3_a_rejected_count_is_made_again(desk: Desk) -> None:
    page = short(desk)
    look(desk, page)
    page.review.reason.setText("A roll of coins was left out")
    page.review.reject.click()
    assert page.showing is Showing.COUNT and "did not accept the count" in page.banner.text
    assert all(field.is_blank for field in page.counting.fields)
    type_count(desk, page, FLOAT)
    assert page.showing is Showing.CARRY


def test_t3_who_counted_cannot_approve(desk: Desk) -> None:
    desk.clerk = SUPERVISOR
    page = counter(desk)
    hire_second(desk)
    page.working.count.click()
    for _ in range(2):
        type_count(desk, page, {10_000: 1})
    page.waiting.review.click()
    offered = approval(desk).supervisor
    assert [offered.itemText(place) for place in range(offered.count())] == ["Lee Second"]
    approval(desk).reject()
    # Nor when somebody else asks for it.
    desk.window.presence.sign_out()
    at_once(desk.till.people.sign_in("Lee Second", "161803"))
    desk.window.show_page(SHIFT)
    look(desk, page)
    assert approval(desk).fault.text() == "Whoever counted the drawer cannot approve the count."
    assert page.showing is Showing.WAIT
    approval(desk).reject()


def hire_second(desk: Desk) -> None:
    """Another supervisor; the first is at the till again."""
    at_once(desk.till.people.add("Lee Second", Role.SUPERVISOR, "161803"))


def test_t3_the_supervisors_look_ends_with_the_page_the_lock_and_the_person(desk: Desk) -> None:
    page = short(desk)
    for leave in (
        lambda: desk.window.show_page(RECEIPTS),
        desk.window.presence.lock,
        desk.window.presence.sign_out,
        page.review.leave.click,
    ):
        look(desk, page)
        assert found(desk, "10.00 short")
        leave()
        assert not found(desk, "10.00 short")
        if desk.window.presence.is_away:
            at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
        desk.window.show_page(SHIFT)
        assert page.showing is Showing.WAIT and not found(desk, "10.00 short")


def test_t2_a_clerks_whole_close_shows_nowhere_what_is_expected_or_by_how_much_it_differs(
    desk: Desk,
) -> None:
    page = counter(desk, soft_limit_cents=Cents(30_000))
    desk.till.shifts.pay_in(Cents(4_107), "Change from the bank")
    take(desk, TenderKind.CASH, "planning-application")  # 150.00
    for code in ("planning-application", "right-of-way"):
        take(desk, TenderKind.CHECK, code)  # 150.00 and 110.00
    # Expected: 391.07 in cash, and two checks of 260.00. Counted: 383.00, and 256.35.
    secret = ("391.07", "39107", "260.00", "26000", "8.07", "807", "3.65", "11.72", "300.00 or more")
    assert found(desk, *secret) == ["300.00 or more"]  # the soft limit: it is told until the count begins
    page.working.count.click()
    assert found(desk, *secret) == []
    count = {10_000: 3, 5_000: 1, 2_000: 1, 1_000: 1, 100: 3}
    for _ in range(2):
        type_count(desk, page, count, ("2", "256.35"))
        assert found(desk, *secret) == []
    assert page.showing is Showing.WAIT
    page.waiting.review.click()
    assert found(desk, *secret) == []
    approval(desk).reject()
    at_the_window(desk)
    look(desk, page)
    assert {"391.07", "260.00", "8.07", "3.65", "11.72"} <= set(found(desk, *secret))  # the supervisor's look
    page.review.reason.setText(REASON)
    page.review.accept.click()
    for showing, button in ((Showing.CARRY, page.carrying.go_on), (Showing.SIGN, page.signing.sign)):
        assert page.showing is showing and found(desk, *secret) == []
        button.click()
    assert page.showing is Showing.OPEN and found(desk, *secret) == []
    for index in (SALE, RECEIPTS, SHIFT):
        desk.window.show_page(index)
        assert found(desk, *secret) == []


def test_go_on_leads_back_to_work_from_every_step(desk: Desk) -> None:
    page = counter(desk)
    steps = (Showing.COUNT, Showing.WAIT, Showing.CARRY, Showing.SIGN)
    for showing in steps:
        page.working.count.click()
        if showing is Showing.WAIT:
            for _ in range(2):
                type_count(desk, page, {10_000: 1})
        elif showing is not Showing.COUNT:
            type_count(desk, page, FLOAT)
        if showing is Showing.SIGN:
            page.carrying.go_on.click()
        assert page.showing is showing
        step = {Showing.COUNT: page.counting, Showing.WAIT: page.waiting, Showing.CARRY: page.carrying}
        step.get(showing, page.signing).back.click()  # type: ignore[attr-defined]
        assert page.showing is Showing.WORK and not desk.snapshot.no_money
    assert desk.focus is page.working.sale


def test_a_close_goes_on_where_it_stood_after_a_restart(desk: Desk) -> None:
    short(desk)
    desk.restart()
    desk.window.show_page(SHIFT)
    page = desk.window.shift
    assert page.showing is Showing.WAIT
    look(desk, page)
    page.review.reason.setText(REASON)
    page.review.accept.click()
    assert page.showing is Showing.CARRY


# -- carry forward, sign -------------------------------------------------------------------------------------


def test_t4_what_is_in_doubt_is_carried_forward_by_name_and_the_next_shift_begins_with_it(desk: Desk) -> None:
    page = counter(desk)
    reference = desk.doubt("Sam Example")
    desk.fill("copies", name="Aside Example")
    desk.loop.run_until_complete(desk.till.hold_sale())
    desk.wait(120)
    desk.window.show_page(SHIFT)
    page.working.count.click()
    type_count(desk, page, FLOAT)
    in_doubt, aside = page.carrying.carried.rows
    assert (in_doubt.what, in_doubt.amount) == ("Card payment, in doubt", "150.00")
    assert in_doubt.which == f"Sam Example · {reference}" and in_doubt.age == "2 min"
    assert (aside.what, aside.which) == ("Sale put aside", "Aside Example")
    assert "in no total of this shift" in page.carrying.says.text() and page.carrying.says.isVisible()
    page.carrying.go_on.click()
    assert "2 carried forward" in page.signing.says.text()
    assert page.signing.last.text() == "This was the last shift of Tuesday, February 3, 2026:"
    page.signing.sign.click()
    (entry,) = kinds(desk, EntryKind.SHIFT_CLOSED)
    assert [item["reference"] for item in entry.body["carried"]] == [reference]
    assert [row.which for row in page.opening.carried.rows] == [in_doubt.which, aside.which]
    desk.type("200")
    desk.key(Key.Key_Return)
    opened = kinds(desk, EntryKind.SHIFT_OPENED)[-1]
    assert [item["reference"] for item in opened.body["carried"]] == [reference]


def test_nothing_to_carry_is_said(desk: Desk) -> None:
    page = balanced(desk)
    assert page.carrying.carried.nothing.isVisible() and not page.carrying.says.isVisible()
    page.carrying.go_on.click()
    assert "nothing carried forward" in page.signing.says.text()


def test_money_on_no_receipt_is_seen_to_before_the_count(desk: Desk) -> None:
    page = counter(desk)
    desk.fill()
    desk.till.take_tender(Tender(TenderKind.CHECK, Cents(4_000), number="1042", bank="B", payer="Robin"))
    page.working.count.click()
    page.counting.fill_rest()
    page.counting.done.click()
    assert page.fault.text().startswith("40.00 was taken and is on no receipt yet.")
    assert page.counting.fields[0].text() == "0" and not kinds(desk, EntryKind.SHIFT_COUNTED)


def test_the_business_date_stays_open_for_another_shift_when_it_is_not_the_last(desk: Desk) -> None:
    page = balanced(desk)
    page.carrying.go_on.click()
    assert page.signing.day.isChecked() and page.signing.day.isEnabled()
    page.signing.day.click()
    page.signing.sign.click()
    assert not kinds(desk, EntryKind.DAY_CLOSED)
    assert "Tuesday, February 3, 2026 is open for another shift." in page.banner.text
    assert page.opening.date.currentText() == "Tuesday, February 3, 2026"
    desk.type("200")
    desk.key(Key.Key_Return)
    page.working.count.click()
    type_count(desk, page, FLOAT)
    page.carrying.go_on.click()
    assert page.signing.day.isChecked()  # what was chosen for one close is not for the next


def test_t6_a_closed_shift_is_opened_again_with_a_reason_by_those_who_may(desk: Desk) -> None:
    page = counter(desk)
    old = close_shift(desk.till.shifts)
    assert page.showing is Showing.OPEN and page.opening.reopen.isHidden()
    desk.window.presence.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    assert page.opening.reopen.isVisible()
    page.opening.reopen.click()
    dialog = dialog_of(desk)
    dialog.go_on.click()
    assert "reason of 8 to 300" in dialog.fault.text() and dialog.focusWidget() is dialog.reason
    assert dialog.amount.isHidden()
    QTest.keyClicks(dialog.reason, "A check was in the tray")
    QTest.keyClick(dialog.reason, Key.Key_Return)
    at_the_window(desk)
    assert page.showing is Showing.WORK and "OPENED AGAIN" in page.banner.text
    assert "revision 2" in page.banner.text
    assert [entry.seq for entry in kinds(desk, EntryKind.DAY_CLOSED)] == [old.seq]
    hire_second(desk)
    page.working.count.click()
    type_count(desk, page, FLOAT)  # it agrees, and needs a supervisor all the same
    assert page.showing is Showing.WAIT and "does not agree" not in page.banner.text
    page.waiting.review.click()
    review = approval(desk)
    review.pin.setText("161803")
    review.go_on.click()
    desk.settle()
    at_the_window(desk)
    page.review.reason.setText(REASON)
    page.review.accept.click()
    page.carrying.go_on.click()
    assert not page.signing.day.isEnabled() and page.signing.day.isChecked()
    assert page.signing.last.text() == "Tuesday, February 3, 2026 was closed before, and is closed again."
    page.signing.sign.click()
    assert [entry.body["revision"] for entry in kinds(desk, EntryKind.SHIFT_CLOSED)] == [1, 2]
    assert len(kinds(desk, EntryKind.DAY_CLOSED)) == 2


def test_a_late_word_of_the_gateway_is_no_longer_carried(desk: Desk) -> None:
    page = counter(desk)
    reference = desk.doubt()
    desk.window.show_page(SHIFT)
    page.working.count.click()
    type_count(desk, page, FLOAT)
    assert len(page.carrying.carried.rows) == 1
    payment = desk.journal.payment(reference)
    assert payment is not None
    desk.tell(told_all(payment, convenience_fee_cents=375), reference)
    assert page.carrying.carried.rows == [] and page.showing is Showing.CARRY


def test_another_clerk_cannot_close_it(desk: Desk) -> None:
    page = counter(desk)
    hire(desk.till.people, "Lee Second", Role.CLERK, "161803")
    desk.window.presence.sign_out()
    at_once(desk.till.people.sign_in("Lee Second", "161803"))
    desk.window.show_page(SHIFT)
    page.working.count.click()
    page.counting.fill_rest()
    page.counting.done.click()
    assert page.fault.text().startswith("This is the shift of Kim Clerk.")
    view = desk.snapshot.shift
    assert view is not None and view.state is ShiftState.OPEN
    assert QApplication.focusWidget() is not None
