"""The desk: what is in doubt, what each side says of it, and what may be done – by keyboard alone."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from cashier.domain.errors import Held, Unavailable
from cashier.domain.payment import PaymentState
from cashier.ui.desk_model import AGE, AMOUNT, HEADERS, NEXT, PAYER, PERMIT, READER, STATE, age_text
from cashier.ui.desk_page import DeskPage
from cashier.ui.rail import DESK, PAYMENT, SALE
from tests.fakes.enquiry import FakeInvoice
from tests.helpers.payments import told_all
from tests.ui.desk import Desk

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
MINUTE, DAY = 60, 24 * 60 * 60


def desk_of(desk: Desk, *names: str, asks: bool = False) -> DeskPage:
    """The desk's page, with a payment in doubt for each name.

    When the gateway can be asked, none of them is paid there.
    """
    if asks:
        desk.enquiry.not_set_up.clear()
    desk.start()
    for name in names:
        desk.doubt(name)
    for payment in desk.journal.unsettled_payments():
        for share in payment.invoices:
            desk.enquiry.invoices[share.number] = FakeInvoice(share.amount_cents)
    desk.key(Key.Key_3, CTRL)
    desk.settle()
    return desk.window.desk


def column(page: DeskPage, at: int) -> list[str]:
    return [page.model.index(row, at).data() for row in range(page.model.rowCount())]


def buttons(page: DeskPage) -> list[str]:
    return [button.accessibleName() for button in page.buttons if button.isVisible()]


# -- what it shows -------------------------------------------------------------------------------------------


def test_with_nothing_in_doubt_it_says_so(desk: Desk) -> None:
    page = desk_of(desk)
    assert page.stack.currentWidget() is page.nothing
    assert page.nothing.text().startswith("Nothing is in doubt.")
    assert desk.focus is page.nothing
    assert not page.panel.isVisible()
    assert not any(section.isVisible() for section in (page.matters, page.messages, page.ended))
    for key in (Key.Key_A, Key.Key_P, Key.Key_V, Key.Key_S, Key.Key_Return):
        desk.key(key)
    desk.key(Key.Key_P, CTRL)
    assert not desk.boxes and not desk.dialogs


def test_each_payment_has_its_row_with_everything_on_it(desk: Desk) -> None:
    desk.start()
    desk.till.choose_reader("lane-3000")
    desk.doubt("Robin Example")
    desk.clock.advance(12 * MINUTE)
    desk.till.choose_reader(None)
    desk.doubt("Kim Example")
    desk.window.show_page(DESK)
    desk.settle()
    page = desk.window.desk
    assert column(page, STATE) == ["◷  In doubt"] * 2
    assert column(page, AGE) == ["12 min", "< 1 min"]
    assert column(page, PAYER) == ["Robin Example", "Kim Example"]
    assert column(page, PERMIT) == ["BLD-26-000012"] * 2
    assert column(page, AMOUNT) == ["150.00"] * 2
    assert column(page, READER) == ["Lane 3000, counter 1", "typed on the page"]
    assert column(page, NEXT) == ["Invoice Cloud cannot be asked here"] * 2
    index = page.model.index(0, STATE)
    assert index.data(Qt.ItemDataRole.ForegroundRole) == desk.theme.color("waiting")
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "In doubt"
    assert page.count.text() == "2 not settled"
    assert desk.window.rail.buttons[DESK].text() == "In doubt  2"


def test_the_details_have_both_sides_with_their_times(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", asks=True)
    number = next(iter(desk.enquiry.invoices))
    desk.wait(6)
    text = page.facts.text
    assert "This till saw · " in text and "The page was closed here." in text
    assert f"150.00 due on invoice {number}." in text
    assert "Invoice Cloud says · " in text
    for value in ("Robin Example", "BLD-26-000012", "150.00 + 3.75 service fee", number, "Kim Clerk"):
        assert value in text
    [payment] = desk.journal.unsettled_payments()
    assert f"Reference: {payment.reference}" in text
    assert "do not charge again" in page.banner.text


def test_the_reference_can_be_copied_by_keyboard(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example")
    reference = page.model.rows[0].reference
    for _ in range(20):
        if desk.focus.accessibleName() == f"Reference: {reference}":
            break
        desk.key(Key.Key_Tab)
    desk.key(Key.Key_A, CTRL)
    desk.key(Key.Key_C, CTRL)
    assert desk.app.clipboard().text() == reference


def test_ages_tick_once_a_minute_while_they_are_seen(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example")
    assert page._ticking.isActive() and page._ticking.interval() == 60_000
    desk.clock.advance(3 * 60 * MINUTE + 5 * MINUTE)
    page._ticking.timeout.emit()
    assert column(page, AGE) == ["3 h 05 min"]
    desk.window.show_page(SALE)
    assert not page._ticking.isActive()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "< 1 min"),
        (59.9, "< 1 min"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (DAY - 1, "23 h 59 min"),
        (DAY, "1 day"),
        (30 * DAY, "30 days"),
    ],
)
def test_an_age_is_told_as_a_person_says_it(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_news_leaves_the_place_and_what_was_settled_goes(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", "Kim Example", "Lee Example")
    desk.key(Key.Key_Down)
    assert "Kim Example" in page.facts.text
    robin, kim, _lee = desk.journal.unsettled_payments()
    desk.tell(told_all(robin, convenience_fee_cents=375), robin.reference)
    assert column(page, PAYER) == ["Kim Example", "Lee Example"]
    assert "Kim Example" in page.facts.text
    assert desk.focus is page.table
    desk.tell(told_all(kim, convenience_fee_cents=375, payment_guid="another"), kim.reference)
    assert "Lee Example" in page.facts.text


def test_a_payment_before_its_payer_is_listed_but_is_no_doubt(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    assert desk.window.rail.buttons[DESK].text() == "In doubt"
    desk.window.show_page(DESK)
    desk.settle()
    page = desk.window.desk
    assert column(page, STATE) == ["●  Payer is paying"]
    assert buttons(page) == ["Open the payment"]
    assert desk.open_view is desk.page


# -- keys ----------------------------------------------------------------------------------------------------


def test_enter_opens_the_chosen_payment(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", "Kim Example")
    second = page.model.rows[1].reference
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentIndex() == PAYMENT
    assert desk.payment.reference == second
    desk.key(Key.Key_3, CTRL)
    desk.settle()
    assert "Kim Example" in page.facts.text  # the place stays


def test_another_payment_is_not_opened_while_one_is_before_a_payer(desk: Desk) -> None:
    desk_of(desk, "Robin Example")
    desk.open_page()
    desk.window.show_page(DESK)
    desk.settle()
    desk.key(Key.Key_Up)
    desk.key(Key.Key_Return)
    assert desk.read_messages() == ["The payment page is still open. Stop waiting first."]
    assert desk.open_view is desk.page


def test_the_keys_of_the_desk_are_deaf_elsewhere(desk: Desk) -> None:
    desk_of(desk, "Robin Example")
    desk.window.show_page(SALE)
    desk.type("avps")
    assert desk.window.sale.fees.search.text() == "avps"
    assert not desk.dialogs and not desk.boxes


def test_every_list_is_reached_by_tab_and_shows_its_details(desk: Desk) -> None:
    desk.start()
    desk.doubt("Robin Example")
    desk.open_page()
    desk.decline_for_good()
    desk.find_what_nobody_expected()
    page = desk.window.desk
    seen = []
    for _ in range(8):
        seen.append((desk.focus.accessibleName(), page.banner.text.split("  ")[1].split(" This")[0]))
        desk.key(Key.Key_Tab)
    names = [name for name, _ in seen]
    for name in ("Payments that are not settled", "To be seen to", "Messages nobody expected"):
        assert name in names
    assert "Ended without a charge" in names
    words = " ".join(word for _, word in seen)
    for word in ("IN DOUBT", "TO BE SEEN TO", "NOBODY EXPECTED THIS", "DECLINED"):
        assert word in words


def test_nothing_here_forces_a_payment_to_be_paid(desk: Desk) -> None:
    desk.start()
    desk.doubt("Robin Example")
    desk.find_what_nobody_expected()
    said = [button.text().lower() for button in desk.window.findChildren(QPushButton)]
    assert len(said) > 20
    assert not [text for text in said if "force" in text or "mark" in text]
    assert [text for text in said if "paid" in text] == ["paid per gateway portal …   v"]


# -- asking --------------------------------------------------------------------------------------------------


def test_a_asks_the_gateway_now(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", asks=True)
    assert buttons(page)[0] == "Ask Invoice Cloud now"
    number = next(iter(desk.enquiry.invoices))
    desk.enquiry.pay(number)
    for _ in range(20):
        desk.key(Key.Key_A)
    assert page.ask.text() == "Asking …"
    desk.settle()
    assert desk.enquiry.asked == [(number, "town")]
    assert page.stack.currentWidget() is page.nothing
    assert len(desk.till.receipts("")) == 1
    assert not desk.boxes


def test_what_the_gateway_could_not_say_is_shown(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", asks=True)
    desk.enquiry.is_reachable = False
    desk.key(Key.Key_A)
    desk.settle()
    assert "The gateway was not reached." in page.facts.text
    assert page.ask.text().startswith("Ask Invoice Cloud now")


def test_p5_an_invoice_in_doubt_is_not_charged_again_at_another_till(desk: Desk) -> None:
    desk.start()
    desk.holds.errors = [Held("700001-93", "B", "B-0190c4d2a7b8", "2026-02-03T15:04:05.000Z")]
    desk.fill()
    desk.key(Key.Key_F8)
    desk.settle()
    [said] = desk.read_messages()
    for word in ("700001-93", "till B", "15:04", "B-0190c4d2", "Do not charge again"):
        assert word in said
    assert not desk.pages and not desk.gateway.launched


def test_p5_a_sale_in_doubt_is_not_charged_again_here(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.window.payment.stop_waiting()
    desk.window.show_page(SALE)
    for _ in range(3):
        desk.window.show_page(SALE)
        desk.key(Key.Key_F8)
        desk.settle()
    assert len(desk.pages) == 1
    assert desk.draft.card_refusal == "A card payment for this sale is not settled."


def test_p6_time_alone_frees_nothing_and_the_age_is_seen(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", asks=True)
    desk.enquiry.is_answering = False
    for _ in range(4):
        desk.wait(DAY)
    assert len(desk.enquiry.asked) == 4
    assert desk.journal.unsettled_payments()
    assert column(page, AGE) == ["4 days"]
    assert column(page, STATE) == ["◷  In doubt"]


def test_p16_a_crashed_page_is_on_the_desk_and_is_asked_about(desk: Desk) -> None:
    desk.enquiry.not_set_up.clear()
    desk.start()
    desk.open_page()
    desk.page.renderer_died.emit("crashed")
    desk.wait(6)
    desk.window.show_page(DESK)
    desk.settle()
    assert "The page stopped." in desk.window.desk.facts.text
    assert desk.enquiry.asked
    assert len(desk.pages) == 1 and len(desk.page.opened) == 1
    assert desk.payment.state is PaymentState.IN_DOUBT


def test_p20_not_paid_counts_only_after_the_pages_life_and_is_proof_then(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example", asks=True)
    for _ in range(6):
        desk.wait(5 * MINUTE)
    assert column(page, STATE) == ["◷  In doubt"]
    assert "that counts in" in page.facts.text
    desk.wait(6 * MINUTE)
    assert page.model.rowCount() == 0
    assert page.ended.isVisible()
    assert buttons(page) == ["No-charge statement", "Open the payment"]


def test_p21_where_the_gateway_cannot_be_asked_it_says_what_settles_it(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example")
    assert buttons(page) == ["Slip for the payer", "Paid per gateway portal …", "Open the payment"]
    assert "its message or a supervisor with its portal settles it" in page.facts.text
    desk.key(Key.Key_A)
    for _ in range(40):
        desk.wait(DAY)
    assert not desk.enquiry.asked and not desk.boxes
    assert column(page, STATE) == ["◷  In doubt"]
    desk.tell(
        told_all(desk.journal.unsettled_payments()[0], convenience_fee_cents=375),
        page.model.rows[0].reference,
    )
    assert page.stack.currentWidget() is page.nothing


# -- messages nobody expected --------------------------------------------------------------------------------


def test_messages_of_the_hub_are_fetched_when_the_page_is_shown(desk: Desk) -> None:
    desk.start()
    desk.find_what_nobody_expected()
    page = desk.window.desk
    assert desk.window.rail.buttons[DESK].text() == "In doubt  1"
    assert desk.window.rail.buttons[DESK].accessibleName() == "In doubt, 1 to be seen to"
    assert page.messages.isVisible()
    page.messages.list.setFocus()
    assert "The invoice is not one of the payment's." in page.banner.text
    for value in ("72.50", "700001-6", "till A", "A-0190", "cashier hub quarantine"):
        assert value in page.facts.text
    assert buttons(page) == []


def test_a_hub_that_does_not_say_is_told_in_words(desk: Desk) -> None:
    desk.start()
    desk.holds.errors = [Unavailable("The hub does not answer.")]
    desk.window.show_page(DESK)
    desk.settle()
    page = desk.window.desk
    assert page.messages.fault.text() == "Not known now: The hub does not answer."
    assert page.messages.fault.isVisible() and not page.messages.list.isVisible()
    desk.window.show_page(SALE)
    desk.window.show_page(DESK)
    desk.settle()
    assert not page.messages.isVisible()


def test_the_columns_have_names(desk: Desk) -> None:
    page = desk_of(desk, "Robin Example")
    header = page.model.headerData
    assert tuple(header(at, Qt.Orientation.Horizontal, 0) for at in range(len(HEADERS))) == HEADERS
