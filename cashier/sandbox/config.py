"""What varies in the sandbox: keys, fees, faults, durations, clock and ids, each with a training default.

Amounts are integer cents, percents basis points, durations seconds.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal


class Fault(StrEnum):
    """A way in which Invoice Cloud, or the line to it, can misbehave. The value is the `--fault` name."""

    DECLINE = "decline"
    SLOW = "slow"
    ERROR_500 = "error-500"
    GARBAGE_JSON = "garbage-json"
    TIMEOUT_AFTER_SUCCESS = "timeout-after-success"
    NO_POSTBACK = "no-postback"
    LATE_POSTBACK = "late-postback"
    DOUBLE_POSTBACK = "double-postback"
    WRONG_AMOUNT = "wrong-amount"
    WRONG_REFERENCE = "wrong-reference"
    APPROVED_MAYBE = "approved-maybe"
    POSTBACK_BEFORE_PAGE = "postback-before-page"
    RENDERER_CRASH = "renderer-crash"
    CLOSE_THEN_CHARGE = "close-then-charge"
    DOUBLE_CHARGE = "double-charge"
    SOAP11_OFF = "soap11-off"
    SOAP11_MISMATCH = "soap11-mismatch"
    ENQUIRY_429 = "enquiry-429"
    ENQUIRY_500 = "enquiry-500"
    ENQUIRY_SILENT = "enquiry-silent"
    ENQUIRY_GARBAGE = "enquiry-garbage"
    ENQUIRY_SLOW = "enquiry-slow"
    ENQUIRY_NOT_FOUND = "enquiry-not-found"
    ENQUIRY_STALE = "enquiry-stale"


#: Faults that hit the CPV2 call when they come from `--fault` or the control API. Chosen on the page, they
#: hit the "Process Payment" step instead. A payment never inherits them, or its retry would fail for ever.
CPV2_FAULTS = frozenset({Fault.SLOW, Fault.ERROR_500, Fault.GARBAGE_JSON, Fault.TIMEOUT_AFTER_SUCCESS})

#: Faults of SOAP 1.1 as a whole, whatever is asked. They are chosen for the service, never for a payment.
SOAP11_FAULTS = frozenset({Fault.SOAP11_OFF, Fault.SOAP11_MISMATCH})

#: What a fault does when an enquiry comes, beside whatever else goes wrong: the text of the panel's second
#: list. All of them, and those of SOAP 1.1, can be chosen for the service as well.
ENQUIRY_TEXTS: dict[Fault, str] = {
    Fault.ENQUIRY_429: "Too busy (429): come back later",
    Fault.ENQUIRY_500: "Error 500",
    Fault.ENQUIRY_SILENT: "Never answers",
    Fault.ENQUIRY_GARBAGE: "The answer is garbage",
    Fault.ENQUIRY_SLOW: "Slow: the answer takes its time",
    Fault.ENQUIRY_NOT_FOUND: "Says that there is no such invoice",
    Fault.ENQUIRY_STALE: "Says unpaid although it is paid",
}
ENQUIRY_FAULTS = SOAP11_FAULTS | frozenset(ENQUIRY_TEXTS)

#: What a fault does once the payer presses "Process Payment": the text of the panel on the page.
FAULT_TEXTS: dict[Fault, str] = {
    Fault.DECLINE: "Decline every card",
    Fault.SLOW: "Slow: processing takes its time",
    Fault.ERROR_500: "Error 500 instead of processing (nothing is charged)",
    Fault.GARBAGE_JSON: "Charged, but the answer is garbage",
    Fault.TIMEOUT_AFTER_SUCCESS: "Charged, but the page never answers",
    Fault.NO_POSTBACK: "No postback",
    Fault.LATE_POSTBACK: "Late postback",
    Fault.DOUBLE_POSTBACK: "Every postback twice",
    Fault.WRONG_AMOUNT: "Postback with a wrong amount (one cent less)",
    Fault.WRONG_REFERENCE: "Postback with a wrong reference",
    Fault.APPROVED_MAYBE: "Postback with Approved=maybe",
    Fault.POSTBACK_BEFORE_PAGE: "Postback arrives before the page shows success",
    Fault.RENDERER_CRASH: "Charged, then the page crashes the renderer",
    Fault.CLOSE_THEN_CHARGE: "Processing until the page is closed, charged a second later",
    Fault.DOUBLE_CHARGE: "Charged twice, and both are told",
}


@dataclass(frozen=True, slots=True)
class TrainingAccount:
    """A customer record that is there at the start; registered where there is a password.

    `told` is the password that its owner knows, which another portal may have changed without telling.
    """

    number: str
    name: str
    email: str = ""
    password: str = field(default="", repr=False)
    told: str = field(default="", repr=False)


#: One that nobody has registered, one that somebody has, and one whose password is another than its owner
#: says. Any other account is missing. The front page tells them: they are no secret.
TRAINING_ACCOUNTS = (
    TrainingAccount("MY-20001", "Pat Nobody"),
    TrainingAccount("MY-20002", "Robin Example", "robin@example.org", "training-robin-1", "training-robin-1"),
    TrainingAccount(
        "MY-20003", "Alex Sample", "alex@example.org", "only-invoice-cloud-has-it", "training-alex-1"
    ),
)


def utc_now() -> datetime:
    """The default clock: aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Settings of one sandbox. The defaults are those of training mode."""

    api_key: str = field(default="training-api-key", repr=False)
    biller_guid: str = "5a2d0b0e-0000-4000-8000-7261696e0001"
    web_service_key: str = field(default="training-web-service-key", repr=False)
    #: Shown in the page's header and, when the request brings no CustomReturnSiteName, as the return's site.
    biller_name: str = "City of Sampleton"
    #: What the payment URL begins with; None takes the address the CPV2 call came in by.
    public_url: str | None = None

    #: The fault for all payments, and for how many CPV2 calls it lasts (None: until it is changed).
    fault: Fault | None = None
    fault_times: int | None = None
    #: The fault of enquiries, and how many it hits (None: until it is changed). A `fault` of ENQUIRY_FAULTS
    #: counts as this one.
    enquiry_fault: Fault | None = None
    enquiry_fault_times: int | None = None
    #: `enquiry-429`: what Retry-After says, in seconds; None leaves it out.
    retry_after_s: int | None = 2

    #: Service fees, which Invoice Cloud adds on top of the payment: a percentage with a floor for cards, flat
    #: for bank accounts. Rounded half up to a cent.
    card_fee_bps: int = 250
    card_fee_min_cents: int = 100
    ach_fee_cents: int = 100

    #: Where the 18 parameters travel, and whether a payment of several invoices is told invoice by invoice
    #: (Invoice Cloud contract, section 3: both occur).
    postback_in: Literal["form", "query", "both"] = "form"
    postback_per: Literal["invoice", "payment"] = "invoice"
    #: Tries after the first one, when the answer is not 2xx; the wait doubles each time.
    postback_retries: int = 5
    postback_backoff_s: float = 0.2
    postback_timeout_s: float = 10.0

    #: `slow`, `enquiry-slow`: how much longer an answer takes.
    slow_s: float = 3.0
    #: `late-postback`: how long it is held; None holds it until the control API lets it go.
    late_s: float | None = 30.0
    #: `close-then-charge`: how long it is waited for the page to be closed, and how long after it is charged.
    close_wait_s: float = 60.0
    after_close_s: float = 1.0
    #: How long the simulated reader shows "Remove card" before it goes on by itself (with JavaScript).
    reader_step_s: float = 1.5

    #: Customer records that are there at the start, and how long a sign-on lasts.
    accounts: tuple[TrainingAccount, ...] = TRAINING_ACCOUNTS
    sign_on_s: float = 20 * 60

    #: The number in the first `APPROVED 727634`; each further approval has the next one.
    first_approval: int = 727634
    clock: Callable[[], datetime] = utc_now
    new_uuid: Callable[[], uuid.UUID] = uuid.uuid4

    def service_fee_cents(self, amount_cents: int, *, by_card: bool) -> int:
        """The service fee on `amount_cents`, rounded half up."""
        if not by_card:
            return self.ach_fee_cents
        return max(self.card_fee_min_cents, (amount_cents * self.card_fee_bps + 5_000) // 10_000)
