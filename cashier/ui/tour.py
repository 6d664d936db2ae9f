"""The tour: the real windows, driven through a training sale by keyboard, with a picture of every screen.

It is a demonstration, a picture book for the documentation, and an end-to-end test in one.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from cashier.domain.money import format_dollars
from cashier.domain.payment import PaymentState
from cashier.paper.receipt_page import write_pdf
from cashier.ui.app import Opened
from cashier.ui.payer import Payer, until
from cashier.ui.window import RECEIPTS, MainWindow

#: What wraps needs its width before its height, and what holds it needs that.
LAYOUT_ROUNDS = 4
DECLINING_CARD = "4000000000000002"
CUSTOMER = {
    "name": "Robin Example",
    "account_number": "BU7-00042",
    "address": "3 Sample Lane",
    "city": "Sampletown",
    "state": "FL",
    "zip": "32003",
    "permit_number": "BLD-26-000012",
    "permit_description": "Re-roof and shed",
}


class Tour:
    """One walk through the till. `tell` gets a line per step."""

    def __init__(self, out: Path, tell: Callable[[str], object]) -> None:
        self._out = out
        self._tell = tell
        self._count = 0
        self._lines: list[str] = []

    async def drive(self, window: MainWindow, opened: Opened) -> None:
        """Walk. Raises what goes wrong; pictures taken so far stay."""
        self._window, self._till = window, opened.till
        await self._activate()
        await until(lambda: self._till.snapshot().line.value == "online", "the hub")
        self._picture("sale-empty", "An empty sale says what to do.")
        await self._fill_sale()
        await self._pay_declined_then_by_chip()
        await self._in_doubt_then_confirmed()
        self._receipts()
        self._summary()

    # -- steps -------------------------------------------------------------------------------------------

    async def _fill_sale(self) -> None:
        sale = self._window.sale
        for name, text in CUSTOMER.items():
            sale.fields[name].setFocus()
            sale.fields[name].clear()
            QTest.keyClicks(sale.fields[name], text)
        self._key(self._window, Qt.Key.Key_F3)
        QTest.keyClicks(sale.fees.search, "building")
        self._picture("fee-search", "Typing finds fees, each with its price.")
        self._key(sale.fees.search, Qt.Key.Key_Return)
        QTest.keyClicks(next(iter(sale.fees.inputs.values())), "25500")
        self._picture("fee-price", "A valuation gives a price before the fee is added.")
        self._key(QApplication.focusWidget(), Qt.Key.Key_Return)
        for words in ("plan review, one", "surcharge", "re-roof"):
            QTest.keyClicks(sale.fees.search, words)
            self._key(sale.fees.search, Qt.Key.Key_Return)
        self._key(self._window, Qt.Key.Key_F7)
        sale.reader.setCurrentIndex(1)
        sale.reader.activated.emit(1)
        self._picture("sale", "Fees stand under their invoices; the service fee is told before the card.")

    async def _open_page(self) -> Payer:
        """F8, then wait for the page."""
        await self._activate()
        self._key(self._window, Qt.Key.Key_F8)
        await until(lambda: self._window.payment.hosted is not None, "the payment page to open")
        assert self._window.payment.hosted is not None
        payer = Payer(self._window.payment.hosted)
        await payer.sees("How would you like to pay?")
        return payer

    async def _pay_declined_then_by_chip(self) -> None:
        payer = await self._open_page()
        await payer.settled()
        self._picture("payment-options", "The hosted page, sealed, beside where the payment stands.")
        await payer.pay_by_typing(DECLINING_CARD)
        await self._state(PaymentState.DECLINED)
        await payer.sees("declined")
        await payer.settled()
        self._picture("payment-declined", "A declined card: no money was taken, another card may be tried.")
        await payer.press("Try another card")
        await payer.sees("How would you like to pay?")
        await payer.choose("method", "emv")
        await payer.press("Continue")
        await payer.sees("Insert or tap on")
        await payer.settled()
        self._picture("payment-reader", "The page drives the reader that the clerk chose.")
        await payer.press("Insert card")
        await payer.sees("Process Payment")
        await payer.settled()
        self._picture("payment-review", "The payer sees fees and total before agreeing.")
        await payer.accept()
        await self._state(PaymentState.APPROVED)
        await until(lambda: self._window.payment.hosted is None, "the page to close")
        self._picture("payment-paid", "Confirmed by the gateway: PAID, and the receipt.")
        receipt = self._till.snapshot().receipt
        assert receipt is not None
        write_pdf(receipt, self._out / f"receipt-{receipt.number}.pdf")
        self._say(
            f"receipt {receipt.number}: {format_dollars(receipt.paid_cents)} and "
            f"{format_dollars(receipt.service_fee_cents)} service fee, as PDF"
        )

    async def _in_doubt_then_confirmed(self) -> None:
        """The clerk closes the page after the payer has paid, before the word of the gateway is there."""
        self._key(self._window.payment.next_sale, Qt.Key.Key_Return)
        await self._activate()
        sale = self._window.sale
        for name, text in {**CUSTOMER, "name": "Kim Example", "account_number": "BU7-00043"}.items():
            sale.fields[name].setFocus()
            QTest.keyClicks(sale.fields[name], text)
        self._key(self._window, Qt.Key.Key_F3)
        QTest.keyClicks(sale.fees.search, "new residential")
        self._key(sale.fees.search, Qt.Key.Key_Return)
        payer = await self._open_page()
        await payer.choose("fault", "late-postback")
        await payer.press("Use this fault")
        await payer.sees("Late postback")
        await payer.pay_by_typing("4111111111111111")
        await payer.sees("Thank you for your payment")
        self._window.payment.stop.click()
        await self._state(PaymentState.IN_DOUBT)
        self._picture(
            "payment-in-doubt", "No word from the gateway yet: in doubt, and nobody is charged again."
        )
        self._say("waiting for the late postback")
        await self._state(PaymentState.APPROVED)
        self._picture("payment-late", "The late word arrives: paid, with a receipt, and charged once.")

    def _receipts(self) -> None:
        self._window.show_page(RECEIPTS)
        QTest.keyClicks(self._window.receipts.search, "robin")
        self._picture("receipts", "Receipts, found as typed.")

    def _summary(self) -> None:
        snapshot = self._till.snapshot()
        assert not snapshot.unsettled, "the tour leaves nothing in doubt"
        text = "\n".join(["# The tour", "", *self._lines, ""])
        (self._out / "summary.md").write_text(text, encoding="utf-8")
        self._tell(f"{self._count} pictures and summary.md in {self._out}")

    # -- helpers -----------------------------------------------------------------------------------------

    async def _activate(self) -> None:
        """A virtual display has no window manager that would give the window the keyboard."""
        self._window.activateWindow()
        await until(self._window.isActiveWindow, "the window to be active")

    async def _state(self, state: PaymentState) -> None:
        def there() -> bool:
            payment = self._till.snapshot().payment
            return payment is not None and payment.state is state

        await until(there, f"the payment to be {state}")

    def _key(self, widget: QWidget | None, key: Qt.Key) -> None:
        assert widget is not None
        QTest.keyClick(widget, key)

    def _picture(self, name: str, text: str) -> None:
        """Picture of the whole window as it is painted now."""
        for _ in range(LAYOUT_ROUNDS):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self._count += 1
        file = self._out / f"{self._count:02d}-{name}.png"
        if not self._window.grab().save(str(file)):
            raise OSError(f"{file} could not be written")
        self._say(f"{file.name}: {text}")

    def _say(self, text: str) -> None:
        self._lines.append(f"- {text}")
        self._tell(text)
