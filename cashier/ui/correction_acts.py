"""Voids, refunds and returned checks from the window: dialogs, the verbs behind them, and their papers."""

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QWidget

from cashier.domain.correction_text import WAYS
from cashier.domain.corrections import Refund, SeenAt
from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.people import Permission
from cashier.domain.prints import PrintWhat
from cashier.domain.receipt import Receipt, Tender
from cashier.till.till import Till
from cashier.ui.approval_dialog import Approval, ApprovalDialog, Question, Run
from cashier.ui.correction_dialogs import RefundDialog, void_dialog
from cashier.ui.papers import Papers
from cashier.ui.receipts_page import ReceiptsPage

_SEEN = {"Invoice Cloud's portal": SeenAt.PORTAL, "The settlement file": SeenAt.SETTLEMENT_FILE}


class CorrectionActs:
    """Runs them for one window. `tell` shows a title and a text, `note` says a word in the status line."""

    def __init__(
        self,
        window: QWidget,
        page: ReceiptsPage,
        papers: Papers,
        tell: Callable[[str, str], object],
        note: Callable[[str], object],
        run: Run,
    ) -> None:
        self._window, self._page, self._papers = window, page, papers
        self._tell, self._note, self._run = tell, note, run
        self._till: Till | None = None
        panel = page.corrections
        panel.void_asked.connect(self.void)
        panel.refund_asked.connect(self.refund)
        panel.returned_asked.connect(self.returned)
        panel.made_asked.connect(self.made)
        panel.slip_asked.connect(self.slip)
        panel.endorse_asked.connect(self.endorse)

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    # -- with a second person ------------------------------------------------------------------------------

    def void(self, receipt: Receipt) -> None:
        """Take a receipt back."""
        if self._till is not None and not self._is_asking:
            self._open(void_dialog(self._window, self._till, receipt, self._run))

    def refund(self, receipt: Receipt) -> None:
        """Give money back for a receipt."""
        if self._till is not None and not self._is_asking:
            slip = self._slip_of(receipt)
            self._open(RefundDialog(self._window, self._till, receipt, self._run, slip))

    def made(self, receipt: Receipt, refund: Refund) -> None:
        """Record that a card refund was made, as portal or settlement file show it."""
        till = self._till
        if till is None or self._is_asking:
            return

        async def act(approval: Approval) -> None:
            seen, reference, reason = approval.answers
            await till.corrections.refund_done(
                receipt.number,
                refund.id,
                _SEEN[seen],
                reference=reference,
                reason=reason,
                supervisor=approval.supervisor,
                pin=approval.pin,
            )
            self._note(f"refund of {receipt.number} recorded as made")

        self._open(
            ApprovalDialog(
                self._window,
                title=f"Refund of {receipt.number} made",
                says=f"{format_dollars(refund.amount_cents)} to the {WAYS[refund.kind]} of "
                f"{receipt.customer.name}, requested on {refund.business_date}. Only when both of you see it "
                "there as refunded: it then counts in today's report. No money is moved by this.",
                questions=(
                    Question("Seen in", "", choices=tuple(_SEEN)),
                    Question("Reference", "its number there, or file and line"),
                    Question("Reason", "who looked, and when"),
                ),
                supervisors=till.people.approvers(Permission.APPROVE_REFUND),
                go_on="Record as made",
                act=act,
                run=self._run,
            )
        )

    # -- one person's word ---------------------------------------------------------------------------------

    def returned(self, receipt: Receipt) -> None:
        """Record that the bank did not honour a check."""
        till = self._till
        if till is None or self._is_asking:
            return
        checks = till.corrections.choices(receipt).checks
        named = tuple(_check_text(place, check) for place, check in enumerate(checks, 1))

        async def act(approval: Approval) -> None:
            chosen, reason = approval.answers
            check = checks[named.index(chosen)]
            till.corrections.returned_check(receipt.number, check.id, reason)
            self._note(f"check {check.number} of {receipt.number} recorded as returned")

        self._open(
            ApprovalDialog(
                self._window,
                title=f"Returned check of {receipt.number}",
                says=f"The bank did not honour a check of {receipt.customer.name}. The receipt stays as it "
                "is; the amount is owed again, and stands in today's report as returned.",
                questions=(
                    Question("Check", "", named[0] if len(named) == 1 else "", named),
                    Question("Reason", "what the bank says: no funds, account closed …"),
                ),
                supervisors=None,
                go_on="Record as returned",
                act=act,
                run=self._run,
            )
        )

    @property
    def _is_asking(self) -> bool:
        found = self._window.findChildren(ApprovalDialog)
        return any(dialog.isVisible() for dialog in found)

    def _open(self, dialog: QDialog) -> None:
        # Whatever came of it, the button that opened it may be of no use any more.
        dialog.finished.connect(lambda _result: self._page.table.setFocus())
        dialog.open()

    # -- paper ---------------------------------------------------------------------------------------------

    def _slip_of(self, receipt: Receipt) -> Callable[[Refund], object]:
        return lambda refund: self.slip(receipt, refund)

    def slip(self, receipt: Receipt, refund: Refund) -> None:
        """The refund's slip: printed, or saved where there is no printer."""
        if self._page.panel.has_printer:
            self._print(receipt, PrintWhat.REFUND, refund.id, "refund slip")
        else:
            self._papers.save_refund(receipt, refund)

    def endorse(self, receipt: Receipt, check: Tender) -> None:
        """The back of a check or a money order."""
        self._print(receipt, PrintWhat.ENDORSEMENT, check.id, "back of the check")

    def _print(self, receipt: Receipt, what: PrintWhat, of: str, name: str) -> None:
        assert self._till is not None
        language = self._page.panel.language.currentData() or ""
        try:
            asked = self._till.printing.ask(receipt.number, language, what, of)
        except CashierError as error:
            self._tell("Not printed", error.user_text)
        else:
            mark = f" as DUPLICATE {asked.copy}" if asked.copy else ""
            self._note(f"{name} of {receipt.number} is printed{mark} …")


def _check_text(place: int, check: Tender) -> str:
    """A check in a list; its place makes it one of its own."""
    bank = f", {check.bank}" if check.bank else ""
    return f"{place}. No. {check.number}, {format_dollars(check.amount_cents)}{bank}"
