"""The gateway as it truly is: who paid what. Written from the contract alone; nothing of the till is asked.

The auditor compares the journals with `charges`. A hosted session has a life; nothing is charged after it.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.errors import Refused
from cashier.domain.money import Cents

if TYPE_CHECKING:
    from tests.simulation.telling import Teller
    from tests.simulation.world import World

#: The life of a hosted session from its registration, as the tills are told in their settings.
SESSION_S = 1800.0
BILLERS = {"town": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}


@dataclass(eq=False)
class Session:
    """A registered payment and its page. Amounts in cents by invoice number; `minimum` None: no part."""

    number: int
    text: str
    biller: str
    reference: str
    amounts: dict[str, int]
    minimum: int | None
    payer: str
    postback_path: str
    expires: float
    charges: "list[Charge]" = field(default_factory=list)
    paid_loads: set[int] = field(default_factory=set)
    declines: int = 0

    @property
    def total(self) -> int:
        """What the page asks for."""
        return sum(self.amounts.values())

    @property
    def till(self) -> str:
        """The till's code, as its reference begins."""
        return self.reference.partition("-")[0]


@dataclass(eq=False)
class Charge:
    """Money that was taken. `heard` are the invoices of which the hub has confirmed a postback."""

    guid: str
    session: Session
    amounts: dict[str, int]
    fee_cents: int
    at: float
    message: str
    card: str
    heard: set[str] = field(default_factory=set)

    @property
    def reference(self) -> str:
        return self.session.reference

    @property
    def total(self) -> int:
        return sum(self.amounts.values())


@dataclass
class _Account:
    """One invoice: (when, total, balance) each time that either changed."""

    history: list[tuple[float, int, int]]

    def at(self, moment: float) -> tuple[int, int] | None:
        """Total and balance as they stood at a moment."""
        known = [(total, balance) for when, total, balance in self.history if when <= moment]
        return known[-1] if known else None


class Page:
    """A page that was loaded once from a session's address. Closed, it submits nothing any more."""

    def __init__(self, gateway: "Gateway", session: Session, load: int) -> None:
        self.session, self.load = session, load
        self.is_open = True
        self._gateway = gateway

    async def submit(self, amounts: dict[str, int], approve: bool, presses: int) -> str:
        """Press pay: `approved`, `declined`, `expired` or `nothing` as the page shows it in the end."""
        results = [
            self._gateway.process(self.session, self.load, amounts, approve, 0.3 * press)
            for press in range(presses)
        ]
        shown = await asyncio.shield(results[0])
        if self._gateway.world.chance(self._gateway.world.faults.lost_answer):
            return "nothing"
        return shown

    def close(self) -> None:
        """The window is gone; what was sent goes on at the gateway."""
        if self.is_open:
            self.is_open = False
            self._gateway.world.auditor.page_closed(self)


class Gateway:
    """Invoice Cloud."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.teller: Teller
        self.sessions: dict[str, Session] = {}
        self.by_reference: dict[str, list[Session]] = {}
        self.charges: list[Charge] = []
        self.accounts: dict[tuple[str, str], _Account] = {}
        self._loads = 0
        #: Whether an invoice that is wholly paid may be registered again. The contract does not say.
        self._takes_paid = world.chance(0.5)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    # -- what tills ask -----------------------------------------------------------------------------------

    def register(self, text: str, biller: str) -> str:
        """CPV2. The same bytes again are the same session, alive anew. Raises Refused."""
        request = json.loads(text)
        (customer,) = request["Customers"]
        amounts = {item["InvoiceNumber"]: _cents(item["BalanceDue"]) for item in customer["Invoices"]}
        reference = request["BillerReference"]
        self.world.auditor.registered(text, reference, reference.partition("-")[0])
        for session in self.by_reference.get(reference, ()):
            if session.text == text:
                session.expires = self.now + SESSION_S
                return f"https://pay.example.org/{session.number}"
        for number in amounts:
            account = self.accounts.get((biller, number.casefold()))
            if account and account.history[-1][2] == 0 and not self._takes_paid:
                raise Refused(f"Invoice {number} has already been paid.")
        invoices = customer["Invoices"]
        partial = len(invoices) == 1 and invoices[0].get("AllowPartialPayments")
        session = Session(
            number=len(self.sessions) + 1,
            text=text,
            biller=biller,
            reference=reference,
            amounts=amounts,
            minimum=_cents(invoices[0]["MinimumAmountDue"]) if partial else None,
            payer=customer["Name"],
            postback_path=urlsplit(request["PostBackURL"]).path,
            expires=self.now + SESSION_S,
        )
        self.sessions[str(session.number)] = session
        self.by_reference.setdefault(reference, []).append(session)
        for number, cents in amounts.items():
            account = self.accounts.setdefault((biller, number.casefold()), _Account([]))
            account.history.append((self.now, cents, cents))
        self.world.note(f"gateway: registers {reference[:14]} {amounts}")
        return f"https://pay.example.org/{session.number}"

    def status(self, number: str, biller: str) -> InvoiceStatus:
        """ViewInvoiceByInvoiceNumber; the answer may be from a moment ago."""
        moment = self.now - self.world.random.uniform(0, self.world.faults.lag_max_s)
        account = self.accounts.get((biller, number.casefold()))
        known = account.at(moment) if account else None
        if known is None:
            return InvoiceStatus(number, found=False)
        return InvoiceStatus(
            number, found=True, total_due_cents=Cents(known[0]), balance_cents=Cents(known[1])
        )

    def portal(self, reference: str) -> Iterator[Charge]:
        """What a person sees in the gateway's own portal, under a reference."""
        return (charge for charge in self.charges if charge.reference == reference)

    # -- what payers do -----------------------------------------------------------------------------------

    def load(self, url: str) -> Page:
        """Load a page."""
        self._loads += 1
        page = Page(self, self.sessions[url.rpartition("/")[2]], self._loads)
        self.world.note(f"page {page.load}: loaded for {page.session.reference[:14]}")
        self.world.auditor.page_opened(page)
        return page

    def process(
        self, session: Session, load: int, amounts: dict[str, int], approve: bool, later_s: float
    ) -> "asyncio.Task[str]":
        """Process a card; goes on whatever becomes of the page."""
        return self.world.spawn(self._process(session, load, amounts, approve, later_s), "gateway processes")

    async def _process(
        self, session: Session, load: int, amounts: dict[str, int], approve: bool, later_s: float
    ) -> str:
        world = self.world
        await asyncio.sleep(later_s)
        begun = self.now
        await asyncio.sleep(world.random.uniform(1, world.scenario.processing_max_s))
        if self.now >= session.expires:
            return "expired"
        again = load in session.paid_loads
        if again and not (later_s and world.chance(world.scenario.charges_twice)):
            return "approved"
        if any(charge.at <= begun for charge in session.charges) and not again:
            return "approved"  # the page says that it is paid
        if not approve:
            session.declines += 1
            world.note(f"gateway: declines a card of {session.reference[:14]}")
            self.teller.tell_declined(session, amounts)
            return "declined"
        session.paid_loads.add(load)
        self._charge(session, amounts)
        return "approved"

    def _charge(self, session: Session, amounts: dict[str, int]) -> None:
        world = self.world
        total = sum(amounts.values())
        fee = max((total * 250 + 5000) // 10_000, 100) + (world.chance(world.faults.odd_fee) and 25)
        charge = Charge(
            guid=world.new_guid(),
            session=session,
            amounts=dict(amounts),
            fee_cents=int(fee),
            at=self.now,
            message=f"APPROVED {world.random.randrange(100_000, 999_999)}",
            card=world.random.choice(("VISA", "MASTERCARD", "DISCOVER")),
        )
        session.charges.append(charge)
        self.charges.append(charge)
        for number, cents in amounts.items():
            account = self.accounts[session.biller, number.casefold()]
            _, launched, balance = account.history[-1]
            account.history.append((self.now, launched, max(balance - cents, 0)))
        world.note(f"gateway: takes {total} for {session.reference[:14]} as {charge.guid[:8]}")
        world.auditor.charged(charge)
        self.teller.tell_approved(charge)


def _cents(value: Any) -> int:
    whole, _, part = str(value).partition(".")
    return int(whole) * 100 + int((part + "00")[:2])
