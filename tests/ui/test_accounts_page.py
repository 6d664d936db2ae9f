"""Customers' accounts on their page: by keyboard alone, sealed pages, nothing left of who was left."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QPushButton, QWidget

from cashier.domain.accounts import AccountPage, Secret
from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.domain.sale import Customer
from cashier.till.config import AccountsConfig
from cashier.till.rehearsal_cases import LESSONS, Task, lesson
from cashier.till.trainees import VISITOR
from cashier.ui.accounts_page import AccountsPage
from cashier.ui.form_dialog import FormDialog
from cashier.ui.rail import ACCOUNTS, SALE
from cashier.ui.training_dialogs import RehearseDialog
from cashier.ui.widgets import ElidedLabel
from tests.fakes.people import CLERK, CLERK_PIN, at_once
from tests.fakes.stand_in import FakeStandIn
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless, nameless_in

Key, Mod = Qt.Key, Qt.KeyboardModifier
ROBIN, SAM = "robin@example.org", "sam@example.org"
PASSWORD, NEW = "planted-pass-1", "planted-pass-2"
CONFIG = AccountsConfig(biller="town", life_s=900, refusal="", agency="Town of Sampleton")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """BU7-00042 is registered by Robin, BU7-00043 by nobody."""
    desk.config = desk.config_with(accounts=CONFIG)
    desk.accounts.seed("BU7-00042", ROBIN, PASSWORD, "Robin Example")
    desk.accounts.seed("BU7-00043", name="Pat Nobody")
    return desk


@pytest.fixture
def page(desk: Desk) -> AccountsPage:
    desk.start()
    desk.key(Key.Key_7, Mod.ControlModifier)
    assert desk.window.pages.currentWidget() is desk.window.accounts
    assert desk.focus is desk.window.accounts.panel.search
    return desk.window.accounts


def enter(desk: Desk, text: str = "") -> None:
    desk.type(text)
    desk.key(Key.Key_Return)
    desk.settle()


def look_up(desk: Desk, text: str) -> None:
    """Wherever the focus was, in a dialog that has gone for example."""
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)
    desk.window.accounts.panel.search.setFocus()
    desk.window.accounts.panel.search.setText(text)
    enter(desk)


def signed_on(desk: Desk) -> None:
    look_up(desk, "BU7-00042")
    enter(desk, PASSWORD)
    assert desk.window.accounts.panel.signed_on_part.isVisible()


def dialog_of(desk: Desk) -> FormDialog:
    [dialog] = desk.dialogs
    assert isinstance(dialog, FormDialog)
    return dialog


def fill(desk: Desk, **texts: str) -> FormDialog:
    dialog = dialog_of(desk)
    for key, text in texts.items():
        dialog.fields[key].setText(text)
    dialog.go_on.click()
    desk.settle()
    return dialog


def told(desk: Desk) -> str:
    return desk.window.accounts.panel.banner.text


def texts(widget: QWidget) -> Iterator[str]:
    """Every text of every widget, whether it is to be seen or not."""
    for one in (widget, *widget.findChildren(QWidget)):
        yield from (one.accessibleName(), one.accessibleDescription(), one.toolTip(), one.windowTitle())
        if isinstance(one, QLabel | QPushButton):
            yield one.text()
        elif isinstance(one, QLineEdit):
            one.undo()
            yield f"{one.text()} {one.placeholderText()}"
        elif isinstance(one, QListWidget):
            yield from (one.item(row).text() for row in range(one.count()))


# -- finding and signing on --------------------------------------------------------------------------------


def test_a_customer_signs_on_by_keyboard_alone(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00042")
    assert "REGISTERED Account BU7-00042 is registered by robin@example.org" in told(desk)
    assert page.panel.email.text() == ROBIN and desk.focus is page.panel.password
    enter(desk, PASSWORD)
    assert "SIGNED ON robin@example.org is signed on" in told(desk)
    assert page.panel.password.text() == ""
    assert [page.panel.accounts.item(0).text()] == ["BU7-00042 · Robin Example"]
    assert desk.focus is page.panel.pages[AccountPage.BILLS]
    desk.key(Key.Key_3, Mod.AltModifier)
    [view] = desk.pages
    assert view.opened[0].endswith("&ViewMode=1&RedirectID=3")
    assert page.left.currentWidget() is view and view.accessibleName() == "AutoPay of the customer"
    desk.key(Key.Key_Escape)
    assert view.closed == 1 and page.hosted is None
    assert page.panel.signed_on_part.isVisible(), "the page went, the customer stays"
    desk.key(Key.Key_Escape)
    assert not page.panel.signed_on_part.isVisible() and "NO CUSTOMER" in told(desk)
    assert desk.focus is page.panel.search and page.panel.search.text() == ""


def test_x4_twenty_presses_are_one(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00042")
    desk.type(PASSWORD)
    for _ in range(20):
        desk.key(Key.Key_Return)
        page.panel.sign_on.click()
    desk.settle()
    assert "SIGNED ON" in told(desk) and desk.accounts.calls.count("authenticate") == 1


def test_each_page_opens_in_place_of_the_one_before(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    for page_id in AccountPage:
        page.panel.pages[page_id].click()
        assert f"RedirectID={page_id.value}" in desk.pages[-1].opened[0]
        assert [view.closed for view in desk.pages] == [1] * (len(desk.pages) - 1) + [0]


def test_what_was_found_is_said_with_what_to_do(desk: Desk, page: AccountsPage) -> None:
    for asked, says, registers in (
        ("BU7-00043", "NOT REGISTERED Account BU7-00043 is there, and nobody has registered it", True),
        ("BU7-00099", "NO SUCH ACCOUNT Invoice Cloud knows of no account BU7-00099", True),
        ("nobody@example.org", "NOBODY OF THIS ADDRESS Nobody has registered with nobody@example.org", True),
        ("not@an@address", "NOT DONE This is not an e-mail address", True),
    ):
        look_up(desk, asked)
        assert says in told(desk)
        assert page.panel.register.isVisible() == registers
        assert not page.panel.sign_on_part.isVisible()


def test_the_wrong_password_is_said_and_typed_again(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00042")
    enter(desk, "not the one")
    assert "NOT DONE E-mail address and password are not the ones" in told(desk)
    assert page.panel.password.text() == "" and desk.focus is page.panel.password
    enter(desk, PASSWORD)
    assert page.panel.signed_on_part.isVisible()


def test_whatever_goes_wrong_is_said_and_nothing_hangs(desk: Desk, page: AccountsPage) -> None:
    for error in (InDoubt("No answer."), Unavailable("Not reached."), Refused("No.")):
        desk.accounts.errors = [error]
        page.panel.search.setText("")
        enter(desk, "BU7-00043")
        assert f"NOT DONE {error.user_text}" in told(desk)
        assert page.panel.search.text() == "BU7-00043", "to be tried again"
    enter(desk)
    assert "NOT REGISTERED" in told(desk)


def test_what_invoice_cloud_did_not_answer_is_said_with_the_account(
    desk: Desk, page: AccountsPage, tmp_path: Path
) -> None:
    enter(desk, "BU7-00043")
    page.panel.register.click()
    desk.accounts.errors_at["register"] = InDoubt("No answer.")
    fill(desk, email=SAM, password=PASSWORD, again=PASSWORD).reject()
    look_up(desk, "BU7-00043")
    said = told(desk)
    assert said.startswith("◷  NOT REGISTERED Account BU7-00043 is there")
    assert (
        "Not answered by Invoice Cloud: the registration of account BU7-00043, asked for 2026-02-03" in said
    )
    assert f"by {desk.till.people.name}. It may have been done all the same." in said
    assert_fits(desk, 1360)
    desk.grab(tmp_path / "not-answered.png")
    page.panel.register.click()
    fill(desk, email=SAM, password=PASSWORD, again=PASSWORD)
    page.panel.leave.click()
    look_up(desk, "BU7-00043")
    assert "REGISTERED Account BU7-00043" in told(desk) and "Not answered" not in told(desk)


def test_a_permit_system_without_accounts_says_so_plainly(desk: Desk) -> None:
    desk.config = desk.config_with(accounts=AccountsConfig())
    desk.start()
    desk.key(Key.Key_7, Mod.ControlModifier)
    page = desk.window.accounts
    assert page.refusal.text() == "This permit system has no customer accounts at Invoice Cloud."
    assert page.refusal.isVisible() and desk.focus is page.refusal
    assert not page.panel.isVisible()
    assert nameless(desk) == []


# -- registering -------------------------------------------------------------------------------------------


def test_a_new_customer_is_registered_from_what_the_sale_knows(desk: Desk, page: AccountsPage) -> None:
    sale = Customer("BU7-00099", "Sam New", "1 Sample Lane", "Sampletown", "FL", "32003", SAM)
    desk.till.set_customer(sale)
    enter(desk, "BU7-00099")
    assert desk.focus is page.panel.register
    desk.key(Key.Key_Return)
    dialog = dialog_of(desk)
    assert {key: dialog.fields[key].text() for key in ("account", "name", "zip", "email")} == {
        "account": "BU7-00099",
        "name": "Sam New",
        "zip": "32003",
        "email": SAM,
    }
    desk.qtbot.waitUntil(lambda: desk.focus is dialog.fields["password"])  # the first that is empty
    assert nameless_in(dialog) == []
    fill(desk, password=NEW, again="another-one")
    assert "not the same" in dialog.fault.text() and dialog.fields["password"].text() == ""
    fill(desk, password=NEW, again=NEW)
    assert not desk.dialogs
    assert page.panel.signed_on_part.isVisible() and SAM in told(desk)
    assert desk.accounts.records["bu7-00099"] == sale


def test_who_has_a_record_only_needs_address_and_password(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00043")
    page.panel.register.click()
    assert sorted(dialog_of(desk).fields) == ["account", "again", "email", "password"]
    dialog = fill(desk, email=ROBIN, password=NEW, again=NEW)
    assert "registered already, with another account" in dialog.fault.text()
    fill(desk, email=SAM, password=NEW, again=NEW)
    assert page.panel.signed_on_part.isVisible()


# -- accounts, address, password ---------------------------------------------------------------------------


def test_accounts_are_linked_and_unregistering_warns_of_links(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.link.click()
    fill(desk, account="BU7-00043")
    assert page.panel.accounts.item(1).text() == "BU7-00043 · Pat Nobody · linked"
    page.panel.accounts.setCurrentRow(1)
    assert page.panel.unregister.accessibleName() == "Unregister: account BU7-00043"
    page.panel.unregister.click()
    [box] = desk.boxes
    assert "Every link to it is removed as well" in box.text()
    desk.read_messages()  # Enter keeps it
    assert page.panel.accounts.count() == 2
    page.panel.unregister.click()
    [box] = desk.boxes
    next(one for one in box.buttons() if one.text() == "Unregister").click()
    desk.settle()
    assert page.panel.accounts.count() == 1 and "unregister" in desk.accounts.calls


def test_an_address_is_changed_at_once_by_the_right_password(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.change_email.click()
    assert ROBIN in dialog_of(desk).says.text()
    fill(desk, email=SAM, password=PASSWORD)
    assert f"{SAM} is signed on" in told(desk)
    assert desk.letters.sent == []


def test_an_address_is_changed_by_who_cannot_sign_on_only_by_the_mailed_code(
    desk: Desk, page: AccountsPage
) -> None:
    enter(desk, "BU7-00042")
    page.panel.other_email.click()
    fill(desk, email=SAM, password=NEW)
    assert "CODE MAILED" in told(desk) and desk.accounts.users_known[0].email == ROBIN
    page.panel.code.setText(desk.letters.sent[0][2].split("\n\n")[1])
    page.panel.approve.click()
    desk.settle()
    assert desk.accounts.users_known[0].email == SAM and f"registered by {SAM}" in told(desk)


def test_f3_and_a_scan_go_to_the_pages_own_search(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00042")
    desk.key(Key.Key_F3)
    assert desk.focus is page.panel.search and desk.window.pages.currentWidget() is page


def test_a_forgotten_password_is_set_by_the_mailed_code(desk: Desk, page: AccountsPage) -> None:
    enter(desk, "BU7-00042")
    page.panel.forgotten.click()
    fill(desk, old="", password=NEW, again=NEW)
    assert "CODE MAILED A code was mailed to r…@example.org" in told(desk)
    assert page.panel.code_part.isVisible() and not page.panel.sign_on_part.isVisible()
    desk.window.activateWindow()
    desk.qtbot.waitUntil(lambda: desk.focus is page.panel.code)
    enter(desk, "wrong")
    assert "This is not the code" in told(desk)
    page.panel.code.setText("")
    enter(desk, desk.letters.sent[0][2].split("\n\n")[1])
    assert not page.panel.code_part.isVisible() and page.panel.code.text() == ""
    page.panel.password.setFocus()
    enter(desk, NEW)
    assert page.panel.signed_on_part.isVisible()


# -- paying ------------------------------------------------------------------------------------------------


def test_the_sale_is_for_the_customer_and_paid_by_the_sign_on(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.use.click()
    assert desk.window.pages.currentIndex() == SALE
    customer = desk.draft.customer
    assert (customer.account_number, customer.name, customer.email) == ("BU7-00042", "Robin Example", ROBIN)
    assert desk.window.status.customer.text() == "registered payer: r…@example.org"
    desk.till.set_customer(Customer("10099", "Sam New"))
    assert desk.window.status.customer.text() == "signed on: r…@example.org"
    desk.till.set_customer(customer)
    desk.till.add_fee("planning-application")
    desk.window.pay()
    desk.settle()
    assert desk.gateway.tokens == list(desk.accounts.tokens)
    desk.window.show_page(ACCOUNTS)
    page.panel.pages[AccountPage.BILLS].click()
    assert "A payment page is open" in told(desk) and page.hosted is None


def test_the_customers_page_makes_way_for_the_payment_page(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.pages[AccountPage.BILLS].click()
    desk.open_page()
    assert [view.closed for view in desk.pages] == [1, 0] and page.hosted is None


def test_a_page_that_stops_or_returns_leaves_the_customer_signed_on(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.pages[AccountPage.BILLS].click()
    desk.pages[-1].renderer_died.emit("crashed")
    assert "The customer's page stopped. Nothing was paid by it" in told(desk)
    page.panel.pages[AccountPage.BILLS].click()
    desk.pages[-1].returned.emit()
    assert page.hosted is None and page.panel.signed_on_part.isVisible()


def test_keys_of_the_customers_page_are_not_looked_at(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.pages[AccountPage.PAYMENT_OPTIONS].click()
    inside = QLineEdit(desk.pages[-1])
    inside.show()
    inside.setFocus()
    before = desk.window.guard.presses
    desk.type("what a card reader types")
    assert desk.window.guard.presses == before
    page.panel.search.setFocus()
    desk.type("x")
    assert desk.window.guard.presses == before + 1


# -- nothing stays -----------------------------------------------------------------------------------------


def _expire(desk: Desk) -> None:
    desk.clock.advance(900)
    desk.window.accounts.tick()


def test_a2_nothing_of_a_customer_stays_once_they_are_left(desk: Desk, page: AccountsPage) -> None:
    leaving: dict[str, Callable[[], object]] = {
        "left": page.panel.leave.click,
        "locked": desk.window.presence.lock,
        "locked by the core": lambda: desk.till.people.lock(600),
        "signed out": desk.window.presence.sign_out,
        "after its life": lambda: _expire(desk),
        "window closed": desk.window.close,
    }
    for how, leave in leaving.items():
        signed_on(desk)
        page.panel.pages[AccountPage.BILLS].click()
        [token] = desk.accounts.tokens
        view = desk.pages[-1]
        page.panel.change_password.click()
        dialog_of(desk).fields["old"].setText(PASSWORD)
        leave()
        desk.settle()
        desk.app.sendPostedEvents(None, 0)
        assert view.closed == 1 and page.hosted is None, how
        assert desk.dialogs == []
        assert desk.till.accounts.view().signed_on is None
        for text in texts(desk.window):
            for secret in (token, PASSWORD, ROBIN):
                assert secret not in text, f"{how}: {text}"
        desk.accounts.tokens.clear()
        if desk.window.presence.is_away:
            at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
            assert not page.panel.signed_on_part.isVisible()
            desk.window.show_page(ACCOUNTS)


def test_what_was_typed_and_not_asked_goes_with_the_lock(desk: Desk, page: AccountsPage) -> None:
    desk.type(ROBIN)
    desk.key(Key.Key_L, Mod.ControlModifier)
    assert page.panel.search.text() == ""


def test_neither_token_nor_password_is_ever_to_be_read(desk: Desk, page: AccountsPage) -> None:
    signed_on(desk)
    page.panel.pages[AccountPage.BILLS].click()
    [token] = desk.accounts.tokens
    view = desk.till.accounts.view()
    for text in (*texts(desk.window), repr(view), repr(desk.till.accounts), repr(desk.snapshot)):
        assert token not in text and PASSWORD not in text


# -- how it looks ------------------------------------------------------------------------------------------


def test_everything_usable_has_a_name_in_every_state(desk: Desk, page: AccountsPage) -> None:
    assert nameless(desk) == []
    enter(desk, "BU7-00099")
    assert nameless(desk) == []
    look_up(desk, "BU7-00042")
    assert nameless(desk) == []
    page.panel.forgotten.click()
    assert nameless_in(dialog_of(desk)) == []
    fill(desk, old="", password=NEW, again=NEW)
    assert nameless(desk) == []


def test_a_new_standing_is_said_once(desk: Desk, page: AccountsPage) -> None:
    said: list[str] = []
    page.panel.banner.changed.connect(said.append)
    enter(desk, "BU7-00042")
    desk.window.refresh()
    enter(desk, PASSWORD)
    assert [text.split(".")[0] for text in said] == ["Asking", "Registered", "Asking", "Signed on"]


@pytest.mark.parametrize(("scale", "dark"), [(1.0, False), (2.0, True)])
def test_nothing_is_cut_off(desk: Desk, tmp_path: Path, scale: float, dark: bool) -> None:
    desk.start((1080, 700), text_scale=scale, dark=dark)
    desk.key(Key.Key_7, Mod.ControlModifier)
    page = desk.window.accounts
    for asked in ("BU7-00099", "BU7-00042"):
        look_up(desk, asked)
        assert_fits(desk)
    desk.grab(tmp_path / "found.png")
    enter(desk, PASSWORD)
    desk.lay_out()
    bills = page.panel.pages[AccountPage.BILLS]
    assert desk.focus is bills and bills.visibleRegion().boundingRect() == bills.rect()
    assert_fits(desk)
    desk.grab(tmp_path / "signed-on.png")
    desk.accounts.users_known[0].password = "another-one"
    page.panel.change_email.click()
    fill(desk, email=SAM, password=PASSWORD)
    assert page.panel.code_part.isVisible()
    assert_fits(desk)
    page.panel.leave.click()
    look_up(desk, "BU7-00099")
    page.panel.register.click()
    dialog = dialog_of(desk)
    dialog.say("The customer could not be registered: the gateway did not answer in time. Try again.")
    desk.lay_out()
    assert dialog.height() <= desk.window.height() and dialog.width() <= desk.window.width()
    for part in (dialog.go_on, dialog.cancel, dialog.fault):
        assert part.visibleRegion().boundingRect() == part.rect()


def assert_fits(desk: Desk, width: int = 1080) -> None:
    """Every button and text of the page can be brought into sight, whole."""
    desk.lay_out()
    page = desk.window.accounts
    assert desk.window.width() == width
    for button in page.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()), button.text()
            page.panel.ensureWidgetVisible(button)
            desk.lay_out()
            assert button.visibleRegion().boundingRect() == button.rect(), button.text()
    for one in page.findChildren(QLabel):
        if one.isVisible() and not isinstance(one, ElidedLabel) and one.wordWrap():
            box = one.fontMetrics().boundingRect(
                0, 0, one.width(), 10_000, int(Qt.TextFlag.TextWordWrap), one.text()
            )
            assert one.height() + 2 >= box.height(), one.text()
    for button in desk.window.rail.buttons:
        assert button.height() >= button.fontMetrics().height() + 8


# --- training


def test_where_there_are_accounts_the_menu_has_what_is_done_for_them(desk: Desk) -> None:
    desk.stand_in = FakeStandIn()
    desk.accounts.seed(VISITOR.account, name=VISITOR.name)
    desk.start()
    bar = desk.window.training.bar
    assert "First day" not in bar.guide.text(), "that is a permit counter's"
    desk.key(Key.Key_T, Mod.ControlModifier)
    [menu] = desk.dialogs
    assert isinstance(menu, RehearseDialog)
    menu.activateWindow()
    desk.qtbot.waitUntil(menu.isActiveWindow)
    assert [item.case for item in menu._rehearsal.lessons[len(LESSONS) :]] == list(Task)
    menu.cases.setCurrentRow(len(LESSONS))
    assert (menu.chosen.case, menu.act.text()) == (Task.REGISTER, "Begin")
    for text in (lesson(Task.REGISTER).do, lesson(Task.REGISTER).sees, lesson(Task.REGISTER).right):
        assert text in menu.details.text()
    assert nameless_in(menu) == []
    menu.cases.setFocus()
    desk.key(Key.Key_Return)
    desk.settle()
    assert menu.told.text().startswith("To do: Register a customer. Leave, and do it on the page Accounts")
    menu.reject()
    assert f"Rehearsing: Register a customer. {VISITOR.name} comes" in bar.case.text()
    at_once(desk.till.accounts.register(Customer(VISITOR.account, "", email=SAM), Secret(NEW)))
    desk.settle()
    assert bar.case.text().startswith("✓  Right: Register a customer. Registered once")
