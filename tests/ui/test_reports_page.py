"""The reports page: what will be printed on the left, choices on the right, whole files or none."""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, QRect, Qt
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QFileDialog, QWidget

from cashier.domain.daily import DailyReport, ReportKind, Scope
from cashier.domain.errors import Unavailable
from cashier.journal.site_daybook import SiteDaybook
from cashier.paper.daily_page import Layout, pdf_bytes
from cashier.till.reporting import Counter
from cashier.till.site_reporting import SiteReporter, site_report
from cashier.ui.report_jobs import Stopped
from cashier.ui.reports_page import ReportsPage
from tests.fakes.entries import Drafts, make_sale
from tests.fakes.people import SUPERVISOR
from tests.fakes.shifts import close_shift
from tests.fakes.site import FakeSite
from tests.helpers.daily import card, cash, check, whole_day
from tests.helpers.site import two_tills
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless

Key = Qt.Key
LONG = "Société Générale d'Ébénisterie et de Menuiserie Müller-Øvergård & Fils"


def page_of(desk: Desk, receipts: int = 3, **start: object) -> ReportsPage:
    """The page on the open day of some receipts, by cash, by checks and by card in turn."""
    desk.journal.record(list(drafts_of(desk, receipts))) if receipts else None
    desk.clerk = SUPERVISOR
    desk.start(**start)  # type: ignore[arg-type]
    desk.key(Key.Key_6, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    return desk.window.reports


def drafts_of(desk: Desk, count: int):  # type: ignore[no-untyped-def]
    drafts = Drafts("day")
    kinds = ((cash(22_418, 30_000),), (check(20_000, "1001"), check(2_418, "1002")), (card(22_418, 561),))
    for place in range(count):
        sale = make_sale(LONG if place % 7 == 3 else f"Payer {place}", f"P-{place}", f"7{place:05d}")
        yield drafts.receipt(
            f"s{place}",
            sale,
            tenders=kinds[place % 3],
            business_date=desk.clock.today().isoformat(),
            cashier="Kim Clerk" if place % 2 else "Lee Other",
        )


def told(page: ReportsPage) -> list[str]:
    said: list[str] = []
    page.noted.connect(said.append)
    page.told.connect(lambda title, text: said.append(f"{title}: {text}"))
    return said


def test_the_page_shows_the_open_day_as_it_will_print(desk: Desk) -> None:
    page = page_of(desk)
    assert desk.window.pages.currentWidget() is page
    assert desk.focus is page.first
    report = page.report
    assert report is not None
    assert (report.heading.kind, report.figures.taken.count) == (ReportKind.X, 4)
    assert "4 tenders, 672.54 taken" in page.preview.accessibleName()
    assert page.picture.isVisible()
    desk.lay_out()
    assert 0 in page.preview.pages.painted


def choose_site(desk: Desk, page: ReportsPage) -> None:
    page.till_choice.setCurrentText("Every till of the site (from the hub)")
    page.till_choice.activated.emit(page.till_choice.currentIndex())
    desk.settle()


def site_reporter_of(site: FakeSite) -> SiteReporter:
    """Makes a site's report of what a fake hub has, as the product does: on the thread that asks."""

    def make(
        counter: Counter, scope: Scope, now: dt.datetime, told: Callable[[], object] = lambda: None
    ) -> DailyReport:
        with SiteDaybook() as book:
            return asyncio.run(site_report(site, book, counter, scope, now, told))

    return make


def test_all_counters_every_till_of_the_site_can_be_chosen_by_a_supervisor(desk: Desk) -> None:
    site = FakeSite()
    for till in two_tills():
        site.has(till.till, till.rows, "2026-02-03T19:02:11.000Z")
    desk.site_reporter = site_reporter_of(site)
    page = page_of(desk)
    own = page.report
    choose_site(desk, page)
    report = page.report
    assert report is not None
    assert [one.till for one in report.sources] == ["A", "B"]
    assert (report.heading.made_by, report.figures.net_cents) == (SUPERVISOR, 39_836)
    assert "UNSYNCED, may have more: till B." in page.summary.text()
    assert page.pdf.isEnabled()
    page.till_choice.setCurrentIndex(1)
    page.refresh()
    desk.settle()
    assert page.report is not None and own is not None
    assert (page.report.sources, page.report.figures) == ((), own.figures)


def test_all_counters_off_line_the_page_says_so_and_that_the_own_report_is_there(desk: Desk) -> None:
    site = FakeSite()
    site.down = Unavailable("The hub cannot be reached.")
    desk.site_reporter = site_reporter_of(site)
    page = page_of(desk)
    choose_site(desk, page)
    assert page.report is None
    assert page.summary.text().startswith("The hub cannot be reached. Every till of the site is in the hub")
    assert not page.pdf.isEnabled()
    page.till_choice.setCurrentIndex(0)
    page.refresh()
    desk.settle()
    assert page.report is not None


def test_all_counters_a_clerk_sees_no_sites_report(desk: Desk) -> None:
    site = FakeSite()
    site.has("A", two_tills()[0].rows, "2026-02-03T19:02:11.000Z")
    desk.site_reporter = site_reporter_of(site)
    desk.start()
    page = desk.window.reports
    page.till_choice.setCurrentText("Every till of the site (from the hub)")
    page.refresh()
    desk.settle()
    assert page.report is None
    assert "supervisor" in page.summary.text()


def test_a_sites_report_under_way_is_stopped_at_its_next_part(desk: Desk) -> None:
    site = FakeSite()
    site.has("A", two_tills()[0].rows, "2026-02-03T19:02:11.000Z")
    made = site_reporter_of(site)

    def stopping(
        counter: Counter, scope: Scope, now: dt.datetime, told: Callable[[], object] = lambda: None
    ) -> DailyReport:
        page.leave()
        return made(counter, scope, now, told)

    desk.site_reporter = stopping
    page = page_of(desk)
    before, said = page.report, told(page)
    choose_site(desk, page)
    assert said == ["report stopped"]
    assert page.report is before


def test_without_a_hub_the_site_is_not_offered(desk: Desk) -> None:
    page = page_of(desk)
    assert [page.till_choice.itemText(place) for place in range(page.till_choice.count())] == [
        "Every till",
        "A",
    ]


def test_one_clerk_can_be_chosen_and_left_again(desk: Desk) -> None:
    page = page_of(desk)
    names = [page.clerk.itemText(place) for place in range(page.clerk.count())]
    assert names == ["Every clerk", "Kim Clerk", "Lee Other"]
    page.clerk.setFocus()
    desk.key(Key.Key_Down)
    page.clerk.activated.emit(page.clerk.currentIndex())
    desk.settle()
    assert page.report is not None
    assert {item.clerk for item in page.report.instruments} == {"Kim Clerk"}
    page.clerk.setCurrentIndex(0)
    desk.key(Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    assert page.report.figures.taken.count == 4


def test_a_closed_day_is_its_z_and_stays_so(desk: Desk) -> None:
    page = page_of(desk)
    close_shift(desk.till.shifts)
    desk.key(Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    assert page.report is not None
    assert page.report.heading.kind is ReportKind.Z
    before = pdf_bytes(page.report)
    desk.clock.advance(24 * 3600)
    later = replace_day(desk)
    desk.journal.record([later])
    desk.key(Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    assert pdf_bytes(page.report) == before


def replace_day(desk: Desk):  # type: ignore[no-untyped-def]
    date = desk.clock.today().isoformat()
    return Drafts("later").receipt("s9", make_sale(invoice="700099"), business_date=date)


def test_another_day_is_chosen_by_the_keyboard_and_is_empty(desk: Desk) -> None:
    page = page_of(desk)
    page.first.setDate(QDate(2020, 1, 1))
    desk.settle()
    assert page.last.date() == QDate(2020, 1, 1)
    assert page.report is not None
    assert page.report.figures.taken.count == 0
    assert "No receipt was issued." in page.summary.text()
    assert not page.picture.isVisible()
    page.last.setDate(QDate(2019, 1, 1))
    desk.settle()
    assert page.report is None
    assert "is after the last" in page.summary.text()
    assert not any(button.isEnabled() for button in page.buttons)


def test_the_keyboard_reaches_everything(desk: Desk) -> None:
    page = page_of(desk)
    seen: list[QWidget] = []
    for _ in range(30):
        seen.append(desk.focus)
        desk.key(Key.Key_Tab)
    for widget in (page.till_choice, page.clerk, page.paper, *page.buttons, page.preview):
        assert any(widget is one or widget.isAncestorOf(one) for one in seen), widget.accessibleName()
    assert nameless(desk) == []


def test_pdf_csv_and_deposit_slip_are_written(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk)
    said = told(page)
    for write, name in ((page.write_pdf, "a.pdf"), (page.write_csv, "a.csv"), (page.write_deposit, "d.pdf")):
        write(tmp_path / name)
        desk.settle()
    assert said == ["saved a.pdf", "saved a.csv", "saved d.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == pdf_bytes(page.report)  # type: ignore[arg-type]
    assert not list(tmp_path.glob("*.part"))


def test_ctrl_p_asks_where_and_writes_there(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk)
    desk.key(Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = [one for one in page.findChildren(QFileDialog) if one.isVisible()]
    dialog.fileSelected.emit(str(tmp_path / "day.pdf"))
    dialog.close()
    desk.settle()
    assert (tmp_path / "day.pdf").read_bytes().startswith(b"%PDF")


def test_what_cannot_be_written_is_told_and_leaves_what_stood_there(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk)
    said = told(page)
    page.write_pdf(tmp_path / "no" / "where.pdf")
    desk.settle()
    assert said and said[0].startswith("Not saved: where.pdf could not be written")
    desk.read_messages()


def test_a_stopped_job_leaves_nothing_half_written(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk)
    said, out = told(page), tmp_path / "day.pdf"
    out.write_bytes(b"what stood there")

    def stop_at_once(part: Path) -> None:
        part.write_bytes(b"half")
        assert page._jobs is not None
        page._jobs.stop()
        page._jobs.told(1, 2)

    page._write(out, stop_at_once)
    desk.settle()
    assert said == ["stopped, day.pdf was not written"]
    assert out.read_bytes() == b"what stood there"
    assert not list(tmp_path.glob("*.part"))
    page.write_pdf(out)  # the next job is not stopped
    desk.settle()
    assert said[-1] == "saved day.pdf"


def test_a_job_shows_progress_and_offers_to_stop(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk)
    seen: list[tuple[bool, bool]] = []

    def write(part: Path) -> None:
        assert page._jobs is not None
        page._jobs.told(1, 4)
        seen.append((page.stop.isVisible(), page.pdf.isEnabled()))

    page._write(tmp_path / "a.pdf", write)
    desk.settle()
    assert seen == [(True, False)]
    assert (page.progress.isVisible(), page.stop.isVisible(), page.pdf.isEnabled()) == (False, False, True)


def test_stopping_ends_a_pdf_between_pages() -> None:
    done: list[int] = []

    def progress(number: int, _all: int) -> None:
        done.append(number)
        if number == 2:
            raise Stopped

    with pytest.raises(Stopped):
        pdf_bytes(whole_day(), progress=progress)
    assert done == [0, 1, 2]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_texts_are_whole_at_every_size(desk: Desk, scale: float) -> None:
    page = page_of(desk, 40, text_scale=scale)
    desk.lay_out()
    for widget in (*page.buttons, page.till_choice, page.clerk, page.first):
        assert widget.width() >= widget.minimumSizeHint().width(), widget.accessibleName()
        assert widget.height() >= widget.minimumSizeHint().height(), widget.accessibleName()
    assert page.summary.height() >= page.summary.heightForWidth(page.summary.width())
    assert QRect(page.rect()).contains(page.preview.geometry())


def test_a4_pages_hold_the_same_rows(desk: Desk) -> None:
    page = page_of(desk, 40)
    page.paper.setCurrentText("A4")
    page.paper.activated.emit(1)
    layout = page.preview.layout_shown
    assert layout is not None
    assert len(layout.items) == len(Layout(page.report).items)  # type: ignore[arg-type]


def test_printing_goes_page_by_page_and_can_be_stopped(desk: Desk, tmp_path: Path) -> None:
    page = page_of(desk, 40)
    said, layout = told(page), page.preview.layout_shown
    assert layout is not None
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFileName(str(tmp_path / "printed.pdf"))
    desk.loop.run_until_complete(page._printed(layout, printer))
    assert said == ["sent to the printer"]
    pages = (tmp_path / "printed.pdf").read_bytes().count(b"/Type /Page\n")
    assert pages == len(layout.pages) > 1
    assert page._jobs is not None
    page._jobs.progressed.connect(lambda done, _all: done == 1 and page._stop())
    other = QPrinter(QPrinter.PrinterMode.HighResolution)
    other.setOutputFileName(str(tmp_path / "stopped.pdf"))
    desk.loop.run_until_complete(page._printed(layout, other))
    assert said[-1] == "printing stopped"
    assert page.pdf.isEnabled()
