"""Supervisors and their PINs: who may approve what a clerk asks for.

A PIN is kept as its argon2id hash, in the system's keyring like every secret. Checking one takes a third of a
second by design, so it is done beside the loop.
"""

import asyncio
import re
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from cashier.domain.errors import Refused
from cashier.secrets import pin_name

PIN = re.compile(r"\d{6,12}", re.ASCII)
#: Wrong PINs in a row after which a supervisor has to wait, and for how long at first, in seconds.
WRONG_MAX = 5
WAIT_FIRST_S = 60.0
WAIT_MAX_S = 3600.0

ReadSecret = Callable[[str], SecretStr]


def hashed_pin(pin: str) -> str:
    """A PIN's argon2id hash. Raises Refused unless it is 6 to 12 digits and not all the same."""
    if PIN.fullmatch(pin) is None or len(set(pin)) == 1:
        raise Refused("A supervisor's PIN is six to twelve digits, and not the same digit throughout.")
    return PasswordHasher().hash(pin)


class Supervisors:
    """The Approvers port over hashes that `read` finds by name (it raises Refused for one not set)."""

    def __init__(self, read: ReadSecret, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        self._wrong: dict[str, int] = {}
        self._until: dict[str, float] = {}

    async def approve(self, name: str, pin: str) -> None:
        """See the port. After WRONG_MAX wrong PINs each further one doubles the wait."""
        waiting = self._until.get(name, 0.0) - self._monotonic()
        if waiting > 0:
            raise Refused(f"Too many wrong PINs. Wait {int(waiting) + 1} seconds.")
        stored = self._read(pin_name(name)).get_secret_value()
        if await asyncio.to_thread(_fits, stored, pin):
            self._wrong.pop(name, None)
            return
        wrong = self._wrong[name] = self._wrong.get(name, 0) + 1
        if wrong >= WRONG_MAX:
            wait_s = min(WAIT_FIRST_S * 2 ** (wrong - WRONG_MAX), WAIT_MAX_S)
            self._until[name] = self._monotonic() + wait_s
        raise Refused("This is not the supervisor's PIN.")


def _fits(stored: str, pin: str) -> bool:
    try:
        return PasswordHasher().verify(stored, pin)
    except (VerificationError, InvalidHashError):
        return False
