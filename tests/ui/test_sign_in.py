"""Signing in, locking and the first start, through the real window."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from cashier.domain.entries import EntryKind
from cashier.domain.payment import PaymentState
from cashier.domain.people import Role
from cashier.ui.cover import Cover
from cashier.ui.rail import DESK, PAYMENT, SALE
from cashier.ui.sign_in import FirstStartForm, SignInForm
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, hire
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless_in

Key, Mod = Qt.Key, Qt.KeyboardModifier


def cover(desk: Desk) -> Cover:
    found = desk.window.presence.cover
    assert found is not None
    return found


def form(desk: Desk) -> SignInForm:
    found = cover(desk).form
    assert isinstance(found, SignInForm)
    return found


def enter(desk: Desk) -> None:
    desk.key(Key.Key_Return)
    desk.settle()


def lock(desk: Desk) -> None:
    desk.key(Key.Key_L, Mod.ControlModifier)
    assert cover(desk).isVisible()


# -- the first start -----------------------------------------------------------------------------------------


def test_the_first_start_creates_the_administrator_by_keyboard_alone(desk: Desk) -> None:
    desk.clerk = ""
    desk.start()
    first = cover(desk).form
    assert isinstance(first, FirstStartForm)
    assert desk.focus is first.name
    desk.type("Alex Boss")
    desk.key(Key.Key_Return)
    desk.type("314159")
    desk.key(Key.Key_Return)
    desk.type("314159")
    enter(desk)
    assert cover(desk).isHidden()
    person = desk.till.people.signed_in
    assert person is not None and (person.name, person.role) == ("Alex Boss", Role.ADMINISTRATOR)
    assert "Alex Boss" in desk.window.status.till.text()
    assert desk.focus is desk.window.shift.opening.float  # no shift is open yet


@pytest.mark.parametrize(
    ("name", "pin", "again", "why"),
    [
        ("", "314159", "314159", "Enter the administrator's name."),
        ("Alex", "314159", "314158", "The two PINs are not the same. Enter both again."),
        ("Alex", "3141", "3141", "An administrator's PIN is 6 to 12 digits."),
        ("Alex", "123456", "123456", "too easy to guess"),
        ("A", "314159", "314159", "A name has 2 to 60 characters."),
    ],
)
def test_what_is_refused_at_the_first_start_is_said_there(
    desk: Desk, name: str, pin: str, again: str, why: str
) -> None:
    desk.clerk = ""
    desk.start()
    first = cover(desk).form
    assert isinstance(first, FirstStartForm)
    for field, text in ((first.name, name), (first.pin, pin), (first.again, again)):
        field.setText(text)
    first.again.setFocus()
    enter(desk)
    assert cover(desk).isVisible() and why in first.fault.text() and first.fault.isVisible()
    assert (first.pin.text(), first.again.text()) == ("", "")
    assert not list(desk.journal.entries())


# -- signing in ----------------------------------------------------------------------------------------------


def test_a_name_is_chosen_by_typing_and_enter_goes_on(desk: Desk) -> None:
    desk.start()
    desk.key(Key.Key_L, Mod.ControlModifier | Mod.ShiftModifier)
    page = form(desk)
    assert (page.title.text(), desk.focus) == ("Sign in", page.name)
    assert "nobody is signed in" in desk.window.status.till.text()
    desk.type("rob")
    assert [page.names.item(row).text() for row in range(page.names.count())] == [SUPERVISOR]
    desk.key(Key.Key_Return)
    assert (page.name.text(), desk.focus) == (SUPERVISOR, page.pin)
    desk.type(PIN)
    enter(desk)
    assert cover(desk).isHidden() and desk.till.people.name == SUPERVISOR
    assert desk.window.status.till.text().startswith(f"Till A · {SUPERVISOR} · ")


def test_the_second_word_of_a_name_finds_it_too_and_arrows_choose(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    page = form(desk)
    desk.type("cle")
    assert page.names.count() == 1
    page.name.clear()
    page.name.textEdited.emit("")
    assert page.names.count() == 2
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Return)
    assert page.name.text() == SUPERVISOR


def test_a_name_can_be_clicked(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    page = form(desk)
    middle = page.names.visualItemRect(page.names.item(1)).center()
    QTest.mouseClick(page.names.viewport(), Qt.MouseButton.LeftButton, Mod.NoModifier, middle)
    assert (page.name.text(), desk.focus) == (SUPERVISOR, page.pin)


def test_a_wrong_pin_and_the_wait_are_said_and_the_pin_is_forgotten(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    page = form(desk)
    page.name.setText(CLERK)
    for count in range(1, 7):
        page.pin.setText("1618")
        page.pin.setFocus()
        enter(desk)
        assert page.pin.text() == "" and desk.focus is page.pin
        if count < 5:
            assert page.fault.text() == "This is not the PIN of Kim Clerk."
    assert page.fault.text().startswith("Too many wrong PINs. Wait 6")
    desk.clock.advance(62)
    desk.type(CLERK_PIN)
    enter(desk)
    assert cover(desk).isHidden()


def test_without_a_name_or_a_pin_it_says_what_is_missing(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    page = form(desk)
    page.go_on.click()
    assert page.fault.text() == "Choose your name first."
    desk.type("zzz")
    desk.key(Key.Key_Return)
    assert page.fault.text() == "Nobody of this name may sign in at this till."
    page.name.setText(CLERK)
    page.go_on.click()
    assert page.fault.text() == "Enter your PIN."


# -- locking -------------------------------------------------------------------------------------------------


def test_ctrl_l_locks_and_what_was_typed_stays(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.window.sale.fields["city"].setFocus()
    desk.window.sale.fields["city"].setText("Sampletown-on-Sea")
    lock(desk)
    page = form(desk)
    assert (page.title.text(), page.name.text(), desk.focus) == ("Locked", CLERK, page.pin)
    assert desk.draft.customer.city == "Sampletown-on-Sea"
    desk.type(CLERK_PIN)
    enter(desk)
    assert cover(desk).isHidden()
    assert (len(desk.lines), desk.draft.customer.city) == (1, "Sampletown-on-Sea")
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN


def test_behind_the_lock_no_key_and_no_click_does_anything(desk: Desk) -> None:
    desk.start()
    desk.fill()
    lock(desk)
    before = len(list(desk.journal.entries()))
    for key in (Key.Key_F8, Key.Key_F1, Key.Key_F3, Key.Key_F4, Key.Key_Escape):
        desk.key(key)
    for key in (Key.Key_1, Key.Key_2, Key.Key_3, Key.Key_4, Key.Key_N, Key.Key_P, Key.Key_L):
        desk.key(key, Mod.ControlModifier)
    desk.key(Key.Key_L, Mod.ControlModifier | Mod.ShiftModifier)
    for _ in range(12):
        desk.key(Key.Key_Tab)
        assert cover(desk).isAncestorOf(desk.focus)
    desk.click(desk.window.rail.buttons[DESK])
    desk.window.sale.pay.click()
    desk.settle()
    assert desk.window.pages.currentIndex() == SALE
    assert not desk.boxes and not desk.dialogs and desk.gateway.launched == []
    assert len(list(desk.journal.entries())) == before
    assert desk.till.people.view().is_locked
    at = desk.window.childAt(QPoint(200, 300))
    assert at is cover(desk) or cover(desk).isAncestorOf(at)


def test_a_payment_page_is_covered_never_closed_and_its_money_goes_on(desk: Desk) -> None:
    desk.start()
    page = desk.open_page()
    lock(desk)
    assert desk.open_view is page
    assert "A payment is under way. It goes on behind this" in form(desk).says.text()
    desk.approve()
    assert len(desk.till.receipts("")) == 1
    assert cover(desk).isVisible() and desk.focus is form(desk).pin
    desk.type(CLERK_PIN)
    enter(desk)
    assert desk.window.pages.currentIndex() == PAYMENT
    assert desk.window.payment.shown_receipt is not None
    assert "page_closed" not in desk.hints()


def test_the_payer_goes_on_paying_when_the_clerk_is_back(desk: Desk) -> None:
    desk.start()
    page = desk.open_page()
    lock(desk)
    desk.type(CLERK_PIN)
    enter(desk)
    assert desk.open_view is page and page.isVisible() and page.isEnabled()
    assert desk.payment.state is PaymentState.OPEN


def test_a_supervisor_takes_a_locked_till_over_another_clerk_does_not(desk: Desk) -> None:
    desk.start()
    hire(desk.till.people, "Lee Clerk", Role.CLERK, "5772")
    lock(desk)
    page = form(desk)
    for name, pin in (("Lee Clerk", "5772"), (SUPERVISOR, PIN)):
        page.name.setText(name)
        page.pin.setText(pin)
        page.pin.setFocus()
        enter(desk)
        if name != SUPERVISOR:
            assert page.fault.text().startswith("Kim Clerk has locked this till.")
    assert cover(desk).isHidden() and desk.till.people.name == SUPERVISOR


def test_dialogs_are_left_and_messages_wait(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    desk.window.show_page(DESK)
    desk.settle()
    desk.key(Key.Key_V)
    assert len(desk.dialogs) == 1
    desk.window.presence.lock()
    desk.settle()
    assert not desk.dialogs
    desk.window.messages.tell("Something", "Something was said meanwhile.")
    assert not desk.boxes
    form(desk).pin.setText(CLERK_PIN)
    QTest.keyClick(form(desk).pin, Key.Key_Return)
    desk.settle()
    assert desk.read_messages() == ["Something was said meanwhile."]


def test_a_message_that_is_up_is_taken_away(desk: Desk) -> None:
    desk.start()
    desk.window.show_shortcuts()
    assert len(desk.boxes) == 1
    desk.window.presence.lock()
    desk.settle()
    assert not desk.boxes


def test_a_disk_that_is_full_locks_all_the_same_and_is_told_afterwards(desk: Desk) -> None:
    desk.start()
    desk.journal.disk_full = True
    desk.window.presence.lock()
    assert cover(desk).isVisible()
    page = form(desk)
    page.pin.setText(CLERK_PIN)
    page.pin.setFocus()
    enter(desk)
    assert cover(desk).isVisible() and page.fault.isVisible()
    desk.journal.disk_full = False
    desk.type(CLERK_PIN)
    enter(desk)
    assert cover(desk).isHidden()
    assert len(desk.read_messages()) == 1


# -- nobody is there -----------------------------------------------------------------------------------------


def watched(desk: Desk, minutes: int) -> list[float]:
    """The window with a setting, and its time as a test wants it."""
    desk.config = desk.config_with(lock_after_s=minutes * 60)
    now = [0.0]
    desk.start_without_till()
    desk.window.presence.idle.now_s = lambda: now[0]
    desk.attach()
    return now


def test_after_so_many_minutes_without_anybody_it_locks(desk: Desk) -> None:
    now = watched(desk, 10)
    idle = desk.window.presence.idle
    for now[0] in (1.0, 300.0, 599.0):
        idle.tick()
        assert cover(desk).isHidden()
    desk.key(Key.Key_A)  # somebody is there
    for now[0] in (600.0, 1199.0):
        idle.tick()
        assert cover(desk).isHidden()
    now[0] = 1200.0
    idle.tick()
    assert cover(desk).isVisible()
    [locked] = [entry for entry in desk.journal.entries() if entry.kind is EntryKind.SCREEN_LOCKED]
    assert locked.body["idle_s"] == 600


def test_a_payment_page_counts_as_somebody(desk: Desk) -> None:
    now = watched(desk, 10)
    idle = desk.window.presence.idle
    desk.open_page()
    for now[0] in (700.0, 1400.0, 5000.0):
        idle.tick()
    assert cover(desk).isHidden(), "the payer types where no key is seen"
    desk.window.payment.stop_waiting()
    now[0] = 5500.0
    idle.tick()
    assert cover(desk).isHidden(), "from its end on"
    now[0] = 6200.0
    idle.tick()
    assert cover(desk).isVisible()


def test_0_minutes_is_never(desk: Desk) -> None:
    now = watched(desk, 0)
    for now[0] in (1.0, 1e9):
        desk.window.presence.idle.tick()
    assert cover(desk).isHidden()


# -- cards and barcodes, screen readers, large text, secrets -------------------------------------------------


def test_everything_of_the_forms_has_a_name(desk: Desk) -> None:
    desk.clerk = ""
    desk.start()
    assert nameless_in(cover(desk)) == []
    desk.window.presence.cover = None


def test_the_sign_in_form_has_names_too(desk: Desk) -> None:
    desk.start()
    desk.window.presence.sign_out()
    assert nameless_in(cover(desk)) == []
    lock_form = form(desk)
    for line in lock_form.findChildren(QLineEdit):
        [buddy] = [one for one in lock_form.findChildren(QLabel) if one.buddy() is line]
        assert buddy.text()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("what", ["first", "sign in", "locked"])
def test_x2_nothing_is_cut_at_twice_the_text(desk: Desk, what: str, dark: bool, tmp_path: Path) -> None:
    desk.clerk = "" if what == "first" else CLERK
    desk.start((1080, 700), dark=dark, text_scale=2.0)
    if what == "sign in":
        desk.window.presence.sign_out()
        form(desk).say(
            "This is not the PIN of Kim Clerk. Too many were wrong: wait 60 seconds, then try again."
        )
    elif what == "locked":
        desk.open_page()
        desk.window.presence.lock()
    desk.grab(tmp_path / "picture.png")
    shown: list[QWidget] = [one for one in cover(desk).form.findChildren(QWidget) if one.isVisible()]
    for one in shown:
        if isinstance(one, QLabel) and one.text():
            needed = one.heightForWidth(one.width()) if one.wordWrap() else one.sizeHint().height()
            assert one.height() >= needed, one.text()
        elif isinstance(one, QLineEdit):
            assert one.height() >= one.fontMetrics().height() + 8
    inside = cover(desk).widget()
    assert inside.width() <= cover(desk).viewport().width()


def test_neither_pin_nor_hash_is_in_any_text_of_the_window(desk: Desk) -> None:
    desk.config = desk.config_with(training=False)
    desk.start()
    desk.window.presence.sign_out()
    page = form(desk)
    page.name.setText(CLERK)
    page.pin.setFocus()
    desk.type(CLERK_PIN)
    assert page.pin.displayText() == "●" * len(CLERK_PIN)
    hashes = [desk.journal.pin_hash(person.id) for person in desk.till.people.view().everybody]
    for pin in ("1618", CLERK_PIN):
        page.pin.setText(pin)
        enter(desk)
        said = [repr(desk.till.people.view()), repr(desk.snapshot)]
        for widget in desk.window.findChildren(QWidget):
            text = getattr(widget, "text", "")
            # A part that is called so, instead of a text, is one of the widgets itself.
            said += [widget.accessibleName(), widget.toolTip(), str(text() if callable(text) else text)]
        for secret in (CLERK_PIN, "1618", *hashes):
            assert not any(str(secret) in text for text in said)
    assert cover(desk).isHidden()
