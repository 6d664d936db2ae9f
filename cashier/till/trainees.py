"""The made-up people and invoices of a training session. The PINs are no secret: the sign-in page tells."""

from dataclasses import dataclass

from cashier.domain.money import Cents
from cashier.domain.people import Role


@dataclass(frozen=True)
class Trainee:
    """One of them."""

    name: str
    role: Role
    pin: str


#: The code of every training till, and so of its receipt numbers: a letter more than a till that takes money
#: may have, so that no `TRAIN-000001` can be taken for a real receipt.
TRAINING_TILL = "TRAIN"

CLERK = Trainee("Jo Example", Role.CLERK, "2718")
SUPERVISOR = Trainee("Robin Supervisor", Role.SUPERVISOR, "271828")
ADMINISTRATOR = Trainee("Alex Administrator", Role.ADMINISTRATOR, "314159")
#: The first of them is created as at any first start.
TRAINEES = (ADMINISTRATOR, CLERK, SUPERVISOR)


@dataclass(frozen=True)
class TrainingInvoice:
    """An invoice that is at the stand-in for Invoice Cloud from the start, to be retrieved.

    Its number ends in its invoice type. `minimum_cents` None: no part may be paid. Days count from today.
    """

    number: str
    about: str
    payer: str
    total_cents: Cents
    paid_cents: Cents = Cents(0)
    minimum_cents: Cents | None = None
    due_in_days: int = 14
    autopay_in_days: int | None = None

    @property
    def account(self) -> str:
        """The payer's account number."""
        return self.number.partition("-")[0]

    @property
    def due_cents(self) -> Cents:
        """What is left to pay."""
        return Cents(self.total_cents - self.paid_cents)


@dataclass(frozen=True)
class TrainingCustomer:
    """Somebody who has an account at the stand-in from the start; without a password it is not registered.

    The password is no secret: the lesson tells it, as the customer would type it.
    """

    account: str
    name: str
    email: str
    password: str = ""


VISITOR = TrainingCustomer("MY-20001", "Pat Nobody", "pat@example.org")
MEMBER = TrainingCustomer("MY-20002", "Robin Example", "robin@example.org", "training-robin-1")


INVOICES = (
    TrainingInvoice(
        "20077-42", "a part may be paid", "Pat Example", Cents(145_50), minimum_cents=Cents(40_00)
    ),
    TrainingInvoice("20078-43", "the whole only", "Dana Example", Cents(210_00)),
    TrainingInvoice("20079-42", "paid already", "Chris Example", Cents(88_00), paid_cents=Cents(88_00)),
    TrainingInvoice("20080-42", "AutoPay is to come", "Sasha Example", Cents(64_25), autopay_in_days=9),
)
