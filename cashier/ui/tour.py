"""The tour: the real windows, driven through a training sale by keyboard, with a picture of every screen.

It is a demonstration, a picture book for the documentation, and an end-to-end test in one.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from cashier.domain.money import format_dollars
from cashier.domain.payment import PaymentState
from cashier.domain.slip import Slip
from cashier.domain.slip_text import title_of
from cashier.paper import receipt_page, slip_page
from cashier.paper.pen import ROLL_WIDTH, WIDTH
from cashier.till.config import Connection
from cashier.till.rehearsal_cases import LESSONS, Case
from cashier.till.trainees import SUPERVISOR
from cashier.ui.app import Opened
from cashier.ui.approval_dialog import ApprovalDialog
from cashier.ui.desk_page import ASK
from cashier.ui.pace import ByHand
from cashier.ui.payer import Payer, until
from cashier.ui.rail import DESK, RECEIPTS, REPORTS, SHIFT
from cashier.ui.readers_dialog import ReadersDialog
from cashier.ui.training_dialogs import GuideDialog, RehearseDialog
from cashier.ui.window import MainWindow

#: What wraps needs its width before its height, and what holds it needs that.
LAYOUT_ROUNDS = 4
#: What the drawer of a training shift starts with, and the bill that it is counted in.
FLOAT_CENTS, BILL_CENTS = 20_000, 10_000
CARD, DECLINING_CARD = "4111111111111111", "4000000000000002"
#: Longer than a decline must stand before it is the last word.
QUIET_S = 60.0
#: The pictures that a tour leaves, in order.
PICTURES = (
    "sale-empty",
    "first-day",
    "fee-search",
    "fee-price",
    "sale",
    "readers",
    "payment-options",
    "payment-declined",
    "payment-reader",
    "payment-review",
    "payment-paid",
    "payment-declined-closed",
    "rehearse",
    "rehearse-running",
    "payment-in-doubt",
    "payment-late",
    "desk",
    "slip",
    "slip-roll",
    "desk-vouch",
    "desk-vouched",
    "payment-no-charge",
    "no-charge",
    "no-charge-roll",
    "receipts",
    "shift",
    "shift-count",
    "shift-carry",
    "shift-sign",
    "shift-open",
    "reports",
)
#: Pixels a point, in pictures of paper.
ZOOM = 1.5
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
        assert opened.rehearsal is not None, "a tour is of a training till"
        self._window, self._till, self._rehearsal = window, opened.till, opened.rehearsal
        window.guard.pace = ByHand()
        await self._activate()
        await until(lambda: self._till.snapshot().line.value == "online", "the hub")
        self._picture("sale-empty", "An empty sale says what to do; above it the next step of a first day.")
        self._first_day()
        await self._fill_sale()
        await self._readers()
        await self._pay_declined_then_by_chip()
        declined = await self._declined_and_closed()
        silent = await self._in_doubt()
        await self._in_doubt_then_confirmed()
        await self._paid_per_portal(silent)
        await self._no_charge(declined)
        self._receipts()
        self._shift()
        await self._report()
        self._summary()

    # -- steps -------------------------------------------------------------------------------------------

    def _first_day(self) -> None:
        """The steps of a first day."""
        self._key(self._window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
        dialog = self._window.findChild(GuideDialog)
        assert dialog is not None
        self._picture("first-day", "A guided first day: each step is ticked off by the journal.", dialog)
        self._key(dialog, Qt.Key.Key_Escape)

    async def _arm(self, case: Case) -> None:
        """Have the next payment meet a case, by the menu."""
        await self._activate()
        self._key(self._window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        dialog = self._window.findChild(RehearseDialog)
        assert dialog is not None
        dialog.cases.setCurrentRow([item.case for item in LESSONS].index(case))
        self._key(dialog.cases, Qt.Key.Key_Return)
        await until(lambda: self._rehearsal.view().armed is not None, "the case to be armed")
        self._picture("rehearse", "What can be rehearsed: what will be seen, and what is right.", dialog)
        self._key(dialog, Qt.Key.Key_Escape)
        await self._activate()

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

    async def _readers(self) -> None:
        """What is plugged in, and what the first of it says that it is. Windows has no simulated ports."""
        self._key(self._window, Qt.Key.Key_F7, Qt.KeyboardModifier.ShiftModifier)
        dialog = self._window.findChild(ReadersDialog)
        assert dialog is not None
        simulated = [r for r in self._till.config.readers if r.connection is Connection.SERIAL]
        if simulated:
            await until(lambda: bool(self._till.readers.view(simulated[0]).device), "the ports")
            dialog.choose(self._till.readers.view(simulated[0]).device)
            dialog.ask.click()
            await until(lambda: "serial number" in dialog.told.text(), "the reader to answer")
        self._picture("readers", "Every reader: where it is plugged in, and what it says that it is.", dialog)
        self._key(dialog, Qt.Key.Key_Escape)

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
        await self._declined()
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
        receipt_page.write_pdf(receipt, self._out / f"receipt-{receipt.number}.pdf")
        self._say(
            f"receipt {receipt.number}: {format_dollars(receipt.paid_cents)} and "
            f"{format_dollars(receipt.service_fee_cents)} service fee, as PDF"
        )

    async def _next_sale(self, name: str, account: str, fee: str) -> Payer:
        """Another customer with one fee, up to the payment page."""
        self._key(self._window.payment.next_sale, Qt.Key.Key_Return)
        await self._activate()
        sale = self._window.sale
        for field, text in {**CUSTOMER, "name": name, "account_number": account}.items():
            sale.fields[field].setFocus()
            QTest.keyClicks(sale.fields[field], text)
        self._key(self._window, Qt.Key.Key_F3)
        QTest.keyClicks(sale.fees.search, fee)
        self._key(sale.fees.search, Qt.Key.Key_Return)
        return await self._open_page()

    async def _declined_and_closed(self) -> str:
        """The payer has no other card: the page is closed, and the sale waits until that is certain."""
        payer = await self._next_sale("Lee Example", "BU7-00044", "mobile home")
        await payer.pay_by_typing(DECLINING_CARD)
        await self._declined()
        self._window.payment.other_way.click()
        await self._state(PaymentState.IN_DOUBT)
        self._picture("payment-declined-closed", "The page is closed: no other card may be under way.")
        return self._reference

    async def _in_doubt(self) -> str:
        """The gateway charges and says nothing of it, not even when it is asked."""
        payer = await self._next_sale("Sam Example", "BU7-00045", "re-roof")
        await payer.choose("fault", "no-postback")
        await payer.choose("enquiry", "enquiry-not-found")
        await payer.press("Use this fault")
        await payer.sees("No postback")
        await payer.pay_by_typing(CARD)
        await payer.sees("Thank you for your payment")
        self._window.payment.stop.click()
        await self._state(PaymentState.IN_DOUBT)
        return self._reference

    async def _in_doubt_then_confirmed(self) -> None:
        """Rehearsed: the clerk closes the page when the payer has paid and the gateway has said nothing."""
        await self._arm(Case.LATE)
        payer = await self._next_sale("Kim Example", "BU7-00043", "new residential")
        await payer.settled()
        self._picture("rehearse-running", "The bar says what is rehearsed, and what is right to do.")
        await payer.pay_by_typing(CARD)
        await payer.sees("Thank you for your payment")
        self._window.payment.stop.click()
        await self._state(PaymentState.IN_DOUBT)
        self._picture(
            "payment-in-doubt", "No word from the gateway yet: in doubt, and nobody is charged again."
        )
        self._say("waiting for the late postback")
        await self._state(PaymentState.APPROVED)
        assert [verdict.is_right for verdict in self._rehearsal.view().verdicts] == [True]
        self._picture(
            "payment-late", "The late word arrives: paid, charged once; the bar says that it was right."
        )

    async def _paid_per_portal(self, reference: str) -> None:
        """Clerk and supervisor see in the gateway's portal what the gateway does not tell."""
        self._window.show_page(DESK)
        desk = self._window.desk
        desk.choose_reference(reference)
        self._key(QApplication.focusWidget(), Qt.Key.Key_A)
        await until(lambda: "not found" in desk.facts.text, "the gateway's answer")
        await until(lambda: desk.ask.text() == ASK, "the question to be over")
        self._picture("desk", "The desk: every payment in doubt, both sides, and the next safe action.")
        self._paper("slip", self._till.desk.slip(reference))
        self._key(QApplication.focusWidget(), Qt.Key.Key_V)
        dialog = self._window.findChild(ApprovalDialog)
        assert dialog is not None
        for field, text in zip(
            dialog.answers, ("727635", "Seen paid in the portal, batch of today"), strict=True
        ):
            QTest.keyClicks(field, text)
        dialog.supervisor.setCurrentText(SUPERVISOR.name)
        QTest.keyClicks(dialog.pin, SUPERVISOR.pin)
        self._picture("desk-vouch", "Paid per gateway portal: a second person, a code, a reason.", dialog)
        self._key(dialog.pin, Qt.Key.Key_Return)
        await until(lambda: "Paid per portal" in desk.banner.accessibleName(), "the supervisor's word")
        await self._activate()
        self._picture("desk-vouched", "The sale is paid, and stays here until the gateway says the same.")

    async def _no_charge(self, reference: str) -> None:
        """What becomes certain of the declined payment, as proof for its payer."""
        self._say("waiting until no other card can be under way")

        def is_declined() -> bool:
            payment = self._till.payment(reference)
            return payment is not None and payment.state is PaymentState.DECLINED

        await until(is_declined, "the decline to be the last word", QUIET_S)
        self._window.open_payment(reference)
        self._picture("payment-no-charge", "Declined for certain: the sale can be paid, and there is proof.")
        self._paper("no-charge", self._till.desk.statement(reference))

    def _receipts(self) -> None:
        self._window.show_page(RECEIPTS)
        QTest.keyClicks(self._window.receipts.search, "robin")
        self._picture("receipts", "Receipts, found as typed.")

    async def _report(self) -> None:
        """Reports are for supervisors."""
        self._till.people.sign_out()
        await self._till.people.sign_in(SUPERVISOR.name, SUPERVISOR.pin)
        self._window.show_page(REPORTS)
        page = self._window.reports
        await until(lambda: page.report is not None and page.pdf.isEnabled(), "the report")
        self._picture("reports", "The day's Z, as it will print: each tender, the count, what is open.")

    def _shift(self) -> None:
        """Count the drawer blind, carry on what is not settled, sign; the next shift would be opened here."""
        page = self._window.shift
        self._window.show_page(SHIFT)
        self._picture("shift", "The open shift: cash in and out, drops by two people, and its close.")
        page.working.count.setFocus()
        self._key(page.working.count, Qt.Key.Key_Return)
        QTest.keyClicks(page.counting.pieces[BILL_CENTS], str(FLOAT_CENTS // BILL_CENTS))
        self._picture("shift-count", "The count: what should be in the drawer is not shown.")
        page.counting.fill_rest()
        self._key(page.counting.done, Qt.Key.Key_Return)
        self._picture("shift-carry", "What is not settled is carried forward by name.")
        self._key(QApplication.focusWidget(), Qt.Key.Key_Return)
        self._picture("shift-sign", "The signature closes the shift, and with it the business date.")
        self._key(QApplication.focusWidget(), Qt.Key.Key_Return)
        self._picture("shift-open", "The next shift: its business date, and its starting cash, typed.")

    def _summary(self) -> None:
        snapshot = self._till.snapshot()
        left = {row.standing.word for row in snapshot.unsettled}
        assert left == {"Paid per portal"}, "the tour leaves nothing in doubt but what two people vouch for"
        assert self._count == len(PICTURES), "every picture that was promised is there"
        text = "\n".join(["# The tour", "", *self._lines, ""])
        (self._out / "summary.md").write_text(text, encoding="utf-8")
        self._tell(f"{self._count} pictures and summary.md in {self._out}")

    # -- helpers -----------------------------------------------------------------------------------------

    async def _activate(self) -> None:
        """A virtual display has no window manager that would give the window the keyboard."""
        self._window.activateWindow()
        await until(self._window.isActiveWindow, "the window to be active")

    @property
    def _reference(self) -> str:
        """The payment before the clerk."""
        assert self._till.current_reference is not None
        return self._till.current_reference

    async def _declined(self) -> None:
        """The card was refused; the page still stands."""

        def there() -> bool:
            payment = self._till.snapshot().payment
            return payment is not None and payment.card_declined

        await until(there, "the card to be declined")

    async def _state(self, state: PaymentState) -> None:
        def there() -> bool:
            payment = self._till.snapshot().payment
            return payment is not None and payment.state is state

        await until(there, f"the payment to be {state}")

    def _key(
        self,
        widget: QWidget | None,
        key: Qt.Key,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        assert widget is not None
        QTest.keyClick(widget, key, modifier)

    def _picture(self, name: str, text: str, widget: QWidget | None = None) -> None:
        """Picture of the whole window, or of a dialog, as it is painted now."""
        for _ in range(LAYOUT_ROUNDS):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self._save(name, text, (widget or self._window).grab().toImage())

    def _paper(self, name: str, slip: Slip) -> None:
        """A slip as a PDF, and pictures of it: on a page, and on a roll."""
        slip_page.write_pdf(slip, self._out / f"{name}.pdf")
        slip_page.write_pdf(slip, self._out / f"{name}-roll.pdf", roll=True)
        for roll, width in ((False, WIDTH), (True, ROLL_WIDTH)):
            size = width * ZOOM, slip_page.paint(None, slip, roll=roll) * ZOOM
            image = QImage(round(size[0]), round(size[1]), QImage.Format.Format_RGB32)
            image.fill(QColor("white"))
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(ZOOM, ZOOM)
            slip_page.paint(painter, slip, roll=roll)
            painter.end()
            title = f"For the payer, {'on a roll' if roll else 'on a page'}: {title_of(slip)}."
            self._save(f"{name}-roll" if roll else name, title, image)

    def _save(self, name: str, text: str, image: QImage) -> None:
        assert PICTURES[self._count] == name, f"{name} is not the next picture that was promised"
        self._count += 1
        file = self._out / f"{self._count:02d}-{name}.png"
        if not image.save(str(file)):
            raise OSError(f"{file} could not be written")
        self._say(f"{file.name}: {text}")

    def _say(self, text: str) -> None:
        self._lines.append(f"- {text}")
        self._tell(text)
