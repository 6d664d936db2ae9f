"""A made-up day at a counter, as receipts and corrections of the domain."""

import datetime as dt
from dataclasses import replace

from cashier.domain.corrections import Correction, Refund, ReturnedCheck, Void
from cashier.domain.daily import Carried, DailyReport, Heading, ReportKind, Scope
from cashier.domain.daily_fold import Undone, daily_report, undone_between
from cashier.domain.entries import utc_moment
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.sale import Fee, Invoice
from tests.fakes.entries import make_receipt, make_sale

DAY = dt.date(2026, 2, 3)
K = TenderKind


def counter_time(stamp: str) -> dt.datetime:
    """The counter is five hours behind UTC."""
    return utc_moment(stamp) - dt.timedelta(hours=5)


def invoices(*amounts: int) -> tuple[Invoice, ...]:
    """An invoice for each amount: types 6 and 93 in turn, of two fees with accounts of their own."""
    made = []
    for place, cents in enumerate(amounts):
        first = cents // 3
        fees = (
            Fee(f"F{place}a", "Permit", Cents(first), gl_account=f"001-32{place % 2}0"),
            Fee(f"F{place}b", "Review", Cents(cents - first), gl_account="001-3290"),
        )
        made.append(Invoice(f"N{place}", (6, 93)[place % 2], DAY, DAY, fees))
    return tuple(made)


def receipt(
    sequence: int, *tenders: Tender, total: tuple[int, ...] | None = None, payer: str = "", **changes: object
) -> Receipt:
    """A receipt of till A with these tenders, of invoices that they pay unless `total` says otherwise."""
    paid = sum(tender.amount_cents for tender in tenders)
    made = replace(
        make_receipt(f"s{sequence}", make_sale(payer or f"Payer {sequence}", f"BLD-26-{sequence:06d}")),
        number=f"A-{sequence:06d}",
        invoices=invoices(*(total or (paid,))),
        tenders=tenders,
        at=f"2026-02-03T{13 + sequence % 9:02d}:0{sequence % 10}:05.123Z",
        training=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def cash(cents: int, received: int = 0) -> Tender:
    return Tender(K.CASH, Cents(cents), id=f"cash-{cents}", received_cents=Cents(received or cents))


def check(cents: int, number: str, bank: str = "First Sample Bank", payer: str = "Robin Example") -> Tender:
    return Tender(K.CHECK, Cents(cents), id=f"check-{number}", number=number, bank=bank, payer=payer)


def card(cents: int, fee: int = 0, brand: str = "VISA") -> Tender:
    return Tender(K.CARD, Cents(cents), Cents(fee), brand, "APPROVED 727634")


def void(of: Receipt, approver: str = "Robin Supervisor") -> Void:
    return Void(
        of.number,
        of.business_date,
        of.paid_cents,
        "wrong permit or customer",
        "the neighbour's permit",
        of.cashier,
        approver,
    )


def refund(
    of: Receipt, cents: int, kind: TenderKind = K.CASH, *, done: bool = True, id: str = "r1"
) -> Refund:
    return Refund(
        id,
        of.number,
        DAY.isoformat(),
        kind,
        Cents(cents),
        Cents(0),
        "permit withdrawn",
        "moved away",
        "Kim Clerk",
        "Robin Supervisor",
        done,
    )


def returned(of: Receipt, cents: int, number: str = "1001") -> ReturnedCheck:
    date = DAY.isoformat()
    return ReturnedCheck(of.number, date, f"check-{number}", number, Cents(cents), "no funds", "Kim Clerk")


def report_of(
    receipts: list[Receipt],
    corrections: list[Correction] | None = None,
    *,
    scope: Scope | None = None,
    carried: tuple[Carried, ...] = (),
    earlier: list[Receipt] | None = None,
    kind: ReportKind = ReportKind.DAILY,
) -> DailyReport:
    """The report of DAY. `earlier` are receipts of other days that the journal has, too."""
    scope = scope or Scope(DAY, DAY)
    known = {item.number: item for item in (*receipts, *(earlier or ()))}
    undone: tuple[Undone, ...] = undone_between(((item, "A") for item in corrections or ()), scope, known.get)

    def elsewhere(number: str) -> str | None:
        return known[number].business_date if number in known else None

    return daily_report(
        heading=Heading(
            kind,
            "Sampletown Building Department",
            "2026-02-03T22:00:00.000Z",
            "Kim Clerk",
            "2026-02-03 17:00",
            type_names={6: "Building", 93: "Planning"},
        ),
        scope=scope,
        receipts=receipts,
        undone=undone,
        carried=carried,
        local=counter_time,
        elsewhere=elsewhere,
    )


def whole_day() -> DailyReport:
    """Everything that can be on a report: long names, accents, every tender, voids, refunds, gaps, doubt."""
    yesterday = replace(receipt(1, check(9_000, "88")), business_date="2026-02-02")
    long_name = "Société Générale d'Ébénisterie et de Menuiserie Müller-Øvergård & Fils, Sampletown"
    receipts = [
        receipt(
            2,
            check(4_000, "1001"),
            check(5_050, "1002", "Bank of Sampletown – Río Grande branch", long_name),
            check(1_000, "1003"),
        ),
        receipt(3, cash(12_345, 15_000), payer=long_name),
        receipt(4, cash(500)),
        receipt(5, card(10_000, 250), payer="Łukasz Żółć"),
        receipt(7, card(7_777, 194, "MASTERCARD"), belongs_to="2026-02-01"),
        receipt(8, Tender(K.MONEY_ORDER, Cents(2_000), number="MO-77", bank="Postal", payer="Kim")),
        receipt(9, Tender(K.BANK, Cents(99_999), Cents(100))),
        receipt(10, cash(4_000, 5_000), card(6_000, 150, "AMEX"), total=(7_000, 9_000)),
        *(receipt(number, card(1_000 + 37 * number, 100)) for number in range(11, 51)),
    ]
    corrections = [
        void(receipts[2]),
        refund(yesterday, 2_500),
        refund(receipts[3], 1_000, K.CARD, done=False, id="r2"),
        returned(yesterday, 4_000, "88"),
    ]
    carried = (
        Carried("A-0197aa3f0c7c7d0e9a51f0a1b2c3d4", 22_418, "IN_DOUBT", "2026-02-03T20:01:00Z", "2026-02-03"),
    )
    return report_of(receipts, corrections, earlier=[yesterday], carried=carried)
