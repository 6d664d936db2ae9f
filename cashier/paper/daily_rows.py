"""The rows of the daily receipts: every instrument, what was undone, and what each receipt paid."""

from collections.abc import Iterator

from cashier.domain.daily import Allocation, DailyReport, Instrument
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.paper.daily_parts import NOTE, WIDTH, section
from cashier.paper.sheet import Item, Style, Table, columns, paragraph

_CASH = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Payer", 150),
    ("Permit", 100),
    ("Given", 58, True),
    ("Change", 50, True),
    ("Amount", 62, True),
)
_PAPER = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Number", 62),
    ("Bank", 96),
    ("Drawn by", 100),
    ("Payer", 100),
    ("Amount", 62, True),
)
_CARD = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Brand", 70),
    ("Payer", 134),
    ("Permit", 104),
    ("Fee", 50, True),
    ("Amount", 62, True),
)


def instruments(report: DailyReport, kind: TenderKind, name: str) -> Iterator[Item]:
    """Every instrument of a tender."""
    rows = report.of_kind(kind)
    if not rows:
        return
    yield from section(f"{name} · {len(rows):,}")
    if kind is TenderKind.CASH:
        shape, values = _CASH, _cash_values
    elif kind in (TenderKind.CHECK, TenderKind.MONEY_ORDER):
        shape, values = _PAPER, _paper_values
    else:
        shape, values = _CARD, _card_values
    table = Table(shape)
    yield table.heading
    for item in rows:
        yield table.lazy(values, item)
    total = report.figures.tenders[kind]
    last = (
        f"{total.count:,}",
        *("" for _ in shape[2:-2]),
        format_dollars(total.service_fee_cents) if shape is _CARD else "",
        format_dollars(total.amount_cents),
    )
    yield table.row("Together", *last, bold=True)


def _cash_values(item: Instrument) -> tuple[str, ...]:
    given = item.received_cents
    over = format_dollars(given) if given else ""
    change = format_dollars(given - item.amount_cents) if given else ""
    amount = format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.payer, item.permit, over, change, amount)


def _paper_values(item: Instrument) -> tuple[str, ...]:
    amount = format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.number, item.bank, item.drawn_by, item.payer, amount)


def _card_values(item: Instrument) -> tuple[str, ...]:
    fee, amount = format_dollars(item.service_fee_cents), format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.brand, item.payer, item.permit, fee, amount)


_UNDONE = columns(("Receipt", 62), ("", 76), ("Payer", 170), ("Permit", 130), ("Amount", 102, True))


def voids(report: DailyReport) -> Iterator[Item]:
    """Receipts taken back, with what was handed back."""
    if not report.voids:
        return
    note = "Taken back on their own business date. Their numbers stay; their tenders were handed back."
    yield from section(f"Voids · {len(report.voids)}", note)
    table = Table(_UNDONE)
    yield table.heading
    for void in report.voids:
        yield _kept(
            table.row(void.receipt, "VOID", void.payer, void.permit, format_dollars(void.amount_cents))
        )
        handed = "; ".join(_handed_back(item) for item in void.instruments)
        yield _kept(paragraph(f"Handed back: {handed}", NOTE, WIDTH, x=62, after=0))
        yield _why(void.reason, void.text, void.requester, void.approver)
    yield _total(table, len(report.voids), report.figures.voids.amount_cents)


def _handed_back(item: Instrument) -> str:
    what = {TenderKind.CHECK: "check", TenderKind.MONEY_ORDER: "money order"}.get(item.kind, item.kind.value)
    named = f"{what} {item.number}".rstrip()
    return f"{named} {format_dollars(item.amount_cents)}"


def refunds(report: DailyReport) -> Iterator[Item]:
    """What was given back on these days."""
    if not report.refunds:
        return
    yield from section(
        f"Refunds · {len(report.refunds)}", "Given back on this day; the receipts stay as they are."
    )
    table = Table(_UNDONE)
    yield table.heading
    for refund in report.refunds:
        how = refund.kind.value.replace("_", " ")
        amount = format_dollars(-refund.amount_cents)
        yield _kept(table.row(refund.receipt, how, refund.payer, refund.permit, amount))
        if refund.service_fee_cents:
            fee = f"Service fee given back with it: {format_dollars(refund.service_fee_cents)}"
            yield _kept(paragraph(fee, NOTE, WIDTH, x=62, after=0))
        if not refund.is_done:
            said = "ASKED FOR, NOT DONE YET: to be done in the gateway's portal. In no total."
            yield _kept(paragraph(said, Style(8, True), WIDTH, x=62, after=0))
        yield _why(refund.reason, refund.text, refund.requester, refund.approver)
    yield _total(table, report.figures.refunded.count, -report.figures.refunded.amount_cents)


def returned(report: DailyReport) -> Iterator[Item]:
    """Checks that the bank did not honour."""
    if not report.returned:
        return
    yield from section(f"Checks returned by the bank · {len(report.returned)}")
    table = Table(_UNDONE)
    yield table.heading
    for check in report.returned:
        amount = format_dollars(-check.amount_cents)
        yield _kept(table.row(check.receipt, check.number, check.payer, check.permit, amount))
        yield _why(check.reason, "", check.by, "")
    total = report.figures.returned
    yield _total(table, total.count, -total.amount_cents)


def _total(table: Table, count: int, cents: int) -> Item:
    return table.row("Together", f"{count:,}", "", "", format_dollars(cents), bold=True)


def _why(reason: str, text: str, requester: str, approver: str) -> Item:
    said = f"{reason}: {text}" if text else reason
    by = f"{requester}, approved by {approver}" if approver else requester
    return paragraph(f"{said} – {by}", NOTE, WIDTH, x=62, after=3)


def _kept(item: Item) -> Item:
    """An item that stays with the one below it."""
    return Item(item.height, item.draw, item.args, head=True, table=item.table)


_LATE = columns(("Receipt", 62), ("Belongs to", 80), ("Reference", 258), ("Amount", 140, True))


def late(report: DailyReport) -> Iterator[Item]:
    """Approvals of a closed day."""
    if not report.late:
        return
    note = "Confirmed after their business date was closed. They count here; the closed day stays as it was."
    yield from section(f"Late approvals · {len(report.late)}", note)
    table = Table(_LATE)
    yield table.heading
    for item in report.late:
        yield table.row(item.receipt, item.belongs_to, item.reference, format_dollars(item.amount_cents))


_SHARES = columns(
    ("Receipt", 62), ("Permit", 128), ("Invoice type", 130), ("GL account", 140), ("Amount", 80, True)
)


def allocations(report: DailyReport) -> Iterator[Item]:
    """What each receipt paid of each invoice type and account."""
    if not report.allocations:
        return
    note = "What each receipt paid, and what each refund took back, of every invoice type and GL account."
    yield from section("Allocation, receipt by receipt", note)
    table = Table(_SHARES)
    yield table.heading
    names = {type_id: report.type_name(type_id) for type_id in report.figures.types}

    def values(share: Allocation) -> tuple[str, ...]:
        account, amount = share.account or "no account", format_dollars(share.amount_cents)
        return (share.receipt, share.permit, names[share.type_id], account, amount)

    for share in report.allocations:
        yield table.lazy(values, share)
    total = format_dollars(sum(share.amount_cents for share in report.allocations))
    yield table.row("Together", "", "", "", total, bold=True)
