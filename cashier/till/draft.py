"""The sale being put together: customer, permit and priced fee lines. Nothing of it is money yet."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cashier.domain.enquiry import FoundInvoice
from cashier.domain.errors import Refused
from cashier.domain.fees import (
    Measure,
    Schedule,
    bases_of,
    context_measures_of,
    measures_of,
    units_of,
)
from cashier.domain.money import Cents, format_dollars
from cashier.domain.pricing import FeeRequest, PricedFee, price, request
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale, TypedFee, group_by_type
from cashier.domain.scrub import scrub_card_numbers


@dataclass(frozen=True)
class FeeQuestion:
    """What a fee needs to know: `units` names what the quantity counts (empty for a plain fee)."""

    code: str
    name: str
    units: str
    measures: tuple[Measure, ...]


#: More lines than a citizen would wait for; a limit so that nothing grows without one.
LINES_MAX = 60


@dataclass(frozen=True)
class Line:
    """One fee on the draft. `number` names the line for as long as it is on the sale."""

    number: int
    request: FeeRequest
    priced: PricedFee


@dataclass(frozen=True)
class Retrieved:
    """An invoice of the gateway's on the draft, as one line. No fee schedule ever prices it.

    `number` names the line as a fee's does. `amount_cents` is what is to be paid of it now: the balance, or
    less where partial payment is allowed. `biller` and `type_id` are whose it is.
    """

    number: int
    biller: str
    type_id: int
    found: FoundInvoice
    amount_cents: Cents

    @property
    def name(self) -> str:
        """What stands on the sale and the receipt; a number like a card's is told by its end."""
        number = self.found.number
        shown = number if scrub_card_numbers(number) == number else f"…{number[-4:]}"
        return f"Invoice {shown} (balance)"

    @property
    def is_part(self) -> bool:
        """Whether the clerk has made it less than the balance."""
        return self.amount_cents < self.found.balance_cents


@dataclass(frozen=True)
class Draft:
    """An immutable draft: each verb gives a new one, so that a refused change leaves the old as it was."""

    sale_id: str
    schedule: Schedule
    customer: Customer = Customer("", "")
    permit: Permit | None = None
    lines: tuple[Line, ...] = ()
    reader_id: str | None = None
    retrieved: tuple[Retrieved, ...] = ()
    next_number: int = field(default=1, compare=False)

    @property
    def total_cents(self) -> Cents:
        """Sum of the priced lines and the retrieved invoices."""
        fees = sum(line.priced.amount_cents for line in self.lines)
        return Cents(fees + sum(line.amount_cents for line in self.retrieved))

    @property
    def has_lines(self) -> bool:
        """Whether there is anything to be paid for."""
        return bool(self.lines or self.retrieved)

    @property
    def biller(self) -> str | None:
        """Whose invoices these are, where a retrieved one says it."""
        return self.retrieved[0].biller if self.retrieved else None

    @property
    def type_ids(self) -> tuple[int, ...]:
        """The invoice types of all lines, fees first."""
        fees = (line.priced.type_id for line in self.lines)
        return (*fees, *(line.type_id for line in self.retrieved))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing a clerk would miss."""
        return not self.has_lines and not self.customer.name and self.permit is None

    def asks(self, code: str) -> FeeQuestion:
        """What to ask before this fee can be priced here."""
        fee = self.schedule.fee(code)
        beside = {line.request.code for line in self.lines}
        needs_context = bool(bases_of(fee)) and not beside.intersection(bases_of(fee))
        context = context_measures_of(self.schedule, code) if needs_context else ()
        return FeeQuestion(fee.code, fee.name, units_of(fee) or "", measures_of(fee) or context)

    def preview(self, code: str, quantity: int, measures: Mapping[str, str], changing: int | None) -> Cents:
        """The price of a fee before it is added, or of the line about to change.

        Raises Refused when it cannot be priced.
        """
        if changing is None:
            number, after = self.next_number, self.add(code, quantity, measures)
        else:
            number, after = changing, self.change(changing, quantity, measures)
        return next(line.priced.amount_cents for line in after.lines if line.number == number)

    def add(self, code: str, quantity: int, measures: Mapping[str, str]) -> "Draft":
        """With one more fee; measures as typed, by name. Raises Refused when it cannot be priced."""
        self._refuse_full()
        wanted = request(self.schedule, code, quantity, measures)
        numbers = [*(line.number for line in self.lines), self.next_number]
        requests = [*(line.request for line in self.lines), wanted]
        return replace(self._priced(numbers, requests), next_number=self.next_number + 1)

    def _refuse_full(self) -> None:
        if len(self.lines) + len(self.retrieved) >= LINES_MAX:
            raise Refused(f"A sale carries at most {LINES_MAX} fees. Take this one and start another.")

    def retrieve(self, biller: str, type_id: int, found: FoundInvoice) -> "Draft":
        """With an invoice of the gateway's at its balance. Raises Refused when it is on the sale already."""
        self._refuse_full()
        if any(line.found.number.casefold() == found.number.casefold() for line in self.retrieved):
            raise Refused(f"Invoice {found.number} is on this sale already.")
        if self.biller not in (None, biller):
            raise Refused(
                f"Invoice {found.number} belongs to another biller than the invoices of this sale. Take it "
                "as a sale of its own."
            )
        line = Retrieved(self.next_number, biller, type_id, found, found.balance_cents)
        return replace(self, retrieved=(*self.retrieved, line), next_number=self.next_number + 1)

    def pay_of(self, number: int, amount_cents: Cents) -> "Draft":
        """With another amount to be paid of a retrieved invoice.

        Raises Refused when that is not between what the gateway asks at the least and the balance.
        """
        line = next((line for line in self.retrieved if line.number == number), None)
        if line is None:
            raise Refused("This invoice is no longer on the sale.")
        found, whole = line.found, format_dollars(line.found.balance_cents)
        if not found.allow_partial and amount_cents != found.balance_cents:
            raise Refused(f"Invoice {found.number} must be paid in full: {whole}. Its biller takes no part.")
        if not found.least_cents <= amount_cents <= found.balance_cents:
            least = format_dollars(found.least_cents)
            raise Refused(f"Of invoice {found.number} at least {least} and at most {whole} can be paid.")
        changed = replace(line, amount_cents=amount_cents)
        return replace(self, retrieved=tuple(changed if item is line else item for item in self.retrieved))

    def change(self, number: int, quantity: int, measures: Mapping[str, str]) -> "Draft":
        """With another quantity or other measures on a line."""
        changed = next((line for line in self.lines if line.number == number), None)
        if changed is None:
            raise Refused("This fee is no longer on the sale.")
        wanted = request(self.schedule, changed.request.code, quantity, measures)
        requests = [wanted if line is changed else line.request for line in self.lines]
        return self._priced([line.number for line in self.lines], requests)

    def remove(self, number: int) -> "Draft":
        """Without a line. Raises Refused when another fee is a percentage of it."""
        if any(line.number == number for line in self.retrieved):
            left = tuple(line for line in self.retrieved if line.number != number)
            return replace(self, retrieved=left)
        kept = [line for line in self.lines if line.number != number]
        return self._priced([line.number for line in kept], [line.request for line in kept])

    def priced_anew(self, requests: Mapping[int, FeeRequest]) -> "Draft":
        """With these fees, by line number, priced by this draft's schedule. Raises Refused."""
        return self._priced(list(requests), list(requests.values()))

    def _priced(self, numbers: list[int], requests: list[FeeRequest]) -> "Draft":
        """All lines are priced together: a percentage follows the fees it is of."""
        priced = price(self.schedule, requests)
        lines = (Line(*parts) for parts in zip(numbers, requests, priced, strict=True))
        return replace(self, lines=tuple(lines))

    def sale(self, profile: str, today: dt.date, *, partial_payments: bool = True) -> Sale:
        """The sale of this draft: one unnumbered invoice per invoice type, due today, then the retrieved.

        Where the profile has no room for them (`partial_payments`), no partial payments are offered.
        """
        typed = (
            TypedFee(
                line.priced.type_id,
                Fee(
                    id=f"{line.priced.code}-{line.number}",
                    name=_line_name(line),
                    amount_cents=line.priced.amount_cents,
                    external_charge_code=line.priced.external_charge_code,
                    gl_account=line.priced.gl_account,
                ),
            )
            for line in self.lines
        )
        given = (_invoice(line, today, partial_payments) for line in self.retrieved)
        invoices = (*group_by_type(typed, today, today), *given)
        return Sale(profile, self.customer, invoices, self.permit, biller=self.biller)


def _invoice(line: Retrieved, today: dt.date, partial_payments: bool) -> Invoice:
    """A retrieved invoice, with its own number and dates.

    A part that the clerk has chosen is to be paid as it is; only the whole may be paid in part on the page.
    """
    found = line.found
    offers = partial_payments and found.allow_partial and not line.is_part
    return Invoice(
        number=found.number,
        type_id=line.type_id,
        date=found.date or today,
        due_date=found.due_date or found.date or today,
        fees=(Fee(f"invoice-{line.number}", line.name, line.amount_cents),),
        minimum_due_cents=found.least_cents if offers else None,
        allow_partial=True if offers else None,
        is_given=True,
        balance_cents=found.balance_cents,
    )


def _line_name(line: Line) -> str:
    return line.priced.name if line.request.quantity == 1 else f"{line.priced.name} × {line.request.quantity}"
