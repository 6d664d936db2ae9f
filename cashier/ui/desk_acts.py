"""What is done on the desk, and what needs a second person: the dialogs, and the verbs behind them."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.till.desk import DeskRow, Matter
from cashier.till.till import Till
from cashier.ui.approval_dialog import Act, Approval, ApprovalDialog, Question, Run
from cashier.ui.desk_page import DeskPage

_NOTE = Question("Note", "what was found, and what was done")


class DeskActs:
    """Runs the desk's verbs for one window. `tell` shows a title and a text."""

    def __init__(self, window: QWidget, page: DeskPage, tell: Callable[[str, str], object], run: Run) -> None:
        self._window = window
        self._page = page
        self._tell = tell
        self._run = run
        self._till: Till | None = None
        self._checking: set[str] = set()
        page.check_asked.connect(self.check)
        page.vouch_asked.connect(self.vouch)
        page.see_asked.connect(self.see)
        page.told.connect(lambda text: tell("Not done", text))

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def shown(self) -> None:
        """The desk was brought up: ask the hub what nobody expected."""
        if self._till is not None:
            self._run(self._till.desk.refresh())

    def check(self, reference: str) -> None:
        """Ask the gateway about a payment now. Presses while it is being asked are the same question."""
        if self._till is not None and reference not in self._checking:
            self._checking.add(reference)
            self._page.asking(reference, now=True)
            self._run(self._check(self._till, reference))

    async def _check(self, till: Till, reference: str) -> None:
        try:
            await till.desk.check_now(reference)
        except CashierError as error:
            self._tell("Not asked", error.user_text)
        finally:
            self._checking.discard(reference)
            self._page.asking(reference, now=False)

    # -- with a second person ------------------------------------------------------------------------------

    def vouch(self, row: DeskRow) -> None:
        """Take a payment for paid, as the gateway's portal shows it."""
        till = self._till
        if till is None:
            return

        async def act(approval: Approval) -> None:
            authorisation, reason = approval.answers
            await till.desk.vouch(
                row.reference,
                authorisation=authorisation,
                reason=reason,
                supervisor=approval.supervisor,
                pin=approval.pin,
            )

        amount = format_dollars(row.amount_cents)
        self._ask(
            "Paid per gateway portal",
            f"{row.payer}, {amount}. Only when a supervisor sees this payment as paid in Invoice Cloud's own "
            "portal: both of you say so here, and the sale gets its receipt. No card is charged by this. The "
            "payment stays on the desk, flagged, until Invoice Cloud says the same.",
            (
                Question("Authorisation code", "as the portal shows it"),
                Question("Reason", "why it is taken from the portal"),
            ),
            "Record as paid per portal",
            act,
        )

    def see(self, matter: Matter) -> None:
        """Record that a supervisor has seen to a matter."""
        till = self._till
        if till is None:
            return

        async def act(approval: Approval) -> None:
            (note,) = approval.answers
            await till.desk.see(matter.id, note=note, supervisor=approval.supervisor, pin=approval.pin)

        self._ask(
            "Seen to",
            f"“{matter.reason}”. It goes from the desk, and stays in the journal with the note. Nothing is "
            "paid or given back by this.",
            (_NOTE,),
            "Record as seen to",
            act,
        )

    def release(self, reference: str) -> None:
        """Let the sale of a payment in doubt be paid in cash or by check."""
        till = self._till
        if till is None:
            return

        async def act(approval: Approval) -> None:
            (reason,) = approval.answers
            await till.release_for_cash(
                reference, reason=reason, supervisor=approval.supervisor, pin=approval.pin
            )

        self._ask(
            "Cash beside a card in doubt",
            "A card payment for this sale is in doubt: the card may have been charged. When the sale is paid "
            "in cash or by check all the same and Invoice Cloud confirms the card later, it was paid twice "
            "and the card has to be refunded. A supervisor decides.",
            (Question("Reason", "why the payer does not wait"),),
            "Release for cash",
            act,
        )

    def acknowledge(self) -> None:
        """Go on behind a break of the journal."""
        till = self._till
        if till is None:
            return

        async def act(approval: Approval) -> None:
            (note,) = approval.answers
            await till.integrity.acknowledge(note=note, supervisor=approval.supervisor, pin=approval.pin)

        self._ask(
            "Acknowledge the break of the journal",
            f"{till.integrity.refusal} Nothing is repaired by this: the break stays in the journal, with the "
            "note, and payments are taken again behind it. Keep a copy of the journal for the auditor.",
            (_NOTE,),
            "Acknowledge",
            act,
        )

    def _ask(self, title: str, says: str, questions: tuple[Question, ...], go_on: str, act: Act) -> None:
        if any(dialog.isVisible() for dialog in self._window.findChildren(ApprovalDialog)):
            return
        assert self._till is not None
        ApprovalDialog(
            self._window,
            title=title,
            says=says,
            questions=questions,
            supervisors=self._till.desk.view().supervisors,
            go_on=go_on,
            act=act,
            run=self._run,
        ).open()
