"""The people of the tests' tills: a clerk who is signed in, and the administrator who is the supervisor."""

from collections.abc import Coroutine
from hashlib import sha256
from typing import Any, TypeVar

from cashier.domain.people import Role
from cashier.till.people import People
from cashier.till.ports import Randomness
from tests.fakes.clock import SeededRandomness

CLERK, CLERK_PIN = "Kim Clerk", "2718"
SUPERVISOR, PIN = "Robin Supervisor", "271828"

Result = TypeVar("Result")


class FakePins:
    """The PinHasher port without argon2 and without a thread: it never yields."""

    async def hashed(self, context: str, pin: str) -> str:
        """See the port."""
        return sha256(f"{context} {pin}".encode()).hexdigest()

    async def fits(self, context: str, stored: str, pin: str) -> bool:
        """See the port."""
        return stored == await self.hashed(context, pin)


def at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that never waits, as the verbs of People over FakePins."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    work.close()
    raise AssertionError("it waited")


def staff(people: People, clerk: str = CLERK, randomness: Randomness | None = None) -> None:
    """Have the people there, and the clerk at the till.

    By random bits of their own, other ones at each start: the till's are as they would be without people.
    """
    count = sum(1 for _ in people._journal.entries()) if randomness is None else 0
    people._randomness = randomness or SeededRandomness(10_000 + count)
    if people.view().is_first_start:
        at_once(people.create_first(SUPERVISOR, PIN))
        if clerk != SUPERVISOR:
            at_once(people.add(clerk, Role.CLERK, CLERK_PIN))
        people.sign_out()
    if people.signed_in is None:
        at_once(people.sign_in(clerk, PIN if clerk == SUPERVISOR else CLERK_PIN))


def hire(people: People, name: str, role: Role, pin: str) -> None:
    """Somebody else is added; the clerk is at the till again."""
    people.sign_out()
    at_once(people.sign_in(SUPERVISOR, PIN))
    at_once(people.add(name, role, pin))
    people.sign_out()
    staff(people)
