"""Daily report, deposit slip, table: every row is there, nothing is cut off, the same is the same."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtGui import QColor, QImage, QPageSize, QPainter

from cashier.domain.daily import DailyReport, ReportKind, ShiftRow
from cashier.domain.receipt import IN_DRAWER
from cashier.domain.shift import Pile
from cashier.domain.site import Source
from cashier.paper import daily_csv, daily_drawer, deposit_page
from cashier.paper.daily_page import SIZES, Layout, pdf_bytes
from cashier.paper.pdf_dates import dated
from cashier.paper.pdf_pages import PAGE_MARGIN
from cashier.paper.sheet import UNIT, Item, Table, columns, paginated, paint_items
from tests.helpers.daily import K, card, cash, check, receipt, report_of, void, whole_day

pytestmark = pytest.mark.usefixtures("qapp")
LETTER, A4 = SIZES["Letter"], SIZES["A4"]


def texts(items: list[Item]) -> Iterator[str]:
    """Every text that items paint."""
    for item in items:
        values = item.args[0](item.args[1]) if item.args and callable(item.args[0]) else item.args[:1]
        for value in values:
            said = value if isinstance(value, tuple) else (value,)
            yield from (text for text in said if isinstance(text, str))


def picture(layout: Layout, number: int) -> QImage:
    image = QImage(round(layout.paper.width()), round(layout.paper.height()), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.translate(PAGE_MARGIN, PAGE_MARGIN)
    layout.paint(painter, number)
    painter.end()
    return image


def has_ink(image: QImage, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether anything but white is in a part of a picture."""
    white = QColor("white").rgb()
    return any(image.pixel(x, y) != white for x in range(left, right) for y in range(top, bottom))


@pytest.mark.parametrize("size", [LETTER, A4])
def test_every_instrument_and_every_name_is_on_a_page(size: QPageSize.PageSizeId) -> None:
    report = whole_day()
    layout = Layout(report, size)
    said = set(texts(layout.items))
    for item in report.instruments:
        assert {item.receipt, item.payer} <= said
    for number in ("1001", "1002", "1003", "MO-77", "MASTERCARD", "2026-02-01"):
        assert number in said
    assert any("ASKED FOR, NOT DONE YET" in text for text in said)
    assert layout.pages[0][0] == 0
    assert layout.pages[-1][1] == len(layout.items)
    assert all(before[1] == after[0] for before, after in zip(layout.pages, layout.pages[1:], strict=False))


@pytest.mark.parametrize("size", [LETTER, A4])
def test_nothing_is_painted_into_the_margins(size: QPageSize.PageSizeId) -> None:
    layout = Layout(whole_day(), size)
    assert len(layout.pages) >= 4
    width, height = round(layout.paper.width()), round(layout.paper.height())
    edge = round(PAGE_MARGIN) - 2
    for number in range(len(layout.pages)):
        image = picture(layout, number)
        assert has_ink(image, edge, edge, width - edge, height - edge)
        for part in (
            (0, 0, edge, height),
            (width - edge, 0, width, height),
            (0, 0, width, edge),
            (0, height - edge, width, height),
        ):
            assert not has_ink(image, *part), f"page {number + 1}"


def test_the_same_report_is_the_same_pdf_byte_for_byte_whenever_it_is_made() -> None:
    first = pdf_bytes(whole_day())
    other = bytearray(first)
    for stamp in ("2031-12-30T01:02:03.000Z", "2026-02-03T22:00:00.000Z"):  # as if made at another time
        dated(other, stamp)
    assert other == first == pdf_bytes(whole_day())
    assert b"20260203220000" in first
    assert pdf_bytes(report_of([receipt(1, cash(1))])) != first


def test_a_page_that_begins_in_a_table_has_its_headings_and_no_heading_stands_alone() -> None:
    report = report_of([receipt(number, card(1_000 + number)) for number in range(1, 200)])
    layout = Layout(report)
    for start, end in layout.pages[1:]:
        first = layout.items[start]
        assert first.table is not None or first.head or end == len(layout.items)
        assert not layout.items[end - 1].head
        room = (layout.height - 52) * UNIT
        height = sum(item.height for item in layout.items[start:end])
        assert height + (first.table.height if first.table else 0) <= room


def test_r3_a_void_prints_its_reason_requester_and_approver() -> None:
    receipts = [receipt(1, cash(100)), receipt(2, check(5_000, "77"))]
    said = " ".join(tuple(texts(list(Layout(report_of(receipts, [void(receipts[1])])).items))))
    assert "VOID: wrong permit or customer, Kim Clerk, approved by Robin Supervisor" in said
    assert "check 77 50.00" in said


def test_an_empty_day_is_one_page_that_says_so() -> None:
    layout = Layout(report_of([]), A4)
    assert len(layout.pages) == 1
    assert "No receipt was issued." in set(texts(layout.items))


def test_a_training_report_says_so_on_every_page() -> None:
    report = whole_day()
    trained = replace(report, heading=replace(report.heading, training=True, kind=ReportKind.X))
    for number in range(2):
        assert picture(Layout(trained), number) != picture(Layout(report), number)


def test_a_text_that_is_too_long_ends_in_its_column() -> None:
    table = Table(columns(("Name", 60), ("Amount", 60, True)))
    image = QImage(200, 30, QImage.Format.Format_RGB32)
    for text in ("W" * 200, "Åå" * 90, "i" * 400):
        image.fill(QColor("white"))
        painter = QPainter(image)
        painter.scale(1 / UNIT, 1 / UNIT)
        row = table.row(text, "")
        paint_items(painter, [row], 0, 1)
        painter.end()
        assert has_ink(image, 0, 3, 54, 12)
        assert not has_ink(image, 60, 3, 200, 12)


def test_an_item_higher_than_a_page_stands_on_one_of_its_own() -> None:
    items = [Item(height, lambda _painter: None) for height in (10.0, 500.0, 10.0)]
    assert paginated(items, 100) == ((0, 1), (1, 2), (2, 3))
    assert paginated([], 100) == ((0, 0),)


def test_all_counters_the_page_and_the_slip_name_the_tills_that_may_have_more() -> None:
    closed = Source("A", 40, "2026-02-03T22:00:00.000Z", "2026-02-03 17:00", True)
    waiting = Source("B", 30, "2026-02-03T19:02:00.000Z", "2026-02-03 14:02", False)
    report = replace(whole_day(), sources=(closed, waiting))
    for items in (Layout(report).items, list(deposit_page.deposit_items(report))):
        said = set(texts(items))
        assert {"UNSYNCED: 1 of 2 tills", closed.told, waiting.told} <= said
        assert any(text.endswith("every till of the site, from the hub") for text in said) or any(
            "every till of the site, from the hub, every clerk" in text for text in said
        )
    assert "Every till is all here" in set(texts(Layout(replace(report, sources=(closed,))).items))
    assert not any("till of the site" in text for text in texts(Layout(whole_day()).items))
    assert picture(Layout(report), 0) != picture(Layout(whole_day()), 0)


def counted_shift() -> ShiftRow:
    """A drawer of 200.00 float, 20.00 dropped and 320.50 counted, 2.05 over; checks right."""
    cash, checks, orders = IN_DRAWER
    counted = {cash: Pile(0, 32_050), checks: Pile(3, 8_050), orders: Pile(1, 4_000)}
    return ShiftRow(
        till="A",
        number=7,
        revision=1,
        business_date="2026-02-03",
        clerk="Kim Clerk",
        closed_by="Kim Clerk",
        counted_by="Kim Clerk",
        counts=2,
        approver="Robin Supervisor",
        float_cents=20_000,
        paid_in_cents=0,
        paid_out_cents=0,
        dropped_cents=2_000,
        counted=counted,
        expected={**counted, cash: Pile(0, 31_845)},
        over_cents={cash: 205, checks: 0, orders: 0},
        deposit_cents={cash: 14_050, checks: 8_050, orders: 4_000},
        pieces={10_000: 3, 2_000: 1, 25: 2},
    )


def test_a_counted_drawer_stands_on_the_report_with_what_it_is_over() -> None:
    said = list(texts(list(daily_drawer.drawer(replace(whole_day(), shifts=(counted_shift(),))))))
    assert {"Checks (3 of 3)", "318.45", "320.50", "2.05", "140.50"} <= set(said)
    assert "in 2 counts, accepted by Robin Supervisor" in " ".join(said)
    assert "Cash: float 200.00 · dropped 20.00" in said


# -- the deposit slip --------------------------------------------------------------------------------------


def test_the_deposit_slip_lists_every_check_and_what_lies_in_the_drawer() -> None:
    report = whole_day()
    said = list(texts(list(deposit_page.deposit_items(report))))
    for number in ("1001", "1002", "1003", "MO-77"):
        assert said.count(number) == 1
    assert "138.45" in said  # the cash, less the cash that was given back
    assert "258.95" in said
    assert "____________" in said
    after = list(texts(list(deposit_page.deposit_items(replace(report, shifts=(counted_shift(),))))))
    assert "____________" not in after
    assert {"Counted", "320.50", "-200.00", "Dropped before", "20.00", "Cash deposited", "140.50"} <= set(
        after
    )
    assert {"Deposit", "261.00"} <= set(after)
    assert deposit_page.pdf_bytes(report, A4).startswith(b"%PDF")
    many = [receipt(number, check(1_000, str(number))) for number in range(1, 150)]
    assert deposit_page.pdf_bytes(report_of(many)).count(b"/Type /Page\n") > 1


# -- the table ---------------------------------------------------------------------------------------------


def rows_of(report: DailyReport) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    count = daily_csv.write_csv(report, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert len(rows) == count
    return rows


def test_the_tables_rows_add_up_to_the_figures() -> None:
    report = whole_day()
    rows = rows_of(report)

    def total(*sections: str) -> int:
        found = [row for row in rows if row["section"] in sections and row["in_totals"] == "yes"]
        return sum(int(row["amount"].replace(".", "")) for row in found)

    assert total("tender") == report.figures.taken.amount_cents
    assert total("tender", "refund", "returned check") == report.figures.net_cents
    assert total("allocation") == report.figures.net_cents
    assert [row["receipt"] for row in rows if row["section"] == "gap"] == ["A-000006"]
    assert [row["in_totals"] for row in rows if row["section"] == "open"] == ["no"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\ufeff=1"])
def test_no_text_is_a_formula(text: str) -> None:
    report = report_of([receipt(1, check(100, text, bank=text, payer=text), payer=text)])
    (row,) = [row for row in rows_of(report) if row["section"] == "tender"]
    for name in ("number", "bank", "drawn_by", "payer"):
        assert row[name] == f"'{text}"
    assert row["amount"] == "1.00"


def test_names_keep_their_accents_and_line_breaks() -> None:
    name = 'Łukasz "Żółć", Ünïted\nSecond line'
    (row,) = [row for row in rows_of(report_of([receipt(1, cash(1), payer=name)])) if row["tender"] == K.CASH]
    assert row["payer"] == name
