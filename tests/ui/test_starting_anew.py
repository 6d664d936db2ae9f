"""The till is left and opened anew in the same process; or it is said why not."""

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QPushButton

from cashier.domain.errors import Unavailable
from cashier.domain.sale import Customer
from cashier.ui.start_bar import CHANGED
from cashier.ui.window import MainWindow
from tests.ui.machine import Machine


def change_a_setting(machine: Machine) -> None:
    admin = machine.till.administration
    admin.save({**admin.read(), "agency": "Town of Sampleton, Permits"})
    machine.turn()


def fill(machine: Machine) -> None:
    machine.till.set_customer(
        Customer("BU7-00042", "Robin Example", "3 Sample Lane", "Sampletown", "FL", "32003")
    )
    machine.till.add_fee("planning-application")


def press(machine: Machine, text: str) -> None:
    [box] = machine.boxes
    [button] = [button for button in box.findChildren(QPushButton) if button.text() == text]
    button.click()
    machine.turn()


def test_a_changed_setting_waits_for_the_next_start_and_a_bar_says_so(machine: Machine) -> None:
    machine.start()
    bar = machine.window.start_bar
    assert bar.isHidden()
    change_a_setting(machine)
    assert bar.isVisible() and bar.accessibleName() == CHANGED
    bar.button.click()
    machine.turn()
    assert machine.opened == ["till", "left", "till"], "the journal was closed before it was opened again"
    assert machine.window.start_bar.isHidden(), "nothing waits any more"
    assert machine.close() == 0


def test_the_new_start_is_a_window_of_its_own_and_nothing_of_the_old_one_is_left(machine: Machine) -> None:
    machine.start()
    before, first = machine.window, machine.till
    before.resize(1200, 780)
    before.start_anew()
    machine.turn()
    assert machine.window is not before and machine.window.isVisible()
    assert machine.window.size().toTuple() == (1200, 780)
    assert machine.till is not first
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not shiboken6.isValid(before), "the old window is gone"
    first._changed()  # what still comes late of the old till is heard by nobody
    windows = [
        one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow) and one.isVisible()
    ]
    assert windows == [machine.window]
    machine.window.sale.fields["name"].setFocus()
    machine.type("Robin")
    assert machine.window.sale.fields["name"].text() == "Robin"


def test_a_till_is_not_left_while_a_card_payment_is_before_a_payer(machine: Machine) -> None:
    machine.start()
    fill(machine)
    machine.window.pay()
    machine.turn()
    assert machine.window.payment.hosted is not None
    machine.window.start_anew()
    machine.turn()
    assert "before a payer" in machine.boxes[0].text()
    assert machine.opened == ["till"], "nothing was left"
    assert machine.window.payment.hosted is not None, "the page stands as before"


def test_a_till_is_not_left_while_a_card_payment_is_being_started(machine: Machine) -> None:
    machine.start()
    fill(machine)
    machine.gateway.hold(machine.loop)
    machine.window.pay()
    machine.turn()
    machine.window.start_anew()
    machine.turn()
    assert "is being started" in machine.boxes[0].text()
    assert machine.opened == ["till"]
    machine.gateway.let_go()
    machine.turn()


def test_the_bar_is_away_while_a_payer_may_be_at_the_payment_page(machine: Machine) -> None:
    machine.start()
    change_a_setting(machine)
    fill(machine)
    machine.window.pay()
    machine.turn()
    assert machine.window.start_bar.isHidden()


def test_a_sale_with_unpaid_fees_is_put_aside_first(machine: Machine) -> None:
    machine.start()
    fill(machine)
    machine.window.start_anew()
    press(machine, "Put aside, start anew")
    assert machine.opened == ["till", "left", "till"]
    [held] = machine.till.snapshot().held
    assert held.name == "Robin Example"


def test_a_sale_with_unpaid_fees_can_be_kept_instead(machine: Machine) -> None:
    machine.start()
    fill(machine)
    machine.window.start_anew()
    press(machine, "Keep this sale")
    assert machine.opened == ["till"]
    assert machine.till.snapshot().draft.invoices


def test_a_sale_that_cannot_be_put_aside_keeps_the_till_as_it_is(machine: Machine) -> None:
    machine.start()
    machine.till.add_fee("planning-application")  # nobody's: a sale is put aside under a name
    machine.window.start_anew()
    press(machine, "Put aside, start anew")
    assert machine.opened == ["till"]
    assert "name" in machine.boxes[0].text()
    assert machine.till.snapshot().draft.invoices


def test_closing_the_new_window_ends_the_program(machine: Machine) -> None:
    machine.start()
    machine.window.start_anew()
    machine.turn()
    assert machine.close() == 0
    assert machine.opened == ["till", "left", "till", "left"]


def test_without_a_look_before_a_till_that_cannot_be_opened_is_told_as_ever(machine: Machine) -> None:
    def refused() -> object:
        raise Unavailable("The disk is full.")

    machine.start(open_till=refused)
    assert machine.window.status.till.text() == "not started"
    assert "disk is full" in machine.boxes[0].text()
    assert machine.close() == 1
