"""A code by mail: how the owner of an address says yes to a change that nobody could prove by a password."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cashier.domain.accounts import Secret, checked_password
from cashier.domain.errors import Refused
from cashier.till.accounts_ports import Letters
from cashier.till.ports import Clock, PrintOutcome, Randomness

#: A code: letters and digits that nobody takes for one another. Ten of them have 49 bits.
CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH, CODE_BITS = 10, 64
CODE_TRIES_MAX = 5
CODE_LIFE_S = 15 * 60


@dataclass(frozen=True)
class CredentialChange:
    """Another address, another password, or both, for the user of `email`, whose first account it names."""

    email: str
    new_email: str
    password: Secret
    account: str = ""


@dataclass(frozen=True)
class _Waiting:
    change: CredentialChange
    code: Secret
    until_s: float
    tries: int = 0


class MailedCode:
    """At most one change waits for its code, in memory, for `CODE_LIFE_S`."""

    def __init__(self, clock: Clock, randomness: Randomness, letters: Letters | None, agency: str) -> None:
        self._clock, self._randomness, self._letters = clock, randomness, letters
        self._agency = agency or "the permit office"
        self._waiting: _Waiting | None = None

    @property
    def change(self) -> CredentialChange | None:
        """What waits for its code, while it is good."""
        waiting = self._waiting
        return waiting.change if waiting and self._clock.monotonic() < waiting.until_s else None

    def forget(self) -> None:
        """Nothing waits any more."""
        self._waiting = None

    def tick(self) -> None:
        """Time goes by."""
        if self.change is None:
            self.forget()

    def address_is_changed(self) -> None:
        """The new address is in force: what is left of the change is the password."""
        if self._waiting is not None:
            change = self._waiting.change
            self._waiting = replace(self._waiting, change=replace(change, email=change.new_email))

    async def send(self, change: CredentialChange, still: Callable[[], None]) -> None:
        """Mail a code to the address that the user has now. Raises Refused when that cannot be.

        `still` raises when nobody waits for it any more.
        """
        checked_password(change.password)
        if self._letters is None:
            raise Refused(
                "E-mail address and password are not the ones that Invoice Cloud has, and this till has no "
                "mail server to ask their owner by. Nothing was changed. Have the right password typed."
            )
        code = self._new_code()
        what = "password" if change.email == change.new_email else "e-mail address"
        text = (
            f"Somebody at the counter of {self._agency} asks for another {what} for your account. If this "
            f"is you, tell the clerk this code:\n\n{code.reveal()}\n\nIt is good for "
            f"{CODE_LIFE_S // 60} minutes. If it is not you, do nothing: nothing is changed.\n"
        )
        result = await self._letters.write(change.email, f"Your code for {self._agency}", text)
        still()
        if result.outcome is PrintOutcome.NOT_PRINTED:
            raise Refused(f"The code could not be mailed: {result.reason}. Nothing was changed.")
        self._waiting = _Waiting(change, code, self._clock.monotonic() + CODE_LIFE_S)

    def approved(self, typed: str) -> CredentialChange:
        """The change whose code this is. Raises Refused; after too many wrong ones nothing waits any more."""
        waiting = self._waiting
        if waiting is None or self.change is None:
            self.forget()
            raise Refused("No change waits for a code. Ask for the change again.")
        if Secret("".join(typed.split()).replace("-", "").upper()) == waiting.code:
            return waiting.change
        self._waiting = replace(waiting, tries=waiting.tries + 1)
        if self._waiting.tries >= CODE_TRIES_MAX:
            self.forget()
            raise Refused("This is not the code, and it was tried too often. Ask for the change again.")
        raise Refused("This is not the code. Nothing was changed. Have it read out once more.")

    def _new_code(self) -> Secret:
        number, signs = self._randomness.bits(CODE_BITS), []
        for _ in range(CODE_LENGTH):
            number, sign = divmod(number, len(CODE_SIGNS))
            signs.append(CODE_SIGNS[sign])
        return Secret("".join(signs))
