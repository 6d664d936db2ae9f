"""What a front end shows, as one immutable value made from the draft and the journal."""

from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.fold import MOVING
from cashier.domain.money import Cents, format_dollars
from cashier.domain.outbox import NOTHING_OWED, OutboxView
from cashier.domain.payment import Payment, PaymentEvent, PaymentState
from cashier.domain.pricing import FeeRequest, PricedFee
from cashier.domain.receipt import Receipt
from cashier.domain.sale import Customer, Permit
from cashier.domain.tendering import DrawerTender
from cashier.till.config import Biller, TillConfig
from cashier.till.draft import Draft, Line, Retrieved
from cashier.till.held_sales import HeldSale
from cashier.till.people import PeopleView
from cashier.till.readers import ReaderView
from cashier.till.retrieve import day_text
from cashier.till.shift_views import ShiftView
from cashier.till.words import Standing, standing


class LineState(StrEnum):
    """Whether the hub answers, by asking it; never by the system's own "online" flag."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


class StepState(StrEnum):
    """How far a step of a payment is."""

    AHEAD = "ahead"
    NOW = "now"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One step of a payment with the time it was done, UTC text, or empty."""

    text: str
    state: StepState
    at: str = ""


@dataclass(frozen=True)
class InvoiceView:
    """An invoice to be: the type's id and name, its lines and their sum.

    A retrieved one has itself in `retrieved`, and one line that says so.
    """

    type_id: int
    type_name: str
    lines: tuple[Line, ...]
    total_cents: Cents
    retrieved: Retrieved | None = None


@dataclass(frozen=True)
class DraftView:
    """The sale page's view. `card_refusal` and `drawer_refusal` say why a key is off, or are empty.

    `held` are the tenders of the drawer that were taken for it and are on no receipt yet. `in_the_way` is the
    reference of a card payment in doubt that two people may release for cash, or empty.
    """

    sale_id: str
    customer: Customer
    permit: Permit | None
    invoices: tuple[InvoiceView, ...]
    total_cents: Cents
    paid_cents: Cents
    due_cents: Cents
    service_fee_cents: Cents
    reader: ReaderView | None
    emv_refusal: str
    card_refusal: str
    drawer_refusal: str
    in_the_way: str
    held: tuple[DrawerTender, ...]
    is_empty: bool
    is_locked: bool


@dataclass(frozen=True)
class PaymentView:
    """The payment panel's view. `can_…` say which verbs the payment's state allows."""

    reference: str
    sale_id: str
    amount_cents: Cents
    fee_cents: Cents
    fee_is_expected: bool
    reader: str
    state: PaymentState
    standing: Standing
    steps: tuple[Step, ...]
    issued_at: str
    card_declined: bool
    can_try_again: bool
    can_give_up: bool
    can_print_slip: bool
    can_print_statement: bool
    needs_person: bool


@dataclass(frozen=True)
class UnsettledRow:
    """One payment that is not settled."""

    reference: str
    issued_at: str
    amount_cents: Cents
    standing: Standing


@dataclass(frozen=True)
class Snapshot:
    """Everything a front end shows. `cashier` is who is signed in, or empty.

    `no_money` says why no money can be taken at all, for want of a person or a shift, or is empty.
    `caught_up` tells what became of the last outage until it has been read, or is empty.
    """

    till: str
    cashier: str
    agency: str
    training: bool
    people: PeopleView
    line: LineState
    line_fault: str
    journal_fault: str
    busy: bool
    readers: tuple[ReaderView, ...]
    draft: DraftView
    held_before: tuple[DrawerTender, ...]
    payment: PaymentView | None
    unsettled: tuple[UnsettledRow, ...]
    receipt: Receipt | None
    recent: tuple[Receipt, ...]
    shift: ShiftView | None
    no_money: str
    held: tuple[HeldSale, ...] = ()
    outbox: OutboxView = NOTHING_OWED
    caught_up: str = ""


def take_snapshot(
    *,
    config: TillConfig,
    draft: Draft,
    draft_payments: tuple[Payment, ...],
    paid_cents: Cents,
    payment: Payment | None,
    payment_entries: tuple[Entry, ...],
    unsettled: tuple[Payment, ...],
    receipt: Receipt | None,
    recent: tuple[Receipt, ...],
    line: LineState,
    busy: bool,
    emv_refusal: str | None,
    readers: tuple[ReaderView, ...],
    held: tuple[DrawerTender, ...],
    held_before: tuple[DrawerTender, ...],
    line_fault: str,
    refusal: str,
    people: PeopleView,
    shift: ShiftView | None,
    not_allowed: str,
    aside: tuple[HeldSale, ...] = (),
    outbox: OutboxView = NOTHING_OWED,
    caught_up: str = "",
) -> Snapshot:
    """Fold what is known into one view."""
    locked = any(item.locks_sale for item in draft_payments)
    return Snapshot(
        till=config.till,
        cashier=people.signed_in.name if people.signed_in else "",
        agency=config.agency,
        training=config.training,
        people=people,
        line=line,
        line_fault=line_fault,
        journal_fault=refusal,
        busy=busy,
        readers=readers,
        draft=_draft_view(
            config,
            draft,
            paid_cents,
            locked,
            not_allowed or refusal or _line_refusal(line, line_fault),
            emv_refusal or "",
            readers,
            held,
            _drawer_refusal(draft, draft_payments, not_allowed or refusal, busy),
            next((item.reference for item in draft_payments if _can_release(item)), ""),
        ),
        held_before=held_before,
        payment=_payment_view(payment, payment_entries, receipt) if payment else None,
        unsettled=tuple(
            UnsettledRow(item.reference, item.issued_at, item.amount_cents, standing(item))
            for item in unsettled
        ),
        receipt=receipt,
        recent=recent,
        shift=shift,
        no_money=not_allowed,
        held=aside,
        outbox=outbox,
        caught_up=caught_up,
    )


def _draft_view(
    config: TillConfig,
    draft: Draft,
    paid_cents: Cents,
    locked: bool,
    refused: str,
    emv_refusal: str,
    readers: tuple[ReaderView, ...],
    held: tuple[DrawerTender, ...],
    drawer_refusal: str,
    in_the_way: str,
) -> DraftView:
    groups: dict[int, list[Line]] = {}
    for item in draft.lines:
        groups.setdefault(item.priced.type_id, []).append(item)
    held_cents = sum(item.tender.amount_cents for item in held)
    due = Cents(draft.total_cents - paid_cents - held_cents)
    biller, refusal = _biller(config, draft)
    reader = next((view for view in readers if view.reader.id == draft.reader_id), None)
    return DraftView(
        sale_id=draft.sale_id,
        customer=draft.customer,
        permit=draft.permit,
        invoices=tuple(
            InvoiceView(
                type_id,
                config.type_name(type_id),
                tuple(lines),
                Cents(sum(item.priced.amount_cents for item in lines)),
            )
            for type_id, lines in groups.items()
        )
        + tuple(_retrieved_view(config, item) for item in draft.retrieved),
        total_cents=draft.total_cents,
        paid_cents=paid_cents,
        due_cents=due,
        service_fee_cents=biller.service_fee.of(due) if biller else Cents(0),
        reader=reader,
        emv_refusal=emv_refusal,
        card_refusal=refusal
        or _card_refusal(draft, due, locked, refused or (reader.refusal if reader else ""), biller),
        drawer_refusal=drawer_refusal or ("This sale is paid." if due <= 0 else ""),
        in_the_way=in_the_way,
        held=held,
        is_empty=draft.is_empty,
        is_locked=locked or paid_cents > 0 or held_cents > 0,
    )


def _can_release(payment: Payment) -> bool:
    return payment.state is PaymentState.IN_DOUBT and payment.page_gone and not payment.released


def _drawer_refusal(draft: Draft, payments: tuple[Payment, ...], refused: str, busy: bool) -> str:
    """Why cash and checks cannot be taken for the sale, or empty."""
    if not draft.has_lines:
        return "Add a fee first."
    if not draft.customer.name.strip():
        return "Enter the customer's name first."
    if busy or any(item.locks_sale and not item.released for item in payments):
        return "A card payment for this sale is not settled."
    return refused


def _retrieved_view(config: TillConfig, item: Retrieved) -> InvoiceView:
    """A retrieved invoice as one line, with what a clerk should know of it."""
    found = item.found
    parts = [f"of {format_dollars(found.balance_cents)}"] if item.is_part else []
    parts += [f"due {day_text(found.due_date)}"] if found.due_date else []
    parts += [f"AutoPay {day_text(found.autopay)}"] if found.autopay else []
    priced = PricedFee("", item.name, item.amount_cents, item.type_id, "", None, " · ".join(parts))
    line = Line(item.number, FeeRequest(""), priced)
    name = config.biller(item.biller).invoice_types.get(item.type_id, f"Type {item.type_id}")
    return InvoiceView(item.type_id, name, (line,), item.amount_cents, item)


def _biller(config: TillConfig, draft: Draft) -> tuple[Biller | None, str]:
    """Whose payment page takes these types, or why none does."""
    try:
        if draft.biller is not None:
            return config.biller(draft.biller), ""
        return config.biller_of(draft.type_ids), ""
    except Refused as refused:
        return None, refused.user_text


def _line_refusal(line: LineState, fault: str) -> str:
    return f"Cards cannot be taken: {fault}." if line is LineState.OFFLINE else ""


def _card_refusal(draft: Draft, due: Cents, locked: bool, refused: str, biller: Biller | None) -> str:
    if not draft.has_lines:
        return "Add a fee first."
    if not draft.customer.name.strip():
        return "Enter the customer's name first."
    if locked:
        return "A card payment for this sale is not settled."
    if due <= 0:
        return "This sale is paid."
    return (biller.card_refusal(due) if biller else "") or refused


def _payment_view(payment: Payment, entries: tuple[Entry, ...], receipt: Receipt | None) -> PaymentView:
    hints = [entry for entry in entries if entry.kind is EntryKind.PAYMENT_HINTED]
    last_hint = hints[-1].body["event"] if hints else ""
    told = payment.service_fee_cents if payment.confirmations else None
    return PaymentView(
        reference=payment.reference,
        sale_id=payment.sale_id,
        amount_cents=payment.amount_cents,
        fee_cents=payment.expected_fee_cents if told is None else told,
        fee_is_expected=told is None,
        reader=payment.reader,
        state=payment.state,
        standing=standing(payment, last_hint),
        steps=_steps(payment, entries, receipt),
        issued_at=payment.issued_at,
        card_declined=payment.card_declined,
        can_try_again=payment.state is PaymentState.ISSUED,
        can_give_up=payment.state is PaymentState.ISSUED,
        can_print_slip=payment.state in (PaymentState.IN_DOUBT, PaymentState.VOUCHED),
        can_print_statement=payment.state in (PaymentState.DECLINED, PaymentState.ABANDONED)
        and not payment.confirmations,
        needs_person=bool(payment.reviews),
    )


def _steps(payment: Payment, entries: tuple[Entry, ...], receipt: Receipt | None) -> tuple[Step, ...]:
    """Registered, payer pays, confirmed, receipt: each with the time its entry was recorded."""
    opened = _time_of(entries, PaymentEvent.PAGE_OPENING)
    approved = payment.state in (PaymentState.APPROVED, PaymentState.VOUCHED)
    told = _told_time(entries)
    is_paying = payment.state is PaymentState.OPEN and not payment.card_declined
    paying = StepState.NOW if is_paying else StepState.DONE
    match payment.state:
        case PaymentState.DECLINED:
            confirmed = Step("declined by the gateway", StepState.STOPPED, told)
        case PaymentState.OPEN if payment.card_declined:
            confirmed = Step("declined by the gateway", StepState.STOPPED, payment.moved_at)
        case PaymentState.VOUCHED:
            confirmed = Step("seen paid in the gateway's portal", StepState.NOW, payment.moved_at)
        case PaymentState.IN_DOUBT:
            confirmed = Step("checking with the gateway …", StepState.NOW)
        case PaymentState.APPROVED:
            confirmed = Step("confirmed by the gateway", StepState.DONE, told)
        case _:
            confirmed = Step("confirmed by the gateway", StepState.AHEAD)
    number = f"receipt {receipt.number}" if receipt else "receipt"
    return (
        Step("registered", StepState.DONE if opened else StepState.NOW, opened),
        Step("payer is paying …" if paying is StepState.NOW else "payer at the page", paying)
        if opened
        else Step("payer pays at the page", StepState.AHEAD),
        confirmed,
        Step(number, StepState.DONE if approved else StepState.AHEAD, told if approved else ""),
    )


def _told_time(entries: tuple[Entry, ...]) -> str:
    """When a fact last changed the payment's state: what was told after it changed nothing."""
    told, state = "", ""
    for entry in entries:
        if entry.kind in MOVING:
            if entry.kind is EntryKind.PAYMENT_TOLD and entry.body["state"] != state:
                told = entry.at
            state = entry.body["state"]
    return told


def _time_of(entries: tuple[Entry, ...], event: PaymentEvent) -> str:
    return next((entry.at for entry in entries if entry.body.get("event") == event.value), "")
