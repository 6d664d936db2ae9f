"""The agency's own lines at a till: recorded with what is issued, and on what is handed out meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cashier import paths
from cashier.domain.agency_text import USUAL, AgencyText
from cashier.domain.columns import lay_out, plain_text
from cashier.domain.entries import EntryKind
from cashier.domain.payment import PaymentEvent
from cashier.domain.prints import PrintWhat
from cashier.domain.slip_text import slip_paper
from cashier.languages import load_languages
from cashier.till.ports import PrintOutcome, PrintResult
from cashier.till.printing import PrintConfig, Printing
from cashier.till.snapshot import LineState
from tests.fakes.printer import FakeMailer, FakePrinter
from tests.till.conftest import CONFIG, Desk

THEN = AgencyText(("3 Sample Lane",), ((USUAL, ("Refunds within 30 days.",)), ("fr-CA", ("Sous 30 jours.",))))
NOW = AgencyText(("4 Other Lane",), ((USUAL, ("No refunds.",)),))
NOTE = "The logo was left out: it is damaged."


class Office:
    """A desk with a printer, and with lines on its receipts."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.printer, self.mailer = desk, FakePrinter(), FakeMailer()
        self.languages = load_languages(paths.resources() / "languages")

    def printing(self) -> Printing:
        """The prints of a till that has just started."""
        config = PrintConfig(printer=self.printer, mailer=self.mailer, languages=self.languages)
        desk = self.desk
        return Printing(config, desk.till.config, desk.clock, desk.randomness, desk.journal)

    def print(self, number: str, **more: Any) -> str:
        """What a print of a receipt says, and what the clerk hears of it."""
        printing = self.printing()
        printing.ask(number, **more)
        asyncio.run(printing.work())
        return printing.view().message

    def pay(self) -> str:
        """A receipt's number."""
        asyncio.run(self.desk.open_page())
        self.desk.approve()
        return self.desk.receipts()[-1]


@pytest.fixture
def office(make_desk: Callable[..., Desk]) -> Office:
    return Office(make_desk(text=THEN))


def test_r4_a_copy_says_what_the_original_said_whatever_the_settings_say_by_now(office: Office) -> None:
    number = office.pay()
    office.print(number)
    office.desk.restart(replace(CONFIG, text=NOW))
    office.print(number)
    office.print(number, language="fr-CA")
    later = office.pay()
    office.print(later)
    original, copy, french, new = office.printer.texts
    assert "DUPLICATE 1" in copy and "DUPLICATA 2" in french
    for said in (original, copy):
        assert "3 Sample Lane" in said and "Refunds within 30 days." in said
    assert "3 Sample Lane" in french and "Sous 30 jours." in french
    assert "4 Other Lane" in new and "No refunds." in new
    assert not any("Other Lane" in text for text in (original, copy, french))


def test_they_are_in_the_receipts_entry_and_in_no_other(office: Office) -> None:
    office.pay()
    [issued] = office.desk.entries(EntryKind.RECEIPT_ISSUED)
    assert issued.body["text"] == THEN.to_json()
    others = [entry for entry in office.desk.entries() if entry.kind is not EntryKind.RECEIPT_ISSUED]
    assert "Sample Lane" not in str([dict(entry.body) for entry in others])


def test_what_is_mailed_says_the_same(office: Office) -> None:
    office.print(office.pay(), what=PrintWhat.MAIL, to="robin@example.org")
    [(*_, paper)] = office.mailer.sent
    assert "Refunds within 30 days." in plain_text(lay_out(paper.items, 42), 42)


def test_a_slip_of_a_payment_in_doubt_has_the_address_and_no_thanks(office: Office) -> None:
    payment = asyncio.run(office.desk.open_page())
    office.desk.hint(PaymentEvent.PAGE_CLOSED)
    slip = office.desk.till.desk.slip(payment.reference)
    text = plain_text(lay_out(slip_paper(slip, str).items, 42), 42)
    assert "3 Sample Lane" in text and "Refunds" not in text


async def test_o5_the_slip_of_a_parked_sale_has_the_address(office: Office) -> None:
    desk = office.desk
    desk.till.gateway_is(LineState.OFFLINE)
    desk.fill("permit")
    held = await desk.till.hold_sale()
    slip = desk.till.parking.slip(held.id)
    assert slip.address == THEN.address
    text = plain_text(lay_out(slip_paper(slip, str).items, 42), 42)
    assert "3 Sample Lane" in text and "Refunds" not in text


@pytest.mark.parametrize("lost", ["", "小"])
def test_what_a_paper_lacks_is_told_to_the_clerk(office: Office, lost: str) -> None:
    number = office.pay()
    office.printer.results = [PrintResult(PrintOutcome.PRINTED, lost=lost, note=NOTE)]
    said = office.print(number)
    assert said.startswith(f"{number} is printed") and said.endswith(NOTE)
    assert office.print(number) == ""
