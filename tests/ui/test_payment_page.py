"""The payment page: in every state the right words, the right buttons, and the focus on what comes next."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from cashier.domain.errors import Unavailable
from cashier.domain.payment import PaymentState
from tests.ui.desk import Desk

Key = Qt.Key
Act = Callable[[Desk], object]


# -- every state ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acts", "state", "words", "shown", "focus"),
    [
        ((), PaymentState.OPEN, "PAYER IS PAYING", ["Stop waiting"], None),
        (
            (lambda desk: desk.page.returned.emit(),),
            PaymentState.IN_DOUBT,
            "The page says it is done. Checking with Invoice Cloud – do not charge again.",
            ["Next sale", "Slip for the payer"],
            "next_sale",
        ),
        (
            (lambda desk: desk.page.renderer_died.emit("crashed"),),
            PaymentState.IN_DOUBT,
            "The payment page stopped. Checking with Invoice Cloud – do not charge again.",
            ["Next sale", "Slip for the payer"],
            "next_sale",
        ),
        (
            (lambda desk: desk.page.loaded.emit(False),),
            PaymentState.IN_DOUBT,
            "The payment page did not load. Checking with Invoice Cloud – do not charge again.",
            ["Stop waiting"],
            None,
        ),
        (
            (lambda desk: desk.window.payment.stop.click(),),
            PaymentState.IN_DOUBT,
            "closed before Invoice Cloud answered",
            ["Next sale", "Slip for the payer"],
            "next_sale",
        ),
        (
            (lambda desk: desk.approve(payment_amount_cents=1),),
            PaymentState.IN_DOUBT,
            "A supervisor must look at it",
            ["Stop waiting"],
            None,
        ),
        (
            (lambda desk: desk.decline(),),
            PaymentState.OPEN,
            "The payer may try another card on the page",
            ["Close the page, pay another way"],
            None,
        ),
        (
            (lambda desk: desk.decline(), lambda desk: desk.page.returned.emit()),
            PaymentState.IN_DOUBT,
            "Making sure that no other card is under way",
            ["Back to the sale", "Next sale", "Slip for the payer"],
            "back",
        ),
        (
            (lambda desk: desk.decline_for_good(),),
            PaymentState.DECLINED,
            "No money was taken",
            ["Pay another way", "No-charge statement"],
            "other_way",
        ),
        (
            (lambda desk: desk.window.payment.stop.click(), lambda desk: desk.vouch()),
            PaymentState.VOUCHED,
            "It stays on the desk until Invoice Cloud says the same.",
            ["Next sale", "Save the receipt as PDF", "Slip for the payer"],
            "next_sale",
        ),
        (
            (lambda desk: desk.approve(),),
            PaymentState.APPROVED,
            "150.00 is paid, confirmed by Invoice Cloud.",
            ["Next sale", "Save the receipt as PDF"],
            "next_sale",
        ),
    ],
)
def test_each_state_has_its_words_and_buttons(
    desk: Desk, acts: tuple[Act, ...], state: PaymentState, words: str, shown: list[str], focus: str | None
) -> None:
    desk.start()
    desk.open_page()
    for act in acts:
        act(desk)
    assert desk.payment.state is state
    assert words in desk.window.payment.banner.text
    assert "failed" not in desk.window.payment.banner.text.lower()
    assert desk.buttons() == shown
    wanted = getattr(desk.window.payment, focus) if focus else desk.page
    assert desk.focus is wanted


def test_a_launch_without_an_answer_can_be_sent_again_or_given_up(desk: Desk) -> None:
    desk.start()
    desk.lose_the_launch()
    assert desk.window.pages.currentWidget() is desk.window.payment
    assert "No money moved" in desk.window.payment.banner.text
    assert desk.buttons() == ["Try again", "Give up this payment"]
    [said] = desk.read_messages()
    assert "did not answer" in said
    assert desk.focus is desk.window.payment.try_again
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN
    [(first, _), (second, _)] = desk.gateway.launched
    assert first == second


def test_a_second_lost_answer_leaves_the_focus_on_try_again(desk: Desk) -> None:
    desk.start()
    desk.lose_the_launch()
    desk.read_messages()
    desk.gateway.errors = [Unavailable("Again nothing.")]
    desk.gateway.hold(desk.loop)
    desk.key(Key.Key_Return)
    desk.turn()
    assert desk.window.payment.try_again.text() == "Starting …"
    assert desk.focus is desk.window.payment.try_again
    desk.key(Key.Key_Return)  # deaf while it is under way
    desk.turn()
    desk.gateway.let_go()
    desk.settle()
    assert len(desk.gateway.launched) == 2
    desk.read_messages()
    assert desk.focus is desk.window.payment.try_again


def test_giving_up_leads_back_to_the_sale_with_its_lines(desk: Desk) -> None:
    desk.start()
    desk.lose_the_launch()
    desk.read_messages()
    desk.window.payment.give_up.setFocus()
    desk.key(Key.Key_Return)
    assert desk.payment.state is PaymentState.ABANDONED
    assert desk.buttons() == ["Back to the sale", "Next sale", "No-charge statement"]
    assert desk.focus is desk.window.payment.back
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentWidget() is desk.window.sale
    assert desk.lines == [("planning-application", 1)]
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN


def test_no_payment_says_where_one_is_taken(desk: Desk) -> None:
    desk.start()
    desk.key(Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert "Take one from the sale page with F8" in desk.window.payment.nothing.text()
    assert desk.buttons() == ["Back to the sale"]
    assert desk.focus is desk.window.payment.back


def test_the_steps_tell_how_far_it_is(desk: Desk) -> None:
    desk.start()

    def signs() -> str:
        return "".join(step.text()[0] for step in desk.window.payment.steps)

    desk.lose_the_launch()
    assert signs() == "◷○○○"
    desk.read_messages()
    desk.key(Key.Key_F8)
    desk.settle()
    assert signs() == "✓◷○○"
    desk.decline()
    assert signs() == "✓✓✕○"
    desk.page.submitted.emit()
    desk.window.payment.stop_waiting()
    assert signs() == "✓✓◷○"
    desk.approve()
    assert signs() == "✓✓✓✓"
    texts = [step.text() for step in desk.window.payment.steps]
    assert "receipt A-000001" in texts[3]
    # Each with the time it was recorded, at the counter.
    assert all(":" in texts[place] for place in (0, 2, 3))


def test_the_amounts_and_the_reader_are_told(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.till.choose_reader("lane-3000")
    desk.window.pay()
    desk.settle()
    panel = desk.window.payment
    assert [part.text() for part in (panel.amount, panel.fee, panel.whole)] == ["150.00", "+ 3.75", "153.75"]
    assert panel.fee_name.text() == "Service fee, expected"
    assert panel.reader.text() == "Reader: Lane 3000, counter 1"
    desk.approve(convenience_fee_cents=400)
    assert [part.text() for part in (panel.amount, panel.fee, panel.whole)] == ["150.00", "+ 4.00", "154.00"]
    assert panel.fee_name.text() == "Service fee"
