"""The made-up people of a training session. Their PINs are no secret: the sign-in page tells them."""

from dataclasses import dataclass

from cashier.domain.people import Role


@dataclass(frozen=True)
class Trainee:
    """One of them."""

    name: str
    role: Role
    pin: str


CLERK = Trainee("Jo Example", Role.CLERK, "2718")
SUPERVISOR = Trainee("Robin Supervisor", Role.SUPERVISOR, "271828")
ADMINISTRATOR = Trainee("Alex Administrator", Role.ADMINISTRATOR, "314159")
#: The first of them is created as at any first start.
TRAINEES = (ADMINISTRATOR, CLERK, SUPERVISOR)
