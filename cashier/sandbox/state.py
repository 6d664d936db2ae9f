"""What the sandbox remembers: payments, their charges and postbacks, and the invoices behind enquiries.

Everything is in memory and ends with the process. All changes are plain functions without `await`, called on
the server's one loop, so a charge is decided and recorded in one step: pressing "Process Payment" twice
cannot charge twice. Nothing here ever holds more of a card than brand, last four digits and mask.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from cashier.sandbox.cards import Entry, Tender
from cashier.sandbox.config import CPV2_FAULTS, ENQUIRY_FAULTS, SOAP11_FAULTS, Fault, SandboxConfig
from cashier.sandbox.wire import BadRequest, Customer, Invoice, PaymentRequest


@dataclass(frozen=True, slots=True)
class Charge:
    """One press of "Process Payment": approved (money moved) or declined (none did)."""

    payment_guid: str
    at: datetime
    approved: bool
    message: str
    tender: Tender
    #: Invoice number to cents; the fee comes on top.
    allocations: dict[str, int]
    fee_cents: int
    remote_ip: str

    @property
    def amount_cents(self) -> int:
        """What was paid on the invoices, without the fee."""
        return sum(self.allocations.values())


@dataclass(slots=True)
class Postback:
    """One notification and what came of it; `tries` has one line per try (a status or an error's name)."""

    parameters: dict[str, str]
    state: Literal["waiting", "held", "delivered", "given up"] = "waiting"
    tries: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next payment to be registered will meet, and no other.

    `late_s`: how late its postbacks are, whatever its fault. `enquiry_s`: how long after its charge the fault
    of enquiries lasts; None: until it is changed.
    """

    fault: Fault | None = None
    enquiry_fault: Fault | None = None
    enquiry_s: float | None = None
    late_s: float | None = None


@dataclass(slots=True)
class Payment:
    """One registered payment and how far its payer has come."""

    token: str
    request: PaymentRequest
    fault: Fault | None
    #: Invoice number to cents: what the payer has chosen to pay now, in the order of the request.
    amounts: dict[str, int]
    #: What goes wrong when an enquiry about one of its invoices comes.
    enquiry_fault: Fault | None = None
    #: How long after the charge that goes on; None: until it is changed.
    enquiry_s: float | None = None
    #: How late its postbacks are; None: as its fault has it.
    late_s: float | None = None
    #: Whether "Process Payment" was pressed and its page is waited for to be closed.
    is_processing: bool = False
    #: Whose payment it is, where the payer is signed on: their e-mail address.
    signed_on: str = ""
    cpv2_calls: int = 0
    entry: Entry | None = None
    tender: Tender | None = None
    charges: list[Charge] = field(default_factory=list)
    postbacks: list[Postback] = field(default_factory=list)

    @property
    def amount_cents(self) -> int:
        """What is to be paid now, without the fee."""
        return sum(self.amounts.values())

    @property
    def chosen(self) -> list[tuple[Invoice, int]]:
        """The invoices the payer pays, each with its amount."""
        return [
            (invoice, self.amounts[invoice.number])
            for invoice in self.request.invoices
            if invoice.number in self.amounts
        ]

    @property
    def approved(self) -> Charge | None:
        """The charge that took the money; there is never more than one, but by the fault `double-charge`."""
        return next((charge for charge in self.charges if charge.approved), None)

    def enquiry_fault_at(self, now: datetime) -> Fault | None:
        """What goes wrong with an enquiry that comes now."""
        charge = self.approved
        if self.enquiry_s is None or charge is None:
            return self.enquiry_fault
        return self.enquiry_fault if (now - charge.at).total_seconds() < self.enquiry_s else None

    @property
    def state(self) -> Literal["open", "declined", "paid"]:
        """`declined` may still become `paid`: the payer can try another card."""
        if self.approved:
            return "paid"
        return "declined" if self.charges else "open"


@dataclass(slots=True)
class InvoiceRecord:
    """An invoice as an enquiry tells it.

    `is_seeded`: it was there without having been launched; its account is the biller's own and goes on
    through every launch.
    """

    invoice: Invoice
    customer: Customer
    total_cents: int
    paid_cents: int = 0
    autopay: date | None = None
    is_seeded: bool = False

    @property
    def balance_cents(self) -> int:
        """What is still due; zero once paid."""
        return max(0, self.total_cents - self.paid_cents)


@dataclass(slots=True)
class LimitedFault:
    """A fault and how many more calls it hits; `times` None: until it is changed."""

    fault: Fault | None = None
    times: int | None = None

    def take(self) -> Fault | None:
        """The fault for one call; counts it when it is limited."""
        fault = self.fault
        if self.times is not None:
            self.times -= 1
            if self.times <= 0:
                self.fault, self.times = None, None
        return fault


@dataclass(frozen=True, slots=True)
class Cpv2Call:
    """One CPV2 call, for tests: the digest tells whether a retry sent the same bytes."""

    at: datetime
    outcome: str
    reference: str
    invoices: tuple[str, ...]
    token: str
    body_sha256: str


def _fault(name: str | None) -> Fault | None:
    return Fault(name) if name else None


class Store:
    """All payments of one sandbox."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self.payments: dict[str, Payment] = {}
        self.invoices: dict[str, InvoiceRecord] = {}
        #: Customer records that are there without a launch, by account number.
        self.customers: dict[str, Customer] = {}
        self.calls: list[Cpv2Call] = []
        #: Every charge that took money, in order, with its payment.
        self.taken: list[tuple[Payment, Charge]] = []
        default = LimitedFault(_fault(config.fault), config.fault_times)
        enquiry = LimitedFault(_fault(config.enquiry_fault), config.enquiry_fault_times)
        if default.fault in ENQUIRY_FAULTS:
            default, enquiry = LimitedFault(), default
        self.default, self.enquiry = default, enquiry
        #: What the next payment will meet, instead of the default fault.
        self.plan: Plan | None = None
        #: Whether what comes over the line is dropped unread, but for the control API.
        self.line_is_down = False
        #: How many enquiries came, whatever they were answered.
        self.enquiries = 0
        self._next_approval = config.first_approval

    def take_soap11_fault(self) -> Fault | None:
        """What is wrong with SOAP 1.1 for one call, if it is."""
        return self.enquiry.take() if self.enquiry.fault in SOAP11_FAULTS else None

    def take_enquiry_fault(self, number: str) -> Fault | None:
        """What goes wrong with one enquiry about an invoice: the payment's own fault, or the service's.

        A limited fault counts only where it makes a difference: `enquiry-stale` on an invoice that was paid,
        `enquiry-not-found` on one that is there.
        """
        payment = next((p for p in reversed(self.payments.values()) if number in p.amounts), None)
        own = payment.enquiry_fault_at(self._config.clock()) if payment else None
        if own:
            return own
        record = self.invoices.get(number)
        fault = self.enquiry.fault
        if (
            fault in SOAP11_FAULTS
            or (fault is Fault.ENQUIRY_NOT_FOUND and record is None)
            or (fault is Fault.ENQUIRY_STALE and not (record and record.paid_cents))
        ):
            return None
        return self.enquiry.take()

    def register(self, request: PaymentRequest, fault: Fault | None) -> Payment:
        """The payment of `request`: the same one for the same reference and invoices.

        Raises BadRequest when the reference is already in use for other content, and when an invoice has
        been paid in full by another payment.
        """
        known = self._latest(request.key)
        if known and known.request == request:
            known.cpv2_calls += 1
            return known
        if known and known.approved is None:
            raise BadRequest(
                "BillerReference is already registered for these invoices with other content "
                "(amount, customer, options or URLs)."
            )
        for invoice in request.invoices:
            record = self.invoices.get(invoice.number)
            if record and record.balance_cents == 0:
                raise BadRequest(f"Invoice {invoice.number} has already been paid.")
        plan, self.plan = self.plan or Plan(None if fault in CPV2_FAULTS else fault), None
        payment = Payment(
            token=self._config.new_uuid().hex,
            request=request,
            fault=plan.fault,
            enquiry_fault=plan.enquiry_fault,
            enquiry_s=plan.enquiry_s,
            late_s=plan.late_s,
            amounts={invoice.number: invoice.balance_cents for invoice in request.invoices},
            cpv2_calls=1,
        )
        self.payments[payment.token] = payment
        for invoice in request.invoices:
            # The biller says what is due now: a new registration starts the invoice's account afresh, but
            # for one that was there before anything was launched.
            known_record = self.invoices.get(invoice.number)
            if known_record is not None and known_record.is_seeded:
                continue
            self.invoices[invoice.number] = InvoiceRecord(invoice, request.customer, invoice.balance_cents)
        return payment

    def seed(self, record: InvoiceRecord) -> None:
        """An invoice that is there without having been launched; again under its number: in its place."""
        self.invoices[record.invoice.number] = record
        self.customers.setdefault(record.customer.account_number, record.customer)

    def _latest(self, key: tuple[str, ...]) -> Payment | None:
        return next((p for p in reversed(self.payments.values()) if p.request.key == key), None)

    def paid_elsewhere(self, payment: Payment) -> str | None:
        """An invoice of `payment` that no longer has its amount due, because another payment paid it."""
        for number, cents in payment.amounts.items():
            if self.invoices[number].balance_cents < cents:
                return number
        return None

    def fee_cents(self, payment: Payment, entry: Entry) -> int:
        """The service fee of paying the chosen amount by `entry`."""
        return self._config.service_fee_cents(payment.amount_cents, by_card=entry.by_card)

    def charge(self, payment: Payment, tender: Tender, *, declined: bool, remote_ip: str) -> Charge:
        """Takes the money, or declines. The caller has made sure that the payment is not paid yet."""
        if declined:
            message = "DECLINED - DO NOT HONOR"
        else:
            message = f"APPROVED {self._next_approval:06d}"
            self._next_approval += 1
        charge = Charge(
            payment_guid=str(self._config.new_uuid()),
            at=self._config.clock(),
            approved=not declined,
            message=message,
            tender=tender,
            allocations=dict(payment.amounts),
            fee_cents=self.fee_cents(payment, tender.entry),
            remote_ip=remote_ip,
        )
        payment.charges.append(charge)
        # A declined card is not offered again: the payer starts over with another one.
        payment.tender = None
        if charge.approved:
            self.taken.append((payment, charge))
            for number, cents in charge.allocations.items():
                self.invoices[number].paid_cents += cents
        return charge
