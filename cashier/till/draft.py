"""The sale being put together: customer, permit and priced fee lines. Nothing of it is money yet."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cashier.domain.errors import Refused
from cashier.domain.fees import (
    Measure,
    Schedule,
    bases_of,
    context_measures_of,
    measures_of,
    units_of,
)
from cashier.domain.money import Cents
from cashier.domain.pricing import FeeRequest, PricedFee, price, request
from cashier.domain.sale import Customer, Fee, Permit, Sale, TypedFee, group_by_type


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
class Draft:
    """An immutable draft: each verb gives a new one, so that a refused change leaves the old as it was."""

    sale_id: str
    schedule: Schedule
    customer: Customer = Customer("", "")
    permit: Permit | None = None
    lines: tuple[Line, ...] = ()
    reader_id: str | None = None
    next_number: int = field(default=1, compare=False)

    @property
    def total_cents(self) -> Cents:
        """Sum of the priced lines."""
        return Cents(sum(line.priced.amount_cents for line in self.lines))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing a clerk would miss."""
        return not self.lines and not self.customer.name and self.permit is None

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
        if len(self.lines) >= LINES_MAX:
            raise Refused(f"A sale carries at most {LINES_MAX} fees. Take this one and start another.")
        wanted = request(self.schedule, code, quantity, measures)
        numbers = [*(line.number for line in self.lines), self.next_number]
        requests = [*(line.request for line in self.lines), wanted]
        return replace(self._priced(numbers, requests), next_number=self.next_number + 1)

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
        kept = [line for line in self.lines if line.number != number]
        return self._priced([line.number for line in kept], [line.request for line in kept])

    def _priced(self, numbers: list[int], requests: list[FeeRequest]) -> "Draft":
        """All lines are priced together: a percentage follows the fees it is of."""
        priced = price(self.schedule, requests)
        lines = (Line(*parts) for parts in zip(numbers, requests, priced, strict=True))
        return replace(self, lines=tuple(lines))

    def sale(self, profile: str, today: dt.date) -> Sale:
        """The sale of this draft: one unnumbered invoice per invoice type, due today."""
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
        return Sale(profile, self.customer, group_by_type(typed, today, today), self.permit)


def _line_name(line: Line) -> str:
    return line.priced.name if line.request.quantity == 1 else f"{line.priced.name} × {line.request.quantity}"
