"""The four ways a use case can end other than well.

CashierError
 +- Refused       the user can mend it; `user_text` may be shown as it stands
 |   +- Held      another till's payment holds an invoice until it is settled
 +- Unavailable   nothing happened; trying again is safe
 |   +- TooBusy   the other side asks to be left alone for a while
 +- InDoubt       it may have happened; never try again blindly, wait for a fact
 +- Discrepancy   two sources disagree; stop and record both

Anything else that is raised is a bug.
"""

from cashier.domain.ids import is_held_reference


class CashierError(Exception):
    """Base of every error the till raises on purpose. `user_text` is fit for a clerk's eyes."""

    def __init__(self, user_text: str) -> None:
        super().__init__(user_text)
        self.user_text = user_text


class Refused(CashierError):
    """The request breaks a rule that the user can mend. `faults` holds one line per fault."""

    def __init__(self, user_text: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(user_text)
        self.faults = faults or (user_text,)


class Held(Refused):
    """An invoice is held by another payment that is not settled, at this or another till of the site.

    `since` is UTC text. A sale that was put aside holds its invoices, too (`ids.held_reference`).
    """

    def __init__(self, invoice: str, till: str, reference: str, since: str) -> None:
        super().__init__(
            f"Invoice {invoice} is on a sale that till {till} has put aside since {since[:10]} "
            f"{since[11:16]} UTC. No money was taken. Take it there, or have it dropped there."
            if is_held_reference(reference)
            else f"Invoice {invoice} is being paid at till {till} since {since[11:16]} UTC (payment "
            f"{reference[:10]}…), and that payment is not settled. Do not charge again; wait until it is."
        )
        self.invoice, self.till, self.reference, self.since = invoice, till, reference, since


class Unavailable(CashierError):
    """The other side was not reached or said no for certain; nothing happened."""


class TooBusy(Unavailable):
    """The other side asks to be left alone, for `retry_after_s` seconds where it says so."""

    def __init__(self, user_text: str, retry_after_s: float | None = None) -> None:
        super().__init__(user_text)
        self.retry_after_s = retry_after_s


class InDoubt(CashierError):
    """The other side may or may not have acted; only a fact resolves it."""


class Discrepancy(CashierError):
    """Two sources that should agree do not."""
