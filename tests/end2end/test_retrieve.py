"""Retrieving an invoice through the real window, view, hub and sandbox; two tills that want the same one."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cashier.domain.errors import Held, Refused
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.till.till import Till
from cashier.ui.payer import until
from tests.end2end.conftest import VISA, Counter

NUMBER = "BU7-00042-42"
ROBIN = {"account": "BU7-00042", "name": "Robin Example", "city": "Sampletown", "zip": "32003"}


def seed(counter: Counter, **members: object) -> None:
    counter.sandbox.seed_invoice(
        NUMBER, "120.00", paid="20.00", due_date="2026-02-28", **{**ROBIN, **members}
    )


async def type_and_enter(counter: Counter, number: str) -> None:
    search = counter.window.sale.fees.search
    search.setFocus()
    QTest.keyClicks(search, number)
    QTest.keyClick(search, Qt.Key.Key_Return)
    await until(lambda: not counter.window.lookups.is_asking, "the answer")


async def retrieve(till: Till, number: str = NUMBER) -> None:
    """At a till without a window."""
    till.set_customer(Customer("BU7-00042", "Robin Example", zip="32003"))
    [candidate] = (await till.retrieving.look_up(number)).candidates
    till.retrieving.add(candidate)


def test_retrieve_invoice_to_pay(counter: Counter) -> None:
    seed(counter)

    async def scenario(counter: Counter) -> None:
        sale = counter.window.sale
        account = sale.fields["account_number"]
        account.setFocus()
        QTest.keyClicks(account, "BU7-00042")
        QTest.keyClick(account, Qt.Key.Key_Return)
        await until(lambda: sale.fields["name"].text() == "Robin Example", "the customer's record")
        await type_and_enter(counter, "BU7-99999-42")
        assert "NOT FOUND" in counter.window.lookups.bar.banner.text
        sale.fees.search.clear()
        await type_and_enter(counter, NUMBER)
        assert "ADDED" in counter.window.lookups.bar.banner.text
        assert sale.total.text() == "100.00"
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once(100_00)
        receipt = counter.till.snapshot().receipt
        assert receipt is not None
        [invoice] = receipt.invoices
        assert (invoice.number, invoice.due_date.isoformat()) == (NUMBER, "2026-02-28")
        await until(lambda: counter.window.payment.hosted is None, "the page to close")
        QTest.keyClick(counter.window.payment.next_sale, Qt.Key.Key_Return)
        await type_and_enter(counter, NUMBER)
        assert "PAID ALREADY" in counter.window.lookups.bar.banner.text
        assert counter.till.snapshot().draft.is_empty

    counter.run(scenario)
    counter.verify()


def test_a_part_of_an_invoice_leaves_the_rest_due_at_the_gateway(counter: Counter) -> None:
    """The page closes before a word of the gateway: the enquiry alone says what was paid."""
    seed(counter, allow_partial=True, minimum="25.00")
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        await retrieve(counter.till)
        [view] = counter.till.snapshot().draft.invoices
        counter.till.retrieving.pay_of(view.lines[0].number, "40.00")
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        counter.close_page()
        await counter.later(60)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once(40_00)
        counter.till.new_sale()
        await retrieve(counter.till)
        assert counter.till.snapshot().draft.total_cents == 60_00

    counter.run(scenario)
    counter.verify()


def test_two_tills_one_after_the_other_charge_it_once(counter: Counter) -> None:
    seed(counter)

    async def scenario(counter: Counter) -> None:
        async with counter.beside("B") as other:
            await retrieve(counter.till)
            await retrieve(other)
            payer = await counter.open_page()
            with pytest.raises(Held, match="is being paid at till A"):
                await other.pay_by_card()
            await payer.pay_by_typing(VISA)
            await counter.state(PaymentState.APPROVED)
            await counter.till.holding.release()
            with pytest.raises(Refused, match=r"takes 100\.00 of it.*0\.00 \(paid already\)"):
                await other.pay_by_card()
            assert other.snapshot().unsettled == ()
        counter.paid_once(100_00)

    counter.run(scenario)
    counter.verify()


def test_two_tills_cannot_put_the_same_invoice_aside(counter: Counter) -> None:
    seed(counter)

    async def scenario(counter: Counter) -> None:
        async with counter.beside("B") as other:
            await retrieve(counter.till)
            held = await counter.till.hold_sale()
            await retrieve(other)
            with pytest.raises(Held, match="till A has put aside since"):
                await other.hold_sale()
            with pytest.raises(Held, match="till A has put aside since"):
                await other.pay_by_card()
            counter.till.resume_sale(held.id)
            counter.till.new_sale()
            await counter.till.holding.release()
            await other.hold_sale()
            assert len(other.snapshot().held) == 1
        assert counter.sandbox.calls() == [], "nothing was launched"

    counter.run(scenario)

    async def after_a_restart(counter: Counter) -> None:
        assert counter.till.snapshot().held == ()

    counter.run(after_a_restart)
    counter.verify()
