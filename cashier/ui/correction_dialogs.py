"""Void and refund: what they mean for the money, a reason, a second person – and at the end what to hand out.

What the core refuses is said in the dialog, and what was typed stays, but for the PIN (`approval_dialog`).
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.correction_text import WAYS
from cashier.domain.corrections import REASONS, Refund
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.people import Permission
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.till.corrections import Way
from cashier.till.till import Till
from cashier.ui.approval_dialog import Approval, ApprovalDialog, Question, Run
from cashier.ui.tender_dialog import AMOUNT_MAX, typed_cents
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, amount_label, announce, fit_height, label, row

#: Above this size of text, pixels of a hundred, the two share a line: a screen is no higher for it.
_LINES_MAX = 150


def _why() -> tuple[Question, ...]:
    half = scaled(100) > _LINES_MAX
    hint = "what happened" if half else "what happened, for who reads it next year"
    return Question("Reason", "", choices=REASONS, half=half), Question("Explanation", hint, half=half)


_NAMES = {
    TenderKind.CASH: "in cash",
    TenderKind.CHECK: "check",
    TenderKind.MONEY_ORDER: "money order",
}


@dataclass(frozen=True)
class Outcome:
    """What was done, as the dialog says it at its end. `cash_cents` is handed out of the drawer now."""

    word: str
    text: str
    cash_cents: Cents = Cents(0)
    refund: Refund | None = None


#: Asks for a refund's slip.
Slip = Callable[[Refund], object]


class CorrectionDialog(ApprovalDialog):
    """Records one correction, then says what to hand out, and offers the slip of a refund."""

    def __init__(
        self,
        window: QWidget,
        *,
        title: str,
        says: str,
        questions: tuple[Question, ...],
        supervisors: tuple[str, ...],
        go_on: str,
        act: Callable[[Approval], Coroutine[Any, Any, Outcome]],
        run: Run,
        slip: Slip = lambda _refund: None,
    ) -> None:
        self._outcome: Outcome | None = None
        self._slip = slip

        async def do(approval: Approval) -> None:
            self._outcome = await act(approval)

        super().__init__(
            window,
            title=title,
            says=says,
            questions=questions,
            supervisors=supervisors,
            go_on=go_on,
            act=do,
            run=run,
        )

    def _succeeded(self) -> None:
        """What was done, what to hand out now, and what comes next."""
        outcome = self._outcome
        assert outcome is not None
        self.form.hide()
        self.word = label(outcome.word, "title", wrap=True)
        self.told = label(outcome.text, wrap=True)
        self.finish = Button("Done   Enter")
        self.finish.setObjectName("primary")
        panel = QWidget(self)
        box = QVBoxLayout(panel)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(12)
        box.addWidget(self.word)
        if outcome.cash_cents:
            cash = amount_label("total")
            cash.setText(format_dollars(outcome.cash_cents))
            cash.setAccessibleName("Hand out in cash")
            box.addLayout(row(label("Hand out in cash", "heading"), 1, cash))
        box.addWidget(self.told)
        buttons: list[QWidget | int] = [1]
        if (refund := outcome.refund) is not None:
            self.slip = Button("Refund slip   Ctrl+P")
            self.slip.setAutoDefault(False)
            shortcut = QShortcut(QKeySequence("Ctrl+P"), self)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(self.slip.click)
            self.slip.clicked.connect(lambda _checked=False: self._slip(refund))
            buttons.append(self.slip)
        box.addLayout(row(*buttons, self.finish))
        layout = self.layout()
        assert layout is not None
        layout.addWidget(panel)
        self.finish.setDefault(True)
        self.finish.clicked.connect(self.accept)
        panel.show()
        fit_height(self)
        self.finish.setFocus()
        cash_said = f" Hand out {format_dollars(outcome.cash_cents)} in cash." if outcome.cash_cents else ""
        announce(self, f"{outcome.word}.{cash_said} {outcome.text}")


# -- void ----------------------------------------------------------------------------------------------------


def void_dialog(window: QWidget, till: Till, receipt: Receipt, run: Run) -> CorrectionDialog:
    """The dialog that takes a receipt back."""

    async def act(approval: Approval) -> Outcome:
        reason, text = approval.answers
        await till.corrections.void(
            receipt.number, reason=reason, text=text, supervisor=approval.supervisor, pin=approval.pin
        )
        cash = sum(item.amount_cents for item in receipt.tenders if item.kind is TenderKind.CASH)
        others = [_named(item) for item in receipt.tenders if item.kind is not TenderKind.CASH]
        back = f"Hand back the {' and the '.join(others)}. " if others else ""
        stays = "The number stays, as VOID. Its invoices are due again."
        return Outcome(f"VOID  {receipt.number}", f"{back}{stays}", Cents(cash))

    paid = ", ".join(_named(item) for item in receipt.tenders)
    return CorrectionDialog(
        window,
        title=f"Void {receipt.number}",
        says=f"{receipt.customer.name} paid {paid}. A void takes the whole receipt back: the money goes back "
        "to the payer now. The number stays, as VOID, and its invoices are due again.",
        questions=_why(),
        supervisors=till.people.approvers(Permission.APPROVE_VOID),
        go_on="Void the receipt",
        act=act,
        run=run,
    )


def _named(tender: Tender) -> str:
    """A tender as people call it: `140.00 in cash`, `check 1042 of 140.00`."""
    amount = format_dollars(tender.amount_cents)
    name = _NAMES.get(tender.kind, tender.kind.value)
    return f"{amount} {name}" if tender.kind is TenderKind.CASH else f"{name} {tender.number} of {amount}"


# -- refund --------------------------------------------------------------------------------------------------


class RefundDialog(CorrectionDialog):
    """Gives money back for a receipt, in whole or in part, by the ways that its tenders allow."""

    def __init__(self, window: QWidget, till: Till, receipt: Receipt, run: Run, slip: Slip) -> None:
        self._till, self._receipt = till, receipt
        self._ways = till.corrections.choices(receipt).ways
        names = tuple(WAYS[way.kind].capitalize() for way in self._ways)
        left = sum(self._left_by_side().values())
        super().__init__(
            window,
            title=f"Refund of {receipt.number}",
            says=f"{receipt.customer.name} paid {format_dollars(receipt.paid_cents)} on "
            f"{receipt.business_date}; {format_dollars(left)} of it can still be refunded. The receipt stays "
            "as it is.",
            questions=(
                Question("How it goes back", "", names[0], names, half=True),
                Question("Amount", "145.50", _plain(self._ways[0].left_cents), half=True),
                *_why(),
            ),
            supervisors=till.people.approvers(Permission.APPROVE_REFUND),
            go_on="",
            act=self._refund,
            run=run,
            slip=slip,
        )
        way, amount = self.fields[:2]
        assert isinstance(way, QComboBox) and isinstance(amount, QLineEdit)
        self.way, self.amount = way, amount
        self.amount.setMaxLength(AMOUNT_MAX)
        self.way.currentIndexChanged.connect(self._way_chosen)
        self.amount.textChanged.connect(self._show_note)
        self._show_note()

    def _left_by_side(self) -> dict[bool, int]:
        """What is left of the card's money and of the drawer's; two ways of one are one amount."""
        cards = (TenderKind.CARD, TenderKind.BANK)
        return {way.kind in cards: way.left_cents for way in self._ways}

    @property
    def _way(self) -> Way:
        return self._ways[self.way.currentIndex()]

    def _cents(self) -> Cents | None:
        try:
            return typed_cents(self.amount.text())
        except Refused:
            return None

    def _way_chosen(self) -> None:
        self.amount.setText(_plain(self._way.left_cents))
        self._show_note()

    def _show_note(self) -> None:
        """What this refund leaves, what it does, and the rule of the service fee (behaviour V4)."""
        way, cents = self._way, self._cents()
        left = f"At most {format_dollars(way.left_cents)} can go back this way."
        if cents is not None and 0 < cents <= way.left_cents:
            rest = format_dollars(Cents(way.left_cents - cents))
            left = f"Left to be refunded this way after this: {rest}."
        notes = [_MEANS[way.kind], left]
        if self._receipt.service_fee_cents:
            fee = format_dollars(self._receipt.service_fee_cents)
            notes.append(f"The service fee of {fee} stays with the card service: it is not refunded.")
        self.note.setText(" ".join(notes))
        self.note.show()
        asked = way.kind in (TenderKind.CARD, TenderKind.BANK)
        self.note.setObjectName("warning" if asked else "")
        self.note.style().unpolish(self.note)
        self.note.style().polish(self.note)
        self.go_on.setText("Request the refund" if asked else "Refund")
        self.go_on.setAccessibleName(self.go_on.text())
        if self.isVisible():
            fit_height(self)

    def _wrong(self) -> tuple[str, QWidget] | None:
        """An amount that could be misread, or is too much, is told before a PIN is spent on it."""
        try:
            cents = typed_cents(self.amount.text())
        except Refused as refused:
            return refused.user_text, self.amount
        if not 0 < cents <= self._way.left_cents:
            return f"Enter an amount up to {format_dollars(self._way.left_cents)}.", self.amount
        return None

    async def _refund(self, approval: Approval) -> Outcome:
        _way, amount, reason, text = approval.answers
        kind = self._way.kind
        refund = await self._till.corrections.refund(
            self._receipt.number,
            kind,
            typed_cents(amount),
            reason=reason,
            text=text,
            supervisor=approval.supervisor,
            pin=approval.pin,
        )
        amount = format_dollars(refund.amount_cents)
        if not refund.is_done:
            return Outcome(f"REFUND REQUESTED  {amount}", _REQUESTED, refund=refund)
        if kind is TenderKind.CASH:
            text = "The payer signs the refund slip."
            return Outcome(f"REFUNDED  {amount}", text, refund.amount_cents, refund)
        text = "The finance office draws the check. Nothing leaves the drawer."
        return Outcome(f"REFUNDED  {amount}", text, refund=refund)


_PORTAL = "Somebody has to refund it in Invoice Cloud's portal"
_MEANS = {
    TenderKind.CASH: "It is handed out of the drawer now.",
    TenderKind.CHECK: "The finance office draws a check; nothing leaves the drawer.",
    TenderKind.CARD: f"This records the refund as REQUESTED, no more: no money moves yet. {_PORTAL}.",
    TenderKind.BANK: f"This records the refund as REQUESTED, no more: no money moves yet. {_PORTAL}.",
}
_REQUESTED = (
    f"Nothing has been given back yet. {_PORTAL}; when that is done, record it here: Receipts, “Refunds "
    "to be made”. Hand out no cash for it."
)


def _plain(cents: Cents) -> str:
    """An amount as it can be typed."""
    return format_dollars(cents).replace(",", "")
