"""How a daily report is made: one pass over the receipts of its days, keeping rows and no receipts."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cashier.domain.corrections import Correction, Refund, ReturnedCheck, Undoing, Void, counted
from cashier.domain.daily import (
    Allocation,
    Carried,
    DailyReport,
    Figures,
    Flow,
    Gap,
    Heading,
    Instrument,
    Numbers,
    RefundRow,
    ReturnedRow,
    Scope,
    ShiftRow,
    Tally,
    VoidRow,
)
from cashier.domain.entries import Entry
from cashier.domain.receipt import IN_DRAWER, Receipt, TenderKind, receipt_number
from cashier.domain.shift import piles_from_json

#: The local time at the counter of UTC text.
Local = Callable[[str], dt.datetime]
#: The business date (ISO) of a receipt number that is on another day, or None when the journal has none such.
Elsewhere = Callable[[str], str | None]

#: Numbers that are looked for before the first one of a day, at most; a longer gap is one row.
GAP_ROWS_MAX = 200


@dataclass(frozen=True)
class Undone:
    """A correction of the report's days, and what it undoes.

    `receipt` is None when this journal does not have it. `before_cents` is what earlier corrections had taken
    back of it. `till` recorded it.
    """

    correction: Undoing
    receipt: Receipt | None
    before_cents: int
    till: str


def daily_report(
    *,
    heading: Heading,
    scope: Scope,
    receipts: Iterable[Receipt],
    undone: Iterable[Undone],
    carried: Iterable[Carried],
    local: Local,
    elsewhere: Elsewhere,
    matters: Iterable[str] = (),
    shifts: Iterable[ShiftRow] = (),
) -> DailyReport:
    """The report of a scope.

    `receipts` are all of its business dates in the order they were issued, of every clerk: numbers are
    checked over all of them. They are taken one at a time and not kept.
    """
    undone = tuple(undone)
    fold = _Fold(scope, local, undone)
    for receipt in receipts:
        fold.add(receipt)
    for item in undone:
        fold.undo(item)
    return DailyReport(
        heading=heading,
        scope=scope,
        figures=fold.figures(),
        instruments=tuple(fold.instruments),
        allocations=tuple(fold.allocations),
        voids=tuple(fold.voids),
        refunds=tuple(fold.refunds),
        returned=tuple(fold.returned),
        numbers=fold.numbers(elsewhere),
        carried=tuple(carried),
        matters=tuple(matters),
        shifts=tuple(shifts),
    )


class _Fold:
    """Rows and sums so far."""

    def __init__(self, scope: Scope, local: Local, undone: tuple[Undone, ...]) -> None:
        self._scope = scope
        self._local = local
        self._many_days = scope.first != scope.last
        self._texts: dict[str, str] = {}
        self._void_of = {
            item.correction.receipt: item.correction for item in undone if isinstance(item.correction, Void)
        }
        self._sequences: dict[str, list[int]] = {}
        self._voided: dict[str, list[str]] = {}
        self._tenders: dict[TenderKind, Tally] = {}
        self._receipts = self._void_tally = Tally()
        self._types: dict[int, Flow] = {}
        self._accounts: dict[str, Flow] = {}
        self._hours: dict[int, Tally] = {}
        self.instruments: list[Instrument] = []
        self.allocations: list[Allocation] = []
        self.voids: list[VoidRow] = []
        self.refunds: list[RefundRow] = []
        self.returned: list[ReturnedRow] = []

    def add(self, receipt: Receipt) -> None:
        """One more receipt of the days."""
        self._sequences.setdefault(receipt.till, []).append(int(receipt.number.rpartition("-")[2]))
        void = self._void_of.get(receipt.number)
        if void is not None:
            self._voided.setdefault(receipt.till, []).append(receipt.number)
        if not self._scope.takes(receipt.till, receipt.cashier):
            return
        moment = self._local(receipt.at)
        rows = tuple(self._rows(receipt, moment))
        if void is not None:
            self._add_void(receipt, void, rows)
            return
        self._receipts = self._receipts.plus(receipt.paid_cents, receipt.service_fee_cents)
        for row in rows:
            self.instruments.append(row)
            amounts = (row.amount_cents, row.service_fee_cents)
            self._tenders[row.kind] = self._tenders.get(row.kind, Tally()).plus(*amounts)
            self._hours[moment.hour] = self._hours.get(moment.hour, Tally()).plus(*amounts)
        permit = _permit(receipt)
        for (type_id, account), cents in _spread(receipt).items():
            self._allocate(receipt.number, permit, type_id, account, cents)

    def _rows(self, receipt: Receipt, moment: dt.datetime) -> Iterator[Instrument]:
        time = moment.strftime("%m-%d %H:%M" if self._many_days else "%H:%M")
        for tender in receipt.tenders:
            is_card = tender.kind in (TenderKind.CARD, TenderKind.BANK)
            yield Instrument(
                receipt=receipt.number,
                kind=tender.kind,
                business_date=self._one(receipt.business_date),
                at=receipt.at,
                time=self._one(time),
                till=self._one(receipt.till),
                clerk=self._one(receipt.cashier),
                payer=receipt.customer.name,
                permit=_permit(receipt),
                amount_cents=tender.amount_cents,
                service_fee_cents=tender.service_fee_cents,
                received_cents=tender.received_cents,
                number=tender.number,
                bank=self._one(tender.bank),
                drawn_by=tender.payer,
                brand=self._one(tender.brand),
                reference=receipt.reference if is_card else "",
                belongs_to=receipt.belongs_to,
            )

    def _one(self, text: str) -> str:
        """The one copy of a text that many rows say."""
        return self._texts.setdefault(text, text)

    def _add_void(self, receipt: Receipt, void: Void, rows: tuple[Instrument, ...]) -> None:
        self._void_tally = self._void_tally.plus(receipt.paid_cents, receipt.service_fee_cents)
        self.voids.append(
            VoidRow(
                receipt=receipt.number,
                business_date=receipt.business_date,
                time=self._local(receipt.at).strftime("%H:%M"),
                till=receipt.till,
                clerk=receipt.cashier,
                payer=receipt.customer.name,
                permit=_permit(receipt),
                amount_cents=receipt.paid_cents,
                reason=void.reason,
                text=void.text,
                requester=void.requester,
                approver=void.approver,
                instruments=rows,
            )
        )

    def _allocate(self, receipt: str, permit: str, type_id: int, account: str, cents: int) -> None:
        """One row, and its share of the totals; negative cents are taken back."""
        account = self._one(account)
        self.allocations.append(Allocation(receipt, permit, type_id, account, cents))
        taken, back, count = (cents, 0, 1) if cents >= 0 else (0, -cents, 0)
        self._types[type_id] = _more(self._types.get(type_id), taken, back, count)
        self._accounts[account] = _more(self._accounts.get(account), taken, back, count)

    def undo(self, item: Undone) -> None:
        """A refund or a returned check of these days. Voids went with their receipts."""
        correction = item.correction
        if isinstance(correction, Void):
            return
        by = correction.requester if isinstance(correction, Refund) else correction.by
        if not self._scope.takes(item.till, by):
            return
        payer = item.receipt.customer.name if item.receipt else ""
        permit = _permit(item.receipt) if item.receipt else ""
        if isinstance(correction, ReturnedCheck):
            members = (correction.number, correction.amount_cents, correction.reason, correction.by)
            place = (correction.receipt, correction.business_date, payer, permit)
            self.returned.append(ReturnedRow(*place, *members))
        else:
            self.refunds.append(_refund_row(correction, payer, permit))
            if not correction.is_done:
                return
        for (type_id, account), cents in undone_spread(
            item.receipt, item.before_cents, correction.amount_cents
        ).items():
            self._allocate(correction.receipt, permit, type_id, account, -cents)

    def figures(self) -> Figures:
        """Every total."""
        refunds: dict[TenderKind, Tally] = {}
        asked = returned = Tally()
        for row in self.refunds:
            if row.is_done:
                tally = refunds.get(row.kind, Tally())
                refunds[row.kind] = tally.plus(row.amount_cents, row.service_fee_cents)
            else:
                asked = asked.plus(row.amount_cents, row.service_fee_cents)
        for check in self.returned:
            returned = returned.plus(check.amount_cents)
        return Figures(
            tenders=_by_kind(self._tenders),
            receipts=self._receipts,
            voids=self._void_tally,
            refunds=_by_kind(refunds),
            refunds_asked=asked,
            returned=returned,
            types=dict(sorted(self._types.items())),
            accounts=dict(sorted(self._accounts.items())),
            hours=dict(sorted(self._hours.items())),
        )

    def numbers(self, elsewhere: Elsewhere) -> tuple[Numbers, ...]:
        """Each till's numbers, gaps explained as far as the journal knows."""
        return tuple(
            _numbers(till, sorted(found), tuple(self._voided.get(till, ())), elsewhere)
            for till, found in sorted(self._sequences.items())
            if self._scope.till in ("", till)
        )


def _numbers(till: str, found: list[int], voided: tuple[str, ...], elsewhere: Elsewhere) -> Numbers:
    gaps: list[Gap] = []
    # Before the first: a number that is on an earlier day ends the search.
    before: list[int] = []
    sequence = found[0] - 1
    while sequence >= 1 and len(before) < GAP_ROWS_MAX and elsewhere(receipt_number(till, sequence)) is None:
        before.append(sequence)
        sequence -= 1
    have = set(found)
    missing = [*reversed(before), *(n for n in range(found[0], found[-1]) if n not in have)]
    for number in missing[:GAP_ROWS_MAX]:
        name = receipt_number(till, number)
        day = elsewhere(name)
        reason = f"on business date {day}" if day else "not in this journal: find out why, and write it here"
        gaps.append(Gap(name, reason))
    if len(missing) > GAP_ROWS_MAX:
        gaps.append(
            Gap(receipt_number(till, missing[GAP_ROWS_MAX]), f"and {len(missing) - GAP_ROWS_MAX} in all")
        )
    first, last = receipt_number(till, found[0]), receipt_number(till, found[-1])
    return Numbers(till, first, last, len(found), voided, tuple(gaps))


def _spread(receipt: Receipt) -> dict[tuple[int, str], int]:
    """What a receipt paid by invoice type and account, and what is in no invoice's fee: every cent of it."""
    spread: dict[tuple[int, str], int] = {}
    left = int(receipt.paid_cents)
    for share in receipt.fee_shares:
        key = (share.invoice.type_id, share.fee.gl_account)
        spread[key] = spread.get(key, 0) + share.amount_cents
        left -= share.amount_cents
    if left:
        spread[0, ""] = spread.get((0, ""), 0) + left
    return spread


def undone_spread(
    receipt: Receipt | None, before_cents: int, amount_cents: int
) -> Mapping[tuple[int, str], int]:
    """What taking `amount_cents` back takes of each type and account, after `before_cents` were taken back.

    What was paid last is taken back first: the rule of part payments, backwards. Nothing is rounded.
    """
    spread: dict[tuple[int, str], int] = {}
    shares = list(_spread(receipt).items()) if receipt else []
    start, end, reached = before_cents, before_cents + amount_cents, 0
    for key, cents in reversed(shares):
        part = min(end, reached + cents) - max(start, reached)
        if part > 0:
            spread[key] = spread.get(key, 0) + part
        reached += cents
    left = amount_cents - sum(spread.values())
    if left:
        spread[0, ""] = spread.get((0, ""), 0) + left
    return spread


def undone_between(
    corrections: Iterable[tuple[Correction, str]],
    scope: Scope,
    receipt_of: Callable[[str], Receipt | None],
) -> tuple[Undone, ...]:
    """The corrections of a scope's days, each with what came before it. Takes all there are, in order.

    A refund that was asked for and confirmed later comes twice under one id: it counts once, when it is done.
    """
    first, last = scope.first.isoformat(), scope.last.isoformat()
    gone: dict[str, int] = {}
    found: list[Undone] = []
    for correction, till in counted(corrections):
        before = gone.get(correction.receipt, 0)
        counts = not isinstance(correction, Void) and getattr(correction, "is_done", True)
        if counts:
            gone[correction.receipt] = before + correction.amount_cents
        if not first <= correction.business_date <= last:
            continue
        if isinstance(correction, Refund) and correction.is_done:
            found = [item for item in found if not _is_request_of(item, correction)]
        found.append(Undone(correction, receipt_of(correction.receipt), before, till))
    return tuple(found)


def _is_request_of(item: Undone, done: Refund) -> bool:
    return isinstance(item.correction, Refund) and item.correction.id == done.id


def _refund_row(refund: Refund, payer: str, permit: str) -> RefundRow:
    return RefundRow(
        id=refund.id,
        receipt=refund.receipt,
        business_date=refund.business_date,
        payer=payer,
        permit=permit,
        kind=refund.kind,
        amount_cents=refund.amount_cents,
        service_fee_cents=refund.service_fee_cents,
        reason=refund.reason,
        text=refund.text,
        requester=refund.requester,
        approver=refund.approver,
        is_done=refund.is_done,
    )


def _permit(receipt: Receipt) -> str:
    return receipt.permit.number if receipt.permit else ""


def _more(flow: Flow | None, taken: int, back: int, count: int) -> Flow:
    flow = flow or Flow()
    return Flow(flow.taken_cents + taken, flow.undone_cents + back, flow.count + count)


def _by_kind(tallies: Mapping[TenderKind, Tally]) -> dict[TenderKind, Tally]:
    return {kind: tallies[kind] for kind in TenderKind if kind in tallies}


def shift_rows(closes: Iterable[Entry], scope: Scope) -> tuple[ShiftRow, ...]:
    """The shifts of a scope among SHIFT_CLOSED entries, each as its last close has it."""
    first, last = scope.first.isoformat(), scope.last.isoformat()
    found: dict[str, ShiftRow] = {}
    for entry in closes:
        body = entry.body
        if first <= body["business_date"] <= last and scope.takes(entry.till, body["clerk"]):
            found[entry.subject] = _shift_row(entry)
    return tuple(found.values())


def _shift_row(entry: Entry) -> ShiftRow:
    body = entry.body
    return ShiftRow(
        till=entry.till,
        number=body["number"],
        revision=body["revision"],
        business_date=body["business_date"],
        clerk=body["clerk"],
        closed_by=body["closed_by"],
        counted_by=body["counted_by"],
        counts=body["counts"],
        approver=body["approver"],
        float_cents=body["float_cents"],
        paid_in_cents=body["paid_in_cents"],
        paid_out_cents=body["paid_out_cents"],
        dropped_cents=body["dropped_cents"],
        counted=piles_from_json(body["counted"]),
        expected=piles_from_json(body["expected"]),
        over_cents={kind: body["over_cents"][kind.value] for kind in IN_DRAWER},
        deposit_cents={kind: body["deposit_cents"][kind.value] for kind in IN_DRAWER},
        pieces={int(cents): many for cents, many in body["pieces"].items()},
    )
