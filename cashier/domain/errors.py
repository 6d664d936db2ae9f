"""The four ways a use case can end other than well.

CashierError
 +- Refused       the user can mend it; `user_text` may be shown as it stands
 +- Unavailable   nothing happened; trying again is safe
 +- InDoubt       it may have happened; never try again blindly, wait for a fact
 +- Discrepancy   two sources disagree; stop and record both

Anything else that is raised is a bug.
"""


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


class Unavailable(CashierError):
    """The other side was not reached or said no for certain; nothing happened."""


class InDoubt(CashierError):
    """The other side may or may not have acted; only a fact resolves it."""


class Discrepancy(CashierError):
    """Two sources that should agree do not."""
