"""What a clerk can rehearse: each way a payment can go wrong, what it looks like and what is right to do.

One table, and one of what is done for a customer's account, where there are such. How the stand-in for
Invoice Cloud makes it happen is in `cashier.rehearsal`.
"""

from dataclasses import dataclass
from enum import StrEnum

from cashier.till.trainees import MEMBER, VISITOR


class Case(StrEnum):
    """A way in which a payment, or the line, can go wrong."""

    DECLINE = "decline"
    HANG = "hang"
    SILENCE = "silence"
    TWICE = "twice"
    LATE = "late"
    VERY_LATE = "very-late"
    CLOSED = "closed"
    AMOUNT = "amount"
    DOUBLE = "double"
    LINE = "line"


class Task(StrEnum):
    """Something to be done for a customer, on the page of accounts."""

    REGISTER = "register"
    LINK = "link"


@dataclass(frozen=True)
class Lesson:
    """A case or a task in plain words. `is_switch`: it is on until it is switched off, about no one payment.

    `sees` says what will be seen, `right` what is right then, `extra` what the clerk has to do that is not
    taking a card payment and paying as the payer.
    """

    case: Case | Task
    title: str
    sees: str
    right: str
    extra: str = ""
    is_switch: bool = False

    @property
    def is_task(self) -> bool:
        """Whether it is done on the page of accounts, and no payment meets it."""
        return isinstance(self.case, Task)

    @property
    def do(self) -> str:
        """What the clerk has to do for it to happen."""
        return self.extra or "Take a card payment and pay as the payer, with a test card."


LESSONS = (
    Lesson(
        Case.DECLINE,
        "The card is declined",
        "The page says declined. No money was taken.",
        "Let the payer try another card, or close the page and wait until the decline is certain. Only then "
        "is the sale free for cash or another card.",
    ),
    Lesson(
        Case.HANG,
        "The page hangs",
        "After Process Payment the page never answers. The card is charged all the same; the word of it "
        "comes 20 seconds late.",
        "Stop waiting. The payment is in doubt: do not charge again, give the payer the slip, wait.",
    ),
    Lesson(
        Case.SILENCE,
        "Power cut after the approval",
        "The card is charged, but Invoice Cloud never says so by itself. It tells when it is asked, from 12 "
        "seconds after the charge.",
        "Wait, or press Check now on the page In doubt. Do not charge again.",
    ),
    Lesson(
        Case.TWICE,
        "The word comes twice",
        "Invoice Cloud sends the same word two times, as it may.",
        "Nothing. It counts once: one payment, one receipt.",
    ),
    Lesson(
        Case.LATE,
        "The word comes 4 seconds late",
        "The page says thank you, and for a moment nothing proves it.",
        "Wait. The page's word proves nothing; the receipt comes by itself.",
    ),
    Lesson(
        Case.VERY_LATE,
        "The word comes 20 seconds late",
        "The page says thank you, and for a long while nothing proves it.",
        "Wait, and do not charge again. Meanwhile the next payer can be served: the payment stays on the "
        "page In doubt.",
    ),
    Lesson(
        Case.CLOSED,
        "Stopped, and approved a second later",
        "The page works until you press Stop waiting. One second after that the card is charged.",
        "Stop waiting cancels nothing. Leave the payment in doubt until Invoice Cloud has answered.",
        "Pay as the payer, and press Stop waiting while the page works.",
    ),
    Lesson(
        Case.AMOUNT,
        "A wrong amount is told",
        "Invoice Cloud's word is one cent short. It is not taken for this payment, and nothing settles it by "
        "itself any more.",
        "Do not charge again; give the payer the slip. A supervisor compares it with Invoice Cloud's portal "
        "and records what stands there: V on the page In doubt, with a code such as 727634.",
    ),
    Lesson(
        Case.DOUBLE,
        "The payer is charged twice",
        "Invoice Cloud charges the card two times for one payment and tells both.",
        "One receipt is right. Tell a supervisor: the second charge stands on the page In doubt until "
        "somebody has asked Invoice Cloud to pay it back and marked it as seen to.",
    ),
    Lesson(
        Case.LINE,
        "The line to Invoice Cloud drops",
        "The status line says that the gateway does not answer, and cards are refused before anything is "
        "sent.",
        "Take cash or a check, or park the sale for the line (Shift+F5) and give the payer the slip: not "
        "paid, it waits. Bring the line back when you have tried it; F5 takes parked sales up.",
        "Drop it here: it is down until you bring it back.",
        is_switch=True,
    ),
)


ACCOUNT_LESSONS = (
    Lesson(
        Task.REGISTER,
        "Register a customer",
        f"The page says of account {VISITOR.account}: not registered.",
        "Look the account up first, register that very account, and let the customer type the password. When "
        "an answer is lost, look it up again: nothing is done twice.",
        f"{VISITOR.name} comes with account {VISITOR.account} and the address {VISITOR.email}. Ctrl+7: find "
        "the account, Register, any password of eight letters.",
    ),
    Lesson(
        Task.LINK,
        "Link an account",
        f"{MEMBER.name} is signed on, with one account; after it there are two.",
        "Link the account that the customer brought. Unregister is something else: it takes every link to an "
        "account away, others' too.",
        f"{MEMBER.name} has account {MEMBER.account} and wants {VISITOR.account} beside it. Ctrl+7: find "
        f"{MEMBER.email}, sign on with the password {MEMBER.password}, Link.",
    ),
)


def lesson(case: Case | Task) -> Lesson:
    """The lesson of a case or a task."""
    return next(item for item in (*LESSONS, *ACCOUNT_LESSONS) if item.case is case)
