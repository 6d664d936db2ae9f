"""Hashes of PINs: argon2id over the PIN and a pepper, the secret `pin-pepper` of this till.

A PIN has few digits: whoever has its hash alone finds it by trying. So the hash is made of an HMAC with the
pepper, which is in the system's keyring and never in the journal, where the hashes are. Making and comparing
one takes a third of a second by design, so both are done beside the loop.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cashier.domain.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from cashier.secrets import Secrets

#: Bytes of a new pepper.
PEPPER_BYTES = 32
#: The memory of a hash, in KiB, in training, where everybody's PIN is told on the sign-in page.
LIGHT_KIB = 1024


class ArgonPins:
    """The PinHasher port. `pepper` finds the secret, and raises Refused when it is not set.

    It is looked up at each use and kept nowhere.
    """

    def __init__(self, pepper: Callable[[], SecretStr], *, light: bool = False) -> None:
        self._pepper = pepper
        self._light = light

    async def hashed(self, context: str, pin: str) -> str:
        """See the port."""
        return await asyncio.to_thread(lambda: self._hasher().hash(self._peppered(context, pin)))

    async def fits(self, context: str, stored: str, pin: str) -> bool:
        """See the port."""
        return await asyncio.to_thread(self._fits, context, stored, pin)

    def _fits(self, context: str, stored: str, pin: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._hasher().verify(stored, self._peppered(context, pin))
        except (VerificationError, InvalidHashError):
            return False

    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        if self._light:
            return PasswordHasher(memory_cost=LIGHT_KIB, time_cost=1, parallelism=1)
        return PasswordHasher()

    def _peppered(self, context: str, pin: str) -> bytes:
        key = self._pepper().get_secret_value().encode()
        return hmac.digest(key, f"{context}\0{pin}".encode(), hashlib.sha256)


def make_pepper(kept: "Secrets") -> None:
    """Give a till that has no people yet its pepper. One that is there, in the environment too, stays.

    A machine without a keyring is told when the first PIN is to be set.
    """
    from cashier.secrets import PIN_PEPPER

    try:
        kept.read(PIN_PEPPER)
    except Refused:
        try:
            kept.write(PIN_PEPPER, secrets.token_urlsafe(PEPPER_BYTES))
        except Refused:
            return  # `ArgonPins` says where it belongs
